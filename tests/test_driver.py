"""Claims about the driver, with a machine that remembers."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.driver import Driver


class Remembering:
    """A machine whose deadline and actions the test decides."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.deadline: float | None = None
        self.next: list[Any] = []

    def event(self, *args: Any, now: float) -> list[Any]:
        """Something has happened."""
        self.calls.append(("event", *args, now))
        return self.next

    def expire(self, *, now: float) -> list[Any]:
        """Time has come."""
        self.calls.append(("expire", now))
        self.deadline = None
        return ["expired"]


class DriverTestCase(SynchronousTestCase):
    """A driver, a machine, and what was performed."""

    def setUp(self) -> None:
        """A driver on a clock that stands at 100 s."""
        self.clock = Clock()
        self.clock.advance(100)
        self.machine = Remembering()
        self.performed: list[Any] = []
        self.driver = Driver(self.machine, self.perform, self.clock)

    def perform(self, action: Any) -> None:
        """Remember the action; one that is an exception is raised."""
        self.performed.append(action)
        if isinstance(action, Exception):
            raise action

    def due(self) -> list[float]:
        """When the pending calls of the clock are due."""
        return [call.getTime() for call in self.clock.getDelayedCalls()]

    def feed_with_deadline(self, deadline: float | None) -> None:
        """One event after which the machine has this deadline."""
        self.machine.deadline = deadline
        self.driver.feed(self.machine.event)


class DriverTests(DriverTestCase):
    """Events in, actions out, one timer."""

    def test_feed_gives_time_and_arguments(self) -> None:
        """The event gets its arguments and the time of the clock."""
        self.driver.feed(self.machine.event, "advert", 7)
        self.assertEqual(self.machine.calls, [("event", "advert", 7, 100.0)])

    def test_actions_in_order(self) -> None:
        """Actions are performed in the order of the list."""
        self.machine.next = [1, 2, 3]
        self.driver.feed(self.machine.event)
        self.assertEqual(self.performed, [1, 2, 3])

    def test_failing_action(self) -> None:
        """An action that fails is logged; the next are performed, the timer is set."""
        problem = ZeroDivisionError()
        self.machine.next = [1, problem, 3]
        self.feed_with_deadline(101.0)
        self.assertEqual(self.performed, [1, problem, 3])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.due(), [101.0])

    def test_no_deadline_no_timer(self) -> None:
        """Without a deadline nothing is scheduled."""
        self.feed_with_deadline(None)
        self.assertEqual(self.due(), [])

    def test_expire_at_the_deadline(self) -> None:
        """At the deadline, and not before, the machine is told, and performs."""
        self.feed_with_deadline(101.5)
        self.clock.advance(1.25)
        self.assertEqual(self.performed, [])
        self.clock.advance(0.25)
        self.assertEqual(self.machine.calls[1:], [("expire", 101.5)])
        self.assertEqual(self.performed, ["expired"])
        self.assertEqual(self.due(), [])

    def test_later_deadline_moves_the_one_timer(self) -> None:
        """A later deadline moves the timer; there is never a second one."""
        self.feed_with_deadline(101.0)
        self.feed_with_deadline(105.0)
        self.assertEqual(self.due(), [105.0])
        self.clock.advance(4.75)
        self.assertEqual(self.performed, [])

    def test_earlier_deadline_moves_the_one_timer(self) -> None:
        """An earlier deadline is not missed."""
        self.feed_with_deadline(105.0)
        self.feed_with_deadline(101.0)
        self.clock.advance(1.0)
        self.assertEqual(self.machine.calls[2:], [("expire", 101.0)])

    def test_equal_deadline_keeps_the_timer(self) -> None:
        """The same deadline leaves the pending call as it is."""
        self.feed_with_deadline(105.0)
        before = self.clock.getDelayedCalls()
        self.feed_with_deadline(105.0)
        self.assertEqual(self.clock.getDelayedCalls(), before)

    def test_deadline_taken_back(self) -> None:
        """When the machine wants no time any more, the timer is cancelled."""
        self.feed_with_deadline(105.0)
        self.feed_with_deadline(None)
        self.assertEqual(self.due(), [])

    def test_overdue_deadline_is_due_now(self) -> None:
        """A deadline in the past expires in the next turn, never in this one."""
        self.feed_with_deadline(90.0)
        self.assertEqual((self.due(), self.performed), ([100.0], []))
        self.clock.advance(0)
        self.assertEqual(self.performed, ["expired"])

    def test_pending_timer_becomes_overdue(self) -> None:
        """A pending timer whose deadline moves into the past is due now."""
        self.feed_with_deadline(105.0)
        self.feed_with_deadline(99.0)
        self.assertEqual(self.due(), [100.0])

    def test_halt(self) -> None:
        """After halt() nothing expires; it may be called at any time."""
        self.driver.halt()
        self.feed_with_deadline(101.0)
        self.driver.halt()
        self.driver.halt()
        self.clock.advance(10)
        self.assertEqual((self.due(), self.performed), ([], []))

    def test_feed_after_halt(self) -> None:
        """The next event after halt() sets the timer again."""
        self.feed_with_deadline(101.0)
        self.driver.halt()
        self.feed_with_deadline(102.0)
        self.assertEqual(self.due(), [102.0])

    def test_late_reads_first(self) -> None:
        """Held up, the driver lets the sockets be read before anything expires."""
        self.feed_with_deadline(103)
        self.machine.calls.clear()
        # What waits in a socket comes in the same turn, before the delayed call.
        self.clock.callLater(3.5, self.feed_with_deadline, 110)
        self.clock.rightNow = 106.0
        self.clock.advance(0)
        self.assertEqual(self.machine.calls, [("event", 106.0)])
        self.assertEqual(self.due(), [110])

    def test_late_and_nothing_came(self) -> None:
        """Held up, and nothing was waiting: it has expired."""
        self.feed_with_deadline(103)
        self.machine.calls.clear()
        self.clock.advance(6)
        self.assertEqual(self.machine.calls, [("expire", 106.0)])

    def test_failing_event(self) -> None:
        """An event that fails is logged; the timer is kept, but not in haste."""
        self.machine.deadline = 100.0

        def broken(*, now: float) -> list[Any]:
            raise RuntimeError("broken")

        self.driver.feed(broken)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual((self.performed, self.due()), ([], [101]))
        self.clock.advance(1)
        self.assertEqual(self.machine.calls, [("expire", 101.0)])


class NestedTests(DriverTestCase):
    """Events that arrive while another one is performed."""

    def nest(self, *events: Any) -> None:
        """An action feeds each of these, then the next action is performed."""

        def perform(action: Any) -> None:
            self.performed.append(action)
            if action == "nest":
                for event in events:
                    self.driver.feed(event)

        self.driver = Driver(self.machine, perform, self.clock)

    def giving(self, *actions: Any) -> Any:
        """An event of which these actions come."""

        def event(*, now: float) -> list[Any]:
            self.machine.calls.append((actions[0], now))
            return list(actions)

        return event

    def test_not_interleaved(self) -> None:
        """All actions of an event come before those of one that they caused."""
        self.nest(self.giving("c", "d"))
        self.driver.feed(self.giving("nest", "b"))
        self.assertEqual(self.performed, ["nest", "b", "c", "d"])
        self.assertEqual(self.machine.calls, [("nest", 100.0), ("c", 100.0)])

    def test_first_in_first_out(self) -> None:
        """Several of them come in their order, and are given once."""
        self.nest(self.giving("c"), self.giving("d"))
        self.driver.feed(self.giving("nest", "b"))
        self.driver.feed(self.giving("e"))
        self.assertEqual(self.performed, ["nest", "b", "c", "d", "e"])

    def test_nested_in_nested(self) -> None:
        """An event may cause one that causes one."""
        events = [self.giving("nest", "3"), self.giving("nest", "2")]

        def perform(action: Any) -> None:
            self.performed.append(action)
            if action == "nest" and events:
                self.driver.feed(events.pop())

        self.driver = Driver(self.machine, perform, self.clock)
        self.driver.feed(self.giving("nest", "1"))
        self.assertEqual(self.performed, ["nest", "1", "nest", "2", "nest", "3"])

    def test_moment(self) -> None:
        """An event that waited belongs to the moment in which it was fed."""
        self.nest()

        def perform(action: Any) -> None:
            if action == "a":
                self.driver.feed_at(99.5, self.giving("b"))
                self.clock.advance(2)
                self.driver.feed(self.giving("c"))

        self.driver = Driver(self.machine, perform, self.clock)
        self.driver.feed(self.giving("a"))
        self.assertEqual(self.machine.calls, [("a", 100.0), ("b", 99.5), ("c", 102.0)])

    def test_one_timer(self) -> None:
        """The timer is that of the last state of the machine."""

        def later(*, now: float) -> list[Any]:
            self.machine.deadline = 107.0
            return []

        self.nest(later)
        self.machine.deadline = 101.0
        self.driver.feed(self.giving("nest"))
        self.assertEqual(self.due(), [107.0])

    def test_nested_failure(self) -> None:
        """A nested event that fails is logged, and the next one is given."""

        def broken(*, now: float) -> list[Any]:
            raise RuntimeError("broken")

        self.nest(broken, self.giving("c"))
        self.driver.feed(self.giving("nest", "b"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.performed, ["nest", "b", "c"])
        self.driver.feed(self.giving("d"))
        self.assertEqual(self.performed[-1], "d")

    def test_failing_action_that_nests(self) -> None:
        """An action that feeds an event and then fails does not lose that event."""

        def perform(action: Any) -> None:
            self.performed.append(action)
            if action == "a":
                self.driver.feed(self.giving("c"))
                raise RuntimeError("broken")

        self.driver = Driver(self.machine, perform, self.clock)
        self.driver.feed(self.giving("a", "b"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.performed, ["a", "b", "c"])

    def test_expire_nests(self) -> None:
        """A timer's actions may cause events, too."""

        def perform(action: Any) -> None:
            self.performed.append(action)
            if action == "expired":
                self.driver.feed(self.giving("c"))

        self.driver = Driver(self.machine, perform, self.clock)
        self.feed_with_deadline(101.0)
        self.clock.advance(1.0)
        self.assertEqual((self.performed, self.due()), (["expired", "c"], []))

    def test_halt_in_action(self) -> None:
        """An action may halt the driver: its event sets no timer any more."""

        def perform(action: Any) -> None:
            self.performed.append(action)
            if action == "a":
                self.driver.feed(self.giving("b"))
                self.driver.halt()

        self.driver = Driver(self.machine, perform, self.clock)
        self.machine.deadline = 101.0
        self.driver.feed(self.giving("a"))
        self.assertEqual((self.performed, self.due()), (["a", "b"], []))
