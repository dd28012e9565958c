"""Which news of routes the kernel gives us at all: the filter on the socket."""

from __future__ import annotations

import socket
from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from hanode.bpf import SO_ATTACH_FILTER, attach
from hanode.dataplanes.netlink.message import message
from hanode.dataplanes.netlink.socket import FEW_ROUTES

NEW, DELETED, REPLACE = 24, 25, 0x100
KERNEL, BOOT, STATIC, DHCP, OURS, BGP = 2, 3, 4, 16, 18, 186
UNICAST, LOCAL = 1, 2


class FewRoutesTests(SynchronousTestCase):
    """A datagram socket with the filter on it shows what passes."""

    def setUp(self) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        attach(self.ours, SO_ATTACH_FILTER, FEW_ROUTES)
        self.ours.setblocking(False)

    def passes(self, kind: int, flags: int, protocol: int, what: int) -> bool:
        body = bytes((2, 24, 0, 0, 254, protocol, 0, what)) + bytes(4)
        self.theirs.send(message(kind, flags, body))
        try:
            return bool(self.ours.recv(100))
        except BlockingIOError:
            return False

    def test_removals(self) -> None:
        """Removals of connected networks, and of people's routes and ours."""
        passed = [
            (protocol, what)
            for protocol, what in product(
                (KERNEL, BOOT, STATIC, DHCP, OURS, BGP), (UNICAST, LOCAL)
            )
            if self.passes(DELETED, 0, protocol, what)
        ]
        people = product((BOOT, STATIC, DHCP, OURS), (UNICAST, LOCAL))
        self.assertEqual(passed, [(KERNEL, UNICAST), *people])

    def test_new_ones(self) -> None:
        """New routes only where they replace others."""
        self.assertFalse(self.passes(NEW, 0x600, BOOT, UNICAST))
        self.assertTrue(self.passes(NEW, REPLACE, BOOT, UNICAST))
        self.assertFalse(self.passes(NEW, REPLACE, BGP, UNICAST))

    def test_the_rest(self) -> None:
        """What does not speak of routes passes."""
        for kind in (16, 17, 20, 21, 32, 33):
            self.assertTrue(self.passes(kind, 0, BGP, LOCAL), kind)
