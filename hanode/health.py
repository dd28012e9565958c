"""The state of one check (pure): what its results mean, and when it is made again.

keepalived.conf(5): alpha, warmup, delay_loop, retry, delay_before_retry. Without alpha
a check is up until it fails, and the very first failure, before any success, counts at
once. Later C{retry} more failures in a row are needed. While it is down, one success
is enough.

Events take C{now} in seconds and return actions. Most results say nothing new: they
cost no more than a few comparisons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hanode.config.balance_model import Schedule
from hanode.result import Result

FIRST = 1.0  # seconds from the start to the earliest first check


@dataclass(frozen=True, slots=True)
class Probe:
    """Look now, and give the result to C{record}."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The check is C{up} now, or not, after C{retries} that failed as well.

    It is also given for the first result of a check that was assumed to be down.
    """

    up: bool
    result: Result
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Weighed:
    """The result has another opinion of the real server's weight than before."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A failure that decides nothing, for the log (log_all_failures)."""

    result: Result


@dataclass(frozen=True, slots=True)
class Unable:
    """This machine could not look, for the first time in a row; nothing is decided."""

    result: Result


Action = Probe | Verdict | Weighed | Attempt | Unable
Actions = tuple[Action, ...]
NOTHING: Actions = ()
PROBE: Actions = (Probe(),)
WEIGHED: Actions = (Weighed(),)


class Health:
    """One check. C{deadline} is None while it waits for a result, or for its start.

    C{up} is the verdict, C{since} its time; C{tried} and C{succeeded} tell whether
    there was any result, any success; C{result} is the last one. C{weight} and
    C{change} are the last that a result said of the real server's weight.
    """

    __slots__ = (
        *("schedule", "up", "since", "tried", "succeeded", "failures", "result"),
        *("weight", "change", "deadline", "began", "_random"),
    )

    def __init__(
        self, schedule: Schedule, random: Callable[[], float], up: bool, now: float
    ) -> None:
        self.schedule, self._random = schedule, random
        self.up, self.since = up, now
        self.tried = self.succeeded = False
        self.failures = 0  # in a row, while up
        self.result: Result | None = None
        self.weight: int | None = None
        self.change: int | None = None
        self.deadline: float | None = None
        self.began = now  # when the last probe was

    def start(self, *, now: float) -> None:
        """Begin, or begin again: the first probe comes after the warm-up."""
        self.failures = 0
        self.deadline = now + FIRST + self._random() * self.schedule.warmup

    def suspend(self) -> None:
        """No more probes; the verdict stays."""
        self.deadline = None

    def adopt(self, old: Health, *, now: float) -> None:
        """Go on from C{old}: the same check, with another schedule."""
        for name in ("up", "since", "tried", "succeeded", "result", "weight", "change"):
            setattr(self, name, getattr(old, name))
        soon = now + self.schedule.delay_loop
        self.deadline = soon if old.deadline is None else min(old.deadline, soon)

    def expire(self, *, now: float) -> Actions:
        """Time has come."""
        self.began, self.deadline = now, None
        return PROBE

    def record(self, result: Result, *, now: float) -> Actions:
        """A probe, or a fact, has had this result."""
        before, self.result = self.result, result
        following = self.began + self.schedule.delay_loop
        self.deadline = following if following > now else now
        if not result.ok:
            if result.ours:
                again = before is not None and before.ours
                return NOTHING if again else (Unable(result),)
            return self._failure(result, now) + self._opinion(result)
        self.succeeded = True
        self.failures = 0
        if self.up:
            self.tried = True
            if result.weight is result.change is None:
                return NOTHING
            return self._opinion(result)
        return (self._enter(True, result, 0, now), *self._opinion(result))

    def _failure(self, result: Result, now: float) -> Actions:
        schedule = self.schedule
        if self.up:
            if self.succeeded and self.failures < schedule.retry:
                self.failures += 1
                self.deadline = now + schedule.delay_before_retry
            else:
                return (self._enter(False, result, self.failures, now),)
        elif not self.tried:
            return (self._enter(False, result, 0, self.since),)
        return (Attempt(result),) if schedule.log_all_failures else NOTHING

    def _enter(self, up: bool, result: Result, retries: int, now: float) -> Verdict:
        self.up, self.since, self.tried, self.failures = up, now, True, 0
        return Verdict(up, result, retries)

    def _opinion(self, result: Result) -> Actions:
        """Note what C{result} says of the weight; None says nothing."""
        before = self.weight, self.change
        if result.weight is not None:
            self.weight = result.weight
        if result.change is not None:
            self.change = result.change
        return NOTHING if before == (self.weight, self.change) else WEIGHED
