"""Read configuration files as this machine would: its name, its environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from random import Random
from typing import Any

from hanode import checkers, plugins
from hanode.config.build import load
from hanode.config.checker_words import Checkers
from hanode.config.model import Model
from hanode.config.problems import Problem
from hanode.interfaces import IChecker, IFactChecker

Reading = tuple[Model, list[Problem]]


def read(paths: Sequence[str], config_id: str | None = None) -> Reading:
    """The model of C{paths}, and everything that is wrong with it.

    @param config_id: what C{@ID} lines compare with and C{${_INSTANCE}} stands for;
        by default the host's name up to the first dot.
    """
    if config_id is None:
        config_id = os.uname().nodename.split(".")[0]
    return load(
        paths,
        config_id=config_id,
        environ=os.environ,
        random=Random(),
        checkers=checker_words(),
    )


def checker_words() -> Checkers:
    """The words of all checkers that are installed, by keyword.

    Raises L{ValueError} when two plug-ins offer the same keyword.
    """
    found: dict[str, Any] = {}
    for kind in (IChecker, IFactChecker):
        for keyword, plugin in plugins.find(kind, checkers).items():
            if keyword in found:
                raise ValueError(f"{keyword} offered twice: {plugin!r}")
            found[keyword] = plugin.words
    return found
