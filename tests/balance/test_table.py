"""What virtual servers want the kernel to have."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.table import WholeTable, complete, identify, port_of, services
from hanode.config.balance_model import RealServer, VirtualAddress
from hanode.lvs import Destination, Endpoint, Fwmark, Method, Service
from tests.balance.servers import VIP, real, virtual

WEB = Endpoint(VIP, 80, "TCP")
SIX = ip_address("2001:db8::1")
ONE = ip_address("10.0.0.1")


class Services(SynchronousTestCase):
    def test_service(self) -> None:
        """All settings of a virtual server are in its service."""
        settings = virtual(
            scheduler="sh",
            flags=frozenset({"flag-1"}),
            persistence=300,
            granularity=24,
            engine="sip",
            one_packet=True,
        )
        server = real(1, upper=9, lower=4)
        self.assertEqual(
            services(settings, [(server, 7)]),
            {
                WEB: Service(
                    WEB,
                    "sh",
                    frozenset({"flag-1"}),
                    300,
                    24,
                    "sip",
                    True,
                    (Destination(ONE, 80, 7, Method("NAT"), 9, 4),),
                )
            },
        )

    def test_tunnel(self) -> None:
        """Only a tunnel has the settings of one."""
        words = {"tunnel": "gue", "tunnel_port": 6080, "checksum": "csum"}
        found = [
            next(
                iter(services(virtual(), [(real(1, method=kind, **words), 1)]).values())
            )
            for kind in ("DR", "TUN")
        ]
        self.assertEqual(
            [each.destinations[0].method for each in found],
            [Method("DR"), Method("TUN", "gue", 6080, "csum")],
        )

    def test_group(self) -> None:
        """A group has one service for each address and mark."""
        settings = virtual(
            addresses=(
                VirtualAddress(VIP, 80),
                VirtualAddress(VIP, 443),
                VirtualAddress(mark=7),
                VirtualAddress(mark=7, family=6),
            )
        )
        found = services(settings, [(real(1), 1)])
        self.assertEqual(
            list(found), [WEB, Endpoint(VIP, 443, "TCP"), Fwmark(7), Fwmark(7, 6)]
        )
        self.assertEqual(found[Fwmark(7, 6)].destinations, ())

    def test_ports(self) -> None:
        """Who does not rewrite the packet, or has no port, has the service's."""
        self.assertEqual(port_of(WEB, RealServer(ONE, 8080)), 8080)
        self.assertEqual(port_of(WEB, RealServer(ONE, 0)), 80)
        self.assertEqual(port_of(WEB, RealServer(ONE, 8080, method="DR")), 80)
        self.assertEqual(port_of(Fwmark(1), RealServer(ONE, 0, method="DR")), 0)
        self.assertEqual(port_of(Fwmark(1), RealServer(ONE, 80, method="TUN")), 0)
        self.assertEqual(port_of(Fwmark(1), RealServer(ONE, 8080)), 8080)

    def test_families(self) -> None:
        """Only a tunnel leads to a server of the other family."""
        settings = virtual(addresses=(VirtualAddress(SIX, 80, family=6),))
        inside = [(real(1), 1), (real(2, method="TUN"), 1)]
        (service,) = services(settings, inside).values()
        self.assertEqual(
            [str(each.address) for each in service.destinations], ["10.0.0.2"]
        )

    def test_granularity(self) -> None:
        """In a group of both families a whole address is one in both."""
        four, six = VirtualAddress(VIP, 80), VirtualAddress(SIX, 80, family=6)

        def lengths(granularity: int, *addresses: VirtualAddress) -> list[int]:
            settings = virtual(addresses=addresses, granularity=granularity)
            return [each.granularity for each in services(settings, ()).values()]

        self.assertEqual(lengths(32, four, six), [32, 128])
        self.assertEqual(lengths(24, four, six), [24, 24])
        self.assertEqual(lengths(128, six, four), [128, 32])
        self.assertEqual(lengths(64, six), [64])

    def test_complete(self) -> None:
        """All that may ever be asked for: all servers, and the sorry server."""
        for spare, numbers in ((None, [1, 2]), (real(9), [1, 2, 9])):
            settings = virtual(real(1), real(2), sorry=spare)
            (service,) = complete(settings).values()
            found = [each.address.packed[-1] for each in service.destinations]
            self.assertEqual(found, numbers)

    def test_identify(self) -> None:
        """A mark stands before an address."""
        self.assertEqual(identify(VirtualAddress(VIP, 80), "SCTP").protocol, "SCTP")
        self.assertEqual(identify(VirtualAddress(mark=3), "TCP"), Fwmark(3))


class Wholes(SynchronousTestCase):
    def setUp(self) -> None:
        self.table = WholeTable()
        self.table.take()

    def test_unchanged(self) -> None:
        """An equal service stays the object that it was, and nothing is changed."""
        first = Service(WEB)
        self.table.place("a", {WEB: first})
        self.assertTrue(self.table.changed)
        self.assertIs(self.table.take()[WEB], first)
        self.table.place("a", {WEB: Service(WEB)})
        self.assertFalse(self.table.changed)
        self.assertIs(self.table.take()[WEB], first)

    def test_taken(self) -> None:
        """What was taken does not change any more."""
        self.table.place("a", {WEB: Service(WEB)})
        taken = self.table.take()
        self.table.place("a", {})
        self.assertEqual((taken, self.table.take()), ({WEB: Service(WEB)}, {}))

    def test_edited(self) -> None:
        """Another service of the same identity replaces it."""
        self.table.place("a", {WEB: Service(WEB)})
        self.table.take()
        self.table.place("a", {WEB: Service(WEB, "rr")})
        self.assertTrue(self.table.changed)
        self.assertEqual(self.table.take(), {WEB: Service(WEB, "rr")})

    def test_renamed(self) -> None:
        """A virtual server of another name takes a service over without a gap."""
        self.table.place("a", {WEB: Service(WEB)})
        self.table.place("b", {WEB: Service(WEB, "rr")})
        self.table.place("a", {})
        self.assertEqual(self.table.take(), {WEB: Service(WEB, "rr")})
        self.table.place("b", {})
        self.assertEqual(self.table.take(), {})
