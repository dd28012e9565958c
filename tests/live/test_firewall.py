"""Firewall rules of virtual routers in the real kernel, as nft(8) lists them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from hanode.config.model import Address
from hanode.config.vmac_model import FirewallDefs
from hanode.dataplanes.firewall import LATER
from hanode.dataplanes.linux import LinuxDataplane
from tests.dataplanes.contract import DEVICE
from tests.live.test_virtual_links import FOUR, VIP, VirtualCase, nft


class FirewallTests(VirtualCase):
    def ruleset(self) -> str:
        return nft("list", "ruleset")

    def test_refuse(self) -> None:
        """Rules are there when the call returns, and go a moment after they may."""
        six = Address(ip_address("2001:db8::1"), 64, DEVICE)
        near = Address(ip_address("fe80::1"), 64, DEVICE)
        self.begin()
        self.assertEqual(self.ruleset(), "")
        self.dataplane.refuse("VI_1", (VIP, six, near))
        told = self.ruleset()
        for each in ("{ 192.0.2.1 }", "{ 2001:db8::1 }", '{ fe80::1 . "wan0" }'):
            self.assertIn(f"elements = {each}", told)
        self.dataplane.refuse("VI_2", (replace(VIP, address=ip_address("192.0.2.9")),))
        self.assertIn("{ 192.0.2.1, 192.0.2.9 }", self.ruleset())
        self.dataplane.refuse("VI_1", ())
        self.turns.advance(LATER)
        told = self.ruleset()
        self.assertIn("{ 192.0.2.9 }", told)
        self.assertNotIn("ip6", told)
        self.dataplane.refuse("VI_2", ())
        self.turns.advance(LATER)
        self.assertEqual(self.ruleset(), "")

    def test_by_index(self) -> None:
        """nftables_ifindex, nftables_priority, nftables_counters and a name."""
        defs = FirewallDefs("fw", -7, by_index=True, counters=True)
        self.dataplane.configure_firewall(defs)
        self.begin()
        near = Address(ip_address("fe80::1"), 64, DEVICE)
        self.dataplane.refuse("VI_1", (near,))
        told = self.ruleset()
        for each in (
            "table ip6 fw {",
            "type ipv6_addr . iface_index",
            "ip6 daddr . iif @vips_link_local counter packets 0 bytes 0 drop",
            "priority filter - 7;",
        ):
            self.assertIn(each, told)
        self.dataplane.configure_firewall(FirewallDefs())
        self.assertNotIn("fw", self.ruleset())
        self.assertIn("table ip6 hanode {", self.ruleset())

    def test_flushed(self) -> None:
        """Who flushes the rules finds them again, and is named."""
        self.begin(FOUR)
        self.dataplane.refuse("VI_1", (VIP,))
        before = self.ruleset()
        nft("flush", "ruleset")
        self.settle()
        self.assertEqual(self.ruleset(), before)
        self.assertIn("was changed by nft", str(self.log))
        nft("delete", "table", "ip", "hanode")
        self.settle()
        self.assertEqual(sorted(self.ruleset()), sorted(before))

    def test_own_changes_are_no_news(self) -> None:
        """What we do ourselves is not complained about."""
        self.begin(FOUR)
        self.dataplane.refuse("VI_1", (VIP,))
        self.settle()
        self.dataplane.refuse("VI_1", ())
        self.turns.advance(LATER)
        self.settle()
        self.assertEqual([each for each in self.log if "was changed" in each], [])

    def test_two_daemons(self) -> None:
        """Each has a table of its own."""
        other = LinuxDataplane(self.turns)
        self.addCleanup(other.stop)
        self.begin()
        other.start(lambda name, link: None)
        for each in (self.dataplane, other):
            each.refuse("VI_1", (VIP,))
        told = self.ruleset()
        self.assertIn("table ip hanode {", told)
        self.assertIn("table ip hanode_1 {", told)
        other.stop()
        self.assertNotIn("hanode_1", self.ruleset())

    def test_after_a_kill(self) -> None:
        """The next start removes what was left."""
        self.begin(FOUR)
        self.dataplane.refuse("VI_1", (VIP,))
        self.killed()
        self.begin()
        self.assertEqual(self.ruleset(), "")

    def test_many(self) -> None:
        """More addresses than one message holds."""
        self.begin()
        many = [
            replace(VIP, address=ip_address(f"10.0.{n // 250}.{n % 250}"))
            for n in range(3000)
        ]
        self.dataplane.refuse("VI_1", many)
        self.assertEqual(self.ruleset().count("10.0."), 3000)
        self.dataplane.refuse("VI_1", ())
        self.turns.advance(LATER)
        self.assertEqual((self.ruleset(), self.log[-1:]), ("", []))
