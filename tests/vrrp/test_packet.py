"""Claims about the bytes of an advertisement.

The vectors are written by hand from the field layout of RFC 3768 (5.1) and RFC 9568
(5.1, 5.2); their checksums come from the word-by-word sum below. The encoder is held
against another implementation in L{tests.vrrp.test_packet_scapy}.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import MULTICAST_4, MULTICAST_6, IpAddress
from hanode.vrrp.packet import (
    AUTH_NONE,
    AUTH_PASS,
    MOST_ADDRESSES,
    Advert,
    BadPacket,
    Checksum,
    decode,
    encode,
    internet_checksum,
)

A4, B4 = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
A6, B6 = IPv6Address("fe80::1"), IPv6Address("fe80::2")
VIP4 = (IPv4Address("198.51.100.7"), IPv4Address("198.51.100.8"))
VIP6 = (IPv6Address("fe80::7"), IPv6Address("2001:db8::7"))
FUZZED = 100_000


def summed(data: bytes) -> int:
    """RFC 1071 word by word, as its section 4.1 does it."""
    total = 0
    for (word,) in struct.iter_unpack("!H", data):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def with_checksum(message: bytes, covered: bytes = b"") -> bytes:
    """The message with the right sum over itself and C{covered} in bytes 6 and 7."""
    zeroed = message[:6] + b"\0\0" + message[8:]
    return message[:6] + struct.pack("!H", summed(covered + zeroed)) + message[8:]


def pseudo(source: IpAddress, destination: IpAddress, length: int) -> bytes:
    """RFC 793, 3.1 and RFC 8200, 8.1."""
    both = source.packed + destination.packed
    if source.version == 4:
        return both + bytes([0, 112]) + length.to_bytes(2, "big")
    return both + length.to_bytes(4, "big") + bytes([0, 0, 0, 112])


def addresses(version: int) -> st.SearchStrategy[tuple[IpAddress, ...]]:
    """As many addresses of one family as an advertisement may carry."""
    most = 20 if version == 4 else 10
    each: st.SearchStrategy[IpAddress] = st.ip_addresses(v=version)  # type: ignore
    return st.lists(each, max_size=most).map(tuple)


@st.composite
def sent(draw: st.DrawFn) -> tuple[Advert, IpAddress, IpAddress, Checksum]:
    """An advertisement with its way and kind of checksum."""
    family = draw(st.sampled_from((4, 6)))
    group = MULTICAST_4 if family == 4 else MULTICAST_6
    source = draw(st.ip_addresses(v=family))  # type: ignore
    unicast = st.ip_addresses(v=family).filter(  # type: ignore
        lambda a: not a.is_multicast
    )
    destination = draw(st.one_of(st.just(group), unicast))
    version = draw(st.sampled_from((2, 3)))
    kinds = [Checksum.PSEUDO]
    if (version, family) == (2, 4):
        kinds = [Checksum.PLAIN]
    elif family == 4:
        kinds.append(Checksum.PLAIN)
        if not destination.is_multicast:
            kinds.append(Checksum.OLD_UNICAST)
    vrid, priority = draw(st.integers(1, 255)), draw(st.integers(0, 255))
    vips = draw(addresses(family))
    if version == 3:
        interval = draw(st.integers(1, 4095)) / 100
        advert = Advert(3, vrid, priority, interval, vips)
    else:
        interval = float(draw(st.integers(0, 255)))
        auth_type, data = (
            draw(st.integers(0, 255)),
            draw(st.binary(min_size=8, max_size=8)),
        )
        advert = Advert(2, vrid, priority, interval, vips, auth_type, data)
    return advert, source, destination, draw(st.sampled_from(kinds))


class VectorTests(SynchronousTestCase):
    """Exact bytes, and back."""

    def check(
        self,
        advert: Advert,
        way: tuple[IpAddress, IpAddress],
        kind: Checksum,
        expected: bytes,
    ) -> None:
        """The encoder makes the bytes, the decoder reads them."""
        self.assertEqual(encode(advert, *way, kind).hex(" "), expected.hex(" "))
        self.assertEqual(decode(expected, *way), (advert, kind))

    def test_version_2_with_password(self) -> None:
        """Version 2, PASS: seconds, addresses, eight bytes; no pseudo header."""
        data = with_checksum(
            bytes.fromhex("21 33 64 02 01 05 0000 c6336407 c6336408") + b"secret\0\0"
        )
        advert = Advert(2, 51, 100, 5.0, VIP4, AUTH_PASS, b"secret\0\0")
        self.check(advert, (A4, MULTICAST_4), Checksum.PLAIN, data)

    def test_version_2_without_authentication(self) -> None:
        """Version 2 always has its eight bytes of authentication data."""
        data = with_checksum(bytes.fromhex("21 01 ff 00 00 01 0000") + bytes(8))
        advert = Advert(2, 1, 255, 1.0, (), AUTH_NONE, bytes(8))
        self.check(advert, (A4, MULTICAST_4), Checksum.PLAIN, data)
        bare = Advert(2, 1, 255, 1.0, ())
        self.assertEqual(encode(bare, A4, MULTICAST_4), data)

    def test_version_2_known_checksum(self) -> None:
        """A whole packet of version 2, its checksum added up on paper.

        2133 + 6401 + 0001 + c633 + 6407 = 1af6f, folded af70, inverted 508f.
        """
        data = bytes.fromhex("21 33 64 01 00 01 508f c6336407 0000000000000000")
        advert = Advert(2, 51, 100, 1.0, VIP4[:1], AUTH_NONE, bytes(8))
        self.check(advert, (A4, MULTICAST_4), Checksum.PLAIN, data)

    def test_version_2_over_ipv6(self) -> None:
        """Version 2 over IPv6: as over IPv4, but the kernel's pseudo header counts."""
        plain = bytes.fromhex("21 33 64 01 00 01 0000") + VIP6[0].packed + bytes(8)
        data = with_checksum(plain, pseudo(A6, MULTICAST_6, 32))
        advert = Advert(2, 51, 100, 1.0, VIP6[:1], AUTH_NONE, bytes(8))
        self.check(advert, (A6, MULTICAST_6), Checksum.PSEUDO, data)

    def test_version_3_ipv4(self) -> None:
        """Version 3, IPv4: centiseconds in twelve bits, pseudo header summed."""
        plain = bytes.fromhex("31 33 64 02 0fff 0000 c6336407 c6336408")
        data = with_checksum(plain, pseudo(A4, MULTICAST_4, 16))
        advert = Advert(3, 51, 100, 40.95, VIP4)
        self.check(advert, (A4, MULTICAST_4), Checksum.PSEUDO, data)

    def test_version_3_ipv4_plain(self) -> None:
        """RFC 9568, 5.2.8: for IPv4 the message alone (v3_checksum_as_v2)."""
        data = with_checksum(bytes.fromhex("31 33 00 01 0001 0000 c6336407"))
        advert = Advert(3, 51, 0, 0.01, VIP4[:1])
        self.check(advert, (A4, MULTICAST_4), Checksum.PLAIN, data)

    def test_version_3_old_unicast(self) -> None:
        """Old unicast senders summed the multicast group instead of the peer."""
        plain = bytes.fromhex("31 33 64 01 0064 0000 c6336407")
        data = with_checksum(plain, pseudo(A4, MULTICAST_4, 12))
        advert = Advert(3, 51, 100, 1.0, VIP4[:1])
        self.check(advert, (A4, B4), Checksum.OLD_UNICAST, data)

    def test_version_3_unicast(self) -> None:
        """A unicast packet is summed with the peer's address."""
        plain = bytes.fromhex("31 33 64 01 0064 0000 c6336407")
        data = with_checksum(plain, pseudo(A4, B4, 12))
        advert = Advert(3, 51, 100, 1.0, VIP4[:1])
        self.check(advert, (A4, B4), Checksum.PSEUDO, data)

    def test_version_3_ipv6(self) -> None:
        """Version 3, IPv6: sixteen bytes each; the pseudo header always counts."""
        plain = bytes.fromhex("31 ff fe 02 000a 0000") + b"".join(
            a.packed for a in VIP6
        )
        data = with_checksum(plain, pseudo(A6, MULTICAST_6, 40))
        advert = Advert(3, 255, 254, 0.1, VIP6)
        self.check(advert, (A6, MULTICAST_6), Checksum.PSEUDO, data)
        as_v2 = encode(advert, A6, MULTICAST_6, Checksum.PLAIN)
        self.assertEqual(as_v2, data)

    def test_most_addresses(self) -> None:
        """255 addresses fit."""
        vips = tuple(IPv4Address(n) for n in range(MOST_ADDRESSES))
        advert = Advert(3, 1, 1, 1.0, vips)
        data = encode(advert, A4, MULTICAST_4)
        self.assertEqual(len(data), 8 + 4 * 255)
        self.assertEqual(decode(data, A4, MULTICAST_4)[0], advert)

    def test_reserved_bits_are_ignored(self) -> None:
        """RFC 9568, 5.2.6: what a receiver finds in the reserved bits means nothing."""
        data = with_checksum(bytes.fromhex("31 33 64 01 f064 0000 c6336407"))
        advert = Advert(3, 51, 100, 1.0, VIP4[:1])
        self.assertEqual(decode(data, A4, B4), (advert, Checksum.PLAIN))

    def test_padding_is_left_alone(self) -> None:
        """Bytes behind the message change nothing."""
        advert = Advert(2, 51, 100, 1.0, VIP4, AUTH_NONE, bytes(8))
        data = encode(advert, A4, MULTICAST_4)
        self.assertEqual(decode(data + b"\xff" * 7, A4, MULTICAST_4)[0], advert)

    def test_odd_data(self) -> None:
        """RFC 1071: an odd number of bytes is summed as if a zero byte followed."""
        self.assertEqual(internet_checksum(b"\x01"), 0xFEFF)
        self.assertEqual(internet_checksum(b""), 0xFFFF)


class RefusalTests(SynchronousTestCase):
    """Each reason by name, with its value."""

    def refused(self, data: bytes, way: tuple[IpAddress, IpAddress]) -> str:
        """Why the bytes are refused."""
        problem = self.assertRaises(BadPacket, decode, data, *way)
        return str(problem)

    def test_reasons(self) -> None:
        """Each field that is wrong is named together with what it held."""
        whole = bytes.fromhex("31 33 64 01 0064 0000 c6336407")
        wrong = {
            "": "too short (0)",
            "31 33 64 01 0064 00": "too short (7)",
            "11 33 64 01 0064 0000 c6336407": "version (1)",
            "41 33 64 01 0064 0000 c6336407": "version (4)",
            "30 33 64 01 0064 0000 c6336407": "type (0)",
            "32 33 64 01 0064 0000 c6336407": "type (2)",
            "31 00 64 01 0064 0000 c6336407": "virtual router id (0)",
            "31 33 64 02 0064 0000 c6336407": "length (12)",
            "31 33 64 01 0000 0000 c6336407": "advertisement interval (0.0)",
            "21 33 64 01 0001 0000 c6336407": "length (12)",
        }
        for text, reason in wrong.items():
            data = bytes.fromhex(text)
            if len(data) >= 8:
                data = with_checksum(data)
            self.assertEqual(self.refused(data, (A4, MULTICAST_4)), reason)
        self.assertEqual(self.refused(whole, (A4, MULTICAST_4)), "checksum (0)")
        self.assertEqual(self.refused(whole, (A6, MULTICAST_6)), "length (12)")

    def test_no_value(self) -> None:
        """A reason without value stands alone; both are there to be read."""
        problem = BadPacket("authentication data")
        self.assertEqual(
            (str(problem), problem.reason, problem.value),
            ("authentication data", "authentication data", None),
        )

    def test_each_version_only_with_its_checksums(self) -> None:
        """No pseudo header in version 2/IPv4, always one in IPv6."""
        v2 = bytes.fromhex("21 33 64 00 0001 0000") + bytes(8)
        summed_2 = with_checksum(v2, pseudo(A4, MULTICAST_4, 16))
        self.assertIn("checksum", self.refused(summed_2, (A4, MULTICAST_4)))
        v3 = bytes.fromhex("31 33 64 01 0064 0000") + VIP6[0].packed
        self.assertIn("checksum", self.refused(with_checksum(v3), (A6, B6)))

    def test_old_unicast_sum_only_in_unicast(self) -> None:
        """The multicast group counts for a unicast packet; no other stranger does."""
        plain = bytes.fromhex("31 33 64 01 0064 0000 c6336407")
        stranger = with_checksum(plain, pseudo(A4, IPv4Address("203.0.113.9"), 12))
        self.assertIn("checksum", self.refused(stranger, (A4, B4)))
        unicast = with_checksum(plain, pseudo(A4, B4, 12))
        self.assertIn("checksum", self.refused(unicast, (A4, MULTICAST_4)))

    def test_every_bit_counts(self) -> None:
        """Any one bit of a good packet turned over makes it a bad one."""
        for advert, way, kind in EXAMPLES:
            data = encode(advert, *way, kind)
            for bit in range(8 * len(data)):
                flipped = bytearray(data)
                flipped[bit // 8] ^= 1 << bit % 8
                self.assertRaises(BadPacket, decode, bytes(flipped), *way)

    def test_every_prefix_is_refused(self) -> None:
        """A packet that was cut off anywhere is refused."""
        for advert, way, kind in EXAMPLES:
            data = encode(advert, *way, kind)
            for length in range(len(data)):
                self.assertRaises(BadPacket, decode, data[:length], *way)


EXAMPLES: list[tuple[Advert, tuple[IpAddress, IpAddress], Checksum]] = [
    (
        Advert(2, 51, 100, 1.0, VIP4, AUTH_PASS, b"secret\0\0"),
        (A4, MULTICAST_4),
        Checksum.PLAIN,
    ),
    (Advert(3, 51, 100, 1.0, VIP4), (A4, MULTICAST_4), Checksum.PSEUDO),
    (Advert(3, 51, 100, 0.01, VIP4), (A4, MULTICAST_4), Checksum.PLAIN),
    (Advert(3, 51, 100, 1.0, VIP4), (A4, B4), Checksum.PSEUDO),
    (Advert(3, 51, 100, 1.0, VIP4), (A4, B4), Checksum.OLD_UNICAST),
    (Advert(3, 51, 100, 1.0, VIP6), (A6, MULTICAST_6), Checksum.PSEUDO),
    (
        Advert(2, 51, 100, 1.0, VIP6, AUTH_NONE, bytes(8)),
        (A6, B6),
        Checksum.PSEUDO,
    ),
]


class PropertyTests(SynchronousTestCase):
    """What holds for every advertisement, and for all other bytes."""

    @given(sent())
    def test_round_trip(
        self, example: tuple[Advert, IpAddress, IpAddress, Checksum]
    ) -> None:
        """What is encoded is decoded, with the kind of its checksum where it shows."""
        advert, source, destination, kind = example
        data = encode(advert, source, destination, kind)
        decoded, found = decode(data, source, destination)
        self.assertEqual(decoded, advert)
        # Two kinds may have the same sum; then either name is right.
        self.assertEqual(encode(decoded, source, destination, found), data)

    @given(sent(), st.data())
    def test_bit_flips(
        self,
        example: tuple[Advert, IpAddress, IpAddress, Checksum],
        data: st.DataObject,
    ) -> None:
        """A flipped bit never goes unnoticed in one version and kind of checksum."""
        advert, source, destination, kind = example
        good = encode(advert, source, destination, kind)
        _, was = decode(good, source, destination)
        bit = data.draw(st.integers(0, 8 * len(good) - 1))
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            decoded, found = decode(bytes(flipped), source, destination)
        except BadPacket:
            return
        self.assertNotEqual((decoded.version, found), (advert.version, was))

    @given(st.binary(max_size=80), st.sampled_from(((A4, MULTICAST_4), (A6, B6))))
    def test_random_bytes(self, data: bytes, way: tuple[IpAddress, IpAddress]) -> None:
        """Random bytes raise BadPacket and nothing else."""
        try:
            decode(data, *way)
        except BadPacket as problem:
            self.assertIsInstance(str(problem), str)

    @given(st.binary(max_size=2000))
    @settings(max_examples=300)
    def test_checksum(self, data: bytes) -> None:
        """The sum is the one of RFC 1071, for data of any length."""
        self.assertEqual(
            internet_checksum(data), summed(data + b"\0" * (len(data) % 2))
        )


class Fuzz:
    """Seeded bad bytes: random ones, and good packets with a few bytes changed."""

    ways = ((A4, MULTICAST_4), (A4, B4), (A6, MULTICAST_6), (A6, B6))

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.good: list[tuple[bytes, tuple[IpAddress, IpAddress]]] = [
            (encode(advert, *way, kind), way) for advert, way, kind in EXAMPLES
        ]

    def case(self) -> tuple[bytes, tuple[IpAddress, IpAddress]]:
        """One input with the addresses that it comes from and goes to."""
        random = self.random
        if random.random() < 0.2:
            return random.randbytes(random.randrange(64)), random.choice(self.ways)
        good, way = random.choice(self.good)
        data = bytearray(good)
        for _ in range(random.randrange(1, 4)):
            # The first eight bytes decide most, so they change most.
            end = 8 if random.random() < 0.7 else len(data)
            data[random.randrange(end)] = random.choice(
                (0, 1, 255, random.randrange(256))
            )
        del data[random.choice((len(data), random.randrange(len(data) + 1))) :]
        data += random.randbytes(random.choice((0, 0, random.randrange(40))))
        return self.repaired(bytes(data), way), way

    def repaired(self, data: bytes, way: tuple[IpAddress, IpAddress]) -> bytes:
        """Mostly with the right checksum, so that the bytes behind it are read."""
        if len(data) < 8 or self.random.random() < 0.2:
            return data
        size = 4 if way[0].version == 4 else 16
        tail = 8 if data[0] >> 4 == 2 else 0
        end = 8 + data[3] * size + tail
        if end > len(data):
            return data
        plain = way[0].version == 4 and (tail or self.random.random() < 0.5)
        covered = b"" if plain else pseudo(*way, end)
        zeroed = data[:6] + b"\0\0" + data[8:end]
        sum_ = internet_checksum(covered + zeroed)
        return data[:6] + struct.pack("!H", sum_) + data[8:]


class FuzzTests(SynchronousTestCase):
    """A large run in one fast loop."""

    def test_only_bad_packet(self) -> None:
        """100,000 seeded inputs: an advertisement of sound values, or BadPacket."""
        fuzz, accepted, reasons = Fuzz(9568), 0, set()
        for _ in range(FUZZED):
            data, way = fuzz.case()
            try:
                advert, kind = decode(data, *way)
            except BadPacket as problem:
                reasons.add(problem.reason)
                continue
            accepted += 1
            self.assertIn(advert.version, (2, 3))
            self.assertIn(advert.vrid, range(1, 256))
            self.assertIn(advert.priority, range(256))
            self.assertEqual(len(advert.addresses), data[3])
            self.assertEqual(
                {a.version for a in advert.addresses} - {way[0].version}, set()
            )
            again = encode(advert, *way, kind)
            self.assertEqual(decode(again, *way), (advert, kind))
        # The loop is worth its time only if it gets everywhere.
        self.assertGreater(accepted, FUZZED // 20)
        self.assertEqual(
            reasons,
            {
                "too short",
                "version",
                "type",
                "virtual router id",
                "length",
                "checksum",
                "advertisement interval",
            },
        )
