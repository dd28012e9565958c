"""Runs one pure machine: hands it events and the time, performs what it asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

Event = Callable[..., Iterable[Any]]
LATE = 0.01  # seconds; more, and the sockets are read before anything expires
AFTER_FAILURE = 1.0  # seconds until a machine that failed gets its next chance


class Machine(Protocol):
    """What a machine offers to its driver, beside its own events."""

    @property
    def deadline(self) -> float | None:
        """When C{expire} is due; None for never."""

    def expire(self, *, now: float) -> Iterable[Any]:
        """Time has come; which timers those are is the machine's own affair."""


class Driver:
    """One machine on one clock.

    An event that arrives while another one is performed (a fact that we set comes back
    to us) waits until that is done: actions of two events are never interleaved.

    An action that fails is logged and the next ones are performed all the same: a
    master whose advertisement cannot be sent must still release its addresses. An
    event that fails is logged, and the machine keeps its timer.
    """

    log = Logger()

    def __init__(
        self,
        machine: Machine,
        perform: Callable[[Any], object],
        clock: IReactorTime,
    ) -> None:
        self.machine = machine
        self._perform = perform
        self._clock = clock
        self._call: IDelayedCall | None = None
        self._drained = False  # whether the sockets were read since we were late
        self._waiting: deque[tuple[float, Event, tuple[Any, ...]]] = deque()
        self._busy = False
        self._halted = False

    def feed(self, event: Event, *args: Any) -> None:
        """Give the machine one event, perform its actions in order, set its timer."""
        self.feed_at(self._clock.seconds(), event, *args)

    def feed_at(self, moment: float, event: Event, *args: Any) -> None:
        """The same for an event that belongs to C{moment}, shortly before now."""
        self._drained = self._halted = False
        if self._busy:
            self._waiting.append((moment, event, args))
            return
        self._busy = True
        try:
            self._run(moment, event, args)
            while self._waiting:
                self._run(*self._waiting.popleft())
        finally:
            self._busy = False

    def _run(self, moment: float, event: Event, args: tuple[Any, ...]) -> None:
        try:
            actions = event(*args, now=moment)
        except Exception:
            self.log.failure("{machine!r} failed", machine=self.machine)
            self._rearm(AFTER_FAILURE)
            return
        for action in actions:
            try:
                self._perform(action)
            except Exception:
                self.log.failure("could not perform {action!r}", action=action)
        self._rearm()

    def halt(self) -> None:
        """Stop the timer; nothing expires until the next event.

        Called by an action, it holds for the event that this action came of, too.
        """
        self._halted = True
        self._cancel()

    def _cancel(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _rearm(self, least: float = 0.0) -> None:
        """Set the timer to the machine's deadline, but not earlier than C{least}."""
        deadline = None if self._halted else self.machine.deadline
        if deadline is None:
            self._cancel()
            return
        delay = max(least, deadline - self._clock.seconds())
        call = self._call
        if call is None or not call.active():
            self._call = self._clock.callLater(delay, self._expired)
        elif call.getTime() != deadline:
            # Most events push the deadline back: moving the call is cheaper than
            # a new one, and Twisted moves a later time lazily.
            call.reset(delay)

    def _expired(self) -> None:
        self._call = None
        deadline = self.machine.deadline
        late = 0.0 if deadline is None else self._clock.seconds() - deadline
        if late > LATE and not self._drained:
            # The process was held up. What its peers sent meanwhile waits in the
            # sockets, and the reactor reads them before it comes here again:
            # nobody is declared dead because we were late.
            self._drained = True
            self._call = self._clock.callLater(0, self._expired)
            return
        self.feed(self.machine.expire)
