"""Many timers on one of the reactor's: a thousand instances have one each.

A timer of Twisted costs some ten microseconds from birth to end, most of them for
comparisons in Python. Here they are tuples on a heap. What is put off stays where it
is until its old time comes: a backup puts off its timer with each advertisement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer


@implementer(IDelayedCall)
class _Entry:
    """One call that is to be made; C{at} is when, in seconds of the clock.

    C{serial} is that of its place on the heap; older places of it count no more.
    """

    __slots__ = ("at", "serial", "_agenda", "_call", "_done")

    def __init__(self, agenda: Agenda, at: float, call: Callable[[], object]) -> None:
        self.at, self.serial = at, 0
        self._agenda = agenda
        self._call: Callable[[], object] | None = call
        self._done = False

    def getTime(self) -> float:
        """See L{IDelayedCall}."""
        return self.at

    def active(self) -> bool:
        """See L{IDelayedCall}."""
        return self._call is not None

    def cancel(self) -> None:
        """See L{IDelayedCall}; it leaves the heap when its time comes."""
        self._still()
        self._call = None

    def delay(self, secondsLater: float) -> None:
        """See L{IDelayedCall}."""
        self._move(self.at + secondsLater)

    def reset(self, secondsFromNow: float) -> None:
        """See L{IDelayedCall}."""
        self._move(self._agenda.seconds() + secondsFromNow)

    def take(self) -> Callable[[], object]:
        """What is to be called now, once, and only while it is active."""
        call, self._call, self._done = self._call, None, True
        assert call is not None, "active() comes first"
        return call

    def _move(self, at: float) -> None:
        self._still()
        earlier, self.at = at < self.at, at
        if earlier:
            self._agenda.add(self)

    def _still(self) -> None:
        if self._done:
            raise AlreadyCalled
        if self._call is None:
            raise AlreadyCancelled


@implementer(IReactorTime)
class Agenda:
    """A clock for many callers, made of another clock."""

    log = Logger()

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.seconds: Callable[[], float] = clock.seconds
        self._heap: list[tuple[float, int, _Entry]] = []
        self._serial = count()
        self._alarm: IDelayedCall | None = None
        self._alarm_at = inf
        self._running = False

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: Any, **kw: Any
    ) -> _Entry:
        """See L{IReactorTime}. What is due at once is called after the next reading."""
        call = (lambda: callable(*args, **kw)) if args or kw else callable
        entry = _Entry(self, self.seconds() + delay, call)
        self.add(entry)
        return entry

    def getDelayedCalls(self) -> Sequence[_Entry]:
        """See L{IReactorTime}."""
        return list({entry for _, _, entry in self._heap if entry.active()})

    def add(self, entry: _Entry) -> None:
        """Look at C{entry} when its time comes."""
        entry.serial = next(self._serial)
        heappush(self._heap, (entry.at, entry.serial, entry))
        if entry.at < self._alarm_at and not self._running:
            self._set_alarm(entry.at)

    def _set_alarm(self, at: float) -> None:
        delay = max(0.0, at - self.seconds())
        if self._alarm is not None and self._alarm.active():
            self._alarm.reset(delay)
        else:
            self._alarm = self._clock.callLater(delay, self._ring)
        self._alarm_at = at

    def _ring(self) -> None:
        """Make all calls that are due; what they add waits until sockets were read."""
        now, limit, heap = self.seconds(), next(self._serial), self._heap
        self._alarm, self._alarm_at, self._running = None, inf, True
        later: list[_Entry] = []
        while heap and heap[0][0] <= now:
            _, serial, entry = heappop(heap)
            if serial != entry.serial or not entry.active():
                continue  # it has another place by now, or was cancelled
            if serial > limit or entry.at > now:
                later.append(entry)
                continue
            call = entry.take()
            try:
                call()
            except Exception:
                self.log.failure("a timer failed")
        for entry in later:
            self.add(entry)
        self._running = False
        if heap:
            self._set_alarm(heap[0][0])
