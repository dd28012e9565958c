"""Claims about the IP authentication header, held against packets of keepalived."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP
from scapy.layers.ipsec import AH
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import MULTICAST_4
from hanode.vrrp.ah import Envelope, Sequence, seal, unwrap, verify
from hanode.vrrp.packet import BadPacket, Checksum, decode

KEY = b"1234567\0"
CAPTURED = Path(__file__).parent.parent / "data" / "vrrp" / "ah.txt"
SOURCE, PEER = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")


def captured() -> list[bytes]:
    """The packets of keepalived."""
    lines = CAPTURED.read_text().splitlines()
    return [bytes.fromhex(line) for line in lines if not line.startswith("#")]


def opened(packet: bytes) -> Envelope:
    """The envelope of a packet, by its own destination."""
    return unwrap(packet, IPv4Address(packet[16:20]).is_multicast)


class KeepalivedTests(SynchronousTestCase):
    """What keepalived 2.2.7 sends is what we would send."""

    def test_verified(self) -> None:
        """Its packets are believed, and carry a version 2 advertisement."""
        for packet in captured():
            envelope = opened(packet)
            verify(envelope, KEY)
            advert, checksum = decode(envelope.payload, SOURCE, MULTICAST_4)
            self.assertEqual((advert.vrid, advert.priority), (51, 150))
            self.assertEqual((advert.auth_type, checksum), (2, Checksum.PLAIN))

    def test_sequence(self) -> None:
        """They are numbered from 1 on."""
        numbers = [opened(packet).sequence for packet in captured()]
        self.assertEqual(numbers, [1, 2, 3, 1, 2])

    def test_sealed(self) -> None:
        """Sealed by us, the same advertisement is the same packet, but for the id."""
        for packet in captured():
            envelope = opened(packet)
            destination = IPv4Address(packet[16:20])
            ours = seal(
                envelope.payload,
                SOURCE,
                destination,
                packet[8],
                envelope.sequence - 1,
                KEY,
            )
            theirs = opened(ours)
            verify(theirs, KEY)
            self.assertEqual((ours[:20], theirs.payload), (packet[:20], packet[44:]))

    def test_scapy(self) -> None:
        """scapy reads the same fields in what we seal, and agrees on the checksum."""
        packet = IP(seal(b"payload", SOURCE, PEER, 64, 7, KEY))
        self.assertEqual(
            (packet.ttl, packet.proto, packet.id, packet.tos), (64, 51, 8, 0xC0)
        )
        front = packet[AH]
        self.assertEqual(
            (front.nh, front.payloadlen, front.reserved, front.spi, front.seq),
            (112, 4, 0, int(SOURCE), 7),
        )
        sum_of_ours = packet.chksum
        del packet.chksum
        self.assertEqual(IP(bytes(packet)).chksum, sum_of_ours)


class RefusalTests(SynchronousTestCase):
    """What is not believed."""

    def refused(self, packet: bytes, multicast: bool = False) -> str:
        """Why."""
        try:
            verify(unwrap(packet, multicast), KEY)
        except BadPacket as problem:
            return str(problem)
        return ""

    def test_other_key(self) -> None:
        """A packet that was sealed with another secret."""
        packet = seal(b"payload", SOURCE, PEER, 255, 1, b"other")
        self.assertEqual(self.refused(packet), "authentication data")

    def test_header(self) -> None:
        """A header that is not ours is named."""
        good = seal(b"payload", SOURCE, PEER, 255, 1, KEY)
        self.assertEqual(self.refused(good), "")
        for at, value, reason in (
            (0, 0x46, "options in the IP header (6)"),
            (20, 6, "authenticated protocol (6)"),
            (21, 5, "authentication header length (5)"),
            (24, 193, "security parameters index (c1000201)"),
            (22, 1, "authentication data"),
        ):
            packet = good[:at] + bytes((value,)) + good[at + 1 :]
            self.assertEqual(self.refused(packet), reason)
        self.assertEqual(self.refused(good[:43]), "too short (43)")

    def test_ttl(self) -> None:
        """A router may change the TTL of a unicast packet, of a multicast one not."""
        for destination, reason in ((PEER, ""), (MULTICAST_4, "authentication data")):
            packet = seal(b"payload", SOURCE, destination, 255, 1, KEY)
            passed = packet[:8] + b"\x40" + packet[9:]
            self.assertEqual(self.refused(passed, destination.is_multicast), reason)

    @given(st.integers(0, 8 * 52 - 1))
    def test_flipped(self, bit: int) -> None:
        """One bit that flips is noticed, but where routers may change the header."""
        packet = bytearray(seal(b"payload!", SOURCE, MULTICAST_4, 255, 9, KEY))
        packet[bit // 8] ^= 128 >> bit % 8
        mutable = bit // 8 in (1, 6, 7, 10, 11)
        self.assertEqual(self.refused(bytes(packet), True) == "", mutable)

    @given(st.binary(max_size=80), st.booleans())
    def test_anything(self, data: bytes, multicast: bool) -> None:
        """Whatever arrives, nothing else than BadPacket is raised."""
        self.assertNotEqual(self.refused(data, multicast), "")


class SequenceTests(SynchronousTestCase):
    """One count for all routers of a virtual router."""

    def believed(self, sequence: Sequence, number: int) -> bool:
        """Whether C{number} was new; then it is believed."""
        try:
            sequence.verify(number)
        except BadPacket as problem:
            self.assertEqual(problem.reason, "sequence number already processed")
            return False
        sequence.believe(number)
        return True

    def test_counts(self) -> None:
        """It counts from 1."""
        sequence = Sequence()
        self.assertEqual([sequence.following() for _ in range(3)], [1, 2, 3])

    def test_goes_on(self) -> None:
        """Whoever takes over goes on where the master before stopped."""
        sequence = Sequence()
        self.assertTrue(self.believed(sequence, 4000))
        self.assertEqual(sequence.following(), 4001)

    def test_replayed(self) -> None:
        """What is not newer than the newest is refused, our own numbers too."""
        sequence = Sequence()
        said = [self.believed(sequence, each) for each in (7, 7, 6, 8, 20, 10)]
        self.assertEqual(said, [True, False, False, True, True, False])
        self.assertEqual(sequence.following(), 21)
        self.assertFalse(self.believed(sequence, 21))

    def test_round(self) -> None:
        """After 136 years of one packet a second the count begins again."""
        sequence = Sequence()
        self.believed(sequence, (1 << 32) - 1)
        self.assertEqual(sequence.following(), 0)
        self.assertFalse(self.believed(sequence, (1 << 32) - 1))
        self.assertTrue(self.believed(sequence, 1))

    @given(st.lists(st.integers(0, 1000)))
    def test_no_number_twice(self, numbers: list[int]) -> None:
        """However they come, none is believed twice, and they only rise."""
        sequence = Sequence()
        taken = [each for each in numbers if self.believed(sequence, each)]
        self.assertEqual(taken, sorted(set(taken)))
