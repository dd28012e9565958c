"""Read configuration files as this machine would: its name, its environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from random import Random

from hanode.config.build import load
from hanode.config.model import Model
from hanode.config.problems import Problem


def read(
    paths: Sequence[str], config_id: str | None = None
) -> tuple[Model, list[Problem]]:
    """The model of C{paths}, and everything that is wrong with it.

    @param config_id: what C{@ID} lines compare with and C{${_INSTANCE}} stands for;
        by default the host's name up to the first dot.
    """
    if config_id is None:
        config_id = os.uname().nodename.split(".")[0]
    return load(paths, config_id=config_id, environ=os.environ, random=Random())
