"""The real kernel's routes and rules, in a network namespace of its own."""

from __future__ import annotations

import select
import socket
from ipaddress import ip_address, ip_network
from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.route_model import Hop, Route, Rule
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.route_message import add_route, remove_route
from hanode.dataplanes.netlink.rule_message import add_rule, remove_rule
from hanode.dataplanes.netlink.socket import open_netlink
from hanode.dataplanes.routes import Routes
from hanode.dataplanes.rules import Rules
from tests.dataplanes.contract import DEVICE, OWN, A
from tests.dataplanes.contract_routes import (
    HOLE,
    ROUTES,
    RULES,
    STOP,
    TABLE,
    VIA,
    RoutesContract,
)
from tests.live.test_dataplane import Live
from tests.live.veth import PEER, create_interface, ip


class World(Live):
    """What is asked of the kernel, and what others do to it."""

    def indices(self) -> dict[str, int]:
        return {name: index for index, name in socket.if_nameindex()}

    def kernel_of(self) -> Kernel:
        kernel = Kernel()
        kernel.indices = self.indices()
        return kernel

    def routes(self, among: tuple[Route, ...] = ROUTES) -> list[Route]:
        form, kernel = Routes(), self.kernel_of()
        stored = form.read(among)
        return [r for r in among if any(form.is_same(s, r, kernel) for s in stored)]

    def rules(self, among: tuple[Rule, ...] = RULES) -> list[Rule]:
        form, kernel = Rules(), self.kernel_of()
        stored = form.read(among)
        return [r for r in among if any(form.is_same(s, r, kernel) for s in stored)]

    def tell(self, request: bytes) -> None:
        with open_netlink() as port:
            port.send(request)

    def someone_sets(self, *records: Route | Rule) -> None:
        for record in records:
            route = isinstance(record, Route)
            self.tell(add_route(record, self.indices()) if route else add_rule(record))

    def someone_takes(self, record: Route | Rule) -> None:
        route = isinstance(record, Route)
        self.tell(
            remove_route(record, self.indices()) if route else remove_rule(record)
        )

    def set_up(self, up: bool) -> None:
        ip("link", "set", DEVICE, "up" if up else "down")

    def delete_interface(self) -> None:
        ip("link", "del", DEVICE)

    def create_interface(self) -> None:
        create_interface()


class LinuxRoutesContractTests(World, RoutesContract, SynchronousTestCase):
    """The shared claims."""


class LinuxRoutesTests(World, SynchronousTestCase):
    """What only the real kernel can show."""

    def setUp(self) -> None:
        super().setUp()
        globalLogPublisher.addObserver(self._observe)
        self.addCleanup(globalLogPublisher.removeObserver, self._observe)

    def _observe(self, event: Any) -> None:
        ours = "log_format" in event and "hanode" in event.get("log_namespace", "")
        if ours and event["log_level"].name != "debug":
            self.log.append(event["log_format"].format(**event))

    def hold(self, *routes: Route, rules: tuple[Rule, ...] = ()) -> None:
        self.dataplane.start(lambda name, link: None)
        self.dataplane.claim("VI_1", (A,), routes, rules)
        self.dataplane.hold("VI_1", (A,), routes, rules)
        self.settle()

    def all_there(self) -> None:
        self.settle()
        self.assertEqual((self.routes(), self.rules()), (list(ROUTES), list(RULES)))

    def test_flushed_routes(self) -> None:
        """ip route flush, which the kernel tells of, is made good."""
        self.hold(*ROUTES, rules=RULES)
        ip("route", "flush", "table", "main")
        ip("rule", "flush", "protocol", "18")
        self.all_there()

    def test_flushed_addresses(self) -> None:
        """ip addr flush takes the IPv4 routes in silence; they come back as well."""
        self.hold(*ROUTES, rules=RULES)
        ip("addr", "flush", "dev", DEVICE)
        self.all_there()
        self.assertIn(
            "route 10.20.0.0/16 dev wan0 table 100 was removed by someone else while"
            " VI_1 holds it: put back",
            self.log,
        )

    def test_replaced(self) -> None:
        """ip route replace, which is told as a new route, is made good."""
        self.hold(*ROUTES)
        ip("route", "replace", str(VIA.destination), "dev", DEVICE)
        self.settle()
        self.assertEqual(self.routes(), list(ROUTES))
        shown = ip("route", "get", "198.51.100.1")
        self.assertIn("via 192.0.2.254", shown)

    def test_renamed(self) -> None:
        """Routes follow the name that the configuration speaks of."""
        self.hold(*ROUTES, rules=RULES)
        ip("link", "set", DEVICE, "down")
        ip("link", "set", DEVICE, "name", "old0")
        ip("link", "set", PEER, "down")
        ip("link", "set", PEER, "name", DEVICE)
        for name in ("old0", DEVICE):
            ip("link", "set", name, "up")
        self.all_there()
        self.assertNotIn("proto keepalived", ip("route", "show", "dev", "old0"))

    def test_renamed_while_up(self) -> None:
        """An interface that gets another name loses what is ours."""
        self.hold(*ROUTES, rules=RULES)
        ip("link", "set", DEVICE, "name", "old0")
        self.settle()
        self.assertEqual(self.routes(), [HOLE])
        self.assertNotIn("192.0.2.1/24", ip("addr", "show", "dev", "old0"))
        ip("link", "set", "old0", "name", DEVICE)
        self.all_there()

    def test_small_mtu(self) -> None:
        """An MTU that switches IPv6 off and on again leaves all as it was."""
        self.hold(*ROUTES, rules=RULES)
        ip("link", "set", DEVICE, "mtu", "1000")
        self.settle()
        ip("link", "set", DEVICE, "mtu", "1500")
        self.all_there()

    def test_refused_until_the_gateway_is_there(self) -> None:
        """A route whose gateway cannot be reached is set when it can be."""
        far = Route(ip_network("10.50.0.0/16"), hops=(Hop(ip_address("10.51.0.1")),))
        self.hold(far)
        self.assertEqual(
            self.log,
            [
                "cannot set route 10.50.0.0/16 via 10.51.0.1: Network is unreachable; "
                "trying again until it works"
            ],
        )
        self.assertEqual(self.dataplane.lacking("VI_1"), [far])
        ip("addr", "add", "10.51.0.2/24", "dev", DEVICE)
        self.settle()
        self.assertEqual(self.routes((far,)), [far])
        self.assertEqual(self.log[1:], [f"route {far} is set at last"])

    def test_changed_leftover(self) -> None:
        """What a dead process left with another gateway is removed too."""
        old = Route(VIA.destination, hops=(Hop(device=DEVICE),))
        self.someone_sets(old)
        self.hold(VIA)
        self.assertEqual(self.routes((old, VIA)), [VIA])

    def test_those_of_others_stay(self) -> None:
        """A route of another protocol in the same place is left alone."""
        ip("route", "add", "10.40.0.0/16", "dev", DEVICE, "metric", "5")
        self.hold(HOLE)
        self.assertEqual(self.routes((HOLE,)), [HOLE])
        self.dataplane.stop()
        self.assertIn("10.40.0.0/16 dev wan0", ip("route"))

    def test_several_hops(self) -> None:
        """Next hops with weights, in both families, come back whole."""
        four = Route(
            ip_network("10.60.0.0/16"),
            hops=(
                Hop(ip_address("203.0.113.8"), DEVICE, 2),
                Hop(ip_address("203.0.113.9"), DEVICE, 5),
            ),
        )
        six = Route(
            ip_network("2001:db8:6::/48"),
            hops=(
                Hop(ip_address("fe80::8"), DEVICE, 1),
                Hop(ip_address("fe80::9"), DEVICE, 3),
            ),
        )
        self.hold(four, six)
        self.assertEqual(self.routes((four, six)), [four, six])
        ip("-6", "route", "del", "2001:db8:6::/48", "via", "fe80::9", "dev", DEVICE)
        self.settle()
        self.assertEqual(self.routes((four, six)), [four, six])

    def test_a_stubborn_remover(self) -> None:
        """Who removes it again and again meets a pause, and then gives in."""
        self.hold(HOLE)
        for _ in range(11):
            self.someone_takes(HOLE)
            self.settle()
            self.turns.advance(0.2)
        self.assertEqual(self.routes((HOLE,)), [])
        self.turns.advance(1.1)
        self.settle()
        self.assertEqual(self.routes((HOLE,)), [HOLE])
        self.assertEqual(len(self.log), 11)

    def test_own_changes_are_no_losses(self) -> None:
        """Releasing and holding again says nothing."""
        self.hold(*ROUTES, rules=(TABLE, STOP))
        self.dataplane.hold("VI_1", ())
        self.settle()
        self.dataplane.hold("VI_1", (A,), ROUTES, RULES)
        self.all_there()
        self.assertEqual(self.log, [])

    def test_routing_daemons_wake_nobody(self) -> None:
        """Routes of a routing daemon are not even told; those of people are."""
        self.hold(VIA)
        (news,) = [r for r in self.turns.readers if r is self.dataplane._news]
        told = []
        for protocol in ("bgp", "dhcp", "static", "18", "ospf"):
            ip("route", "add", "10.99.0.0/16", "dev", DEVICE, "proto", protocol)
            ip("route", "del", "10.99.0.0/16", "dev", DEVICE)
            if select.select((news,), (), (), 0.05)[0]:
                told.append(protocol)
            self.settle()
        self.assertEqual(told, ["dhcp", "static", "18"])

    def test_news_lost(self) -> None:
        """When news were dropped everything is read anew."""
        self.hold(*ROUTES, rules=RULES)
        ip("route", "flush", "table", "100")
        self.dataplane._news_lost()
        self.all_there()
        self.assertEqual(OWN in ip("addr", "show", "dev", DEVICE), True)
