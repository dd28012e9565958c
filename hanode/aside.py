"""Read the configuration by another process, and take it over a little at a time.

Thousands of real servers take seconds to read, and even the finished records take
a quarter of a second to load: many detection times. So they come in pieces, each of a
millisecond or two, with the reactor in between.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator

from hanode import shipping
from hanode.config.model import Model
from hanode.interfaces import IProcesses
from hanode.reading import Reading, read
from hanode.taking_turns import after

#: The child finds the modules where we found them, whatever its environment says.
_CHILD = (
    "import os, sys; sys.path[:] = sys.argv[1].split(os.pathsep);"
    "from hanode.aside import main; main(sys.argv[2:])"
)
LONGEST = 60.0  # seconds that reading in another process may take
SLICE = 0.002  # seconds of taking over before others get their turn


def read_aside(
    processes: IProcesses,
    paths: Sequence[str],
    config_id: str | None = None,
    present: Model | None = None,
) -> Deferred[Reading]:
    """The same as L{hanode.reading.read}, without holding up the reactor.

    @param present: the model in force; what is equal in both becomes the same object.

    The Deferred fails with L{OSError} when the other process cannot be run, or fails.
    """
    folder = TemporaryDirectory(prefix="hanode-")  # ours alone: mode 0700
    result = Path(folder.name) / "reading"
    words = [sys.executable, "-c", _CHILD, os.pathsep.join(sys.path), str(result)]
    done: Deferred[Any] = processes.run(
        [*words, config_id or "", *paths], timeout=LONGEST
    )

    def take(end: Any) -> Deferred[Reading]:
        if not end.ok:
            raise OSError(f"the process that reads the configuration: {end}")
        return _taken_over(result, present or Model())

    def clean(outcome: Any) -> Any:
        folder.cleanup()
        return outcome

    done.addCallback(take)
    done.addBoth(clean)
    return done


def _taken_over(result: Path, present: Model) -> Deferred[Reading]:
    """What the file C{result} says, read in slices."""
    found: list[Reading] = []
    reader = _records(result, present, found)
    cooperator = Cooperator(terminationPredicateFactory=after(SLICE))
    done: Deferred[Any] = cooperator.coiterate(reader)
    return done.addCallback(lambda _: found[0])


def _records(result: Path, present: Model, found: list[Reading]) -> Iterator[None]:
    """Each step loads a few records; the last one puts the reading into C{found}."""
    with _uncollected(), result.open("rb") as file:
        yield from shipping.load(file, present, found)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """While records by the hundred thousand are made, nobody looks for garbage.

    Looking through all of them would hold up the reactor for longer than making them.
    They have no cycles, and they stay: afterwards they are not looked at again.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()


def main(argv: Sequence[str]) -> None:
    """Read and leave the result in a file: its name, the id or "", the paths."""
    result, config_id, *paths = argv
    gc.disable()  # this process ends before it would be worth while
    with open(result, "wb") as file:
        shipping.write(read(paths, config_id or None), file)
