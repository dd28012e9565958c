"""Read the configuration by another process, and take it over a little at a time.

Thousands of real servers take seconds to read, and even the finished records take
half a second to load: as long as twenty detection times. So they come in pieces, each
of a millisecond or two, with the reactor in between.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator

from hanode.config.balance_model import VirtualServer
from hanode.config.model import Model
from hanode.config.problems import Problem
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
    """Each step loads one record; the last one puts the model into C{found}."""
    servers: dict[str, VirtualServer] = {}
    with _uncollected(), result.open("rb") as file:
        rest, problems, count = pickle.load(file)
        for _ in range(count):
            server = _next(file, present)
            servers[server.name] = server
            yield
    found.append((replace(rest, virtual_servers=servers), problems))


def _next(file: BinaryIO, present: Model) -> VirtualServer:
    server: VirtualServer = pickle.load(file)
    same = present.virtual_servers.get(server.name)
    return same if same is not None and same == server else server


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


def write(reading: Reading, file: BinaryIO) -> None:
    """Leave a reading in C{file}, the virtual servers one by one."""
    model, problems = reading
    servers = model.virtual_servers.values()
    first: tuple[Model, list[Problem], int]
    first = replace(model, virtual_servers={}), problems, len(servers)
    pickle.dump(first, file)
    for server in servers:
        pickle.dump(server, file)


def main(argv: Sequence[str]) -> None:
    """Read and leave the result in a file: its name, the id or "", the paths."""
    result, config_id, *paths = argv
    gc.disable()  # this process ends before it would be worth while
    with open(result, "wb") as file:
        write(read(paths, config_id or None), file)
