"""All checks of the node: each distinct one is made once, whoever wants to know.

A probe of a check is not begun before the last one has ended. What a result means is
told by L{hanode.health}; here is when, by whom and for whom it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import inf
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from hanode.calendar import Calendar
from hanode.config.balance_model import Check
from hanode.facts import Facts
from hanode.health import Actions, Health
from hanode.interfaces import IChecker, IFactChecker
from hanode.limits import Limits
from hanode.result import FAULT, Result

#: who may be suspended, so that nothing is to be checked for it, and which part of it
User = tuple[Any, Any]
ENDLESS = "no result"  # the probe did not come to an end


class Line:
    """One check, and everyone who wants to know its outcome.

    C{due} belongs to the calendar. C{running} is the probe that was begun;
    C{probes} counts them. C{active}: somebody wants it to be made now.
    """

    __slots__ = (
        *("check", "health", "checker", "users", "due", "running", "probes"),
        *("active", "unwatch"),
    )

    def __init__(self, check: Check, health: Health, checker: Any) -> None:
        self.check, self.health, self.checker = check, health, checker
        self.users: list[User] = []
        self.due = inf
        self.running: Deferred[Result] | None = None
        self.probes = 0
        self.active = False
        self.unwatch: Callable[[], None] | None = None

    def __repr__(self) -> str:
        target = self.check.target
        return f"<{self.check.keyword} of [{target.address}]:{target.port}>"

    @property
    def wanted(self) -> bool:
        """Whether one of the users is not suspended."""
        return any(not virtual.suspended for virtual, _ in self.users)


class Checks:
    """The lines of one node.

    @param checkers: the checker plug-ins of both kinds, by keyword.
    @param changed: called with a line and the actions of its health, if there are
        any but probes.
    """

    log = Logger()

    def __init__(
        self,
        world: Any,
        facts: Facts,
        checkers: Mapping[str, Any],
        changed: Callable[[Line, Actions], object],
    ) -> None:
        self._world, self._facts, self._changed = world, facts, changed
        self._checkers = checkers
        self._seconds: Callable[[], float] = world.clock.seconds
        self._lines: dict[Check, Line] = {}
        self._calendar: Calendar[Line] = Calendar(world.clock, self._probe)
        self._limits = Limits(world.clock, self._endless)
        self._running = False
        self.wait = False  # whether everything is down before its first success

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines.values())

    def __len__(self) -> int:
        return len(self._lines)

    # -- who wants what

    def line(
        self, check: Check, similar: Line | None = None, down: bool = False
    ) -> Line:
        """The line of C{check}, made when there is none.

        @param similar: the same check with another schedule, which it goes on from.
        @param down: whether it is assumed to be down, whatever its schedule says.
        """
        line = self._lines.get(check)
        if line is not None:
            return line
        now = self._seconds()
        up = not (down or self.wait or check.schedule.alpha)
        health = Health(check.schedule, self._world.random.random, up, now)
        if similar is not None:
            health.adopt(similar.health, now=now)
        line = Line(check, health, self._checkers.get(check.keyword))
        if line.checker is None:
            self.log.error("{line!r}: there is no such checker", line=line)
        self._lines[check] = line
        return line

    def join(self, line: Line, user: User) -> None:
        """C{user} is told of each change from now on."""
        line.users.append(user)
        self.settle(line)

    def leave(self, line: Line, user: User) -> None:
        """C{user} is not; a line without users is gone."""
        line.users.remove(user)
        self.settle(line)
        if not line.users and self._lines.get(line.check) is line:
            del self._lines[line.check]

    def forget(self, virtual: Any) -> None:
        """No part of C{virtual} is told of anything any more."""
        for line in tuple(self._lines.values()):
            for user in [each for each in line.users if each[0] is virtual]:
                self.leave(line, user)

    def of(self, check: Check) -> Line:
        """The line of a check that somebody uses. Raises L{KeyError}."""
        return self._lines[check]

    def start(self) -> None:
        """From now on checks are made."""
        self._running = True
        for line in tuple(self._lines.values()):
            self.settle(line)

    def stop(self) -> None:
        """No more probes; those that were begun are given up."""
        self._running = False
        for line in tuple(self._lines.values()):
            self.settle(line)
        self._calendar.halt()
        self._limits.halt()

    def settle(self, line: Line) -> None:
        """Begin or end checking, as its users want it now."""
        active = self._running and line.wanted and line.checker is not None
        if active is line.active:
            return
        line.active = active
        if IFactChecker.providedBy(line.checker):
            self._follow(line)
        elif active:
            if line.health.deadline is None:
                line.health.start(now=self._seconds())
            self._arm(line)
        else:
            line.health.suspend()
            self._calendar.remove(line)
            self._give_up(line)

    # -- probes

    def _arm(self, line: Line) -> None:
        deadline = line.health.deadline
        if deadline is not None:
            self._calendar.put(line, deadline)

    def _probe(self, line: Line, due: float) -> None:
        line.health.expire(now=due)
        line.probes += 1
        checker: IChecker = line.checker
        try:
            running = checker.probe(self._world, line.check)
        except Exception as problem:
            self.log.failure("{line!r} failed", line=line)
            self._record(line, broken(problem))
            return
        line.running = running
        self._limits.begin(line)
        running.addBoth(self._ended, line, running)

    def _ended(self, result: Any, line: Line, running: Deferred[Result]) -> None:
        if line.running is not running:
            return  # it was given up
        line.running = None
        self._limits.end(line)
        if not isinstance(result, Result):
            self.log.error("{line!r} failed: {result}", line=line, result=result)
            result = broken(getattr(result, "value", result))
        self._record(line, result)

    def _give_up(self, line: Line) -> None:
        running, line.running = line.running, None
        if running is None:
            return
        self._limits.end(line)
        try:
            running.cancel()
        except Exception:
            self.log.failure("{line!r} failed", line=line)

    def _endless(self, line: Line, seconds: float) -> None:
        """The probe of C{line} has had its time, which is so many seconds."""
        last = line.health.result
        if last is None or last.reason != ENDLESS:
            self.log.error(
                "{line!r}: no result after {seconds:g} s, given up",
                line=line,
                seconds=seconds,
            )
        self._give_up(line)
        self._record(line, Result(False, ENDLESS, f"after {seconds:g} s"))

    def _record(self, line: Line, result: Result) -> None:
        health = line.health
        actions = health.record(result, now=self._seconds())
        # Before anybody is told, who might not want it to be made any more.
        self._arm(line)
        if actions:
            self._changed(line, actions)

    # -- facts

    def _follow(self, line: Line) -> None:
        if line.unwatch is not None:
            line.unwatch()
            line.unwatch = None
        if line.active:
            checker: IFactChecker = line.checker
            try:
                name = checker.fact(line.check)
            except Exception as problem:
                self.log.failure("{line!r} failed", line=line)
                self._learn(line, broken(problem))
                return
            line.unwatch = self._facts.watch(
                name, lambda _, value: self._judge(line, value)
            )

    def _judge(self, line: Line, value: Any) -> None:
        checker: IFactChecker = line.checker
        try:
            result = checker.judge(line.check, value)
        except Exception as problem:
            self.log.failure("{line!r} failed", line=line)
            result = broken(problem)
        self._learn(line, result)

    def _learn(self, line: Line, result: Result) -> None:
        line.probes += 1
        now = self._seconds()
        line.health.expire(now=now)
        actions = line.health.record(result, now=now)
        if actions:
            self._changed(line, actions)


def broken(problem: object) -> Result:
    """The result of a checker that does not keep its promise: no server is to blame."""
    return Result(False, FAULT, str(problem), ours=True)
