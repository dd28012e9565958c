"""Raw sockets between two private hosts of this machine."""

from __future__ import annotations

import errno
import os
import socket
import time
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.network import Network
from hanode.rehearsal.namespaces import Bridge, Host
from hanode.rehearsal.permission import NotPermitted
from tests.live.case import until

GROUP_4, GROUP_6 = IPv4Address("224.0.0.18"), IPv6Address("ff02::12")
A4, B4 = IPv4Address("10.9.0.1"), IPv4Address("10.9.0.2")
A6, B6 = IPv6Address("fe80::a"), IPv6Address("fe80::b")


class Readers:
    """As much of a reactor as a port needs; the test reads when it likes."""

    def __init__(self) -> None:
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.remove(reader)


class RawTests(SynchronousTestCase):
    def setUp(self) -> None:
        try:
            self.bridge = Bridge()
            self.addCleanup(self.bridge.close)
            self.a, self.b = Host("a"), Host("b")
        except NotPermitted as why:
            raise SkipTest(str(why)) from why
        self.addCleanup(self.a.close)
        self.addCleanup(self.b.close)
        self.bridge.connect(self.a, "eth0", "10.9.0.1/24", "fe80::a/64")
        self.bridge.connect(self.b, "eth0", "10.9.0.2/24", "fe80::b/64")
        self.ready()
        self.reactor = Readers()
        self.got: list[tuple[str, bytes, object, object, int]] = []

    def port(self, host: Host, family: int, **named: Any) -> Any:
        def receiver(*packet: Any) -> None:
            self.got.append((host.name, *packet))

        network = Network(self.reactor)
        named.setdefault("receiver", receiver)
        port = host.call(network.raw, 112, family, "eth0", **named)
        self.addCleanup(port.close)
        return port

    def ready(self) -> None:
        """Wait for the links: until the kernel says that they are up, it drops."""

        def up(ipr: Any) -> bool:
            links = [link for link in ipr.get_links() if link["index"] != 1]  # lo
            return {link.get_attr("IFLA_OPERSTATE") for link in links} == {"UP"}

        for network in (self.bridge, self.a, self.b):
            until(lambda network=network: network.route(up), what="the link")

    def arrived(self, count: int) -> list[Any]:
        """What was delivered, as soon as it is C{count} packets or 2 s passed."""
        limit = time.monotonic() + 2
        while len(self.got) < count and time.monotonic() < limit:
            for reader in tuple(self.reactor.readers):
                reader.doRead()
        return self.got

    def test_multicast_4(self) -> None:
        """A neighbour gets payload, source, group and TTL; the sender gets nothing."""
        a = self.port(self.a, 4, source=A4, group=GROUP_4)
        self.port(self.b, 4, group=GROUP_4)
        a.send(b"advert", GROUP_4)
        self.assertEqual(self.arrived(1), [("b", b"advert", A4, GROUP_4, 255)])

    def test_multicast_6(self) -> None:
        """The same over IPv6, from the link-local address."""
        a = self.port(self.a, 6, source=A6, group=GROUP_6)
        self.port(self.b, 6, group=GROUP_6)
        a.send(b"advert", GROUP_6)
        self.assertEqual(self.arrived(1), [("b", b"advert", A6, GROUP_6, 255)])

    def test_unicast(self) -> None:
        """Unicast arrives with the TTL it was sent with, in both families."""
        for family, ours, theirs in ((4, A4, B4), (6, A6, B6)):
            a = self.port(self.a, family, source=ours, ttl=64)
            self.port(self.b, family, source=theirs)
            a.send(b"advert", theirs)
            self.assertEqual(self.arrived(1), [("b", b"advert", ours, theirs, 64)])
            self.got.clear()

    def test_source(self) -> None:
        """A second address of the interface can be the source."""
        self.a.add_address("10.9.0.77/24", "eth0")
        a = self.port(self.a, 4, source=ip_address("10.9.0.77"), group=GROUP_4)
        self.port(self.b, 4, group=GROUP_4)
        a.send(b"x", GROUP_4)
        self.assertEqual(self.arrived(1)[0][2], ip_address("10.9.0.77"))

    def test_other_addresses(self) -> None:
        """A unicast port gets only what was sent to its own source address."""
        self.b.add_address("10.9.0.77/24", "eth0")
        self.port(self.b, 4, source=B4)
        a = self.port(self.a, 4, source=A4)
        a.send(b"no", ip_address("10.9.0.77"))
        a.send(b"yes", B4)
        self.assertEqual([each[1] for each in self.arrived(1)], [b"yes"])

    def test_other_groups(self) -> None:
        """A group that another socket of the host joined does not reach the port."""
        other = IPv4Address("224.0.0.99")
        self.port(self.b, 4, group=other, receiver=lambda *packet: None)
        self.port(self.b, 4, group=GROUP_4)
        a = self.port(self.a, 4, source=A4)
        a.send(b"no", other)
        a.send(b"yes", GROUP_4)
        self.assertEqual([each[1] for each in self.arrived(1)], [b"yes"])

    def test_header(self) -> None:
        """Precedence is internetwork control, and fragmentation is allowed."""
        sniffer = self.b.call(
            socket.socket, socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)
        )
        self.addCleanup(sniffer.close)
        sniffer.settimeout(2)
        a = self.port(self.a, 4, source=A4, group=GROUP_4)
        a.send(b"advert", GROUP_4)
        packet = sniffer.recv(100)
        while packet[9] != 112:
            packet = sniffer.recv(100)
        self.assertEqual((packet[1], packet[6] & 0x40, packet[8]), (0xC0, 0, 255))

    def test_whole_packets(self) -> None:
        """With C{header} packets go out and arrive as they were written, id and all."""
        a = self.port(self.a, 4, source=A4, group=GROUP_4, header=True)
        self.port(self.b, 4, group=GROUP_4, header=True)
        ways = A4.packed + GROUP_4.packed
        packet = bytes.fromhex("45c0001c 12340000 fd700000") + ways + b"payload!"
        a.send(packet, GROUP_4)
        ((host, data, source, destination, ttl),) = self.arrived(1)
        # The kernel adds the checksum of the header.
        self.assertEqual(data[:10] + b"\0\0" + data[12:], packet)
        self.assertEqual((host, source, destination, ttl), ("b", A4, GROUP_4, 0xFD))

    def test_enlarge(self) -> None:
        """The receive buffer grows to what is asked for, and never shrinks."""
        a = self.port(self.a, 4, source=A4, group=GROUP_4)
        sizes = []
        for size in (1000, 3 << 20, 1 << 20):
            a.enlarge(size)
            with socket.socket(fileno=os.dup(a.fileno())) as same:
                sizes.append(same.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        # The kernel doubles what it is told, socket(7).
        self.assertEqual(sizes, [2 << 20, 6 << 20, 6 << 20])

    def test_failing_receiver(self) -> None:
        """A receiver that raises is logged, and the next packet is delivered."""

        def receiver(data: bytes, *rest: object) -> None:
            self.got.append(("b", data, *rest))  # type: ignore[arg-type]
            if data == b"bad":
                raise ValueError("on purpose")

        self.port(self.b, 4, group=GROUP_4, receiver=receiver)
        a = self.port(self.a, 4, source=A4, group=GROUP_4)
        a.send(b"bad", GROUP_4)
        a.send(b"good", GROUP_4)
        self.assertEqual([each[1] for each in self.arrived(2)], [b"bad", b"good"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_close(self) -> None:
        """A receiver may close its own port; nothing is delivered afterwards."""

        def receiver(*packet: Any) -> None:
            self.got.append(("b", *packet))
            port.close()

        port = self.port(self.b, 4, group=GROUP_4, receiver=receiver)
        a = self.port(self.a, 4, source=A4, group=GROUP_4)
        a.send(b"1", GROUP_4)
        a.send(b"2", GROUP_4)
        self.assertEqual([each[1] for each in self.arrived(1)], [b"1"])
        self.assertEqual(self.reactor.readers, [a])

    def test_interface_down(self) -> None:
        """Sending on an interface that is down raises and says where; then it heals."""
        a = self.port(self.a, 4, source=A4, group=GROUP_4)
        self.port(self.b, 4, group=GROUP_4)
        self.a.set_link("eth0", "down")
        error = self.assertRaises(OSError, a.send, b"x", GROUP_4)
        self.assertEqual(error.errno, errno.ENETUNREACH)
        self.assertIn("sending to 224.0.0.18 on eth0", str(error))
        for reader in tuple(self.reactor.readers):
            reader.doRead()  # tells that the interface went down
        self.a.set_link("eth0", "up")
        self.ready()
        a.send(b"back", GROUP_4)
        self.assertEqual([each[1] for each in self.arrived(1)], [b"back"])

    def test_no_such_interface(self) -> None:
        """Opening a port on an interface that is not there names it."""
        network = Network(self.reactor)
        error = self.assertRaises(
            OSError, self.a.call, network.raw, 112, 4, "eth9", lambda *packet: None
        )
        self.assertIn("IPv4 socket on eth9: No such device", str(error))

    def test_no_such_source(self) -> None:
        """A source address that the host does not have is an error, at once."""
        network = Network(self.reactor)
        error = self.assertRaises(
            OSError,
            lambda: self.a.call(
                network.raw, 112, 4, "eth0", lambda *packet: None, source=B4
            ),
        )
        self.assertEqual(error.errno, errno.EADDRNOTAVAIL)
        self.assertEqual(self.reactor.readers, [])
