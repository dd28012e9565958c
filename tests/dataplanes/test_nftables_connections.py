"""Connections are counted per real server, and cut when theirs is removed."""

from __future__ import annotations

import errno
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.netlink.message import message as message_of
from hanode.dataplanes.nftables_connections import Connections
from hanode.dataplanes.nftables_conntrack import Walk
from hanode.lvs import Destination
from tests.dataplanes.conntrack_messages import (
    END,
    MARK,
    NEW,
    ONE,
    REAL,
    WEB,
    Port,
    Reactor,
    entry,
    read,
    service,
)


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
