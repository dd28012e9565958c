"""The balancer plug-in and its failures."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.director import AGAIN, Director
from hanode.config.balance_model import BalanceDefs
from hanode.lvs import Service, SyncDaemon, Timeouts
from tests.balance.checkers import Kind, Moody
from tests.balance.test_table import WEB

TABLE = {WEB: Service(WEB)}
MASTER = SyncDaemon("master", "eth0", 1)


class Case(SynchronousTestCase):
    def make(self, *failing: str, **kind: Any) -> Director:
        self.clock, self.balancer = Clock(), Moody(*failing)
        self.kind = Kind(self.balancer, **kind)
        return Director(self.clock, {"memory": self.kind})

    def failures(self) -> int:
        return len(self.flushLoggedErrors())


class Lives(Case):
    def test_start(self) -> None:
        """The plug-in is opened and gets the table that was wanted before."""
        director = self.make()
        director.balance(TABLE)
        self.assertTrue(director.start(BalanceDefs()))
        self.assertEqual(self.balancer.services, TABLE)
        self.assertEqual((director.keyword, director.problem), ("memory", ""))
        self.assertFalse(director.start(BalanceDefs()))
        self.assertEqual(self.balancer.calls, ["start", "balance"])

    def test_flushAndTimeouts(self) -> None:
        """lvs_flush comes first, lvs_timeouts once, at the start only."""
        director = self.make()
        director.balance(TABLE)
        director.start(BalanceDefs(flush=True, timeouts=(1, 2, 3)))
        self.assertEqual(self.balancer.calls, ["start", "flush", "timeouts", "balance"])
        self.assertEqual(self.balancer.limits, Timeouts(1, 2, 3))
        self.assertEqual(self.balancer.services, TABLE)

    def test_stop(self) -> None:
        """The end removes what is ours, or leaves it, or removes all there is."""
        for arguments, calls in (
            ((True,), ["stop True"]),
            ((False,), ["stop False"]),
            ((False, True), ["flush", "stop True"]),
        ):
            director = self.make()
            director.start(BalanceDefs())
            director.stop(*arguments)
            director.stop(True)
            self.assertEqual(self.balancer.calls[1:], calls)

    def test_another(self) -> None:
        """Another choice replaces the plug-in, with the whole table."""
        old, new = Moody(), Moody()
        kinds = {"a": Kind(old, "a"), "b": Kind(new, "b")}
        director = Director(Clock(), kinds)
        director.start(BalanceDefs(dataplane="a"))
        director.balance(TABLE)
        director.sync([MASTER])
        self.assertTrue(director.start(BalanceDefs(dataplane="b")))
        self.assertEqual(old.calls[-2:], ["sync", "stop True"])
        self.assertEqual(old.services, {})
        self.assertEqual(new.services, TABLE)
        self.assertEqual(new.daemons, (MASTER,))

    def test_sync(self) -> None:
        """Equal daemons are stated once; they end with us."""
        director = self.make()
        director.sync([MASTER])
        director.start(BalanceDefs())
        director.sync([MASTER])
        self.assertEqual(self.balancer.daemons, (MASTER,))
        director.stop(False)
        self.assertEqual(self.balancer.daemons, ())
        self.assertEqual(self.balancer.calls, ["start", "sync", "sync", "stop False"])


class Failures(Case):
    def test_nothing(self) -> None:
        """Without any plug-in that works there is a problem, and no exception."""
        director = self.make(problem="no module")
        self.assertTrue(director.start(BalanceDefs()))
        director.balance(TABLE)
        director.sync([MASTER])
        self.assertEqual(director.problem, "memory: no module")
        self.assertEqual(director.refusal(TABLE[WEB]), "")
        self.assertEqual(self.successResultOf(director.usages()), {})
        director.stop(True)
        self.assertEqual(self.balancer.calls, [])

    def test_later(self) -> None:
        """A reload tries again what could not be had at the start."""
        director = self.make(problem="no module")
        director.start(BalanceDefs())
        self.kind.problem = ""
        self.assertTrue(director.start(BalanceDefs()))
        self.assertEqual(director.problem, "")

    def test_much_later(self) -> None:
        """Without a reload it is tried again, quietly, until it works."""
        chosen: list[bool] = []
        director = self.make(problem="no module")
        director = Director(
            self.clock,
            {"memory": self.kind},
            lambda: chosen.append(bool(self.balancer.calls)),
        )
        with capturedLogs() as logged:
            director.start(BalanceDefs())
            director.balance(TABLE)
            self.clock.pump([AGAIN] * 3)
            self.assertEqual(director.problem, "memory: no module")
            self.assertEqual(len(logged), 1)
            self.kind.problem, self.kind.failure = "", ValueError("oh")
            self.clock.pump([AGAIN] * 3)
            self.assertEqual(
                (director.problem, director.keyword, len(logged)),
                ("dataplane memory failed", "", 2),
            )
            self.kind.failure = None
            self.clock.pump([AGAIN] * 3)
        self.assertEqual((director.problem, director.keyword), ("", "memory"))
        self.assertEqual(len(logged), 3)
        self.assertEqual((self.balancer.services, chosen), (TABLE, [False]))
        self.assertEqual(self.failures(), 1)

    def test_seekingEnds(self) -> None:
        """After the end nothing is looked for."""
        director = self.make(problem="no module")
        director.start(BalanceDefs())
        director.stop(True)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_presentDefs(self) -> None:
        """What can be opened later is opened as the configuration is then."""
        director = self.make("start")
        director.start(BalanceDefs(flush=True, timeouts=(1, 0, 0)))
        self.assertFalse(director.start(BalanceDefs(timeouts=(2, 0, 0))))
        self.balancer.failing.clear()
        self.clock.advance(AGAIN)
        self.assertEqual(self.balancer.limits, Timeouts(2, 0, 0))
        self.assertNotIn("flush", self.balancer.calls)

    def test_make(self) -> None:
        """A plug-in that cannot be made is a problem, and no exception."""
        director = self.make(failure=ValueError("oh"))
        director.start(BalanceDefs())
        self.assertEqual(director.problem, "dataplane memory failed")
        self.assertEqual(self.failures(), 1)

    def test_open(self) -> None:
        """One that cannot be opened is tried again, and gets the table then."""
        director = self.make("start")
        director.start(BalanceDefs(timeouts=(1, 0, 0)))
        director.balance(TABLE)
        self.clock.advance(AGAIN)
        self.assertEqual(director.problem, "start")
        self.assertEqual(self.balancer.calls, ["start", "start"])
        self.balancer.failing.clear()
        self.clock.advance(AGAIN)
        self.assertEqual(director.problem, "")
        self.assertEqual(self.balancer.services, TABLE)

    def test_openingEnds(self) -> None:
        """Nothing is tried again after the end."""
        director = self.make("start")
        director.start(BalanceDefs())
        director.stop(True)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_balance(self) -> None:
        """A table that could not be applied is tried again, once at a time."""
        director = self.make("balance")
        director.start(BalanceDefs())
        director.balance({})
        director.balance(TABLE)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.balancer.failing.clear()
        self.clock.advance(AGAIN)
        self.assertEqual(self.balancer.services, TABLE)
        self.assertEqual(self.failures(), 2)

    def test_others(self) -> None:
        """Whatever else fails is logged, and the rest goes on."""
        director = self.make("flush", "timeouts", "sync", "stop True", "refusal")
        director.balance(TABLE)
        director.start(BalanceDefs(flush=True, timeouts=(1, 0, 0)))
        director.sync([MASTER])
        self.assertEqual(self.balancer.services, TABLE)
        self.assertEqual(director.refusal(TABLE[WEB]), "dataplane memory failed")
        director.stop(True)
        self.assertEqual(self.failures(), 6)

    def test_refusal(self) -> None:
        """What the plug-in refuses, it refuses with its own words."""
        director = self.make()
        director.start(BalanceDefs())
        self.balancer.refused[WEB] = "no wlc"
        self.assertEqual(director.refusal(TABLE[WEB]), "no wlc")

    def test_usages(self) -> None:
        """Who cannot count has counted nothing."""
        director = self.make("usages")
        director.start(BalanceDefs())
        self.assertEqual(self.successResultOf(director.usages()), {})
        self.assertEqual(self.failures(), 1)
        self.patch(self.balancer, "usages", lambda: fail(OSError("oh")))
        self.assertEqual(self.successResultOf(director.usages()), {})
        self.patch(self.balancer, "usages", lambda: succeed({"a": 1}))
        self.assertEqual(self.successResultOf(director.usages()), {"a": 1})

    def test_cancelled(self) -> None:
        """A question that nobody wants answered any more is no failure."""
        director = self.make()
        director.start(BalanceDefs())
        self.patch(self.balancer, "usages", Deferred)
        with capturedLogs() as logged:
            counted = director.usages()
            counted.cancel()
        self.assertEqual((self.successResultOf(counted), logged), ({}, []))
