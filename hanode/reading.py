"""Read configuration files as this machine would: its name, its environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from hanode import checkers, plugins, trackers
from hanode.config.build import load
from hanode.config.checker_words import Checkers, CheckerWords
from hanode.config.foreign import foreign
from hanode.config.model import Model
from hanode.config.parser import parse
from hanode.config.problems import Problem
from hanode.config.tracker_words import Trackers
from hanode.interfaces import IChecker, IFactChecker, ITracker

Reading = tuple[Model, list[Problem]]


def read(paths: Sequence[str], config_id: str | None = None) -> Reading:
    """The model of C{paths}, and everything that is wrong with it.

    @param config_id: what C{@ID} lines compare with and C{${_INSTANCE}} stands for;
        by default the host's name up to the first dot.
    """
    return load(
        paths,
        **_surroundings(config_id),
        checkers=checker_words(),
        trackers=tracker_words(),
    )


def foreign_words(paths: Sequence[str], config_id: str | None = None) -> list[Problem]:
    """What keepalived would not understand of C{paths}; C{config_id} is as above."""
    tree, _ = parse(paths, **_surroundings(config_id))
    return foreign(tree, checker_words(), tracker_words())


def _surroundings(config_id: str | None) -> dict[str, Any]:
    if config_id is None:
        config_id = os.uname().nodename.split(".")[0]
    return {"config_id": config_id, "environ": os.environ, "random": Random()}


def checker_words() -> Checkers:
    """The words of all checkers that are installed, by keyword.

    Using it raises L{ValueError} when two plug-ins offer the same keyword.
    """
    return _Words()


def tracker_words() -> Trackers:
    """The words of all trackers that are installed, by keyword.

    Raises L{ValueError} when two plug-ins offer the same keyword.
    """
    found = plugins.find(ITracker, trackers)
    return {keyword: plugin.words for keyword, plugin in found.items()}


class _Words(Mapping[str, CheckerWords]):
    """Their words; the plug-ins are looked for when there are real servers."""

    def __init__(self) -> None:
        self._checkers = plugins.Found(checkers, IChecker, IFactChecker)

    def __getitem__(self, keyword: str) -> CheckerWords:
        words: CheckerWords = self._checkers[keyword].words
        return words

    def __iter__(self) -> Iterator[str]:
        return iter(self._checkers)

    def __len__(self) -> int:
        return len(self._checkers)
