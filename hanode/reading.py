"""Read configuration files as this machine would: its name, its environment."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred

from hanode import checkers, plugins
from hanode.config.build import load
from hanode.config.checker_words import Checkers
from hanode.config.model import Model
from hanode.config.problems import Problem
from hanode.interfaces import IChecker, IFactChecker, IProcesses

Reading = tuple[Model, list[Problem]]
#: The child finds the modules where we found them, whatever its environment says.
_CHILD = (
    "import os, sys; sys.path[:] = sys.argv[1].split(os.pathsep);"
    "from hanode.reading import main; main(sys.argv[2:])"
)
LONGEST = 60.0  # seconds that reading in another process may take


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


def read_aside(
    processes: IProcesses, paths: Sequence[str], config_id: str | None = None
) -> Deferred[Reading]:
    """The same by a process of its own, because thousands of lines take a while.

    The Deferred fails with L{OSError} when that process cannot be run, or fails.
    """
    folder = TemporaryDirectory(prefix="hanode-")  # ours alone: mode 0700
    result = Path(folder.name) / "reading"
    words = [sys.executable, "-c", _CHILD, os.pathsep.join(sys.path), str(result)]
    done: Deferred[Any] = processes.run(
        [*words, config_id or "", *paths], timeout=LONGEST
    )

    def take(end: Any) -> Reading:
        if not end.ok:
            raise OSError(f"the process that reads the configuration: {end}")
        reading: Reading = pickle.loads(result.read_bytes())
        return reading

    def clean(outcome: Any) -> Any:
        folder.cleanup()
        return outcome

    done.addCallback(take)
    done.addBoth(clean)
    return done


def main(argv: Sequence[str]) -> None:
    """Read and leave the result in a file: its name, the id or "", the paths."""
    result, config_id, *paths = argv
    Path(result).write_bytes(pickle.dumps(read(paths, config_id or None)))
