"""Claims about an interface's address for advertisements."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.link import Link


class LinkTests(SynchronousTestCase):
    """Which address advertisements are sent from."""

    def link(self, *addresses: str) -> Link:
        """An interface with these addresses."""
        return Link("eth0", 2, True, addresses=tuple(map(ip_address, addresses)))

    def test_first_of_the_family(self) -> None:
        """IPv4: the first IPv4 address, in the kernel's order."""
        link = self.link("fe80::1", "10.0.0.9", "10.0.0.1")
        self.assertEqual(link.address(4), ip_address("10.0.0.9"))

    def test_link_local(self) -> None:
        """IPv6: the first link-local address; a global one will not do."""
        link = self.link("10.0.0.1", "2001:db8::1", "fe80::2", "fe80::1")
        self.assertEqual(link.address(6), ip_address("fe80::2"))

    def test_none(self) -> None:
        """Without such an address there is none."""
        self.assertIsNone(self.link("2001:db8::1").address(6))
        self.assertIsNone(self.link("fe80::1").address(4))
        self.assertIsNone(self.link().address(4))

    def test_ipv4_link_local_is_allowed(self) -> None:
        """IPv4: an address of 169.254/16 is as good as any."""
        self.assertEqual(self.link("169.254.1.1").address(4), ip_address("169.254.1.1"))
