"""Programs start a few at a time, and packets go out in between.

Whoever starts a program waits until it runs: a millisecond or two for a process of our
size, and tens of them on a busy machine, because what we start comes behind everybody
else. Three hundred notify scripts in one turn of the reactor would be as many missed
advertisements.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from hanode.interfaces import IProcesses

TURN = 0.005  # seconds of one turn of the reactor in which programs are started


class _Waiting:
    """One program that is to run, or runs."""

    def __init__(self, words: tuple[Any, ...]) -> None:
        self.words = words
        self.running: Deferred[Any] | None = None
        self.done: Deferred[Any] = Deferred(self._cancelled)

    def _cancelled(self, done: Deferred[Any]) -> None:
        if self.running is not None:
            self.running.cancel()


@implementer(IProcesses)
class Starts:
    """C{processes}, with a limit to what is started in one turn of C{reactor}.

    At least one is; who comes first starts first.
    """

    def __init__(self, reactor: Any, processes: Any) -> None:
        self._reactor, self._processes = reactor, processes
        self._waiting: deque[_Waiting] = deque()
        self._spent = 0.0  # seconds in this turn
        self._turn: Any = None  # the call that begins the next one

    def run(
        self,
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Any]:
        """See L{IProcesses.run}; the time limit counts from the start."""
        words = (argv, user, group, timeout, environment)
        if not self._waiting and self._spent < TURN:
            return self._start(words)
        waiting = _Waiting(words)
        self._waiting.append(waiting)
        return waiting.done

    def _start(self, words: tuple[Any, ...]) -> Deferred[Any]:
        if self._turn is None:
            self._turn = self._reactor.callLater(0, self._next_turn)
        began = self._reactor.seconds()
        started: Deferred[Any] = self._processes.run(*words)
        self._spent += self._reactor.seconds() - began
        return started

    def _next_turn(self) -> None:
        self._turn, self._spent = None, 0.0
        while self._waiting and self._spent < TURN:
            waiting = self._waiting.popleft()
            if waiting.done.called:
                continue  # cancelled before it began
            waiting.running = self._start(waiting.words)
            waiting.running.chainDeferred(waiting.done)
