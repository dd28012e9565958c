"""The board of facts: named values that everyone may set and watch.

Level, not edge: who joins is told the present value. Setting an equal value is
silent. A change made while changes are delivered waits its turn, first in, first
out, so that every watcher sees the same order. Each fact keeps since when it holds,
why, and how often it changed; the last changes are kept as the event log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

Watcher = Callable[[str, Any], object]
EVENTS_KEPT = 1000


@dataclass(frozen=True)
class Fact:
    """One value: C{since} is in seconds of the reactor's clock."""

    name: str
    value: Any
    since: float
    changes: int
    why: str


@dataclass(eq=False)
class _Watch:
    """One watcher's place at one fact; equal to no other, even of the same callable."""

    watcher: Watcher
    ended: bool = False


class Facts:
    """The board of one node."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._facts: dict[str, Fact] = {}
        self._watches: dict[str, list[_Watch]] = {}
        self._kinds: dict[str, list[_Watch]] = {}  # by prefix
        self._queue: deque[tuple[Fact, tuple[_Watch, ...]]] = deque()
        self._draining = False
        self.events: deque[Fact] = deque(maxlen=EVENTS_KEPT)
        self.count = 0  # of all events so far
        self._followers: list[Callable[[Fact], object]] = []

    def set(self, name: str, value: Any, why: str = "") -> None:
        """State that C{name} is C{value}; tell its watchers when that is new."""
        old = self._facts.get(name)
        if old is not None and old.value == value:
            return
        changes = 0 if old is None else old.changes + 1
        fact = Fact(name, value, self._clock.seconds(), changes, why)
        self._facts[name] = fact
        self.events.append(fact)
        self.count += 1
        for follower in tuple(self._followers):
            follower(fact)
        # Those who join later are told a newer value: this one would be the past.
        watches = tuple(self._watches.get(name, ()))
        for prefix, kind in self._kinds.items():
            if name.startswith(prefix):
                watches += tuple(kind)
        self._queue.append((fact, watches))
        self._drain()

    def get(self, name: str, default: Any = None) -> Any:
        """The present value of C{name}."""
        fact = self._facts.get(name)
        return default if fact is None else fact.value

    def find(self, name: str) -> Fact | None:
        """All that is known of C{name}; None when nothing is."""
        return self._facts.get(name)

    def forget(self, name: str) -> None:
        """Take a fact off the board, when what it spoke of exists no more."""
        self._facts.pop(name, None)

    def watch(self, name: str, watcher: Watcher) -> Callable[[], None]:
        """Call C{watcher(name, value)} now if known, and at every change.

        @return: a callable that ends the watch; it may be called twice.
        """
        watches = self._watches.setdefault(name, [])
        watch = _Watch(watcher)
        watches.append(watch)
        fact = self._facts.get(name)
        if fact is not None and self._draining:
            self._deliver(watch, fact)
        elif fact is not None:
            self._queue.append((fact, (watch,)))
            self._drain()

        def unwatch() -> None:
            if not watch.ended:
                watch.ended = True
                watches.remove(watch)

        return unwatch

    def watch_kind(self, prefix: str, watcher: Watcher) -> Callable[[], None]:
        """The same for all facts, present and future, whose name begins so.

        For who would have to watch thousands of names that are hardly ever set.
        """
        watches = self._kinds.setdefault(prefix, [])
        watch = _Watch(watcher)
        watches.append(watch)
        for fact in tuple(self._facts.values()):
            if fact.name.startswith(prefix):
                self._queue.append((fact, (watch,)))
        self._drain()

        def unwatch() -> None:
            if not watch.ended:
                watch.ended = True
                watches.remove(watch)

        return unwatch

    def follow(self, follower: Callable[[Fact], object]) -> Callable[[], None]:
        """Call C{follower(fact)} at every change of any fact from now on.

        For who only writes down what happens: it may set no facts, and raise nothing.

        @return: a callable that ends it.
        """
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    def snapshot(self) -> dict[str, Fact]:
        """All facts as they stand."""
        return dict(self._facts)

    def _drain(self) -> None:
        if self._draining:  # a watcher set a fact: it waits its turn
            return
        self._draining = True
        try:
            while self._queue:
                fact, watches = self._queue.popleft()
                for watch in watches:
                    self._deliver(watch, fact)
        finally:
            self._draining = False

    def _deliver(self, watch: _Watch, fact: Fact) -> None:
        if watch.ended:
            return
        try:
            watch.watcher(fact.name, fact.value)
        except Exception:
            self.log.failure("a watcher of {name} failed", name=fact.name)
