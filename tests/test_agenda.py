"""Claims about the agenda: a clock made of another clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.agenda import Agenda

TENTHS = st.integers(0, 30)


class AgendaTestCase(SynchronousTestCase):
    """An agenda on a clock that stands at 100 s, and what was called."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(100)
        self.agenda = Agenda(self.clock)
        self.called: list[str] = []

    def note(self, name: str, more: str = "") -> None:
        """Remember that it was called."""
        self.called.append(name + more)

    def alarms(self) -> list[float]:
        """When the clock underneath will call."""
        return [call.getTime() for call in self.clock.getDelayedCalls()]


class CallTests(AgendaTestCase):
    """callLater and what it returns."""

    def test_inOrder(self) -> None:
        """By time, then first come, first served; arguments are passed on."""
        self.agenda.callLater(2, self.note, "c")
        self.agenda.callLater(1, self.note, "a", more="!")
        self.agenda.callLater(1, self.note, "b")
        self.assertEqual(self.alarms(), [101])
        self.clock.advance(1)
        self.assertEqual((self.called, self.alarms()), (["a!", "b"], [102]))
        self.clock.advance(1)
        self.assertEqual((self.called, self.alarms()), (["a!", "b", "c"], []))
        self.assertEqual(self.agenda.seconds(), 102)

    def test_cancel(self) -> None:
        """What was cancelled is not called, and cannot be cancelled twice."""
        entry = self.agenda.callLater(1, self.note, "a")
        self.assertEqual(self.agenda.getDelayedCalls(), [entry])
        self.assertTrue(entry.active())
        entry.cancel()
        self.assertFalse(entry.active())
        self.assertEqual(self.agenda.getDelayedCalls(), [])
        self.clock.advance(5)
        self.assertEqual((self.called, self.alarms()), ([], []))
        self.assertRaises(AlreadyCancelled, entry.cancel)
        self.assertRaises(AlreadyCancelled, entry.reset, 1)

    def test_called(self) -> None:
        """What was called is over."""
        entry = self.agenda.callLater(1, self.note, "a")
        self.clock.advance(1)
        self.assertFalse(entry.active())
        self.assertRaises(AlreadyCalled, entry.cancel)
        self.assertRaises(AlreadyCalled, entry.delay, 1)

    def test_putOff(self) -> None:
        """A later time costs the clock nothing until the old one has come."""
        entry = self.agenda.callLater(3, self.note, "a")
        for _ in range(5):
            self.clock.advance(1)
            entry.reset(3)
        self.assertEqual(entry.getTime(), 108)
        self.assertEqual(self.called, [])
        self.clock.advance(2.5)
        self.assertEqual((self.called, self.alarms()), ([], [108]))
        self.clock.advance(0.5)
        self.assertEqual(self.called, ["a"])

    def test_earlier(self) -> None:
        """An earlier time counts at once, and the call is made once."""
        entry = self.agenda.callLater(5, self.note, "a")
        entry.reset(1)
        self.assertEqual(self.alarms(), [101])
        entry.delay(1)
        entry.delay(-0.5)
        self.clock.advance(1.5)
        self.assertEqual(self.called, ["a"])
        self.clock.advance(5)
        self.assertEqual((self.called, self.alarms()), (["a"], []))

    def test_atOnce(self) -> None:
        """What a call adds for now waits until the clock has come round."""

        def again() -> None:
            self.note("first")
            self.agenda.callLater(0, self.note, "second")
            self.assertEqual(self.alarms(), [])

        self.agenda.callLater(0, again)
        self.clock.calls.pop().func()
        self.assertEqual((self.called, self.alarms()), (["first"], [100]))
        self.clock.advance(0)
        self.assertEqual(self.called, ["first", "second"])

    def test_fails(self) -> None:
        """A call that fails is logged, and the next ones are made."""
        self.agenda.callLater(1, lambda: [][0])
        self.agenda.callLater(1, self.note, "a")
        self.clock.advance(1)
        self.assertEqual(self.called, ["a"])
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)


class LikeAClockTests(SynchronousTestCase):
    """The agenda beside the clock that it stands for."""

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["new", "reset", "cancel", "wait"]), TENTHS, TENTHS
            )
        )
    )
    def test_same(self, steps: list[tuple[str, int, int]]) -> None:
        """Whatever is asked: the same calls at the same times."""
        found = []
        for make in (lambda clock: clock, Agenda):
            clock = Clock()
            asked, called, calls = make(clock), [], []

            def note(number: int, clock: Clock = clock, called=called) -> None:  # type: ignore[no-untyped-def]
                called.append((clock.seconds(), number))

            for step, number, tenths in steps:
                active = [each for each in calls if each.active()]
                if step == "new":
                    calls.append(asked.callLater(tenths, note, len(calls)))
                elif step == "wait":
                    for _ in range(tenths):
                        clock.advance(1)
                elif active and step == "reset":
                    active[number % len(active)].reset(tenths)
                elif active:
                    active[number % len(active)].cancel()
            for _ in range(40):
                clock.advance(1)
            found.append(sorted(called))
        self.assertEqual(found[0], found[1])
