"""Claims about when the wheel turns though nothing is due, and when no more."""

from __future__ import annotations

from itertools import pairwise

from tests.bfd.test_wheel import WheelTestCase


class AgainTests(WheelTestCase):
    """Turning once more, though nothing is due."""

    def test_again(self) -> None:
        """The sockets are read in the next slot, and not after that."""
        self.wheel.turn_again()
        self.wheel.turn_again()
        self.run_to(1001)
        self.assertEqual((self.drained, self.due()), ([1000.001], []))

    def test_in_turn(self) -> None:
        """It may be asked for during a turn."""
        self.wheel.put(self.item(lambda now: self.wheel.turn_again()), 1000.01)
        self.run_to(1001)
        self.assertEqual((self.drained, self.due()), ([1000.01, 1000.011], []))

    def test_with_an_item(self) -> None:
        """An item that is due in that slot has its turn as always."""
        item = self.item()
        self.wheel.turn_again()
        self.wheel.put(item, 1000.001)
        self.run_to(1001)
        self.assertEqual((item.turns, self.drained), ([1000.001], [1000.001]))

    def test_many_moves(self) -> None:
        """It is not lost when items are moved."""
        self.wheel.turn_again()
        item = self.item()
        for number in range(50_000):
            self.wheel.put(item, 2000 + number / 100)
        self.wheel.remove(item)
        self.run_to(1000.01)
        self.assertEqual(self.drained, [1000.001])


class PaceTests(WheelTestCase):
    """Turning all the time, whatever is due."""

    def test_turns(self) -> None:
        """At a pace the sockets are read that often."""
        self.wheel.keep_pace(0.004)
        self.run_to(1000.0215)
        self.assertEqual(
            self.drained, [1000.004, 1000.008, 1000.012, 1000.016, 1000.02]
        )

    def test_due(self) -> None:
        """What is due waits for the next turn, at most one pace and one slot."""
        self.wheel.keep_pace(0.004)
        item = self.item()
        self.wheel.put(item, 1000.0091)
        self.run_to(1000.03)
        self.assertEqual(item.turns, [1000.012])

    def test_on(self) -> None:
        """A pace begins at once, though something is due much later."""
        self.wheel.put(self.item(), 1005)
        self.wheel.keep_pace(0.004)
        self.assertEqual(self.due(), [1000.004])

    def test_off(self) -> None:
        """Without a pace the wheel turns when something is due, else never."""
        item = self.item()
        self.wheel.keep_pace(0.004)
        self.wheel.put(item, 1000.5)
        self.run_to(1000.01)
        self.wheel.keep_pace(0.0)
        self.drained.clear()
        self.run_to(1001)
        self.assertEqual((item.turns, self.due()), ([1000.5], []))
        self.assertEqual(self.drained, [1000.012, 1000.5])

    def test_off_for_nothing(self) -> None:
        """Without a pace and with nothing due no call is left."""
        self.wheel.keep_pace(0.004)
        self.run_to(1000.01)
        self.wheel.keep_pace(0.0)
        self.run_to(1000.02)
        self.assertEqual(self.due(), [])

    def test_changed_in_turn(self) -> None:
        """A pace that is set during a turn is kept from then on."""
        self.wheel.put(self.item(lambda now: self.wheel.keep_pace(0.002)), 1000.01)
        self.run_to(1000.0175)
        self.assertEqual(self.drained, [1000.01, 1000.012, 1000.014, 1000.016])

    def test_stall(self) -> None:
        """At a pace a stall is counted from when the turn was to come."""
        self.wheel.keep_pace(0.004)
        self.clock.advance(0.504)
        self.assertEqual(self.stalls, [0.5])

    def test_periodic(self) -> None:
        """At a pace no turn of a periodic item is lost or doubled."""
        item = self.item(lambda now: now + 0.0095)
        self.wheel.keep_pace(0.004)
        self.wheel.put(item, 1000.01)
        self.run_to(1001)
        gaps = {round(b - a, 4) for a, b in pairwise(item.turns)}
        self.assertEqual(gaps, {0.012})


class HaltTests(WheelTestCase):
    """The end."""

    def test_halt(self) -> None:
        """After halt() no call is left and nothing has a turn."""
        item = self.item()
        self.wheel.put(item, 1000.01)
        self.wheel.keep_pace(0.004)
        self.wheel.halt()
        self.wheel.halt()
        self.assertEqual(self.due(), [])
        self.run_to(1001)
        self.assertEqual((item.turns, self.drained), ([], []))

    def test_put_after_halt(self) -> None:
        """An item may be put again at the time it had before halt()."""
        item = self.item()
        self.wheel.put(item, 1000.01)
        self.wheel.halt()
        self.wheel.put(item, 1000.01)
        self.run_to(1001)
        self.assertEqual(item.turns, [1000.01])

    def test_many_moves(self) -> None:
        """An item that is moved again and again costs no memory for that."""
        item = self.item()
        for number in range(100_000):
            self.wheel.put(item, 2000 + (number % 4999) / 10)
        self.assertLess(sum(map(len, self.wheel._slots.values())), 20_000)
        self.assertLess(len(self.wheel._order), 20_000)
        self.wheel.put(item, 1000.01)
        self.run_to(1000.02)
        self.assertEqual(item.turns, [1000.01])
