"""Tracked connections, as the kernel tells of them."""

from __future__ import annotations

import errno
import struct
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.netlink.message import NLMSG_ERROR, BadMessage
from hanode.dataplanes.netlink.message import message as message_of
from hanode.dataplanes.nftables_conntrack import (
    CTA_ID,
    CTA_STATUS,
    CTA_TUPLE_ORIG,
    CTA_TUPLE_REPLY,
    Connection,
    Owners,
    Walk,
    deletion,
    is_lost,
)
from hanode.dataplanes.nftables_netlink import attribute
from hanode.lvs import Destination, Endpoint
from tests.dataplanes.conntrack_messages import (
    ANY,
    CLIENT,
    END,
    MARK,
    NEW,
    ONE,
    REAL,
    VIP,
    WEB,
    Port,
    Reactor,
    connection,
    entry,
    read,
    service,
    tuple_of,
)


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
