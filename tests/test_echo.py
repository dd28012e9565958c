"""Echo packets as bytes; scapy reads ours, and writes what we read."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from twisted.trial.unittest import SynchronousTestCase

from hanode.echo import Echo, decode, encode

A4, B4 = ip_address("192.0.2.1"), ip_address("192.0.2.2")
A6, B6 = ip_address("2001:db8::1"), ip_address("fe80::2")
ECHOES = [
    Echo(A4, A4, 255, b"payload", 3785),
    Echo(A4, B4, 254, b"", 50000),
    Echo(A6, B6, 255, bytes(24)),
]


class EchoTests(SynchronousTestCase):
    def test_round_trip(self) -> None:
        """What was encoded is decoded, also with padding behind it."""
        for each in ECHOES:
            self.assertEqual(decode(encode(each)), each)
            self.assertEqual(decode(encode(each) + bytes(9)), each)

    @given(st.binary(max_size=99), st.integers(0, 255), st.sampled_from((A4, A6)))
    def test_checksums(self, data: bytes, ttl: int, source: object) -> None:
        """All checksums are those that scapy computes."""
        ours = encode(Echo(source, source, ttl, data))
        kind = IP if source == A4 else IPv6
        again = kind(ours)
        del again[UDP].chksum
        if kind is IP:
            del again.chksum
        self.assertEqual(bytes(again), ours)

    def test_zero_checksum(self) -> None:
        """A UDP checksum of zero is sent as all ones: zero means none (RFC 768)."""
        found = set()
        for number in range(1 << 16):
            packet = encode(Echo(A4, A4, 255, number.to_bytes(2, "big")))
            found.add(packet[26:28])
        self.assertEqual((b"\0\0" in found, b"\xff\xff" in found), (False, True))

    def test_precedence(self) -> None:
        """They are internetwork control, and IPv4 may be fragmented."""
        four, _, six = (encode(each) for each in ECHOES)
        self.assertEqual((four[1], four[6]), (0xC0, 0))
        self.assertEqual(IPv6(six).tc, 0xC0)

    def test_options(self) -> None:
        """IPv4 options are passed over."""
        ip = IP(src=str(A4), dst=str(A4), ttl=255, options=[b"\x94\x04\0\0"])
        found = decode(bytes(ip / UDP(sport=3785, dport=3785) / b"x"))
        self.assertEqual(found, Echo(A4, A4, 255, b"x"))

    def test_not_an_echo(self) -> None:
        """Other ports and protocols, fragments and cut packets are None."""
        four, _, six = (encode(each) for each in ECHOES)
        ip = IP(src=str(A4), dst=str(A4))
        for bad in (
            b"",
            four[:19],
            four[:27],
            four[:-1],
            six[:39],
            six[:47],
            b"\x55" + four[1:],
            b"\x44" + four[1:],
            four[:9] + b"\x06" + four[10:],
            four[:24] + b"\0\7" + four[26:],
            bytes(ip / UDP(sport=3785, dport=3784)),
            bytes(replace_flags(four, 0x20)),
            bytes(replace_flags(four, 0x01)),
        ):
            self.assertIs(decode(bad), None)
        self.assertEqual(decode(replace_flags(four, 0x40)), ECHOES[0])

    @given(st.binary(max_size=80))
    def test_random(self, data: bytes) -> None:
        """Random bytes never raise."""
        for first in (b"\x45", b"\x60", b""):
            decode(first + data)


def replace_flags(packet: bytes, flags: int) -> bytes:
    return packet[:6] + bytes([flags]) + packet[7:]
