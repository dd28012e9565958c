"""Runs one pure machine: hands it events and the time, performs what it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger


class Machine(Protocol):
    """What a machine offers to its driver, beside its own events."""

    @property
    def deadline(self) -> float | None:
        """When C{expire} is due; None for never."""

    def expire(self, *, now: float) -> Iterable[Any]:
        """Time has come; which timers those are is the machine's own affair."""


class Driver:
    """One machine on one clock.

    An action that fails is logged and the next ones are performed all the same: a
    master whose advertisement cannot be sent must still release its addresses.
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

    def feed(self, event: Callable[..., Iterable[Any]], *args: Any) -> None:
        """Give the machine one event, perform its actions in order, set its timer."""
        for action in event(*args, now=self._clock.seconds()):
            try:
                self._perform(action)
            except Exception:
                self.log.failure("could not perform {action!r}", action=action)
        self._rearm()

    def halt(self) -> None:
        """Stop the timer; nothing expires until the next event."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _rearm(self) -> None:
        deadline = self.machine.deadline
        call = self._call
        if call is not None and call.active():
            # Most events push the deadline back: moving the call is cheaper than
            # a new one, and Twisted moves a later time lazily.
            if deadline is None:
                self.halt()
            elif call.getTime() != deadline:
                call.reset(max(0.0, deadline - self._clock.seconds()))
            return
        self._call = None
        if deadline is not None:
            delay = max(0.0, deadline - self._clock.seconds())
            self._call = self._clock.callLater(delay, self._expired)

    def _expired(self) -> None:
        self._call = None
        self.feed(self.machine.expire)
