"""Changes of nf_tables, as the kernel tells of them."""

from __future__ import annotations

import errno
import struct

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.netlink.message import HEADER, BadMessage
from hanode.dataplanes.nftables_netlink import (
    NFPROTO_INET,
    NFT_MSG_DELTABLE,
    NFT_MSG_NEWGEN,
    Watch,
    attribute,
    attributes,
    reason,
)
from tests.dataplanes.conntrack_messages import Reactor

RULE = 6  # NFT_MSG_NEWRULE
IPV4 = 2


def message(kind, family, body, port=0, subsystem=10):
    body = bytes((family, 0, 0, 0)) + body
    kind |= subsystem << 8
    return HEADER.pack(HEADER.size + len(body), kind, 0, 0, port) + body


def touching(table=b"hanode_lvs\0", kind=RULE, family=NFPROTO_INET, port=0):
    return message(kind, family, attribute(1, table), port)


def generation(pid=0, name=b""):
    body = attribute(1, b"\0\0\0\1")
    if pid:
        body += attribute(2, struct.pack(">I", pid)) + attribute(3, name + b"\0")
    return message(NFT_MSG_NEWGEN, 0, body)


class News:
    """A socket with news."""

    def __init__(self):
        self.packets = []

    def setblocking(self, blocking):
        """As a socket's."""

    def getsockname(self):
        return 99, 0

    def recv_into(self, buffer):
        if not self.packets:
            raise BlockingIOError
        packet = self.packets.pop(0)
        if isinstance(packet, Exception):
            raise packet
        buffer[: len(packet)] = packet
        return len(packet)

    def close(self):
        """As a socket's."""


class WatchTests(SynchronousTestCase):
    """Who changed our table."""

    def hear(self, *packets):
        """What is told of these packets."""
        told = []
        port = News()
        reactor = Reactor()
        watch = Watch(
            reactor,
            "hanode_lvs",
            lambda *who: told.append(who),
            lambda: told.append("overrun"),
            port,
        )
        port.packets += packets
        watch.drain()
        watch.close()
        self.assertEqual(reactor.readers, [])
        return told

    def test_ours(self):
        """Once for each transaction, with who it was."""
        first = touching(port=5) + touching(kind=NFT_MSG_DELTABLE, port=5)
        self.assertEqual(
            self.hear(first, generation(7, b"nft"), generation(8, b"nft"), touching())
            + self.hear(touching() + generation()),
            [(7, 5, "nft"), (0, 0, "")],
        )

    def test_others(self):
        """Other tables, other families and other subsystems are not told."""
        body = attribute(1, b"hanode_lvs\0")
        self.assertEqual(
            self.hear(
                touching(b"hanode_lvs2\0"),
                touching(family=IPV4),
                message(RULE, NFPROTO_INET, body, subsystem=1),
                message(RULE, NFPROTO_INET, b""),
                generation(7, b"nft"),
            ),
            [],
        )

    def test_overrun(self):
        """Lost news is told; what was heard before it is not trusted."""
        lost = OSError(errno.ENOBUFS, "")
        self.assertEqual(self.hear(touching(), lost), ["overrun"])
        self.assertEqual(self.hear(touching(), b"\1" * 20), ["overrun"])


class AttributeTests(SynchronousTestCase):
    """linux/netlink.h, struct nlattr."""

    def test_read(self):
        """The place of each, by its kind without flags."""
        data = attribute(0x8001, b"abc") + attribute(2, b"")
        self.assertEqual(attributes(data, 0, len(data)), {1: (4, 7), 2: (12, 12)})

    def test_broken(self):
        """A length that cannot be raises BadMessage."""
        for length in (0, 3, 9):
            data = struct.pack("=HHI", length, 1, 0)
            self.assertRaises(BadMessage, attributes, data, 0, 8)


class ReasonTests(SynchronousTestCase):
    """An errno for people."""

    def test_words(self):
        """What a kernel without nf_tables answers is said so."""
        self.assertEqual(
            [reason(OSError(each, "")) for each in (93, 22, 1)]
            + [reason(OSError("timed out"))],
            [
                "the kernel has no netfilter netlink",
                "the kernel has no nf_tables",
                "Operation not permitted",
                "timed out",
            ],
        )
