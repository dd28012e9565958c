"""Takes a new configuration while the node runs: by a signal, or because it is asked.

A broken one is refused as a whole. What takes time to be read is read by another
process, because packets cannot wait; requests that come meanwhile share one more
reading afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from hanode.config.diff import Difference, diff
from hanode.config.model import Model
from hanode.config.problems import Problem, Severity, worst
from hanode.interfaces import IProcesses
from hanode.node import Node
from hanode.reading import Reading

QUICK = 0.02  # seconds of reading that packets can bear
LEVELS = {
    Severity.WARNING: LogLevel.warn,
    Severity.DROPPED: LogLevel.error,
    Severity.ERROR: LogLevel.critical,
}


class Source(Protocol):
    """Where the configuration comes from: the command line knows."""

    seconds: float

    def load(self) -> Reading:
        """Read it here and now."""

    def load_aside(
        self, processes: IProcesses, present: Model, path: str | None = None
    ) -> Deferred[Reading]:
        """The same by another process; C{path} is another file."""


@dataclass(frozen=True)
class Outcome:
    """What came of a new configuration: whether it is C{refused}, what is wrong with
    it, and how it differs from the one before (nothing when it was refused).
    """

    refused: bool
    problems: tuple[str, ...] = ()
    difference: str = ""
    changes: bool = False


class Reloading:
    """The reloads of one daemon.

    @param apply: makes the node run a model, and gives the difference.
    @param began: called when a reload begins, C{ended} when it is over.
    """

    log = Logger()

    def __init__(
        self,
        source: Source,
        node: Node,
        apply: Callable[[Model], Difference],
        began: Callable[[], object],
        ended: Callable[[], object],
    ) -> None:
        self._source, self._node, self._apply = source, node, apply
        self._began, self._ended = began, ended
        self._busy = False
        self._waiting: list[Deferred[Outcome]] = []  # for the reading after this one

    def reload(self) -> Deferred[Outcome]:
        """Read the configuration again, and run it unless it is broken."""
        asked: Deferred[Outcome] = Deferred()
        self._waiting.append(asked)
        if not self._busy:
            self._read()
        return asked

    def compare(self, path: str | None = None) -> Deferred[Outcome]:
        """What a reload would do, with the file C{path} or our own; nothing is done.

        For virtual servers only the names of those that differ are told.
        """
        reading = self._aside(path)
        return reading.addCallback(lambda found: self._compared(*found))

    def _compared(self, model: Model, problems: Sequence[Problem]) -> Outcome:
        told = tuple(map(str, problems))
        if _refused(problems):
            return Outcome(True, told)
        found = diff(self._node.model, model)
        return Outcome(False, told, str(found), bool(found))

    def _aside(self, path: str | None = None) -> Deferred[Any]:
        processes, present = self._node.world.processes, self._node.model
        return self._source.load_aside(processes, present, path)

    def _read(self) -> None:
        self._busy = True
        waiting, self._waiting = self._waiting, []
        self._began()
        self.log.info("Reloading ...")
        if self._source.seconds < QUICK:
            reading: Deferred[Any] = maybeDeferred(self._source.load)
        else:
            reading = self._aside()
        reading.addCallback(lambda found: self._take(*found))
        reading.addErrback(self._failed)
        reading.addCallback(self._finish, waiting)

    def _failed(self, failure: Failure) -> Outcome:
        self.log.failure("Reload failed", failure)
        return Outcome(True, (f"reload failed: {failure.getErrorMessage()}",))

    def _finish(self, outcome: Outcome, waiting: list[Deferred[Outcome]]) -> None:
        self._busy = False
        self._ended()
        for each in waiting:
            each.callback(outcome)
        if self._waiting and not self._busy:
            self._read()

    def _take(self, model: Model, problems: Sequence[Problem]) -> Outcome:
        for problem in problems:
            self.log.emit(LEVELS[problem.severity], "{problem}", problem=problem.line)
        told = tuple(map(str, problems))
        if _refused(problems):
            self.log.error("Reload refused: the old configuration stays in force")
            return Outcome(True, told)
        if model.process != self._node.model.process:
            self.log.warn("what concerns the process itself waits for a restart")
        found = self._apply(model)
        return Outcome(False, told, str(found), bool(found))


def _refused(problems: Sequence[Problem]) -> bool:
    return worst(problems) in (Severity.ERROR, Severity.DROPPED)
