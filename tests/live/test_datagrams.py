"""UDP ports and senders on real sockets, between two private hosts."""

from __future__ import annotations

import errno
import itertools
import os
import socket
import time
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode import datagram, sender
from hanode.network import Network
from hanode.rehearsal.namespaces import Bridge, Host
from hanode.rehearsal.permission import NotPermitted
from tests.datagrams import (
    A4,
    ADDRESSES,
    B4,
    B6,
    B_LOCAL,
    MARKED,
    OTHER_WIRE,
    PORT,
    UNMARKED,
    UdpContract,
)
from tests.live.test_network import Readers


class Inside:
    """A L{Network} that opens its sockets on one host."""

    def __init__(self, host: Host, reactor: Any) -> None:
        self.host, self.network = host, Network(reactor)

    def listen(self, *args: Any, **named: Any) -> Any:
        return self.host.call(self.network.listen, *args, **named)

    def sender(self, *args: Any, **named: Any) -> Any:
        return self.host.call(self.network.sender, *args, **named)


class UdpTests(UdpContract, SynchronousTestCase):
    def setUp(self) -> None:
        try:
            self.hosts = {name: Host(name) for name in ADDRESSES}
            for host in self.hosts.values():
                self.addCleanup(host.close)
            for card, table in (("eth0", ADDRESSES), ("eth1", OTHER_WIRE)):
                bridge = Bridge()
                self.addCleanup(bridge.close)
                for name, host in self.hosts.items():
                    bridge.connect(host, card, *table[name])
        except NotPermitted as why:
            raise SkipTest(str(why)) from why
        self.reactor = Readers()
        self.a, self.b = (Inside(each, self.reactor) for each in self.hosts.values())

    def arrive(self) -> None:
        """A packet that is sent last has arrived: there is one queue in between."""
        count = self.hosts["b"].call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        with count:
            count.settimeout(0.5)
            count.bind((str(B4), 0))
            probe = self.a.sender(B4, count.getsockname()[1], device="eth0")
            for _ in range(20):  # a bridge that is just up may lose some
                probe.send(b"last")
                try:
                    count.recv(10)
                    break
                except TimeoutError:
                    continue
            else:
                self.fail("nothing arrives")
            probe.close()

    def settle(self) -> None:
        self.arrive()
        for reader in tuple(self.reactor.readers):
            reader.doRead()

    def test_reactor(self) -> None:
        """The reactor reads both sockets, none while resting, none once closed."""
        listener = self.listen(4)
        self.assertEqual(len(self.reactor.readers), 2)
        listener.rest(True)
        self.assertEqual(self.reactor.readers, [])
        listener.rest(False)
        self.assertEqual(len(self.reactor.readers), 2)
        self.reactor.readers[0].connectionLost(None)  # the reactor shuts down
        self.assertEqual(self.reactor.readers, [])
        listener.rest(False)
        self.assertEqual(self.reactor.readers, [])

    def test_bound(self) -> None:
        """One drain reads so many packets and says that there are more."""
        self.patch(datagram, "KNOWN_PER_DRAIN", 3)
        self.patch(datagram, "STRANGERS_PER_DRAIN", 2)
        listener = self.listen(4)
        listener.rest(True)
        sender = self.sender(B4)
        for _ in range(4):
            sender.send(MARKED)
        self.arrive()
        done = [listener.drain(), len(self.known), listener.drain(), len(self.known)]
        self.assertEqual(done, [False, 3, True, 4])
        for _ in range(3):
            sender.send(UNMARKED)
        self.arrive()
        done = [listener.drain(), len(self.strangers), listener.drain()]
        self.assertEqual(done, [False, 2, True])

    def test_another_program(self) -> None:
        """A port that a program has is refused, even if it would share the port."""
        other = self.hosts["b"].call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(other.close)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("", PORT))
        error = self.assertRaises(OSError, self.listen, 4)
        self.assertEqual(error.errno, errno.EADDRINUSE)
        self.assertIn("UDP port 3784 (IPv4)", str(error))
        self.assertEqual(self.reactor.readers, [])

    def test_no_such_device(self) -> None:
        """A device that is not there is named by the error, for both."""
        error = self.assertRaises(OSError, self.listen, 6, "eth9")
        self.assertEqual(
            str(error), "[Errno 19] UDP port 3784 (IPv6) on eth9: No such device"
        )
        error = self.assertRaises(OSError, self.sender, B4, device="eth9")
        self.assertEqual(
            str(error), "[Errno 19] UDP to 10.9.0.2 port 3784 on eth9: No such device"
        )
        self.assertEqual(self.a.network._source_ports, set())

    def test_refused(self) -> None:
        """A closed port on the other side is told by the next send, then it heals."""
        sender = self.sender(B4)
        sender.send(MARKED)
        self.arrive()
        self.assertRaises(ConnectionRefusedError, sender.send, MARKED)
        self.listen(4)
        self.assertEqual(self.heard(sender, MARKED), [MARKED])

    def test_renamed(self) -> None:
        """A stranger's device is called by the name that it has now."""
        self.listen(4)
        sender = self.sender(B4)
        self.heard(sender, UNMARKED)
        host = self.hosts["b"]

        def rename(ipr: Any) -> None:
            index = ipr.link_lookup(ifname="eth0")[0]
            ipr.link("set", index=index, ifname="wan0")

        host.set_link("eth0", "down")
        host.route(rename)
        host.set_link("wan0", "up")
        self.heard(sender, UNMARKED)
        self.assertEqual([each.device for each in self.strangers], ["eth0", "wan0"])

    def test_header(self) -> None:
        """Precedence is internetwork control, the TTL is the one asked for."""
        for version, to, at in ((4, B4, (1, 8)), (6, B6, (0, 7)), (6, B_LOCAL, (0, 7))):
            kind = 0x0800 if version == 4 else 0x86DD
            sniffer = self.hosts["b"].call(
                socket.socket, socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind)
            )
            sniffer.settimeout(2)
            self.sender(to, device="eth0", ttl=77).send(MARKED)
            packet = sniffer.recv(200)
            while not packet.endswith(MARKED):
                packet = sniffer.recv(200)
            sniffer.close()
            precedence = (
                packet[1] if version == 4 else (packet[0] << 4 | packet[1] >> 4)
            )
            self.assertEqual((precedence & 0xFF, packet[at[1]]), (0xC0, 77))

    def test_nothing_waits_in_a_sender(self) -> None:
        """What is sent to the source port of a sender is not kept."""
        sender = self.sender(B4, source=A4)
        back = self.hosts["b"].call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        with back:
            back.bind((str(B4), PORT))
            back.sendto(b"x", (str(A4), sender.port))
        self.arrive()
        self.assertRaises(BlockingIOError, sender._socket.recv, 10)

    def test_port_is_given_back(self) -> None:
        """Closing a sender frees its port for another one."""
        first = self.sender(B4)
        port = first.port
        self.patch(sender, "FIRST_PORT", port)
        self.patch(sender, "LAST_PORT", port)
        error = self.assertRaises(OSError, self.sender, B4)
        self.assertEqual(error.errno, errno.EADDRINUSE)
        first.close()
        self.assertEqual(self.sender(B4).port, port)

    def test_descriptors(self) -> None:
        """Errors leave no socket open."""
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            self.assertRaises(OSError, self.listen, 4, "eth9")
            self.assertRaises(OSError, self.sender, B4, device="eth9")
            self.assertRaises(OSError, self.sender, B_LOCAL)  # which interface?
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_storm(self) -> None:
        """A second of BFD at its busiest fits into the buffer."""
        listener = self.listen(4)
        listener.rest(True)
        sender = self.sender(B4)
        packet = MARKED + bytes(12)
        for _ in itertools.repeat(None, 9000):
            sender.send(packet)
        self.arrive()
        limit = time.monotonic() + 2
        while not listener.drain() and time.monotonic() < limit:
            pass
        self.assertEqual(len(self.known), 9000)
