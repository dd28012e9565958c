"""IPVS messages: there and back, and as pyroute2 reads them."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from socket import AF_INET, AF_INET6
from struct import pack
from sys import byteorder
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.generic.ipvs import ipvsmsg
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes import ipvs_message as ipvs
from hanode.dataplanes.ipvs_held import as_kernel
from hanode.dataplanes.netlink.generic import request
from hanode.dataplanes.netlink.message import BadMessage, attribute
from hanode.lvs import (
    Destination,
    Endpoint,
    Fwmark,
    Method,
    Service,
    SyncDaemon,
    Timeouts,
    Usage,
)
from tests.dataplanes.balancer_contract import MARKED, SIX, TWO, WEB

HEAD = bytes(4)
PORTS = st.integers(0, 65535)
NUMBERS = st.integers(0, 2**32 - 1)
NAMES = st.sampled_from(("rr", "wlc", "a" * 15))
IDENTITIES = st.one_of(
    st.builds(
        Endpoint, st.ip_addresses(), PORTS, st.sampled_from(list(ipvs.PROTOCOLS))
    ),
    st.builds(Fwmark, st.integers(1, 2**32 - 1), st.sampled_from((4, 6))),
)
TUNNELS = st.builds(
    Method,
    st.just("TUN"),
    st.sampled_from(list(ipvs.TUNNELS)),
    PORTS,
    st.sampled_from(list(ipvs.CHECKSUMS)),
)
METHODS = st.one_of(st.builds(Method, st.sampled_from(("NAT", "DR"))), TUNNELS)
DESTINATIONS = st.builds(
    Destination, st.ip_addresses(), PORTS, NUMBERS, METHODS, NUMBERS, NUMBERS
)
DAEMONS = st.builds(
    SyncDaemon,
    st.sampled_from(("master", "backup")),
    st.sampled_from(("eth0", "x" * 15)),
    st.integers(0, 255),
    st.none() | st.ip_addresses(),
    PORTS,
    st.integers(0, 255),
    PORTS,
)


@st.composite
def services(draw: Any) -> Service:
    identity = draw(IDENTITIES)
    width = 32 if identity.family == 4 else 128
    persistence = draw(NUMBERS)
    return Service(
        identity,
        draw(NAMES),
        draw(st.frozensets(st.sampled_from(list(ipvs.FLAGS)))),
        persistence,
        draw(st.integers(1, width)) if persistence else width,
        draw(st.sampled_from(("", "sip"))),
        draw(st.booleans()),
    )


def by_pyroute2(command: int, body: bytes, kind: str) -> dict[str, Any]:
    message = ipvsmsg(request(30, command, body))
    message.decode()
    assert message["cmd"] == command
    nested = message.get_attr(f"IPVS_CMD_ATTR_{kind}")
    return {name.split("ATTR_")[1]: value for name, value in nested["attrs"]}


class RoundTripTests(SynchronousTestCase):
    @given(services())
    def test_services(self, service: Service) -> None:
        """A service that we write is the service that we read."""
        self.assertEqual(ipvs.read_service(HEAD + ipvs.service_body(service)), service)

    @given(DESTINATIONS, st.sampled_from((4, 6)))
    def test_destinations(self, destination: Destination, family: int) -> None:
        """So is a destination, below a service of either family."""
        name = ipvs.service_key(WEB.identity)
        body = HEAD + ipvs.destination_body(name, destination)
        self.assertEqual(ipvs.read_destination(body, family), destination)

    @given(DAEMONS)
    def test_daemons(self, daemon: SyncDaemon) -> None:
        """So is a daemon."""
        self.assertEqual(ipvs.read_daemon(HEAD + ipvs.daemon_body(daemon)), daemon)

    @given(st.binary(max_size=80), st.sampled_from((1, 2, 3)))
    def test_nonsense(self, data: bytes, kind: int) -> None:
        """Nonsense is a BadMessage, and nothing else."""
        for body in (data, HEAD + attribute(kind, data)):
            for read in (
                ipvs.read_service,
                lambda body: ipvs.read_destination(body, 4),
                ipvs.read_daemon,
                ipvs.read_service_usage,
                ipvs.read_destination_usage,
            ):
                try:
                    read(body)
                except BadMessage:
                    continue


class RefereeTests(SynchronousTestCase):
    def test_service(self) -> None:
        """pyroute2 reads a mark with persistence as it is meant."""
        found = by_pyroute2(ipvs.NEW_SERVICE, ipvs.service_body(MARKED), "SERVICE")
        self.assertEqual(
            found,
            {
                "AF": AF_INET,
                "FWMARK": 7,
                "SCHED_NAME": "wlc",
                "FLAGS": {"flags": 1, "mask": 0x3D},
                "TIMEOUT": 300,
                "NETMASK": "255.255.255.0",
            },
        )

    def test_timeouts(self) -> None:
        """Timeouts are seconds by name; one that is 0 is not sent."""
        names = [f"IPVS_CMD_ATTR_TIMEOUT_{each}" for each in ("TCP", "TCP_FIN", "UDP")]
        for timeouts, expected in (
            (Timeouts(900, 120, 300), dict(zip(names, (900, 120, 300), strict=True))),
            (Timeouts(0, 60, 0), {names[1]: 60}),
        ):
            message = ipvsmsg(
                request(30, ipvs.SET_CONFIG, ipvs.timeouts_body(timeouts))
            )
            message.decode()
            found = {
                name: int.from_bytes(bytes.fromhex(value.replace(":", "")), byteorder)
                for name, value in message["attrs"]
            }
            self.assertEqual(found, expected)

    def test_ipv6(self) -> None:
        """The netmask of IPv6 is a prefix length; one packet is a flag."""
        found = by_pyroute2(
            ipvs.SET_SERVICE, ipvs.service_body(as_kernel(SIX)), "SERVICE"
        )
        self.assertEqual((found["AF"], found["ADDR"]), (AF_INET6, "2001:db8::10"))
        self.assertEqual((found["PROTOCOL"], found["PORT"]), (17, 53))
        self.assertEqual(found["FLAGS"]["flags"], 4)
        mask = int(IPv4Address(found["NETMASK"])).to_bytes(4, "big")
        self.assertEqual(mask, pack("=I", 128))

    def test_destination(self) -> None:
        """A destination comes with the service that it is of."""
        name = ipvs.service_key(WEB.identity)
        method = Method("TUN", "gue", 6080, "remcsum")
        other = Destination(ip_address("10.1.0.2"), 8080, 3, method, 90, 10)
        body = ipvs.destination_body(name, other)
        found = by_pyroute2(ipvs.NEW_DEST, body, "DEST")
        found.pop("ADDR")  # its family comes after it
        self.assertEqual(
            found,
            {
                "PORT": 8080,
                "ADDR_FAMILY": AF_INET,
                "FWD_METHOD": 2,
                "WEIGHT": 3,
                "U_THRESH": 90,
                "L_THRESH": 10,
                "TUN_TYPE": 1,
                "TUN_PORT": int.from_bytes(pack("!H", 6080), "little"),
                "TUN_FLAGS": 2,
            },
        )
        service = by_pyroute2(ipvs.NEW_DEST, body, "SERVICE")
        self.assertEqual((service["ADDR"], service["PORT"]), ("192.0.2.10", 80))

    def test_removal(self) -> None:
        """A removal names the service and the destination, nothing more."""
        name = ipvs.service_key(WEB.identity)
        found = by_pyroute2(ipvs.DEL_DEST, ipvs.destination_key(name, TWO), "DEST")
        self.assertEqual(sorted(found), ["ADDR", "ADDR_FAMILY", "PORT"])


class UsageTests(SynchronousTestCase):
    wide = b"".join(attribute(kind, pack("=Q", kind << 33)) for kind in range(1, 11))
    narrow = b"".join(
        attribute(kind, pack("=Q" if kind in (4, 5) else "=I", kind))
        for kind in range(1, 11)
    )

    def test_service(self) -> None:
        """The wide counters, without packets per second."""
        body = HEAD + attribute(
            1 | ipvs.NESTED, attribute(10, self.narrow) + attribute(12, self.wide)
        )
        many = (kind << 33 for kind in (1, 2, 3, 4, 5, 6, 9, 10))
        self.assertEqual(ipvs.read_service_usage(body), Usage(*many))

    def test_older_kernel(self) -> None:
        """The narrow ones where there are no others; connections of a destination."""
        body = HEAD + attribute(
            2,
            attribute(7, pack("=I", 71))
            + attribute(8, pack("=I", 72))
            + attribute(10, self.narrow),
        )
        self.assertEqual(
            ipvs.read_destination_usage(body), Usage(1, 2, 3, 4, 5, 6, 9, 10, 71, 72)
        )

    def test_nothing(self) -> None:
        """What is not told is nothing."""
        self.assertEqual(ipvs.read_service_usage(HEAD), Usage())


class OlderKernelTests(SynchronousTestCase):
    def test_destination_without_family(self) -> None:
        """Before Linux 3.18 a destination is of the family of its service."""
        body = HEAD + attribute(
            2,
            attribute(1, ip_address("fd00::1").packed)
            + attribute(2, pack("!H", 80))
            + b"".join(attribute(kind, pack("=I", 2)) for kind in (3, 4, 5, 6)),
        )
        self.assertEqual(
            ipvs.read_destination(body, 6),
            Destination(ip_address("fd00::1"), 80, 2, Method("TUN"), 2, 2),
        )
