"""Each distinct check is made once, on time, and never twice at once."""

from __future__ import annotations

from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.server import Virtual
from hanode.checks import Checks, Line
from hanode.facts import Facts
from hanode.health import Verdict
from hanode.result import Result
from tests.balance.checkers import Follower, Prober, world
from tests.balance.servers import ILL, WELL, check, real, standing, virtual


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = world()
        self.clock = self.world.clock
        self.facts = Facts(self.clock)
        self.prober, self.changes = Prober(), []
        checkers = {"TCP_CHECK": self.prober, "WORD_CHECK": Follower()}
        self.checks = Checks(self.world, self.facts, checkers, self.changed)

    def changed(self, line: Line, actions: Any) -> None:
        self.changes.append(actions)

    def user(self, number: int = 1, **more: Any) -> tuple[Virtual, Any]:
        return Virtual(virtual(**more)), standing(real(number))

    def join(self, *numbers: int, **schedule: Any) -> Line:
        """A line that is made, with one user."""
        line = self.checks.line(check(*(numbers or (1,)), **schedule))
        self.checks.join(line, self.user())
        return line


class Sharing(Case):
    def test_shared(self) -> None:
        """Two users of equal checks share one probe."""
        self.checks.start()
        one, other = self.join(), self.join()
        self.assertIs(one, other)
        self.assertEqual((len(self.checks), list(self.checks)), (1, [one]))
        self.clock.advance(1)
        self.assertEqual(len(self.prober.asked), 1)
        self.assertEqual(len(one.users), 2)

    def test_lastUser(self) -> None:
        """A line without users is gone, and its probe is given up."""
        self.checks.start()
        line = self.checks.line(check(1))
        users = [self.user(), self.user()]
        for each in users:
            self.checks.join(line, each)
        self.clock.advance(1)
        self.checks.leave(line, users[0])
        self.assertEqual(self.prober.cancelled, [])
        self.checks.leave(line, users[1])
        self.assertEqual(self.prober.cancelled, [line.check])
        self.assertEqual(list(self.checks), [])
        self.assertRaises(KeyError, self.checks.of, line.check)
        self.clock.advance(60)
        self.assertEqual((len(self.prober.asked), self.changes), (1, []))

    def test_assumptions(self) -> None:
        """A new line is up, but for alpha, for wait, and for who is known as down."""
        self.assertTrue(self.checks.line(check(1)).health.up)
        self.assertFalse(self.checks.line(check(2, alpha=True)).health.up)
        self.assertFalse(self.checks.line(check(3), down=True).health.up)
        self.checks.wait = True
        self.assertFalse(self.checks.line(check(4)).health.up)

    def test_similar(self) -> None:
        """A line may go on from another one."""
        self.checks.start()
        old = self.join()
        self.clock.advance(1)
        self.prober.answer(ILL)
        new = self.checks.line(check(1, delay_loop=3.0), old)
        self.checks.join(new, self.user())
        self.assertFalse(new.health.up)
        self.assertEqual(new.due, 4.0)

    def test_unknownChecker(self) -> None:
        """A check that nobody can make is logged, and never made."""
        self.checks.start()
        line = self.checks.line(check(1, "XYZ_CHECK"))
        self.checks.join(line, self.user())
        self.clock.advance(60)
        self.assertFalse(line.active)


class Probing(Case):
    def test_beat(self) -> None:
        """Nothing is checked before the start; then every delay_loop."""
        self.join()
        self.clock.advance(10)
        self.assertEqual(self.prober.asked, [])
        self.checks.start()
        for _ in range(3):
            self.clock.advance(1)
            self.assertEqual(len(self.prober.asked), 1)
            self.prober.answer(WELL)
            self.clock.advance(9)
        self.assertEqual(self.changes, [])

    def test_noOverlap(self) -> None:
        """While a probe runs, no other of the same check is begun."""
        line = self.join()
        self.checks.start()
        self.clock.pump([1] * 25)
        self.assertEqual((len(self.prober.asked), line.probes), (1, 1))
        self.prober.answer(WELL)
        self.clock.advance(0)
        self.assertEqual((len(self.prober.asked), line.probes), (1, 2))

    def test_change(self) -> None:
        """A verdict is handed on, and the next probe is planned before that."""
        line = self.join()
        self.checks.start()
        self.clock.advance(1)
        self.prober.answer(ILL)
        self.assertEqual(self.changes, [(Verdict(False, ILL),)])
        self.assertEqual(line.due, 11.0)

    def test_stop(self) -> None:
        """At the end running probes are given up, and nothing is left to come."""
        self.join(1)
        self.join(2, warmup=60.0)
        self.join(3)
        self.checks.start()
        self.clock.advance(1)
        self.checks.stop()
        self.assertEqual(len(self.prober.cancelled), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_suspended(self) -> None:
        """A check is made while one of its users is not suspended."""
        line = self.checks.line(check(1))
        first, second = self.user(), self.user()
        for each in (first, second):
            self.checks.join(line, each)
        self.checks.start()
        first[0].suspended = True
        self.checks.settle(line)
        self.clock.advance(1)
        self.prober.answer(WELL)
        self.assertEqual(line.probes, 1)
        second[0].suspended = True
        self.checks.settle(line)
        self.clock.advance(60)
        self.assertEqual(line.probes, 1)
        second[0].suspended = False
        self.checks.settle(line)
        self.clock.advance(1)
        self.assertEqual(line.probes, 2)

    def test_lateAnswer(self) -> None:
        """What a probe says after it was given up is not heard."""
        line = self.join()
        self.checks.start()
        self.clock.advance(1)
        ((_, done),) = self.prober.asked
        line.users[0][0].suspended = True
        self.patch(done, "cancel", lambda: None)
        self.checks.settle(line)
        done.callback(ILL)
        self.assertIsNone(line.health.result)


class Broken(Case):
    def found(self) -> Result | None:
        line = self.join()
        self.checks.start()
        self.clock.advance(1)
        return line.health.result

    def test_raises(self) -> None:
        """A checker that raises has found nothing; it is asked again."""

        def probe(world: Any, check: Any) -> Deferred[Result]:
            raise ValueError("oh")

        self.patch(self.prober, "probe", probe)
        self.assertEqual(self.found(), Result(False, "checker failed", "oh", ours=True))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.clock.advance(10)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_fails(self) -> None:
        """So has one whose Deferred fails."""
        self.found()
        ((_, done),) = self.prober.asked
        done.errback(ValueError("oh"))
        (line,) = self.checks
        self.assertEqual(
            line.health.result, Result(False, "checker failed", "oh", ours=True)
        )

    def test_nonsense(self) -> None:
        """So has one that gives something else than a result."""
        self.found()
        self.prober.answer(None)
        (line,) = self.checks
        self.assertEqual(
            line.health.result, Result(False, "checker failed", "None", ours=True)
        )


class Endless(Case):
    def test_givenUp(self) -> None:
        """A probe that never ends is given up, fails, and is made again."""
        with capturedLogs() as logged:
            line = self.join(delay_loop=60.0)
            self.checks.start()
            self.clock.pump([1] * 29)  # five times the timeout and 5 s, from 1 s on
            self.assertEqual((self.prober.cancelled, line.probes), ([], 1))
            self.clock.pump([1] * 6)
            self.assertEqual(self.prober.cancelled, [line.check])
            endless = Result(False, "no result", "after 30 s")
            self.assertEqual(self.changes, [(Verdict(False, endless),)])
            self.clock.pump([1] * 75)
        self.assertEqual((line.probes, len(self.prober.cancelled)), (2, 2))
        self.assertEqual(
            [each["log_format"] for each in logged if "seconds" in each],
            ["{line!r}: no result after {seconds:g} s, given up"],
        )

    def test_cancelFails(self) -> None:
        """Even if the checker fails at that."""
        line = self.join()
        self.checks.start()
        self.clock.advance(1)
        ((_, done),) = self.prober.asked
        self.patch(done, "_canceller", mock.Mock(side_effect=OSError("oh")))
        self.clock.pump([1] * 40)
        self.assertEqual(line.health.result, Result(False, "no result", "after 30 s"))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)


class Following(Case):
    def test_fact(self) -> None:
        """A fact is judged when it is known, and at each change."""
        line = self.checks.line(check(1, "WORD_CHECK"))
        self.checks.join(line, self.user())
        self.checks.start()
        self.assertEqual((line.health.up, line.probes), (True, 0))
        self.facts.set("word", "good")
        self.facts.set("word", "bad")
        bad = Result(False, "word is bad")
        self.assertEqual(self.changes, [])  # one retry is left
        self.facts.set("word", "worse")
        self.assertEqual(
            self.changes, [(Verdict(False, Result(False, "word is worse"), 1),)]
        )
        self.assertNotEqual(line.health.result, bad)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_end(self) -> None:
        """Nobody watches the fact after the end."""
        line = self.checks.line(check(1, "WORD_CHECK"))
        self.checks.join(line, self.user())
        self.checks.start()
        self.checks.stop()
        self.facts.set("word", "bad")
        self.assertIsNone(line.health.result)
        self.assertIn("WORD_CHECK of [10.0.0.1]:80", repr(line))

    def test_raises(self) -> None:
        """A checker that raises an exception says nothing and stops nobody else."""
        follower = self.checks._checkers["WORD_CHECK"]
        line = self.checks.line(check(1, "WORD_CHECK"))
        other = self.checks.line(check(2, "WORD_CHECK"))
        self.facts.set("word", "good")
        for broken in ("fact", "judge"):
            with mock.patch.object(follower, broken, side_effect=OSError("oh")):
                user = self.user()
                self.checks.join(line, user)
                self.checks.start()
            self.assertEqual(
                line.health.result, Result(False, "checker failed", "oh", ours=True)
            )
            self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
            line.users.remove(user)
            self.checks.settle(line)
        self.checks.join(other, self.user(2))
        self.assertEqual((line.health.up, other.probes), (True, 1))
