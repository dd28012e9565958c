"""Probes that run for too long are found, at next to no cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.checkers.dns import dnsChecker
from hanode.checkers.http import httpChecker
from hanode.checkers.http_words import HttpOptions, Url
from hanode.checkers.misc import GRACE, MiscOptions, miscChecker
from hanode.checkers.ping import pingChecker
from hanode.checkers.smtp import Host, SmtpOptions, smtpChecker
from hanode.checkers.ssl import sslChecker
from hanode.checkers.tcp import tcpChecker
from hanode.checkers.udp import udpChecker
from hanode.config.balance_model import Check
from hanode.config.model import Script
from hanode.limits import LOOK, Limits
from tests.balance.servers import check


@dataclass(eq=False)
class Runner:
    check: Check
    checker: Any = None


class Stating:
    def __init__(self, seconds: Any) -> None:
        self.seconds = seconds

    def longest(self, check: Check) -> Any:
        return self.seconds


class Looking(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.late: list[tuple[Runner, float]] = []
        self.limits: Limits[Runner] = Limits(self.clock, self.over)

    def over(self, runner: Runner, seconds: float) -> None:
        self.late.append((runner, seconds))
        self.limits.end(runner)

    def test_late(self) -> None:
        """Who runs for longer than it says is found, at most two looks later."""
        for seconds in (0.5, 5.0, 8.0):
            runner = Runner(check(1), Stating(seconds))
            self.limits.begin(runner)
            began = self.clock.seconds()
            while not self.late:
                self.clock.advance(0.25)
            took = self.clock.seconds() - began
            self.assertEqual(self.late.pop(), (runner, seconds))
            self.assertTrue(seconds <= took <= seconds + 2 * LOOK, took)

    def test_inTime(self) -> None:
        """Who ends is forgotten, and who begins again has all its time again."""
        runner = Runner(check(1), Stating(5.0))
        for _ in range(10):
            self.limits.begin(runner)
            self.clock.pump([1] * 4)
            self.limits.end(runner)
        self.clock.pump([1] * 4)
        self.assertEqual((self.late, self.clock.getDelayedCalls()), ([], []))

    def test_stall(self) -> None:
        """That this process stood still is nobody's fault."""
        self.limits.begin(Runner(check(1), Stating(5.0)))
        self.clock.advance(LOOK)
        self.clock.advance(1000)
        self.assertEqual(self.late, [])

    def test_halt(self) -> None:
        """Nothing is left to come after the end."""
        self.limits.begin(Runner(check(1)))
        self.limits.halt()
        self.limits.halt()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_together(self) -> None:
        """One that is given up may end another."""
        both = [Runner(check(n), Stating(1.0)) for n in (1, 2)]
        for each in both:
            self.limits.begin(each)
        self.patch(self.limits, "_over", lambda *_: self.limits.halt())
        self.clock.pump([LOOK] * 5)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nonsense(self) -> None:
        """A limit that is none is logged, and the usual one holds."""
        self.assertEqual(self.limits.limit(Runner(check(1))), 30.0)
        self.assertEqual(self.limits.limit(Runner(check(1), Stating("long"))), 30.0)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class Stated(SynchronousTestCase):
    def test_once(self) -> None:
        """What asks once takes the timeout."""
        for each in (tcpChecker, udpChecker, pingChecker, dnsChecker):
            self.assertEqual(each.longest(check(1)), 5.0)

    def test_steps(self) -> None:
        """What has several steps takes the time of all, a program that to die, too."""
        pages: Any = HttpOptions((Url("/"), Url("/b")))
        talks = SmtpOptions(hosts=(Host(timeout=1.0), Host()))
        script = MiscOptions(Script(("/bin/true",)))
        timed = MiscOptions(Script(("/bin/true",)), 90.0)
        self.assertEqual(
            [
                httpChecker.longest(replace(check(1), options=pages)),
                sslChecker.longest(replace(check(1), options=pages)),
                smtpChecker.longest(replace(check(1), options=talks)),
                miscChecker.longest(replace(check(1), options=script)),
                miscChecker.longest(replace(check(1), options=timed)),
            ],
            [20.0, 20.0, 22.0, 10.0 + GRACE, 90.0 + GRACE],
        )
