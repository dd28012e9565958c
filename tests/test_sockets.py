"""What sockets share, as far as it needs no socket."""

from __future__ import annotations

import errno
import socket
from ipaddress import IPv4Address, IPv6Address

from twisted.trial.unittest import SynchronousTestCase

from hanode import sockets


class AddressTests(SynchronousTestCase):
    def test_bytes(self) -> None:
        """Four bytes are an IPv4 address, sixteen an IPv6 address."""
        self.assertEqual(
            [sockets.address_of(bytes([192, 0, 2, 1])), sockets.address_of(bytes(16))],
            [IPv4Address("192.0.2.1"), IPv6Address("::")],
        )

    def test_zone(self) -> None:
        """The name of a link-local address loses its zone."""
        found = sockets.address_named(socket.AF_INET6, "fe80::1%eth0")
        self.assertEqual(found, IPv6Address("fe80::1"))

    def test_memory(self) -> None:
        """The memory of addresses is bounded."""
        for number in range(sockets.ADDRESSES_KEPT + 10):
            sockets.address_of(number.to_bytes(4, "big"))
        self.assertTrue(len(sockets._known) <= sockets.ADDRESSES_KEPT)


class ExplainedTests(SynchronousTestCase):
    def test_subject(self) -> None:
        """An error says what it is about, and what permission is missing."""
        for number, text in (
            (errno.EADDRINUSE, "port 1: Address already in use"),
            (
                errno.EPERM,
                "port 1: Operation not permitted (it takes root, or CAP_NET_RAW)",
            ),
        ):
            error = sockets.explained(OSError(number, "x"), "port 1")
            self.assertEqual((error.errno, error.strerror), (number, text))

    def test_no_number(self) -> None:
        """An error without a number is an interface that is not there."""
        error = sockets.explained(OSError("no interface with this name"), "eth9")
        self.assertEqual(error.errno, errno.ENODEV)
