"""The encoder against an independent implementation: scapy's VRRP layers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.vrrp import VRRP, VRRPv3
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import MULTICAST_4, MULTICAST_6
from hanode.vrrp.packet import AUTH_PASS, Advert, encode

A4, A6 = IPv4Address("192.0.2.1"), IPv6Address("fe80::1")
VIP4 = (IPv4Address("198.51.100.7"), IPv4Address("198.51.100.8"))
VIP6 = (IPv6Address("fe80::7"), IPv6Address("2001:db8::7"))


class ScapyTests(SynchronousTestCase):
    """The same packets as another implementation makes them."""

    def test_version_2(self) -> None:
        """Version 2 over IPv4, with authentication data."""
        theirs = VRRP(
            vrid=51,
            priority=100,
            authtype=1,
            adv=5,
            addrlist=[str(a) for a in VIP4],
            auth1=0x73656372,
            auth2=0x65740000,
        )
        ours = Advert(2, 51, 100, 5.0, VIP4, AUTH_PASS, b"secret\0\0")
        self.assertEqual(encode(ours, A4, MULTICAST_4), bytes(theirs))

    def test_version_3_ipv4(self) -> None:
        """Version 3 over IPv4, with pseudo header."""
        theirs = IP(src=str(A4), dst=str(MULTICAST_4), ttl=255) / VRRPv3(
            vrid=51, priority=100, adv=150, addrlist=[str(a) for a in VIP4]
        )
        ours = Advert(3, 51, 100, 1.5, VIP4)
        self.assertEqual(encode(ours, A4, MULTICAST_4), bytes(theirs)[20:])

    def test_version_3_ipv6(self) -> None:
        """Version 3 over IPv6."""
        theirs = IPv6(src=str(A6), dst=str(MULTICAST_6), hlim=255) / VRRPv3(
            vrid=51, priority=100, adv=150, addrlist=[str(a) for a in VIP6]
        )
        ours = Advert(3, 51, 100, 1.5, VIP6)
        self.assertEqual(encode(ours, A6, MULTICAST_6), bytes(theirs)[40:])

    def test_scapy_reads_ours(self) -> None:
        """What we encode, scapy reads field by field."""
        data = encode(Advert(3, 51, 100, 1.5, VIP4), A4, MULTICAST_4)
        read = IP(bytes(IP(src=str(A4), dst=str(MULTICAST_4), proto=112) / data))
        self.assertEqual([ip_address(a) for a in read[VRRPv3].addrlist], list(VIP4))
        fields = ("version", "type", "vrid", "priority", "ipcount", "adv")
        self.assertEqual(
            [read[VRRPv3].getfieldval(each) for each in fields],
            [3, 1, 51, 100, 2, 150],
        )
