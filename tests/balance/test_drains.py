"""Waiting for connections to end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.drains import Drains, connections
from hanode.balance.server import Actions, Say, Virtual
from hanode.config.balance_model import VirtualAddress
from hanode.lvs import Endpoint, Usage, Usages
from tests.balance.servers import NAME, VIP, real, rs, standing, virtual
from tests.balance.test_table import ONE, WEB

TLS = Endpoint(VIP, 443, "TCP")


def usages(active: int, inactive: int = 0) -> Usages:
    """What the kernel counts of the first real server."""
    return {WEB: (Usage(), {(ONE, 80): Usage(active=active, inactive=inactive)})}


class Connections(SynchronousTestCase):
    def test_sum(self) -> None:
        """Connections of all services of a group are added up, closing ones too."""
        group = (VirtualAddress(VIP, 80), VirtualAddress(VIP, 443))
        one = Virtual(virtual(addresses=group))
        one.start([standing(real(1, method="DR")), standing(real(2))], False, now=0.0)
        found = connections(
            one,
            {
                WEB: (Usage(), {(ONE, 80): Usage(active=2, inactive=1)}),
                TLS: (Usage(), {(ONE, 443): Usage(active=4)}),
            },
        )
        key = ONE, 80
        self.assertEqual(found, {key: 7, (real(2).address, 80): 0})

    def test_unknown(self) -> None:
        """Nothing is known of a service that the kernel says nothing about."""
        one = Virtual(virtual())
        one.start([standing(real(1))], False, now=0.0)
        self.assertEqual(connections(one, {}), {})


class Waiting(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[Deferred[Usages]] = []
        self.told: list[Any] = []
        self.virtual = Virtual(virtual())
        self.virtual.start([standing(real(1))], False, now=0.0)
        self.drains = Drains(self.clock, self.ask, self.tell)

    def ask(self) -> Deferred[Usages]:
        self.asked.append(Deferred())
        return self.asked[-1]

    def tell(self, one: Virtual, actions: Actions) -> None:
        self.told.append((one, actions))

    def drain(self) -> None:
        (server,) = self.virtual.reals.values()
        self.virtual.wish(server, True, now=0.0)

    def test_nobody(self) -> None:
        """While nobody is drained, nobody is asked."""
        self.drains.look(self.virtual)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_untilGone(self) -> None:
        """The kernel is asked once a second, until the connections are gone."""
        self.drain()
        self.drains.look(self.virtual)
        self.drains.look(self.virtual)
        self.clock.advance(1)
        self.asked[0].callback(usages(2))
        self.clock.advance(1)
        self.asked[1].callback(usages(0, 1))
        self.clock.advance(1)
        self.assertEqual(self.told, [])
        self.asked[2].callback(usages(0))
        drained = Say(f"Service {rs(1)} of VS {NAME} is drained")
        self.assertEqual(self.told, [(self.virtual, [drained])])
        self.clock.advance(60)
        self.assertEqual(len(self.asked), 3)

    def test_slowAnswer(self) -> None:
        """The kernel is not asked again before it has answered."""
        self.drain()
        self.drains.look(self.virtual)
        self.clock.advance(1)
        self.drains.look(self.virtual)
        self.clock.advance(60)
        self.assertEqual(len(self.asked), 1)

    def test_gone(self) -> None:
        """A virtual server that exists no more is not waited for."""
        self.drain()
        self.drains.look(self.virtual)
        self.drains.forget(self.virtual)
        self.clock.advance(1)
        self.asked[0].callback(usages(0))
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([], []))

    def test_stop(self) -> None:
        """After the end nobody is asked, and no answer is waited for."""
        self.drain()
        self.drains.look(self.virtual)
        self.drains.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.drains.look(self.virtual)
        self.clock.advance(1)
        self.drains.stop()
        self.assertEqual(self.told, [])
        self.drains.stop()
