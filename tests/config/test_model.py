"""The records of a configuration."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import (
    Address,
    Authentication,
    Secret,
    UnicastPeer,
    VrrpInstance,
)


class SecretTests(SynchronousTestCase):
    def test_hidden(self) -> None:
        """A password does not show itself, nor does what holds it."""
        secret = Secret("tulip")
        self.assertEqual(secret, "tulip")
        self.assertNotIn("tulip", repr(Authentication("PASS", secret)))


class InstanceTests(SynchronousTestCase):
    def test_what_follows(self) -> None:
        """All addresses are held; peers make it unicast."""
        held = Address(ip_address("192.0.2.1"), 24, "eth0")
        extra = Address(ip_address("2001:db8::1"), 64, "eth1")
        plain = VrrpInstance("a", 1, "eth0", 4, addresses=(held,), excluded=(extra,))
        peer = UnicastPeer(ip_address("192.0.2.9"))
        self.assertEqual(plain.all_addresses, (held, extra))
        self.assertEqual(str(extra), "2001:db8::1/64 dev eth1")
        self.assertEqual(
            [
                plain.unicast,
                VrrpInstance("b", 1, "eth0", 4, unicast_peers=(peer,)).unicast,
            ],
            [False, True],
        )
