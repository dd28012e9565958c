"""Real servers that are only rehearsed."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import Check, Target
from hanode.dataplanes.memory_balancer import MemoryBalancer
from hanode.interfaces import IBalancerKind, IChecker, IFactChecker
from hanode.rehearsal.farm import BROKEN, ROUND_TRIP, WELL, Farm, balancers
from hanode.world import World

WEB = Check("TCP_CHECK", (), Target(ip_address("10.0.0.1"), 80))


class FarmTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.farm = Farm(self.clock)
        self.world = World(self.clock, None, None, None, None)

    def found(self, keyword: str = "TCP_CHECK") -> object:
        probe = self.farm.checkers()[keyword].probe(self.world, WEB)
        self.assertNoResult(probe)
        self.clock.advance(ROUND_TRIP)
        return self.successResultOf(probe)

    def test_servers(self) -> None:
        """A server works until it is broken, and again once it is mended."""
        self.assertEqual(self.found(), WELL)
        self.farm.break_("10.0.0.1", 80)
        self.assertEqual(self.found("HTTP_GET"), BROKEN)
        self.farm.mend("10.0.0.1", 80)
        self.assertEqual(self.found(), WELL)
        self.assertEqual([each for _, each in self.farm.probes], [WEB] * 3)

    def test_cancelled(self) -> None:
        """A probe that is given up leaves no timer behind."""
        probe = self.farm.checkers()["TCP_CHECK"].probe(self.world, WEB)
        probe.cancel()
        self.failureResultOf(probe)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_kinds(self) -> None:
        """Each installed checker is replaced, but for those that look at facts."""
        found = self.farm.checkers()
        self.assertTrue(IChecker.providedBy(found["MISC_CHECK"]))
        self.assertTrue(IFactChecker.providedBy(found["BFD_CHECK"]))

    def test_balancers(self) -> None:
        """Whatever dataplane is named, it is the one in memory."""
        kernel = MemoryBalancer()
        for each in balancers(kernel).values():
            self.assertTrue(IBalancerKind.providedBy(each))
            self.assertEqual(each.missing(), "")
            self.assertIs(each.make(None), kernel)
