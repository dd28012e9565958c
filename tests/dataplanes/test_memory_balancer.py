"""The balancer that remembers."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.memory_balancer import MemoryBalancer, memoryBalancer
from hanode.lvs import Service, Timeouts, Usage
from tests.dataplanes.balancer_contract import (
    ONE,
    SIX,
    WEB,
    BalancerContract,
    table,
)
from tests.dataplanes.ipvs_save import saved


class MemoryContractTests(BalancerContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.balancer = MemoryBalancer()

    def settle(self) -> None:
        pass

    def kernel(self) -> list[str]:
        return saved(self.balancer.services.values())

    def someone_sets(self, service: Service) -> None:
        self.balancer.someone_sets(service)

    def someone_removes(self, *services: Service) -> None:
        self.balancer.someone_removes(*(each.identity for each in services))

    def daemons(self) -> list[tuple[str, str, int]]:
        return sorted(
            (each.state, each.interface, each.sync_id) for each in self.balancer.daemons
        )

    def limits(self) -> Timeouts:
        limits: Timeouts = self.balancer.limits
        return limits


class MemoryBalancerTests(SynchronousTestCase):
    def test_tables(self) -> None:
        """Every table that was wanted is remembered with its time."""
        clock = Clock()
        balancer = memoryBalancer.make(clock)
        balancer.start()
        balancer.balance(table(WEB))
        clock.advance(2.5)
        balancer.balance({})
        self.assertEqual(balancer.tables, [(0.0, table(WEB)), (2.5, {})])

    def test_refused(self) -> None:
        """What this kernel will not have is left out, and the reason is told."""
        balancer = MemoryBalancer()
        balancer.refused[SIX.identity] = "no IPv6"
        balancer.start()
        balancer.balance(table(SIX, WEB))
        self.assertEqual(balancer.services, table(WEB))
        self.assertEqual(
            (balancer.refusal(SIX), balancer.refusal(WEB)), ("no IPv6", "")
        )

    def test_counted(self) -> None:
        """Usages are what the test counts."""
        balancer = MemoryBalancer()
        balancer.start()
        only = replace(WEB, destinations=(ONE,))
        balancer.balance(table(only))
        balancer.count(WEB.identity, Usage(connections=5))
        balancer.count(WEB.identity, Usage(active=2), ONE.key)
        self.assertEqual(
            self.successResultOf(balancer.usages()),
            {WEB.identity: (Usage(connections=5), {ONE.key: Usage(active=2)})},
        )

    def test_kind(self) -> None:
        """It is always there and never chosen by itself."""
        self.assertEqual((memoryBalancer.missing(), memoryBalancer.rank), ("", None))
