"""When which check is due: one timer of the reactor for thousands of them.

What is due within a hundredth of a second is done in one go, and only so much in one
go that packets of other protocols are not held up.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import ceil, inf
from typing import Generic, Protocol, TypeVar

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

TICKS = 100  # in a second
AT_ONCE = 25  # items; TCP checks of so many take 1 to 2 ms
STALE = 1000  # entries that nobody waits for; more, and they are cleared away


class Item(Protocol):
    """Something that is due; C{due} belongs to the calendar, inf for never."""

    due: float


ItemType = TypeVar("ItemType", bound=Item)


class Calendar(Generic[ItemType]):
    """Items by the time when they are due.

    @param turn: called with an item and the time for which it was due.
    @param at_once: so many items in one go; one that takes long is to be alone.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        turn: Callable[[ItemType, float], object],
        at_once: int = AT_ONCE,
    ) -> None:
        self._clock, self._turn, self._at_once = clock, turn, at_once
        self._entries: list[tuple[float, int, ItemType]] = []
        self._number = 0  # so that two entries of one moment are never compared
        self._stale = 0
        self._call: IDelayedCall | None = None
        self._called_for = inf
        self._turning = False

    def put(self, item: ItemType, due: float) -> None:
        """C{item} is due then, and not when it was before."""
        due = ceil(due * TICKS - 1e-6) / TICKS
        if item.due != inf:
            if item.due == due:
                return
            self._left()
        item.due = due
        self._number += 1
        heappush(self._entries, (due, self._number, item))
        if due < self._called_for and not self._turning:
            self._schedule()

    def remove(self, item: ItemType) -> None:
        """C{item} is not due any more."""
        if item.due != inf:
            item.due = inf
            self._left()

    def halt(self) -> None:
        """Nothing is due any more."""
        for _, _, item in self._entries:
            item.due = inf
        self._entries.clear()
        self._stale = 0
        self._schedule()

    def _left(self) -> None:
        self._stale += 1
        if self._stale > STALE + len(self._entries) // 2:
            self._entries = [each for each in self._entries if each[2].due == each[0]]
            heapify(self._entries)
            self._stale = 0

    def _schedule(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call, self._called_for = None, inf
        if self._entries:
            due = self._entries[0][0]
            self._called_for = due
            delay = max(0.0, due - self._clock.seconds())
            self._call = self._clock.callLater(delay, self._expire)

    def _expire(self) -> None:
        self._turning = True
        try:
            self._give_turns()
        finally:
            self._turning = False
            self._schedule()

    def _give_turns(self) -> None:
        entries, now = self._entries, self._clock.seconds() + 1e-6
        left = self._at_once
        while left and entries and entries[0][0] <= now:
            due, _, item = heappop(entries)
            if item.due != due:
                self._stale -= 1
                continue
            item.due = inf
            left -= 1
            try:
                # Late as it may be: the next time is counted from here.
                self._turn(item, due)
            except Exception:
                self.log.failure("{item!r} failed", item=item)
