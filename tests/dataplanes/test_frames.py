"""Filled-in templates against what scapy builds and dissects."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.frames import TEMPLATES, Frames, Sender, build

MACS = st.binary(min_size=6, max_size=6)
FRAMES = Frames()


class FramesTests(SynchronousTestCase):
    @given(MACS, st.ip_addresses(v=4))
    def test_gratuitous_arp(self, mac: bytes, address: IPv4Address) -> None:
        """An ARP request, broadcast, in which sender and target are the address."""
        text, everyone = mac.hex(":"), "ff:ff:ff:ff:ff:ff"
        whole = bytes(
            Ether(src=text, dst=everyone)
            / ARP(
                op=1,
                hwsrc=text,
                psrc=str(address),
                hwdst=everyone,
                pdst=str(address),
            )
        )
        self.assertEqual(FRAMES.announcement(Sender(mac), address), whole)

    @given(MACS, st.booleans(), st.ip_addresses(v=6))
    def test_neighbour_advertisement(
        self, mac: bytes, router: bool, address: IPv6Address
    ) -> None:
        """An unsolicited advertisement with override, as scapy builds it whole."""
        text = mac.hex(":")
        whole = bytes(
            Ether(src=text, dst="33:33:00:00:00:01")
            / IPv6(src=str(address), dst="ff02::1", hlim=255)
            / ICMPv6ND_NA(R=int(router), S=0, O=1, tgt=str(address))
            / ICMPv6NDOptDstLLAddr(lladdr=text)
        )
        self.assertEqual(FRAMES.announcement(Sender(mac, router), address), whole)

    def test_dissected(self) -> None:
        """scapy reads what was meant."""
        mac = b"\2\0\0\0\0\7"
        arp = Ether(FRAMES.announcement(Sender(mac), ip_address("10.0.0.1")))
        self.assertEqual(
            (arp.dst, arp[ARP].op, arp[ARP].psrc, arp[ARP].pdst, arp[ARP].hwsrc),
            ("ff:ff:ff:ff:ff:ff", 1, "10.0.0.1", "10.0.0.1", "02:00:00:00:00:07"),
        )
        data = FRAMES.announcement(Sender(mac, True), ip_address("fe80::7"))
        seen = Ether(data)
        na = seen[ICMPv6ND_NA]
        self.assertEqual(
            (seen[IPv6].hlim, seen[IPv6].dst, na.R, na.S, na.O, na.tgt),
            (255, "ff02::1", 1, 0, 1, "fe80::7"),
        )
        self.assertEqual(seen[ICMPv6NDOptDstLLAddr].lladdr, "02:00:00:00:00:07")

    def test_templates(self) -> None:
        """What stands in the module is what scapy builds."""
        self.assertEqual(build(), TEMPLATES)
