"""The echo port on real interfaces, between two private hosts."""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.config.model import IpAddress
from hanode.echo import Echo, decode, encode
from hanode.network import Network
from hanode.rehearsal.namespaces import Bridge, Host
from hanode.rehearsal.permission import NotPermitted
from tests.datagrams import A4, A6, A_LOCAL, ADDRESSES, B4, B6, B_LOCAL
from tests.live.test_network import Readers

PAIRS = ((A4, B4), (A6, B6), (A_LOCAL, B_LOCAL))


class Reactor(Readers):
    """It also tells the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def seconds(self) -> float:
        return self.now


class EchoTests(SynchronousTestCase):
    def setUp(self) -> None:
        try:
            self.a, self.b = Host("a"), Host("b")
            self.addCleanup(self.a.close)
            self.addCleanup(self.b.close)
            self.bridge = Bridge()
            self.addCleanup(self.bridge.close)
        except NotPermitted as why:
            raise SkipTest(str(why)) from why
        for host in (self.a, self.b):
            self.bridge.connect(host, "eth0", *ADDRESSES[host.name])
        self.reactor = Reactor()
        self.got: list[bytes] = []

    def echo(self, host: Host, version: int, reflect: bool = False) -> Any:
        network = Network(self.reactor)
        receiver = self.got.append
        port = host.call(network.echo, version, "eth0", receiver, reflect)
        self.addCleanup(port.close)
        return port

    def meet(self, neighbour: IpAddress) -> None:
        """Send something ordinary, so that the kernel learns the hardware address."""

        def send() -> None:
            index = socket.if_nametoindex("eth0")
            local = neighbour.is_link_local
            scope: tuple[int, ...] = (0, index if local else 0)
            family = socket.AF_INET if neighbour.version == 4 else socket.AF_INET6
            with socket.socket(family, socket.SOCK_DGRAM) as port:
                name = str(neighbour), 9, *(scope if neighbour.version == 6 else ())
                port.sendto(b"x", name)

        self.a.call(send)

    def send(self, port: Any, data: bytes, source: Any, neighbour: Any) -> None:
        """Send as soon as the hardware address is known."""
        self.meet(neighbour)
        limit = time.monotonic() + 2
        while True:
            try:
                return port.send(data, source, neighbour)
            except OSError as error:
                if error.errno != errno.EHOSTUNREACH or time.monotonic() > limit:
                    raise

    def returned(self, seconds: float = 2.0) -> list[bytes]:
        """What came back as soon as something does, or after C{seconds}."""
        limit = time.monotonic() + seconds
        while not self.got and time.monotonic() < limit:
            for reader in tuple(self.reactor.readers):
                reader.doRead()
        return self.got

    def sniffer(self, host: Host, version: int) -> socket.socket:
        kind = socket.htons(0x0800 if version == 4 else 0x86DD)
        port = host.call(socket.socket, socket.AF_PACKET, socket.SOCK_DGRAM, kind)
        self.addCleanup(port.close)
        port.settimeout(2)
        return port

    def heard(self, sniffer: socket.socket) -> Echo:
        while (found := decode(sniffer.recv(2000))) is None:
            continue
        return found

    def test_unknown_neighbour(self) -> None:
        """While the hardware address is not known there is an error that says so."""
        for source, neighbour in PAIRS:
            port = self.echo(self.a, source.version)
            error = self.assertRaises(OSError, port.send, b"x", source, neighbour)
            self.assertEqual(error.errno, errno.EHOSTUNREACH)
            self.assertIn(str(neighbour), str(error))

    def test_sent(self) -> None:
        """From and to ourselves, TTL 255, only to the neighbour's hardware address."""
        for source, neighbour in PAIRS:
            sniffer = self.sniffer(self.b, source.version)
            port = self.echo(self.a, source.version)
            self.send(port, b"data", source, neighbour)
            self.assertEqual(self.heard(sniffer), Echo(source, source, 255, b"data"))

    def test_not_turned(self) -> None:
        """Our own packet on its way out is not taken for one that came back."""
        port = self.echo(self.a, 4)
        self.send(port, b"data", A4, B4)
        self.assertEqual(self.returned(0.2), [])

    def test_turned_by_us(self) -> None:
        """A neighbour whose kernel does not forward turns it here, TTL 254."""
        for source, neighbour in PAIRS:
            sniffer = self.sniffer(self.a, source.version)
            port = self.echo(self.a, source.version)
            other = self.echo(self.b, source.version, True)
            self.send(port, b"data", source, neighbour)
            self.assertEqual(self.returned(), [b"data"])
            self.assertEqual(self.heard(sniffer).ttl, 254)
            self.got.clear()
            other.close()
            port.close()

    def test_turned_by_the_kernel(self) -> None:
        """A kernel that forwards turns it, and then nobody else does."""
        for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.assertTrue(self.b.write(f"net/{key}", "1"))
        for source, neighbour in PAIRS[:2]:
            for reflect in (False, True):
                port = self.echo(self.a, source.version)
                other = self.echo(self.b, source.version, reflect)
                self.send(port, b"data", source, neighbour)
                self.assertEqual(self.returned(), [b"data"])
                for reader in tuple(self.reactor.readers):
                    reader.doRead()
                self.assertEqual(self.got, [b"data"])
                self.got.clear()
                port.close()
                other.close()

    def test_link_local_is_turned(self) -> None:
        """No kernel forwards link-local addresses, so it is done here."""
        self.assertTrue(self.b.write("net/ipv6/conf/all/forwarding", "1"))
        port = self.echo(self.a, 6)
        self.echo(self.b, 6, True)
        self.send(port, b"data", A_LOCAL, B_LOCAL)
        self.assertEqual(self.returned(), [b"data"])

    def raw(self, echo: Echo) -> None:
        """Let host a send any packet to host b."""
        mac = bytes.fromhex(self.b.mac("eth0").replace(":", ""))
        kind = 0x0800 if echo.source.version == 4 else 0x86DD

        def send() -> None:
            with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as port:
                port.sendto(encode(echo), ("eth0", kind, 0, 0, mac))

        self.a.call(send)

    def answers(self, *echoes: Echo) -> list[Echo]:
        """What host b sends back, up to the answer to the last one, which must come.

        The packets of host a's own are left out.
        """
        version = echoes[0].source.version
        sniffer = self.sniffer(self.a, version)
        for each in echoes:
            self.raw(each)
        last = echoes[-1].data
        found: list[Echo] = []
        sniffer.settimeout(0)
        limit = time.monotonic() + 5
        while time.monotonic() < limit and last not in (each.data for each in found):
            for reader in tuple(self.reactor.readers):
                reader.doRead()
            try:
                packet, name = sniffer.recvfrom(2000)
            except BlockingIOError:
                continue
            echo = decode(packet)
            if echo is not None and name[2] != socket.PACKET_OUTGOING:
                found.append(echo)
        return found

    def test_older_way(self) -> None:
        """A packet to us is answered with the addresses swapped, as FRR wants it."""
        for source, neighbour in PAIRS:
            port = self.echo(self.b, source.version, True)
            self.assertEqual(
                self.answers(Echo(source, neighbour, 255, b"data", 3785)),
                [Echo(neighbour, source, 254, b"data", 3785)],
            )
            port.close()

    def test_refused(self) -> None:
        """A low TTL, other people's packets and our own address are not turned."""
        self.echo(self.b, 4, True)
        other = socket.inet_pton(socket.AF_INET, "10.9.0.77")
        stranger = type(A4)(other)
        found = self.answers(
            Echo(A4, A4, 254, b"low"),
            Echo(A4, A4, 253, b"lower"),
            Echo(A4, stranger, 255, b"to somebody else"),
            Echo(B4, B4, 255, b"from ourselves"),
            Echo(A4, B4, 255, b"this one is"),
        )
        self.assertEqual(found, [Echo(B4, A4, 254, b"this one is", 3785)])

    def test_failing_receiver(self) -> None:
        """A receiver that raises is logged, and the next packet is looked at."""
        network = Network(self.reactor)

        def receiver(data: bytes) -> None:
            self.got.append(data)
            raise ValueError("on purpose")

        port = self.a.call(network.echo, 4, "eth0", receiver)
        self.addCleanup(port.close)
        self.echo(self.b, 4, True)
        for _ in range(2):
            self.send(port, b"data", A4, B4)
            self.returned()
            self.got.clear()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    def test_close(self) -> None:
        """A closed port is out of the reactor, and can be closed twice."""
        port = self.echo(self.a, 4)
        self.assertEqual(self.reactor.readers, [port])
        self.assertEqual(port.logPrefix(), "echo port on eth0")
        port.connectionLost(None)
        port.close()
        self.assertEqual(self.reactor.readers, [])

    def test_no_such_device(self) -> None:
        """A device that is not there is named."""
        network = Network(self.reactor)
        error = self.assertRaises(
            OSError, self.a.call, network.echo, 4, "eth9", self.got.append
        )
        self.assertEqual(
            str(error), "[Errno 19] BFD echo (IPv4) on eth9: No such device"
        )

    def test_new_hardware_address(self) -> None:
        """The hardware address is asked for again after ten seconds."""
        port = self.echo(self.a, 4)
        self.send(port, b"1", A4, B4)
        self.b.set_link("eth0", "down")

        def change(ipr: Any) -> None:
            index = ipr.link_lookup(ifname="eth0")[0]
            ipr.link("set", index=index, address="02:00:00:00:00:77")

        def learn(ipr: Any) -> None:
            index = ipr.link_lookup(ifname="eth0")[0]
            mac = "02:00:00:00:00:77"
            ipr.neigh("replace", dst=str(B4), lladdr=mac, ifindex=index, state=128)

        self.b.route(change)
        self.b.set_link("eth0", "up")
        self.a.route(learn)
        sniffer = self.sniffer(self.b, 4)
        self.reactor.now = 11.0
        port.send(b"2", A4, B4)
        self.assertEqual(self.heard(sniffer).data, b"2")
