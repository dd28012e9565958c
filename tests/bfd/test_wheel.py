"""Claims about the calendar of what is due."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.wheel import AFTER_FAILURE, LATE, SLOTS, Wheel

SLOT = 1 / SLOTS
Turn = Callable[[float], float | None]


class Item:
    """Something on the wheel that remembers its turns; C{then} decides the next."""

    def __init__(self, clock: Clock, then: Turn = lambda now: None) -> None:
        self.slot = Wheel.NOWHERE
        self.turns: list[float] = []
        self._clock, self.then = clock, then

    def turn(self, now: float) -> float | None:
        """It is due."""
        assert now == self._clock.seconds()
        self.turns.append(round(now, 4))
        return self.then(now)


class WheelTestCase(SynchronousTestCase):
    """A wheel on a clock that stands at 1000 s, and what it did in which order."""

    def setUp(self) -> None:
        """Begin."""
        self.clock = Clock()
        self.clock.advance(1000)
        self.drained: list[float] = []
        self.stalls: list[float] = []
        self.log: list[str] = []
        self.wheel = Wheel(self.clock, self.drain, self.stalled)

    def drain(self) -> None:
        """The wheel reads the sockets."""
        self.drained.append(round(self.clock.seconds(), 4))
        self.log.append("drain")

    def stalled(self, seconds: float) -> None:
        """The wheel was held up."""
        self.stalls.append(round(seconds, 4))
        self.log.append("stall")

    def item(self, then: Turn = lambda now: None) -> Item:
        """Something for the wheel."""
        return Item(self.clock, then)

    def noting(self, name: str) -> Item:
        """Something that writes its name into the log."""

        def then(now: float) -> None:
            self.log.append(name)

        return self.item(then)

    def run_to(self, end: float, late: float = 0.0) -> None:
        """Let time pass; each call of the wheel comes C{late} seconds too late."""
        calls = self.clock.calls
        while calls and calls[0].getTime() + late <= end:
            self.clock.rightNow = max(calls[0].getTime() + late, self.clock.rightNow)
            self.clock.advance(0)
        self.clock.rightNow = end

    def due(self) -> list[float]:
        """When the calls that are left on the clock are due."""
        return [round(each.getTime(), 4) for each in self.clock.getDelayedCalls()]


class TurnTests(WheelTestCase):
    """What is due gets its turn, once."""

    def test_once(self) -> None:
        """An item has one turn at its time, and none after that."""
        item = self.item()
        self.wheel.put(item, 1000.010)
        self.run_to(1001)
        self.assertEqual((item.turns, self.due()), ([1000.01], []))

    def test_again(self) -> None:
        """The time that a turn gives is that of the next turn."""
        following = iter([1000.03, 1000.05, None])
        item = self.item(lambda now: next(following))
        self.wheel.put(item, 1000.01)
        self.run_to(1001)
        self.assertEqual(item.turns, [1000.01, 1000.03, 1000.05])
        self.assertEqual((item.slot, self.due()), (Wheel.NOWHERE, []))

    def test_not_before(self) -> None:
        """Between two slots it is the later one: never too early."""
        item = self.item()
        self.wheel.put(item, 1000.0101)
        self.run_to(1000.0109)
        self.assertEqual(item.turns, [])
        self.run_to(1000.011)
        self.assertEqual(item.turns, [1000.011])

    def test_past(self) -> None:
        """What was due in the past has its turn as soon as the reactor is back."""
        item = self.item()
        self.wheel.put(item, 999.0)
        self.assertEqual((item.turns, self.due()), ([], [1000.0]))
        self.clock.advance(0)
        self.assertEqual((item.turns, self.due()), ([1000.0], []))

    def test_past_again(self) -> None:
        """A turn that gives a time in the past has the next one a slot later."""
        item = self.item(lambda now: now - 5 if now < 1000.0015 else None)
        self.wheel.put(item, 1000.0)
        self.run_to(1001)
        self.assertEqual(item.turns, [1000.0, 1000.001, 1000.002])

    def test_later(self) -> None:
        """An item that is moved back has its turn then, and only then."""
        item = self.item()
        self.wheel.put(item, 1000.01)
        self.wheel.put(item, 1000.02)
        self.run_to(1001)
        self.assertEqual(item.turns, [1000.02])

    def test_earlier(self) -> None:
        """An item that is moved forward has its turn then, and only then."""
        item = self.item()
        self.wheel.put(item, 1000.02)
        self.wheel.put(item, 1000.01)
        self.run_to(1001)
        self.assertEqual(item.turns, [1000.01])

    def test_to_and_fro(self) -> None:
        """However often it was moved through a slot, it has one turn there."""
        item = self.item()
        for due in (1000.01, 1000.02, 1000.01, 1000.03, 1000.01):
            self.wheel.put(item, due)
        self.wheel.remove(item)
        self.wheel.put(item, 1000.01)
        self.run_to(1001)
        self.assertEqual(item.turns, [1000.01])

    def test_never(self) -> None:
        """None takes an item off the wheel."""
        item = self.item()
        self.wheel.put(item, 1000.01)
        self.wheel.put(item, None)
        self.run_to(1001)
        self.assertEqual((item.turns, self.due()), ([], []))

    def test_removed(self) -> None:
        """A removed item has no turn."""
        item, other = self.item(), self.item()
        self.wheel.put(item, 1000.01)
        self.wheel.put(other, 1000.01)
        self.wheel.remove(item)
        self.run_to(1001)
        self.assertEqual((item.turns, other.turns), ([], [1000.01]))

    def test_order(self) -> None:
        """Held up, items have their turns in the order of their times."""
        for due, name in ((1000.03, "c"), (1000.01, "a"), (1000.02, "b")):
            self.wheel.put(self.noting(name), due)
        self.clock.advance(1)
        self.assertEqual(self.log, ["drain", "stall", "drain", "a", "b", "c"])

    @given(
        st.lists(
            st.tuples(st.integers(0, 5), st.floats(0.0, 0.1) | st.none()), max_size=30
        ),
        st.floats(1e-4, 0.02),
    )
    @settings(max_examples=100, deadline=None)
    def test_any_moves(
        self, moves: list[tuple[int, float | None]], late: float
    ) -> None:
        """After any moves each item has one turn, at most a slot late by itself."""
        self.setUp()
        items = [self.item() for _ in range(6)]
        wanted: dict[int, float] = {}
        for number, delay in moves:
            wanted.pop(number, None)
            self.wheel.put(items[number], None if delay is None else 1000 + delay)
            if delay is not None:
                wanted[number] = 1000 + delay
        self.run_to(1001, late)
        for number, item in enumerate(items):
            self.assertEqual(len(item.turns), int(number in wanted))
            for turn in item.turns:
                behind = turn - wanted[number]
                self.assertTrue(-1e-4 < behind <= late + SLOT + 1e-4, behind)
        self.assertEqual(self.due(), [])


class InTurnTests(WheelTestCase):
    """What happens to items while one has its turn."""

    def test_moves_itself(self) -> None:
        """An item that is moved during its turn keeps that, whatever it returns."""
        item = self.item()

        def then(now: float) -> float | None:
            if now < 1000.02:
                self.wheel.put(item, 1000.02)
                return 1000.5
            return None

        item.then = then
        self.wheel.put(item, 1000.01)
        self.run_to(1001)
        self.assertEqual(item.turns, [1000.01, 1000.02])

    def test_removes_itself(self) -> None:
        """An item that is removed during its turn stays away."""
        item = self.item()

        def then(now: float) -> float:
            self.wheel.remove(item)
            return now + 0.01

        item.then = then
        self.wheel.put(item, 1000.01)
        self.run_to(1001)
        self.assertEqual((item.turns, self.due()), ([1000.01], []))

    def test_removes_the_next(self) -> None:
        """An item that is removed by one that is due together with it has no turn."""
        item = self.item()
        first = self.item(lambda now: self.wheel.remove(item))
        self.wheel.put(first, 1000.01)
        self.wheel.put(item, 1000.01)
        self.run_to(1001)
        self.assertEqual((first.turns, item.turns), ([1000.01], []))

    def test_moves_the_next(self) -> None:
        """An item that is moved back in time by one before it has its turn later."""
        item = self.item()
        first = self.item(lambda now: self.wheel.put(item, 1000.03))
        self.wheel.put(first, 1000.01)
        self.wheel.put(item, 1000.01)
        self.run_to(1001)
        self.assertEqual((first.turns, item.turns), ([1000.01], [1000.03]))

    def test_moves_forward(self) -> None:
        """An item that becomes due during a turn is not forgotten."""
        item = self.item()
        first = self.item(lambda now: self.wheel.put(item, now))
        self.wheel.put(item, 1002)
        self.wheel.put(first, 1000.01)
        self.run_to(1003)
        self.assertEqual((item.turns, self.due()), ([1000.01], []))

    def test_failure(self) -> None:
        """An item that fails is logged and tried a second later; others go on."""

        def then(now: float) -> None:
            if now < 1000.5:
                raise ZeroDivisionError

        item, other = self.item(then), self.item()
        self.wheel.put(item, 1000.01)
        self.wheel.put(other, 1000.01)
        self.run_to(1003)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(item.turns, [1000.01, 1000.01 + AFTER_FAILURE])
        self.assertEqual((other.turns, self.due()), ([1000.01], []))

    def test_failure_after_move(self) -> None:
        """An item that was moved before it failed keeps that time."""
        item = self.item()

        def then(now: float) -> None:
            if now < 1000.5:
                self.wheel.put(item, 1000.6)
                raise ZeroDivisionError

        item.then = then
        self.wheel.put(item, 1000.01)
        self.run_to(1003)
        self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual(item.turns, [1000.01, 1000.6])

    def test_halt(self) -> None:
        """A wheel that is halted during a turn turns no further, and leaves no call."""
        first, item = self.item(lambda now: now + 0.01), self.item()

        def then(now: float) -> float:
            self.wheel.halt()
            return now + 0.01

        halting = self.item(then)
        for each in (first, halting, item):
            self.wheel.put(each, 1000.01)
        self.run_to(1001)
        self.assertEqual((halting.turns, item.turns), ([1000.01], []))
        self.assertEqual((first.turns, self.due()), ([1000.01], []))


class DrainTests(WheelTestCase):
    """Nothing expires before the sockets were read."""

    def test_first(self) -> None:
        """The sockets are read before anything expires, each time."""
        for name, due in (("a", 1000.01), ("b", 1000.02)):
            self.wheel.put(self.noting(name), due)
        self.run_to(1001)
        self.assertEqual(self.log, ["drain", "a", "drain", "b"])

    def test_put_by_drain(self) -> None:
        """What was read may move an item that was due: it has no turn then."""
        item = self.item()

        def drain() -> None:
            self.wheel.put(item, 1000.05)

        self.wheel = Wheel(self.clock, drain, self.stalled)
        self.wheel.put(item, 1000.01)
        self.run_to(1000.03)
        self.assertEqual((item.turns, self.due()), ([], [1000.05]))

    def test_stall(self) -> None:
        """A stall is told with its seconds, after reading, before expiring."""
        self.wheel.put(self.noting("a"), 1000.5)
        self.clock.advance(2.5)
        wanted = ["drain", "stall", "drain", "a"]
        self.assertEqual((self.log, self.stalls), (wanted, [2.0]))

    def test_slow_drain(self) -> None:
        """Held up while it reads, it reads again, but not for ever; all is told."""

        def drain() -> None:
            self.drain()
            self.clock.rightNow += 0.02

        self.wheel = Wheel(self.clock, drain, self.stalled)
        self.wheel.put(self.noting("a"), 1000.5)
        self.clock.advance(0.5)
        self.assertEqual(self.log, ["drain", "stall"] * 3 + ["a"])
        self.assertEqual(self.stalls, [0.02] * 3)

    def test_rest(self) -> None:
        """What is in no hurry comes after those that were due."""
        self.wheel.rest = lambda: self.log.append("rest")
        self.wheel.put(self.noting("a"), 1000.5)
        self.clock.advance(0.5)
        self.assertEqual(self.log, ["drain", "a", "rest"])

    def test_no_stall(self) -> None:
        """Being late by less than that is no stall."""
        self.wheel.put(self.noting("a"), 1000.5)
        self.clock.advance(0.5 + LATE - SLOT)
        self.assertEqual((self.log, self.stalls), (["drain", "a"], []))

    def test_stall_moves(self) -> None:
        """Who is told of a stall may move items that were due."""
        item = self.item()
        moved: list[float] = []

        def stalled(seconds: float) -> None:
            moved.append(round(seconds, 4))
            self.wheel.put(item, 1005.0)

        self.wheel = Wheel(self.clock, self.drain, stalled)
        self.wheel.put(item, 1000.5)
        self.clock.advance(2)
        self.assertEqual((moved, item.turns, self.due()), ([1.5], [], [1005.0]))
