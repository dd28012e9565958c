"""A calendar of what is due, in slots of a millisecond.

Ten thousand timers a second of the reactor's own would cost more than what they are
for. Here one of them turns the wheel, and everything due in a slot is done in one go.
Before anything may expire, the sockets are read until empty: nobody is declared dead
because the process was held up.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import ceil
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

SLOTS = 1000  # in a second
AGAIN = 3  # times that the sockets are read before a turn, if that takes long
AFTER_FAILURE = 1.0  # seconds until an item that failed gets its next chance
LATE = 0.004  # seconds; who was held up for longer cannot tell silence from that
MOVES = 10_000  # of items, until the places that they have left are cleared


class Item(Protocol):
    """Something that is due from time to time; C{slot} belongs to the wheel."""

    slot: int

    def turn(self, now: float) -> float | None:
        """Do what is due; give the time of the next turn, None for never."""


class Wheel:
    """Items by the time of their next turn.

    @param drain: reads the sockets until empty; called before each turn.
    @param late: called with the seconds that the process was held up, when those are
        more than L{LATE}.
    """

    log = Logger()
    NOWHERE = -1  # the slot of an item that is not on the wheel

    def __init__(
        self,
        clock: IReactorTime,
        drain: Callable[[], object],
        late: Callable[[float], object],
    ) -> None:
        self._clock, self._drain, self._late = clock, drain, late
        #: Called after each turn, for what is in no hurry.
        self.rest: Callable[[], object] = lambda: None
        self._slots: dict[int, list[Item]] = {}
        self._order: list[int] = []  # a heap of the keys of slots
        self._turned: list[Item] = []  # those of the slot that has its turn
        self._moves = MOVES  # that are left
        self._call: IDelayedCall | None = None
        self._due = 0.0  # when that call is to come
        self._pace = 0.0
        self._turning = False

    def put(self, item: Item, due: float | None) -> None:
        """C{item} has its next turn at C{due}, and not when it had it before."""
        if due is None:
            item.slot = self.NOWHERE
            return
        slot = ceil(due * SLOTS)
        if slot == item.slot:
            return
        item.slot = slot
        self._insert(item, slot)
        if not self._turning:
            self._schedule()

    def remove(self, item: Item) -> None:
        """C{item} has no more turns."""
        item.slot = self.NOWHERE

    def keep_pace(self, seconds: float) -> None:
        """Turn this often, whatever is due; 0 for turns only when something is due.

        What is due waits for the next turn then. With thousands of items a second,
        most of the price of a turn would be the reactor's timer.
        """
        if seconds != self._pace:
            self._pace = seconds
            if not self._turning:
                self._schedule()

    def turn_again(self) -> None:
        """Turn in the next slot even if nothing is due: there is work left to do."""
        slot = int(self._clock.seconds() * SLOTS) + 1
        if slot not in self._slots:
            self._slots[slot] = []
            heappush(self._order, slot)
        if not self._turning:
            self._schedule()

    def halt(self) -> None:
        """Stop turning; no item has a turn any more."""
        self._pace = 0.0
        for items in (self._turned, *self._slots.values()):
            for item in items:
                item.slot = self.NOWHERE
        self._turned.clear()
        self._slots.clear()
        self._order.clear()
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _insert(self, item: Item, slot: int) -> None:
        self._moves -= 1
        if not self._moves:
            self._tidy()
        items = self._slots.get(slot)
        if items is None:
            self._slots[slot] = [item]
            heappush(self._order, slot)
        else:
            items.append(item)

    def _tidy(self) -> None:
        """Let go of the places that items have left.

        A neighbour may change its mind with each packet: without this it could fill
        our memory with places that are years away.
        """
        slots, live = self._slots, 0
        soon = int(self._clock.seconds() * SLOTS) + 1  # see turn_again
        for slot, items in tuple(slots.items()):
            items[:] = {id(item): item for item in items if item.slot == slot}.values()
            live += len(items)
            if not items and slot > soon:
                del slots[slot]
        self._order[:] = slots
        heapify(self._order)
        self._moves = MOVES + live

    def _schedule(self) -> None:
        now = self._clock.seconds()
        due = self._order[0] / SLOTS if self._order else None
        if self._pace:
            due = now + self._pace
        call = self._call
        if call is not None and call.active():
            if due is not None and self._due <= due:
                return  # it comes early enough; then we see
            call.cancel()
        self._call = None
        if due is not None:
            self._due = due
            self._call = self._clock.callLater(max(0.0, due - now), self._turn)

    def _turn(self) -> None:
        self._turning = True
        try:
            self._expire(self._listen())
            self.rest()
        finally:
            self._turning = False
            self._schedule()

    def _listen(self) -> float:
        """Read what waits; give the time until which all that came has been read.

        The whole machine may be held up at any moment, in a virtual one for tens of
        milliseconds: then nobody could send, and that is nobody's silence.
        """
        seconds, drain = self._clock.seconds, self._drain
        due = self._due
        for _ in range(AGAIN):
            drain()
            now = seconds()
            held_up = now - due
            if held_up <= LATE:
                break
            self._late(held_up)
            due = now
        return now

    def _expire(self, now: float) -> None:
        """Give each item that is due its turn."""
        current = int(now * SLOTS + 1e-6)
        order, slots = self._order, self._slots
        while order and order[0] <= current:
            slot = heappop(order)
            self._turned = slots.pop(slot)
            for item in self._turned:
                if item.slot != slot:
                    continue  # it was moved, or is gone
                try:
                    due = item.turn(now)
                except Exception:
                    self.log.failure("{item!r} failed", item=item)
                    due = now + AFTER_FAILURE
                if item.slot != slot:
                    continue  # it was moved, or removed, by its own doing
                if due is None:
                    item.slot = self.NOWHERE
                    continue
                following = ceil(due * SLOTS)
                if following <= current:
                    following = current + 1
                item.slot = following
                items = slots.get(following)
                if items is None:
                    slots[following] = [item]
                    heappush(order, following)
                else:
                    items.append(item)
