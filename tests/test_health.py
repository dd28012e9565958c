"""What the results of one check mean, and when it is made again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import Schedule
from hanode.health import Attempt, Health, Probe, Unable, Verdict, Weighed
from hanode.result import Result
from tests.balance.servers import ILL, WELL, health


class Times(SynchronousTestCase):
    def test_warmup(self) -> None:
        """The first probe comes after a second and a random part of the warm-up."""
        one = health()
        self.assertIsNone(one.deadline)
        one.start(now=100.0)
        self.assertEqual(one.deadline, 103.0)

    def test_expire(self) -> None:
        """A probe is wanted, and nothing more until it has a result."""
        one = health()
        one.start(now=0.0)
        self.assertEqual(one.expire(now=3.0), (Probe(),))
        self.assertIsNone(one.deadline)

    def test_beat(self) -> None:
        """Probes begin delay_loop apart, however long one takes."""
        one = health()
        one.expire(now=3.0)
        self.assertEqual(one.record(WELL, now=7.0), ())
        self.assertEqual(one.deadline, 13.0)

    def test_slowProbe(self) -> None:
        """After a probe that took longer than delay_loop the next one is due."""
        one = health()
        one.expire(now=3.0)
        one.record(WELL, now=20.0)
        self.assertEqual(one.deadline, 20.0)

    def test_suspend(self) -> None:
        """Suspended, nothing is due and the verdict stays."""
        one = health()
        one.start(now=0.0)
        one.suspend()
        self.assertIsNone(one.deadline)
        self.assertTrue(one.up)


class Verdicts(SynchronousTestCase):
    def test_firstFailure(self) -> None:
        """Without any success before, the first failure counts at once."""
        one = health(retry=3)
        self.assertEqual(one.record(ILL, now=5.0), (Verdict(False, ILL),))
        self.assertEqual((one.up, one.since), (False, 5.0))

    def test_retries(self) -> None:
        """Later it takes as many failures more, delay_before_retry apart."""
        one = health(retry=2, delay_before_retry=0.5)
        one.record(WELL, now=0.0)
        for now in (10.0, 11.0):
            one.expire(now=now)
            self.assertEqual(one.record(ILL, now=now + 0.1), ())
            self.assertEqual(one.deadline, now + 0.6)
        one.expire(now=12.0)
        self.assertEqual(one.record(ILL, now=12.1), (Verdict(False, ILL, 2),))
        self.assertEqual(one.deadline, 22.0)

    def test_recovery(self) -> None:
        """A success among the retries ends them; then all are needed again."""
        one = health(retry=1)
        one.record(WELL, now=0.0)
        for now in (10.0, 20.0, 30.0):
            self.assertEqual(one.record(ILL, now=now), ())
            self.assertEqual(one.record(WELL, now=now + 1), ())
        self.assertTrue(one.up)

    def test_return(self) -> None:
        """While it is down one success suffices, and failures say nothing."""
        one = health()
        one.record(ILL, now=0.0)
        self.assertEqual(one.record(ILL, now=10.0), ())
        self.assertEqual(one.record(WELL, now=20.0), (Verdict(True, WELL),))
        self.assertEqual((one.up, one.since), (True, 20.0))

    def test_alpha(self) -> None:
        """Assumed to be down, the first result is told, whatever it is."""
        one = health(up=False)
        self.assertEqual(one.record(ILL, now=7.0), (Verdict(False, ILL),))
        self.assertEqual(one.since, 0.0)
        self.assertEqual(one.record(ILL, now=8.0), ())
        other = health(up=False)
        self.assertEqual(other.record(WELL, now=7.0), (Verdict(True, WELL),))

    def test_logAllFailures(self) -> None:
        """Failures that decide nothing are told when log_all_failures wants it."""
        one = health(log_all_failures=True, retry=1)
        one.record(WELL, now=0.0)
        self.assertEqual(one.record(ILL, now=1.0), (Attempt(ILL),))
        self.assertEqual(one.record(ILL, now=2.0), (Verdict(False, ILL, 1),))
        self.assertEqual(one.record(ILL, now=3.0), (Attempt(ILL),))

    def test_ours(self) -> None:
        """That this machine could not look decides nothing, and is told once."""
        unable = Result(False, "too many open files", ours=True)
        for up in (True, False):
            one = health(up=up)
            self.assertEqual(one.record(unable, now=0.0), (Unable(unable),))
            self.assertEqual(one.record(unable, now=10.0), ())
            self.assertEqual((one.up, one.tried, one.failures), (up, False, 0))
        one = health()
        one.record(WELL, now=0.0)
        self.assertEqual(one.record(unable, now=10.0), (Unable(unable),))

    def test_restart(self) -> None:
        """A start after a pause forgets failures that were being retried."""
        one = health(retry=1)
        one.record(WELL, now=0.0)
        one.record(ILL, now=1.0)
        one.suspend()
        one.start(now=50.0)
        self.assertEqual(one.record(ILL, now=52.0), ())

    @given(st.lists(st.booleans()), st.integers(0, 3), st.booleans())
    def test_asSpecified(self, results: list[bool], retry: int, up: bool) -> None:
        """It is down exactly when the results since the last success say so."""
        one = health(up=up, retry=retry)
        expected, succeeded, failures = up, False, 0
        for number, ok in enumerate(results):
            before = one.up
            actions = one.record(WELL if ok else ILL, now=float(number))
            if ok:
                expected, succeeded, failures = True, True, 0
            else:
                failures += 1
                expected = expected and succeeded and failures <= retry
            self.assertIs(one.up, expected)
            if before is not one.up:
                self.assertEqual(len(actions), 1)


class Weights(SynchronousTestCase):
    def test_weight(self) -> None:
        """Another weight is an action, the same again is none."""
        one = health()
        lighter = Result(True, "success", weight=3)
        self.assertEqual(one.record(lighter, now=0.0), (Weighed(),))
        self.assertEqual(one.record(lighter, now=1.0), ())
        self.assertEqual((one.weight, one.change), (3, None))

    def test_change(self) -> None:
        """So is another change; who says nothing leaves the last word."""
        one = health()
        self.assertEqual(
            one.record(Result(True, "success", change=-5), now=0.0), (Weighed(),)
        )
        self.assertEqual(one.record(WELL, now=1.0), ())
        self.assertEqual(one.change, -5)

    def test_both(self) -> None:
        """A verdict and a weight may come with one result."""
        one = health(up=False)
        heavy = Result(True, "success", weight=9)
        self.assertEqual(one.record(heavy, now=0.0), (Verdict(True, heavy), Weighed()))
        dead = Result(False, "failed", change=1)
        one.succeeded = False
        self.assertEqual(one.record(dead, now=1.0), (Verdict(False, dead), Weighed()))


class Adoptions(SynchronousTestCase):
    def adopted(self, deadline: float | None) -> Health:
        old = health(retry=1)
        old.record(ILL, now=5.0)
        old.deadline = deadline
        new = Health(Schedule(delay_loop=2.0, retry=7), lambda: 0.5, True, 6.0)
        new.adopt(old, now=6.0)
        return new

    def test_adopt(self) -> None:
        """Another schedule goes on from the verdict that there was."""
        new = self.adopted(15.0)
        self.assertEqual((new.up, new.since, new.result), (False, 5.0, ILL))
        self.assertEqual(new.deadline, 8.0)
        self.assertEqual(new.schedule.retry, 7)

    def test_deadlines(self) -> None:
        """What was due earlier stays due then; what was running is due again."""
        self.assertEqual(self.adopted(7.0).deadline, 7.0)
        self.assertEqual(self.adopted(None).deadline, 8.0)
