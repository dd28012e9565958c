"""Routes as bytes; pyroute2 is the referee."""

from __future__ import annotations

import contextlib
from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.rtmsg import rtmsg
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.route_model import Encapsulation, Hop, Route
from hanode.dataplanes.netlink.message import HEADER, BadMessage
from hanode.dataplanes.netlink.route_message import (
    IP6_PRIORITY,
    NLM_F_APPEND,
    NLM_F_REPLACE,
    StoredRoute,
    add_route,
    add_stored,
    dump_routes_request,
    is_same,
    parse_route,
    place_of,
    remove_route,
    remove_stored,
)

INDICES = {"eth0": 2, "eth1": 3}
NET, SIX = ip_network("10.1.0.0/16"), ip_network("2001:db8::/32")
GATEWAY = ip_address("192.0.2.1")


def decoded(data: bytes) -> Any:
    """What pyroute2 makes of it."""
    message = rtmsg(data)
    message.decode()
    return message


def stored(route: Route) -> StoredRoute:
    """What we read of what we write."""
    data = add_route(route, INDICES)
    return parse_route(data, HEADER.size, len(data))


EVERYTHING = Route(
    NET,
    hops=(Hop(GATEWAY, "eth0", onlink=True, realm=5),),
    table=300,
    metric=7,
    tos=4,
    scope=253,
    source=ip_address("192.0.2.9"),
    metrics=(("congctl", "cubic"), ("mtu", 1400)),
    locked=frozenset({"mtu"}),
    ttl_propagate=1,
    place="append",
)


class EncodeTests(SynchronousTestCase):
    def test_everything(self) -> None:
        """pyroute2 reads every attribute back."""
        message = decoded(add_route(EVERYTHING, INDICES))
        fixed = [
            message[name]
            for name in ("dst_len", "tos", "table", "proto", "scope", "type", "flags")
        ]
        self.assertEqual(fixed, [16, 4, 252, 18, 253, 1, 4])
        self.assertEqual(message["header"]["flags"], 0x401 | NLM_F_APPEND)
        names = ("TABLE", "DST", "PRIORITY", "PREFSRC", "GATEWAY", "OIF", "FLOW")
        self.assertEqual(
            [message.get_attr(f"RTA_{name}") for name in names],
            [300, "10.1.0.0", 7, "192.0.2.9", "192.0.2.1", 2, 5],
        )
        metrics = message.get_attr("RTA_METRICS")
        self.assertEqual(metrics.get_attr("RTAX_LOCK"), 1 << 2)
        self.assertEqual(metrics.get_attr("RTAX_MTU"), 1400)
        self.assertIn(b"\x05\0\x1a\0\1", message.data)  # RTA_TTL_PROPAGATE, 26

    def test_several_hops(self) -> None:
        """Next hops with weights."""
        hops = (Hop(GATEWAY, "eth0", 2), Hop(device="eth1", weight=5, realm=3))
        message = decoded(add_route(Route(NET, hops=hops), INDICES))
        found = [
            (hop["oif"], hop["hops"], hop.get_attr("RTA_GATEWAY"))
            for hop in message.get_attr("RTA_MULTIPATH")
        ]
        self.assertEqual(found, [(2, 1, "192.0.2.1"), (3, 4, None)])

    def test_ipv6(self) -> None:
        """Source network, preference, expiry."""
        route = Route(
            SIX,
            hops=(Hop(ip_address("fe80::1"), "eth0"),),
            source_network=ip_network("2001:db8:9::/48"),
            preference=3,
            expires=60,
            place="add",
        )
        message = decoded(add_route(route, INDICES))
        self.assertEqual((message["family"], message["src_len"]), (10, 48))
        self.assertEqual(message["header"]["flags"], 0x601)
        self.assertEqual(message.get_attr("RTA_SRC"), "2001:db8:9::")
        self.assertEqual(message.get_attr("RTA_PREF"), 3)

    def test_another_family(self) -> None:
        """An IPv6 gateway of an IPv4 route is RTA_VIA."""
        via = Hop(ip_address("fe80::1"), "eth0")
        message = decoded(add_route(Route(NET, hops=(via,)), INDICES))
        found = message.get_attr("RTA_VIA")
        self.assertEqual((found["family"], found["addr"]), (10, "fe80::1"))
        route = Route(NET, hops=(via, Hop(GATEWAY, "eth1")))
        gateways = [hop[1] for hop in stored(route).hops]
        self.assertEqual(gateways, [ip_address("fe80::1").packed, GATEWAY.packed])

    def test_tunnel(self) -> None:
        """A tunnel as lwtunnel has it."""
        tunnel = Encapsulation("ip", 7, GATEWAY, ip_address("192.0.2.2"), 2, 64, 1)
        hop = Hop(device="eth0", encapsulation=tunnel)
        message = decoded(add_route(Route(NET, hops=(hop,)), INDICES))
        self.assertEqual(message.get_attr("RTA_ENCAP_TYPE"), 2)
        other = Hop(device="eth0", encapsulation=Encapsulation("ip6"))
        message = decoded(add_route(Route(SIX, hops=(other,)), INDICES))
        self.assertEqual(message.get_attr("RTA_ENCAP_TYPE"), 4)

    def test_dump(self) -> None:
        """A dump names family and protocol."""
        message = decoded(dump_routes_request(6, 18))
        self.assertEqual((message["family"], message["proto"]), (10, 18))
        self.assertEqual(message["header"]["flags"], 0x301)

    def test_removal(self) -> None:
        """A removal names the route as its setting does."""
        adding, removing = (f(EVERYTHING, INDICES) for f in (add_route, remove_route))
        self.assertEqual(adding[HEADER.size :], removing[HEADER.size :])
        self.assertEqual(decoded(removing)["header"]["type"], 25)


ROUTES = (
    EVERYTHING,
    Route(NET, "blackhole"),
    Route(ip_network("0.0.0.0/0"), hops=(Hop(GATEWAY),)),
    Route(NET, hops=(Hop(GATEWAY, "eth0"), Hop(GATEWAY, "eth1", 3))),
    Route(SIX, hops=(Hop(device="eth0"),), source_network=ip_network("2001:db8::/64")),
)


class ParseTests(SynchronousTestCase):
    def test_place(self) -> None:
        """Where a route stands; an IPv6 route has a metric in any case."""
        self.assertEqual(place_of(Route(SIX))[-1], IP6_PRIORITY)
        for route in ROUTES[:3]:
            self.assertEqual(stored(route).place, place_of(route))

    def test_same(self) -> None:
        """What was written is recognised, when the kernel has filled in the rest."""
        for route in ROUTES[:4]:
            found = stored(route)
            if route.hops == (Hop(GATEWAY),):
                found = found._replace(hops=((9, GATEWAY.packed, 1),))
            self.assertTrue(is_same(found, route, INDICES), str(route))

    def test_not_the_same(self) -> None:
        """Another place, protocol, type, scope, source or next hop is another route."""
        found = stored(EVERYTHING)
        for other in (
            found._replace(place=(*found.place[:-1], 8)),
            found._replace(protocol=3),
            found._replace(kind=2),
            found._replace(scope=0),
            found._replace(source=b""),
            found._replace(hops=()),
            found._replace(hops=((3, GATEWAY.packed, 1),)),
            found._replace(hops=((2, b"", 1),)),
        ):
            self.assertFalse(is_same(other, EVERYTHING, INDICES), other)
        self.assertFalse(is_same(found, EVERYTHING, {}))

    def test_stored(self) -> None:
        """A route as the kernel has it can be named to it again."""
        for route in ROUTES:
            for write in (remove_stored, add_stored):
                data = write(stored(route))
                self.assertEqual(
                    parse_route(data, HEADER.size, len(data)), stored(route), str(route)
                )
        self.assertEqual(NLM_F_REPLACE, 0x100)

    def test_bad(self) -> None:
        """What is too short is no route."""
        for data in (b"", bytes(12) + b"\x20\0\x09\0" + bytes(4)):
            with self.assertRaises(BadMessage):
                parse_route(data, 0, len(data))
        hops = b"\x0c\0\x09\0\4\0\0\0\0\0\0\0"
        with self.assertRaises(BadMessage):
            parse_route(bytes(12) + hops, 0, 24)

    @given(st.binary(max_size=200))
    def test_only_bad_messages(self, data: bytes) -> None:
        """Whatever comes, nothing but BadMessage is raised."""
        with contextlib.suppress(BadMessage):
            parse_route(data, 0, len(data))
