"""Waits for many connections at once: one epoll set and one timer for all of them.

Thousands are made in a second. A descriptor of the reactor and a delayed call for each
would cost as much as all the rest that Python does for it. epoll(7): the set can itself
be waited for, which the reactor does as long as there is anything in it. What is over
within the turn that it began in does not even come into the set.
"""

from __future__ import annotations

from select import EPOLLERR, EPOLLHUP, EPOLLOUT, epoll
from typing import Any, Protocol

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

PER_TURN = 32  # connections, then others may have the reactor
_EVENTS = EPOLLOUT | EPOLLERR | EPOLLHUP


class Waiting(Protocol):
    """Somebody who waits for a connection, or for the time to be over."""

    def soon(self) -> None:
        """All that was to begin in this turn has begun."""

    def ready(self) -> None:
        """The descriptor can be written, or has an error."""

    def late(self) -> None:
        """The time is over."""


@implementer(IReadDescriptor)
class Switchboard:
    """That of one reactor; L{of} finds it. Idle, it leaves nothing in the reactor."""

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._seconds = reactor.seconds
        self._epoll = epoll()
        self.fileno = self._epoll.fileno
        self._begun: list[Waiting] = []
        self._waiting: dict[int, Waiting] = {}
        # timeout -> who waits -> until when. All in one line wait equally long, so
        # that who came first is the first to be late.
        self._lines: dict[float, dict[Waiting, float]] = {}
        self._pending = 0  # in all lines
        self._timer: Any = None
        self._armed = 0.0  # when the timer goes off

    def begun(self, waiting: Waiting) -> None:
        """Call C{waiting.soon} after this turn."""
        if not self._begun:
            self._reactor.callLater(0, self._soon)
        self._begun.append(waiting)

    def watch(self, descriptor: int, waiting: Waiting) -> None:
        """Call C{waiting.ready} when C{descriptor} can be written."""
        self._epoll.register(descriptor, _EVENTS)
        if not self._waiting:
            self._reactor.addReader(self)
        self._waiting[descriptor] = waiting

    def forget(self, descriptor: int, closing: bool) -> None:
        """Do not call any more. Closing a descriptor takes it from the set, too."""
        if self._waiting.pop(descriptor, None) is None:
            return
        if not closing:
            self._epoll.unregister(descriptor)
        if not self._waiting:
            self._reactor.removeReader(self)

    def limit(self, waiting: Waiting, timeout: float) -> None:
        """Call C{waiting.late} in C{timeout} seconds, unless it is freed before.

        Called again with the same timeout, the time begins anew.
        """
        line = self._lines.get(timeout)
        if line is None:
            line = self._lines[timeout] = {}
        due = self._seconds() + timeout
        if line.pop(waiting, None) is None:
            self._pending += 1
        line[waiting] = due
        if self._timer is None or due < self._armed:
            self._arm(due)

    def free(self, waiting: Waiting, timeout: float) -> None:
        """C{waiting} has what it wants, in the time it was given."""
        line = self._lines.get(timeout)
        if line is None or line.pop(waiting, None) is None:
            return
        self._pending -= 1
        if not self._pending:
            self._lines.clear()
            self._disarm()

    def doRead(self) -> None:
        """Some are connected, or refused."""
        for descriptor, _event in self._epoll.poll(0, PER_TURN):
            # One that was closed while a child process still had it may show up.
            waiting = self._waiting.get(descriptor)
            if waiting is not None:
                try:
                    waiting.ready()
                except Exception:
                    self.log.failure("what waited for a connection failed")

    def connectionLost(self, reason: Failure) -> None:
        """The reactor stops, and lets go of everything."""
        waiting, self._waiting = self._waiting, {}
        for descriptor in waiting:
            self._epoll.unregister(descriptor)

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return "connections"

    def _soon(self) -> None:
        """Some may be through."""
        begun, self._begun = self._begun[:PER_TURN], self._begun[PER_TURN:]
        if self._begun:
            self._reactor.callLater(0, self._soon)
        for waiting in begun:
            try:
                waiting.soon()
            except Exception:
                self.log.failure("what had begun failed")

    def _arm(self, due: float) -> None:
        self._disarm()
        self._armed = due
        self._timer = self._reactor.callLater(max(0.0, due - self._seconds()), self._go)

    def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _go(self) -> None:
        """Somebody may be late; it may also have been freed long ago."""
        self._timer = None
        now = self._seconds()
        for timeout, line in tuple(self._lines.items()):
            for waiting in _late(line, now):
                if waiting not in line:  # freed by the one before
                    continue
                self.free(waiting, timeout)
                try:
                    waiting.late()
                except Exception:
                    self.log.failure("what was late failed")
        if self._timer is None and self._pending:
            firsts = [
                next(iter(line.values())) for line in self._lines.values() if line
            ]
            self._arm(min(firsts))


def _late(line: dict[Waiting, float], now: float) -> list[Waiting]:
    """The first of a line whose time is over; the others are for the next turn."""
    found: list[Waiting] = []
    for waiting, due in line.items():
        if due > now or len(found) == PER_TURN:
            break
        found.append(waiting)
    return found


_boards: dict[Any, Switchboard] = {}


def of(reactor: Any) -> Switchboard:
    """The one of this reactor."""
    board = _boards.get(reactor)
    if board is None:
        board = _boards[reactor] = Switchboard(reactor)
    return board
