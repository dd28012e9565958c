"""A script that is to run all the time: when it ends it is started again."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from hanode.config.model import Script
from hanode.scripts import ScriptRunner

FIRST, LONGEST = (
    1.0,
    30.0,
)  # seconds before it is started again, twice as long each time
LONG = 10.0  # seconds after which it counts as having worked
GRACE = 0.5  # seconds from the end of its input until it is asked to end


class FifoScript:
    """The C{script} that reads a FIFO; C{what} names it in the log."""

    log = Logger()

    def __init__(
        self, clock: Any, runner: ScriptRunner, script: Script, what: str
    ) -> None:
        self._clock, self._runner = clock, runner
        self._script, self._what = script, what
        self._run: Deferred[Any] | None = None
        self._again: IDelayedCall | None = None
        self._pause = FIRST
        self._began = 0.0
        self._stopping: Deferred[None] | None = None

    def start(self) -> None:
        """Start it."""
        self._again = None
        self._began = self._clock.seconds()
        self._run = self._runner.run(self._script)
        self._run.addBoth(self._ended)

    def stop(self) -> Deferred[None]:
        """Its input has ended: let it end, too. Fires when it has."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._run is None:
            return succeed(None)
        self._stopping = Deferred()
        self._again = self._clock.callLater(GRACE, self._run.cancel)
        return self._stopping

    def _ended(self, result: Any) -> None:
        self._run = None
        if self._stopping is not None:
            if self._again is not None and self._again.active():
                self._again.cancel()
            self._stopping.callback(None)
            return
        if isinstance(result, Failure):
            reason = result.getErrorMessage()
            assert not result.check(CancelledError), "only stop cancels it"
        else:
            reason = str(result)
        if self._clock.seconds() - self._began >= LONG:
            self._pause = FIRST
        self.log.warn(
            "{what} script terminated ({reason}): starting it again in {seconds:g} s",
            what=self._what,
            reason=reason,
            seconds=self._pause,
        )
        self._again = self._clock.callLater(self._pause, self.start)
        self._pause = min(2 * self._pause, LONGEST)
