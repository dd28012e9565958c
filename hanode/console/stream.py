"""The event stream: every change of a fact, to everyone who listens, as it happens.

Server-sent events (WHATWG HTML, section 9.2). What happens is written down once and
sent to all in turns of the reactor; who does not read what was sent is let go.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.internet.task import Cooperator
from twisted.web.server import Request
from zope.interface import implementer

from hanode.console.timeline import Timeline
from hanode.facts import Fact, Facts
from hanode.taking_turns import after

EVENT_STREAM = "text/event-stream"
DELAY = 0.05  # seconds in which events are gathered before they are sent
PULSE = 15.0  # seconds of silence after which a comment keeps the connection alive
PATIENCE = 10.0  # seconds in which somebody must read what was sent
MOST_OWED = 1 << 20  # octets that are written while it does not read
MOST_BY_ALL = 64 << 20  # octets that all of them together may owe
MOST = 1024  # listeners
MOST_WAITING = 4096  # events that were not sent yet; more, and listeners start anew
SLICE = 0.001  # seconds of writing before others get their turn


@implementer(IPushProducer)
class Listener:
    """One connection; C{seconds} is the reactor's clock."""

    def __init__(self, request: Request, seconds: Callable[[], float]) -> None:
        self._request, self._seconds = request, seconds
        self._paused_at: float | None = None
        self.owed = 0  # octets that it has not read, as far as we know
        self.gone = False

    def write(self, data: bytes) -> None:
        """Send it; hang up on somebody who has not read for too long, or too much."""
        self.owed += len(data)
        if self._paused_at is not None:
            late = self._seconds() - self._paused_at > PATIENCE
            if late or self.owed > MOST_OWED:
                self.drop()
        if not self.gone:
            self._request.write(data)
            if self._paused_at is None:
                self.owed = 0

    def drop(self) -> None:
        """Hang up."""
        self.gone, self.owed = True, 0
        transport: Any = self._request.transport
        if transport is not None:
            transport.abortConnection()

    def pauseProducing(self) -> None:
        """It does not read as fast as we write."""
        if self._paused_at is None:
            self._paused_at = self._seconds()

    def resumeProducing(self) -> None:
        """It has read what was sent."""
        self._paused_at, self.owed = None, 0

    def stopProducing(self) -> None:
        """It has gone."""
        self.gone = True


class EventStream:
    """Sends the events of C{facts}, as C{times} writes them, to all listeners."""

    def __init__(self, facts: Facts, times: Timeline, reactor: Any) -> None:
        self._facts, self._times, self._reactor = facts, times, reactor
        self._listeners: list[Listener] = []
        self._waiting: deque[tuple[int, Fact]] = deque()
        self._call: IDelayedCall | None = None
        self._sending = False
        self._unfollow: Any = None
        self._cooperator = Cooperator(
            terminationPredicateFactory=after(SLICE),
            scheduler=lambda call: reactor.callLater(0, call),
        )
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._listeners)

    def join(self, request: Request) -> bool:
        """Send events to C{request} from now on; False when there are too many.

        C{Last-Event-ID} is obeyed as far as events are kept: who was away for a
        moment misses nothing.
        """
        if len(self._listeners) >= MOST:
            return False
        last = request.getHeader("last-event-id") or ""
        request.setHeader("content-type", EVENT_STREAM)
        request.setHeader("cache-control", "no-store")
        request.setHeader("x-content-type-options", "nosniff")
        request.setHeader("server", "hanode")
        listener = Listener(request, self._reactor.seconds)
        request.notifyFinish().addBoth(lambda _: self._leave(listener))
        request.write(f"retry: 1000\n: hanode\nid: {self._facts.count}\n\n".encode())
        request.write(b"".join(self._missed(last)))
        request.registerProducer(listener, True)
        self._listeners.append(listener)
        if self._unfollow is None:
            self._unfollow = self._facts.follow(self._happened)
            self._call = self._reactor.callLater(PULSE, self._flush)
        return True

    def stop(self) -> None:
        """Everyone goes."""
        for each in tuple(self._listeners):
            each.drop()
            self._leave(each)

    def _missed(self, last: str) -> Iterator[bytes]:
        """What happened since the event that the client saw last."""
        count, kept = self._facts.count, len(self._facts.events)
        if not last.isdecimal() or not count - kept <= int(last) < count:
            return
        first = int(last) + 1
        start = first - (count - kept + 1)
        for number, fact in enumerate(islice(self._facts.events, start, None), first):
            yield self._encoded(number, fact)

    def _leave(self, listener: Listener) -> None:
        listener.gone = True
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners and self._unfollow is not None:
            self._unfollow()
            self._unfollow = None
            self._waiting.clear()
            if self._call is not None:
                self._call.cancel()
                self._call = None

    def _happened(self, fact: Fact) -> None:
        self._waiting.append((self._facts.count, fact))
        if len(self._waiting) > MOST_WAITING:
            self._waiting.clear()
            self._waiting.append((self._facts.count, fact))
        if not self._sending and self._call is not None:
            soon = self._reactor.seconds() + DELAY
            if self._call.getTime() > soon:
                self._call.reset(DELAY)

    def _flush(self) -> None:
        self._call = None
        self._sending = True
        task = self._cooperator.cooperate(self._send())
        task.whenDone().addBoth(self._sent)

    def _sent(self, _: object) -> None:
        self._sending = False
        if self._listeners:
            delay = DELAY if self._waiting else PULSE
            self._call = self._reactor.callLater(delay, self._flush)

    def _send(self) -> Iterator[None]:
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        pieces = []
        for number, fact in waiting:
            pieces.append(self._encoded(number, fact))
            yield
        data = b"".join(pieces) or b": here\n\n"
        owed = self._owed()
        for listener in tuple(self._listeners):
            owed -= listener.owed
            listener.write(data)
            owed += listener.owed
            self._drop_gone(listener)
            if owed > MOST_BY_ALL:  # at most: some may have read in earlier turns
                owed = self._drop_worst()
            yield

    def _owed(self) -> int:
        return sum(each.owed for each in self._listeners)

    def _drop_worst(self) -> int:
        """Let go who owes most, until the others may; what those owe."""
        owed = self._owed()
        while owed > MOST_BY_ALL:
            worst = max(self._listeners, key=lambda each: each.owed)
            owed -= worst.owed
            worst.drop()
            self._drop_gone(worst)
        return owed

    def _drop_gone(self, listener: Listener) -> None:
        if listener.gone:
            self.dropped += listener in self._listeners
            self._leave(listener)

    def _encoded(self, number: int, fact: Fact) -> bytes:
        record = {"id": number, **self._times.record(fact)}
        text = json.dumps(record, allow_nan=False)
        return f"id: {number}\nevent: fact\ndata: {text}\n\n".encode()
