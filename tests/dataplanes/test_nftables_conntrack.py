"""Tracked connections, as the kernel tells of them."""

from __future__ import annotations

import errno
import socket
import struct
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.netlink.message import NLMSG_DONE, NLMSG_ERROR, BadMessage
from hanode.dataplanes.netlink.message import message as message_of
from hanode.dataplanes.nftables_connections import Connections
from hanode.dataplanes.nftables_conntrack import (
    CTA_ID,
    CTA_PROTOINFO,
    CTA_STATUS,
    CTA_TUPLE_ORIG,
    CTA_TUPLE_REPLY,
    Connection,
    Owners,
    Walk,
    deletion,
    is_lost,
    parse,
)
from hanode.dataplanes.nftables_netlink import attribute
from hanode.lvs import Destination, Endpoint, Fwmark, Service

VIP, CLIENT = ip_address("192.0.2.10"), ip_address("192.0.2.99")
REAL = ip_address("10.0.0.1")
NEW = 1 << 8  # IPCTNL_MSG_CT_NEW


def tuple_of(source, sport, destination, dport, protocol):
    first = 1 if source.version == 4 else 3
    ends = attribute(first, source.packed) + attribute(first + 1, destination.packed)
    ports = attribute(1, bytes((protocol,))) + attribute(2, struct.pack(">H", sport))
    ports += attribute(3, struct.pack(">H", dport))
    return attribute(0x8001, ends) + attribute(0x8002, ports)


def entry(vip=VIP, real=REAL, protocol=6, status=0x1AE, state=3, port=80):
    """The body of a message about a connection from CLIENT."""
    client = CLIENT if vip.version == 4 else ip_address("2001:db8::99")
    family = socket.AF_INET if vip.version == 4 else socket.AF_INET6
    asked = tuple_of(client, 4711, vip, 80, protocol)
    led = tuple_of(real, port, client, 4711, protocol)
    body = bytes((family, 0, 0, 0)) + attribute(0x8000 | CTA_TUPLE_ORIG, asked)
    body += attribute(0x8000 | CTA_TUPLE_REPLY, led)
    body += attribute(CTA_STATUS, struct.pack(">I", status))
    if state is not None:
        tcp = attribute(0x8001, attribute(1, bytes((state,))))
        body += attribute(0x8000 | CTA_PROTOINFO, tcp)
    return body + attribute(CTA_ID, b"\1\2\3\4")


def read(body):
    return parse(body, 0, len(body))


class ParseTests(SynchronousTestCase):
    """One message."""

    def test_tcp(self):
        """What was asked for, where it leads, and the kernel's own name of it."""
        got = read(entry())
        asked = tuple_of(CLIENT, 4711, VIP, 80, 6)
        handle = b"\2\0\0\0" + attribute(0x8001, asked) + attribute(CTA_ID, b"\1\2\3\4")
        self.assertEqual(
            got, Connection(Endpoint(VIP, 80, "TCP"), REAL, 80, True, handle)
        )
        self.assertEqual(deletion(got)[16:], handle)

    def test_others(self):
        """A closing TCP connection and UDP are not established; IPv6 is read too."""
        self.assertFalse(read(entry(state=5)).established)
        self.assertFalse(read(entry(state=None)).established)
        self.assertFalse(read(entry(protocol=17, state=None)).established)
        vip, real = ip_address("2001:db8::1"), ip_address("fd00::1")
        got = read(entry(vip, real, 132))
        self.assertEqual(got[:3], (Endpoint(vip, 80, "SCTP"), real, 80))

    def test_not_of_interest(self):
        """Untranslated, of another protocol, or with nothing in it."""
        self.assertIsNone(read(entry(status=0x8E)))
        self.assertIsNone(read(entry(protocol=47)))
        self.assertIsNone(read(b"\2\0\0\0"))
        self.assertIsNone(read(b"\x63\0\0\0" + entry()[4:]))
        empty = attribute(CTA_TUPLE_ORIG, b"") + attribute(CTA_TUPLE_REPLY, b"")
        self.assertIsNone(read(b"\2\0\0\0" + empty))
        status = attribute(CTA_STATUS, b"\0\0\0\x20")
        self.assertIsNone(read(b"\2\0\0\0" + empty + status))
        hollow = attribute(1, b"") + attribute(2, b"")
        both = attribute(CTA_TUPLE_ORIG, hollow) + attribute(CTA_TUPLE_REPLY, hollow)
        self.assertIsNone(read(b"\2\0\0\0" + both + status))

    @given(st.binary(max_size=60), st.integers(0, 200))
    def test_broken(self, noise, place):
        """Whatever comes, it is a connection, nothing, or BadMessage."""
        body = entry()
        body = body[:place] + noise + body[place + len(noise) :]
        try:
            got = read(body)
        except BadMessage:
            return
        self.assertIsInstance(got, (Connection, type(None)))


def service(identity, *reals):
    return {identity: Service(identity, "rr", destinations=reals)}


def connection(vip=VIP, port=80, real=REAL, to=80):
    return Connection(Endpoint(vip, port, "TCP"), real, to, True, b"")


ONE = Destination(REAL, 80)
WEB, ANY, MARK = Endpoint(VIP, 80, "TCP"), Endpoint(VIP, 0, "TCP"), Fwmark(7)


class OwnersTests(SynchronousTestCase):
    """Whose a connection is."""

    def test_find(self):
        """An address and port first, then an address, then a mark by its servers."""
        zero = Destination(REAL, 0)
        owners = Owners(service(WEB, ONE) | service(ANY, zero) | service(MARK, ONE))
        self.assertEqual(owners.find(connection()), (WEB, (REAL, 80)))
        self.assertEqual(owners.find(connection(port=22, to=22)), (ANY, (REAL, 0)))
        self.assertEqual(owners.find(connection(CLIENT)), (MARK, (REAL, 80)))
        self.assertIsNone(owners.find(connection(CLIENT, real=VIP)))
        owners = Owners(service(MARK, zero))
        self.assertEqual(owners.find(connection(CLIENT)), (MARK, (REAL, 0)))

    def test_lost(self):
        """Lost are those whose server, or service, is not there any more."""
        now = service(WEB, ONE)
        owners = Owners(now | service(MARK, Destination(VIP, 80)))
        self.assertFalse(is_lost(connection(), owners, now))
        self.assertTrue(is_lost(connection(to=81), owners, now))
        self.assertTrue(is_lost(connection(CLIENT, real=VIP), owners, now))
        self.assertFalse(is_lost(connection(CLIENT), owners, now))


class Port:
    """A netlink socket that says what it is told to."""

    def __init__(self, *packets):
        self.packets, self.sent, self.closed = list(packets), [], False

    def setblocking(self, blocking):
        """As a socket's."""

    def fileno(self):
        return 99

    def send(self, data):
        self.sent.append(data)

    def recv(self, size):
        if not self.packets:
            raise BlockingIOError
        packet = self.packets.pop(0)
        if isinstance(packet, Exception):
            raise packet
        return packet

    def close(self):
        self.closed = True


class Reactor(Clock):
    """Remembers who reads."""

    def __init__(self):
        super().__init__()
        self.readers = []

    def addReader(self, reader):
        self.readers.append(reader)

    def removeReader(self, reader):
        self.readers.remove(reader)


END = message_of(NLMSG_DONE, 0, b"\0\0\0\0")


class WalkTests(SynchronousTestCase):
    """All connections, some at a time."""

    def walk(self, *packets):
        self.found, reactor = [], Reactor()
        self.port = Port(*packets)
        walk = Walk(reactor, self.found.append, self.port)
        for _ in range(3):
            if reactor.readers:
                reactor.readers[0].doRead()
        return walk

    def test_all(self):
        """Those of interest are told; at the end everything is given back."""
        message = message_of(NEW, 0, entry())
        other = message_of(NEW, 0, entry(status=0))
        walk = self.walk(message + other, message, END)
        self.assertEqual(self.found, [read(entry())] * 2)
        self.assertEqual(self.successResultOf(walk.done), None)
        self.assertTrue(self.port.closed)

    def test_many(self):
        """A turn of the reactor reads a few datagrams only."""
        walk = self.walk(*[message_of(NEW, 0, entry())] * 30, END)
        self.assertEqual(len(self.found), 24)
        self.assertNoResult(walk.done)
        walk.close()

    def test_errors(self):
        """What goes wrong is an OSError."""
        refusal = message_of(NLMSG_ERROR, 0, struct.pack("=iIHHII", -1, 16, 0, 0, 0, 0))
        for packet, code in (
            (refusal, errno.EPERM),
            (OSError(errno.ENOBUFS, ""), errno.ENOBUFS),
            (message_of(NEW, 0, b"\2\0\0\0\1\0\1\0"), errno.EBADMSG),
        ):
            failure = self.failureResultOf(self.walk(packet).done, OSError)
            self.assertEqual(failure.value.errno, code)
            self.assertTrue(self.port.closed)


class ConnectionsTests(SynchronousTestCase):
    """Counting and cutting."""

    def setUp(self):
        self.cuts, self.lines, self.packets = [], [], []
        self.connections = Connections(
            Reactor(), self.walk, lambda reactor, lost: self.cuts.append(lost)
        )
        self.connections.log = self

    def walk(self, reactor, found):
        walk = Walk(reactor, found, Port(*self.packets, END))
        walk.doRead()
        return walk

    def info(self, format, **fields):
        self.lines.append(format.format(**fields))

    warn = info

    def test_count(self):
        """Established ones are active."""
        for state in (3, 3, 7):
            self.packets.append(message_of(NEW, 0, entry(state=state)))
        self.packets.append(message_of(NEW, 0, entry(ip_address("192.0.2.11"))))
        counts = self.successResultOf(self.connections.count(service(WEB, ONE)))
        self.assertEqual(counts, {(WEB, ONE.key): (2, 1)})

    def test_cut(self):
        """Connections to a server that was removed are forgotten, others are not."""
        gone = ip_address("10.0.0.2")
        self.packets = [message_of(NEW, 0, entry(real=each)) for each in (REAL, gone)]
        now = service(WEB, ONE)
        self.connections.cut(service(WEB, ONE, Destination(gone, 80)), now)
        self.connections.cut(None, now)
        self.connections.cut(service(WEB, ONE) | service(MARK), now)
        self.assertEqual(self.cuts, [[read(entry(real=gone))]] * 3)
        self.assertEqual(
            self.lines, ["1 connections to removed real servers are cut"] * 3
        )

    def test_nothing_gone(self):
        """When no server was removed, nobody looks."""
        self.packets = [OSError(errno.EPERM, "not asked for")]
        old = service(WEB, ONE)
        self.connections.cut(old, old)
        self.connections.cut(old, service(WEB, Destination(REAL, 80, 5)))
        self.assertEqual((self.cuts, self.lines), ([], []))

    def test_not_told(self):
        """A kernel that does not tell is mentioned once; the counts are empty."""
        self.packets = [OSError(errno.EOPNOTSUPP, "no ctnetlink")]
        for _ in range(2):
            self.successResultOf(self.connections.count(service(WEB, ONE)))

        def refuse(reactor, found):
            raise OSError(errno.EPROTONOSUPPORT, "no netfilter")

        self.connections._make = refuse
        self.assertEqual(self.successResultOf(self.connections.count({})), {})
        self.assertEqual(len(self.lines), 1)
        self.assertIn("no ctnetlink", self.lines[0])

    def test_close(self):
        """Closing ends what is going on."""
        walks = []

        def start(reactor, found):
            walks.append(Walk(reactor, found, Port()))
            return walks[0]

        self.connections._make = start
        self.assertNoResult(self.connections.count({}))
        self.connections.close()
        self.assertTrue(walks[0]._port.closed)
