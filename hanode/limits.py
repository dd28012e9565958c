"""How long probes may run, whatever checkers do: the last limit, above their own.

Nothing is timed for a single probe. All that run are looked at every now and then; one
that has been seen running so often that its time must be over is given up. So stalls
of this process are nobody's fault, and a probe ends up to two looks late.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

LOOK = 2.0  # seconds between two looks at what runs
STEPS, MARGIN = 5, 5.0  # of a checker that states no limit: timeouts, and seconds


class Checked(Protocol):
    """Who has a probe running."""

    check: Any
    checker: Any


Runner = TypeVar("Runner", bound=Checked)


class Limits(Generic[Runner]):
    """Everyone whose probe runs.

    @param over: called with who had a probe running for too long, and with the limit
        in seconds; it is to end that.
    """

    log = Logger()

    def __init__(
        self, clock: IReactorTime, over: Callable[[Runner, float], object]
    ) -> None:
        self._clock, self._over = clock, over
        # how many looks are left; None: nobody has looked yet
        self._left: dict[Runner, int | None] = {}
        self._call: IDelayedCall | None = None

    def begin(self, runner: Runner) -> None:
        """A probe runs from now on."""
        self._left[runner] = None
        if self._call is None:
            self._call = self._clock.callLater(LOOK, self._look)

    def end(self, runner: Runner) -> None:
        """It does not any more."""
        self._left.pop(runner, None)

    def halt(self) -> None:
        """Nothing runs any more."""
        self._left.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _look(self) -> None:
        self._call = None
        late: list[Runner] = []
        for runner, left in self._left.items():
            if left is None:
                self._left[runner] = ceil(self.limit(runner) / LOOK)
            elif left > 1:
                self._left[runner] = left - 1
            else:
                late.append(runner)
        if self._left:
            self._call = self._clock.callLater(LOOK, self._look)
        for runner in late:
            if runner in self._left:
                self._over(runner, self.limit(runner))

    def limit(self, runner: Runner) -> float:
        """Seconds that a probe may take, as its checker says."""
        check = runner.check
        longest = getattr(runner.checker, "longest", None)
        if longest is not None:
            try:
                return float(longest(check))
            except Exception:
                self.log.failure("{runner!r} states no limit", runner=runner)
        return float(STEPS * check.target.timeout + MARGIN)
