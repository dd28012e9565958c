"""Claims about shared sockets and who gets which advertisement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hanode.config.model import (
    MULTICAST_4,
    MULTICAST_6,
    Authentication,
    IpAddress,
    Secret,
    UnicastPeer,
    VrrpInstance,
)
from hanode.interfaces import INetwork, IRawPort
from hanode.vrrp import ah
from hanode.vrrp.arrival import Arrival
from hanode.vrrp.packet import Advert, BadPacket, Checksum, encode
from hanode.vrrp.wire import Route, Wires, route

OURS, PEER, OTHER = (IPv4Address(f"10.0.0.{n}") for n in (5, 1, 2))
WAY = Route("eth0", 4, OURS, MULTICAST_4, 255)
ADVERT = Advert(3, 51, 100, 1.0, ())


@implementer(IRawPort)
class Port:
    """A socket that remembers."""

    def __init__(self, receiver: Callable[..., object], **opened: Any) -> None:
        self.receiver, self.opened = receiver, opened
        self.sent: list[tuple[bytes, IpAddress]] = []
        self.closed = self.size = 0

    def send(self, data: bytes, destination: IpAddress) -> None:
        """See L{IRawPort.send}."""
        self.sent.append((data, destination))

    def enlarge(self, size: int) -> None:
        """See L{IRawPort.enlarge}."""
        self.size = size

    def close(self) -> None:
        """See L{IRawPort.close}."""
        self.closed += 1


@implementer(INetwork)
class Network:
    """Opens sockets that remember, or refuses."""

    def __init__(self) -> None:
        self.ports: list[Port] = []
        self.problem: OSError | None = None

    def raw(
        self,
        protocol: int,
        family: int,
        interface: str,
        receiver: Callable[..., object],
        source: IpAddress | None = None,
        group: IpAddress | None = None,
        ttl: int = 255,
        header: bool = False,
    ) -> Port:
        """See L{INetwork.raw}."""
        if self.problem is not None:
            raise self.problem
        port = Port(
            receiver,
            protocol=protocol,
            family=family,
            interface=interface,
            source=source,
            group=group,
            ttl=ttl,
            header=header,
        )
        self.ports.append(port)
        return port


class Remembering:
    """A listener that remembers what it is told."""

    def __init__(self, *expected: IpAddress) -> None:
        self.expected = expected
        self.told: list[Any] = []

    def expects(self, source: IpAddress) -> bool:
        """See L{hanode.vrrp.wire.Listener}."""
        return source in self.expected

    def received(self, arrival: Arrival) -> None:
        """See L{hanode.vrrp.wire.Listener}."""
        self.told.append(arrival)

    def rejected(self, problem: BadPacket, source: IpAddress) -> None:
        """See L{hanode.vrrp.wire.Listener}."""
        self.told.append((problem.reason, source))


class RouteTests(SynchronousTestCase):
    """What makes two instances share a socket."""

    def test_multicast(self) -> None:
        """Multicast: the group, and always TTL 255."""
        settings = VrrpInstance("VI", 51, "eth0", 4, unicast_ttl=7)
        self.assertEqual(route(settings, OURS), WAY)

    def test_unicast(self) -> None:
        """Unicast: no group, and its own TTL."""
        settings = VrrpInstance(
            "VI", 51, "eth0", 4, unicast_ttl=7, unicast_peers=(UnicastPeer(PEER),)
        )
        self.assertEqual(route(settings, OURS), Route("eth0", 4, OURS, None, 7))

    def test_authentication_header(self) -> None:
        """AH is another IP protocol."""
        wanted = Authentication("AH", Secret("x"))
        settings = VrrpInstance("VI", 51, "eth0", 4, authentication=wanted)
        self.assertEqual(route(settings, OURS), replace(WAY, protocol=51))

    def test_ipv6(self) -> None:
        """IPv6 has its own group."""
        source = IPv6Address("fe80::1")
        settings = VrrpInstance("VI", 51, "eth0", 6, multicast_group=MULTICAST_6)
        self.assertEqual(
            route(settings, source), Route("eth0", 6, source, MULTICAST_6, 255)
        )


class WiresTestCase(SynchronousTestCase):
    """Two listeners and a network that remembers."""

    def setUp(self) -> None:
        """A network that remembers, and two listeners."""
        self.network = Network()
        self.wires = Wires(self.network)
        self.first, self.second = Remembering(PEER), Remembering(OTHER)

    def deliver(self, data: bytes, source: IpAddress = PEER) -> None:
        """The first socket receives this."""
        self.network.ports[0].receiver(data, source, MULTICAST_4, 255)

    def packet(self, vrid: int = 51) -> bytes:
        """An advertisement from the peer."""
        return encode(replace(ADVERT, vrid=vrid), PEER, MULTICAST_4)

    def heard(self, vrid: int = 51) -> Any:
        """What a listener is told of that advertisement."""
        advert, data = replace(ADVERT, vrid=vrid), self.packet(vrid)
        return Arrival(advert, Checksum.PSEUDO, PEER, MULTICAST_4, 255, data)


class WiresTests(WiresTestCase):
    """Sockets are opened, shared, used and closed."""

    def test_opened_as_the_route_says(self) -> None:
        """The socket is opened for protocol 112 with all that the route says."""
        self.wires.join(WAY, 51, self.first)
        self.assertEqual(
            [port.opened for port in self.network.ports],
            [
                {
                    "protocol": 112,
                    "family": 4,
                    "interface": "eth0",
                    "source": OURS,
                    "group": MULTICAST_4,
                    "ttl": 255,
                    "header": False,
                }
            ],
        )

    def test_shared(self) -> None:
        """One route, one socket; another route, another socket."""
        one = self.wires.join(WAY, 51, self.first)
        self.assertIs(self.wires.join(WAY, 52, self.second), one)
        self.wires.join(replace(WAY, interface="eth1"), 51, self.first)
        self.assertEqual(len(self.network.ports), 2)

    def test_by_virtual_router_id(self) -> None:
        """Each listener gets what carries its virtual router id."""
        self.wires.join(WAY, 51, self.first)
        self.wires.join(WAY, 52, self.second)
        self.deliver(self.packet(52))
        self.assertEqual((self.first.told, self.second.told), ([], [self.heard(52)]))

    def test_same_id_twice(self) -> None:
        """Two listeners with one id: each gets only what its own neighbours send."""
        self.wires.join(WAY, 51, self.first)
        self.wires.join(WAY, 51, self.second)
        self.deliver(self.packet())
        self.assertEqual((self.first.told, self.second.told), ([self.heard()], []))

    def test_unexpected_source(self) -> None:
        """A listener that is alone with its id judges every source by itself."""
        self.wires.join(WAY, 51, self.second)
        self.deliver(self.packet())
        self.assertEqual(self.second.told, [self.heard()])

    def test_rejected(self) -> None:
        """A packet that is not well formed is reported to whom it is meant for."""
        self.wires.join(WAY, 51, self.first)
        self.wires.join(WAY, 52, self.second)
        self.deliver(self.packet()[:-1])
        self.deliver(bytes([0x31, 51]))
        self.deliver(self.packet()[:4] + b"\xff\xff\xff\xff")
        self.assertEqual(
            self.first.told,
            [("too short", PEER), ("too short", PEER), ("checksum", PEER)],
        )
        self.assertEqual((self.second.told, self.wires.unknown), ([], {}))

    def test_send(self) -> None:
        """What is sent goes out through the socket."""
        wire = self.wires.join(WAY, 51, self.first)
        wire.send(b"data", PEER)
        self.assertEqual(self.network.ports[0].sent, [(b"data", PEER)])

    def test_enlarge(self) -> None:
        """Room for packets that wait is asked of the socket."""
        self.wires.join(WAY, 51, self.first).enlarge(9)
        self.assertEqual(self.network.ports[0].size, 9)

    def test_trailer(self) -> None:
        """What stands behind the advertisement is handed on apart from it."""
        self.wires.join(WAY, 51, self.first)
        self.deliver(self.packet() + b"more")
        self.assertEqual(self.first.told, [replace(self.heard(), trailer=b"more")])

    def test_last_one_closes(self) -> None:
        """The socket is closed when its last listener leaves, not before."""
        wire = self.wires.join(WAY, 51, self.first)
        self.wires.join(WAY, 51, self.second)
        self.wires.join(WAY, 52, self.second)
        closed = []
        for vrid, listener in ((51, self.first), (51, self.second), (52, self.second)):
            self.wires.leave(wire, vrid, listener)
            closed.append(self.network.ports[0].closed)
        self.assertEqual(closed, [0, 0, 1])

    def test_opened_again(self) -> None:
        """After the last one has left, the next one opens a new socket."""
        self.wires.leave(self.wires.join(WAY, 51, self.first), 51, self.first)
        self.wires.join(WAY, 51, self.first)
        self.assertEqual([port.closed for port in self.network.ports], [1, 0])

    def test_who_has_left_hears_nothing(self) -> None:
        """Who has left hears nothing; the others still do."""
        wire = self.wires.join(WAY, 51, self.first)
        self.wires.join(WAY, 51, self.second)
        self.wires.leave(wire, 51, self.second)
        self.deliver(self.packet())
        self.assertEqual((self.first.told, self.second.told), ([self.heard()], []))

    def test_cannot_open(self) -> None:
        """A socket that cannot be opened leaves nothing behind."""
        self.network.problem = OSError("no such device")
        self.assertRaises(OSError, self.wires.join, WAY, 51, self.first)
        self.network.problem = None
        self.wires.join(WAY, 51, self.first)
        self.deliver(self.packet())
        self.assertEqual(self.first.told, [self.heard()])


class AuthenticationHeaderTests(WiresTestCase):
    """A wire of IP protocol 51 carries whole packets."""

    def setUp(self) -> None:
        """A listener on such a wire, and a packet for it."""
        super().setUp()
        self.wires.join(replace(WAY, protocol=ah.PROTOCOL), 51, self.first)
        self.message = encode(replace(ADVERT, version=2), PEER, MULTICAST_4)
        self.whole = ah.seal(self.message, PEER, MULTICAST_4, 255, 1, b"key")

    def test_opened(self) -> None:
        """The socket leaves the IP header to us."""
        opened = self.network.ports[0].opened
        self.assertEqual((opened["protocol"], opened["header"]), (51, True))

    def test_unwrapped(self) -> None:
        """The listener gets the advertisement and the envelope it came in."""
        self.deliver(self.whole)
        (arrival,) = self.first.told
        self.assertEqual(arrival.message, self.message)
        self.assertEqual(arrival.envelope, ah.unwrap(self.whole, True))

    def test_rejected(self) -> None:
        """A header that is none is reported to whom the packet is meant for."""
        self.deliver(self.whole[:20] + b"\x06" + self.whole[21:])
        self.assertEqual(self.first.told, [("authenticated protocol", PEER)])

    def test_too_short(self) -> None:
        """What has no virtual router id is for nobody."""
        self.deliver(self.whole[:45])
        self.deliver(self.whole[:9])
        self.assertEqual((self.first.told, self.wires.unknown), ([], {"eth0": 2}))


class UnknownTests(WiresTestCase):
    """Packets for nobody."""

    def lines(self) -> list[str]:
        """Log lines so far; they are switched on here."""
        lines: list[str] = []

        class Log:
            def info(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

        self.patch(Wires, "log", Log())
        self.wires.join(WAY, 51, self.first)
        self.wires.log_unknown_vrids = True
        return lines

    def test_counted(self) -> None:
        """Packets for nobody are counted by interface, and silent."""
        lines = self.lines()
        self.wires.log_unknown_vrids = False
        for data in (self.packet(9), self.packet(9), b"", b"\x31"):
            self.deliver(data)
        self.assertEqual((self.wires.unknown, lines), ({"eth0": 4}, []))

    def test_logged_once(self) -> None:
        """log_unknown_vrids: one line for each id and source."""
        lines = self.lines()
        for source in (PEER, PEER, OTHER):
            self.deliver(self.packet(9), source)
        self.deliver(b"", PEER)
        self.assertEqual(
            lines,
            [
                "Unknown VRID(9) received on interface(eth0) from 10.0.0.1."
                " ignoring...",
                "Unknown VRID(9) received on interface(eth0) from 10.0.0.2."
                " ignoring...",
                "Unknown VRID(none) received on interface(eth0) from 10.0.0.1."
                " ignoring...",
            ],
        )

    def test_flood(self) -> None:
        """A flood of forged sources fills neither memory nor log."""
        lines = self.lines()
        for number in range(3000):
            self.deliver(self.packet(9), IPv4Address(number))
        self.assertEqual((len(lines), self.wires.unknown["eth0"]), (1000, 3000))
