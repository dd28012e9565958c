"""When which check is due."""

from __future__ import annotations

from math import inf

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.calendar import AT_ONCE, STALE, Calendar


class Item:
    def __init__(self, name: str = "") -> None:
        self.name, self.due = name, inf


class CalendarTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.turns: list[tuple[str, float]] = []
        self.calendar: Calendar[Item] = Calendar(self.clock, self.turn)

    def turn(self, item: Item, now: float) -> None:
        if item.name == "broken":
            raise ValueError(item.name)
        self.turns.append((item.name, round(self.clock.seconds(), 3)))

    def advance(self, seconds: float) -> None:
        self.clock.pump([0.001] * round(seconds * 1000))

    def test_order(self) -> None:
        """Each item has its turn at its time, once."""
        for name, due in (("c", 0.3), ("a", 0.1), ("b", 0.2)):
            self.calendar.put(Item(name), due)
        self.advance(1)
        self.assertEqual(self.turns, [("a", 0.1), ("b", 0.2), ("c", 0.3)])

    def test_oneTimer(self) -> None:
        """However many items there are, there is one timer."""
        for number in range(100):
            self.calendar.put(Item(), 5 + number / 10)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_inOneGo(self) -> None:
        """What is due within a hundredth of a second has its turn together."""
        for due in (0.101, 0.105, 0.11):
            self.calendar.put(Item(str(due)), due)
        self.advance(0.2)
        self.assertEqual([when for _, when in self.turns], [0.11] * 3)

    def test_moved(self) -> None:
        """An item that is put again has its turn at the new time only."""
        item, again = Item("moved"), Item("same")
        self.calendar.put(item, 0.1)
        self.calendar.put(item, 0.3)
        self.calendar.put(again, 0.2)
        self.calendar.put(again, 0.2)
        self.advance(1)
        self.assertEqual(self.turns, [("same", 0.2), ("moved", 0.3)])

    def test_removed(self) -> None:
        """An item that is removed has no turn; to remove it twice is no harm."""
        item = Item()
        self.calendar.put(item, 0.1)
        self.calendar.remove(item)
        self.calendar.remove(item)
        self.advance(1)
        self.assertEqual(self.turns, [])

    def test_crowd(self) -> None:
        """Only so many have their turn in one go, and the rest in the next ones."""
        for number in range(AT_ONCE + 1):
            self.calendar.put(Item(str(number)), 0.1)
        (call,) = self.clock.getDelayedCalls()
        self.clock.rightNow = 0.1
        call.func()
        self.assertEqual(len(self.turns), AT_ONCE)
        self.clock.advance(0)
        self.assertEqual(len(self.turns), AT_ONCE + 1)

    def test_failure(self) -> None:
        """An item that fails is logged and does not keep others from their turn."""
        self.calendar.put(Item("broken"), 0.1)
        self.calendar.put(Item("well"), 0.1)
        self.advance(0.2)
        self.assertEqual(self.turns, [("well", 0.1)])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_putInATurn(self) -> None:
        """Who is put during a turn has its own turn later."""

        def turn(item: Item, now: float) -> None:
            self.turns.append((item.name, self.clock.seconds()))
            if len(self.turns) < 3:
                calendar.put(item, self.clock.seconds() + 0.5)

        calendar: Calendar[Item] = Calendar(self.clock, turn)
        calendar.put(Item("a"), 0.5)
        self.clock.pump([0.5] * 4)
        self.assertEqual(self.turns, [("a", 0.5), ("a", 1.0), ("a", 1.5)])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_late(self) -> None:
        """After the process was held up everything has its turn."""
        self.calendar.put(Item("a"), 0.1)
        self.calendar.put(Item("b"), 0.5)
        self.clock.advance(9)
        self.assertEqual([name for name, _ in self.turns], ["a", "b"])

    def test_noDrift(self) -> None:
        """A turn is told the time for which it was due, not how late it came."""
        dues: list[float] = []
        calendar: Calendar[Item] = Calendar(
            self.clock, lambda item, due: dues.append(due)
        )
        calendar.put(Item(), 0.1)
        self.clock.advance(0.107)
        self.assertEqual(dues, [0.1])

    def test_halt(self) -> None:
        """After the end nothing is due, and no timer is left."""
        item = Item()
        self.calendar.put(item, 0.1)
        self.calendar.halt()
        self.assertEqual(item.due, inf)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_noLitter(self) -> None:
        """Who is moved again and again does not fill the memory."""
        item = Item("a")
        for number in range(10 * STALE):
            self.calendar.put(item, 1 + number)
        self.assertLess(len(self.calendar._entries), 2 * STALE + 2)
        self.calendar.put(item, 1)
        self.clock.advance(2)
        self.assertEqual([name for name, _ in self.turns], ["a"])
