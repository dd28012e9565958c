"""Claims about the bytes of a control packet.

The vectors are written by hand from the field layout of RFC 5880, section 4.1.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.packet import (
    BadPacket,
    Control,
    Diagnostic,
    State,
    decode,
    encode,
)

FUZZED = 50_000
UP = Control(
    State.UP, mine=0x11223344, yours=0xAABBCCDD, multiplier=3, min_tx=50_000, min_rx=1
)
UP_BYTES = bytes.fromhex("20c00318 11223344 aabbccdd 0000c350 00000001 00000000")
SECTION = bytes.fromhex("0106 07 414243")
SIGNED_BYTES = bytes.fromhex("20c4031e") + UP_BYTES[4:] + SECTION
FLAGS = {"poll": 0x20, "final": 0x10, "independent": 0x08, "demand": 0x02}


def changed(at: int, value: int, data: bytes = UP_BYTES) -> bytes:
    """The packet with another byte in one place."""
    return data[:at] + bytes([value]) + data[at + 1 :]


class VectorTests(SynchronousTestCase):
    """Exact bytes, and back."""

    def check(self, control: Control, expected: bytes, section: bytes = b"") -> None:
        """The encoder makes the bytes, the decoder reads them."""
        self.assertEqual(encode(control, section).hex(" "), expected.hex(" "))
        self.assertEqual(decode(expected), (control, section))

    def test_up(self) -> None:
        """Every field is where section 4.1 puts it; intervals are microseconds."""
        self.check(UP, UP_BYTES)

    def test_down(self) -> None:
        """A first packet: state Down, nothing known of the neighbour yet."""
        data = bytes.fromhex("20400518 00000001 00000000 000f4240 00002710 00001388")
        self.check(Control(State.DOWN, 1, 0, 5, 1_000_000, 10_000, 5_000), data)

    def test_largest_values(self) -> None:
        """Every number may have all its bits set."""
        most = 0xFFFFFFFF
        control = Control(State.INIT, most, most, 255, most, most, most, 31)
        self.check(control, bytes.fromhex("3f80ff18") + b"\xff" * 20)

    def test_states(self) -> None:
        """Sta is the top two bits of the second byte."""
        for state, byte in zip(State, (0x00, 0x40, 0x80, 0xC0), strict=True):
            self.check(replace(UP, state=state), changed(1, byte))

    def test_flags(self) -> None:
        """P, F, C and D are each one bit."""
        for name, bit in FLAGS.items():
            control = replace(UP, **{name: True})  # type: ignore[arg-type]
            self.check(control, changed(1, 0xC0 | bit))

    def test_diagnostics(self) -> None:
        """All 32 diagnostics pass, those without a name too."""
        for number in range(32):
            self.check(replace(UP, diagnostic=number), changed(0, 0x20 | number))
        self.assertEqual(
            encode(replace(UP, diagnostic=Diagnostic.ADMINISTRATIVELY_DOWN))[0], 0x27
        )

    def test_authentication(self) -> None:
        """A section sets the A bit, counts in Length and is given back whole."""
        self.check(UP, SIGNED_BYTES, SECTION)

    def test_smallest_and_largest_section(self) -> None:
        """A section has from 2 bytes to what Length can count."""
        for size in (2, 231):
            section = bytes([9, size]) + bytes(size - 2)
            head = bytes.fromhex("20c403") + bytes([24 + size])
            self.check(UP, head + UP_BYTES[4:] + section, section)

    def test_bytes_behind_length_are_left_alone(self) -> None:
        """Section 6.8.6: the payload may be longer than Length says."""
        self.assertEqual(decode(UP_BYTES + b"\xff" * 9), (UP, b""))
        self.assertEqual(decode(SIGNED_BYTES + b"\xff" * 9), (UP, SECTION))

    def test_length_beyond_the_fields(self) -> None:
        """Section 6.8.6 sets Length a lower bound and the payload, nothing else."""
        self.assertEqual(decode(changed(3, 30) + bytes(6)), (UP, b""))
        longer = changed(3, 32, SIGNED_BYTES) + bytes(2)
        self.assertEqual(decode(longer), (UP, SECTION))

    def test_poll_and_final_together(self) -> None:
        """Section 6.8.6 names no discard for a neighbour that sets both."""
        data = changed(1, 0xF0)
        self.assertEqual(decode(data)[0], replace(UP, poll=True, final=True))

    def test_a_control_packet_does_not_change(self) -> None:
        """Records are frozen."""
        control = decode(UP_BYTES)[0]
        with self.assertRaises(FrozenInstanceError):
            control.poll = True  # type: ignore[misc]


class EncodeTests(SynchronousTestCase):
    """What our own side may not ask for."""

    def test_fields_out_of_range(self) -> None:
        """A field that does not fit is the caller's mistake: ValueError."""
        wrong: tuple[dict[str, int], ...] = (
            {"mine": 0},
            {"mine": 1 << 32},
            {"yours": -1},
            {"yours": 1 << 32},
            {"multiplier": 0},
            {"multiplier": 256},
            {"multiplier": -1},
            {"min_tx": 1 << 32},
            {"min_rx": -1},
            {"min_echo_rx": 1 << 32},
            {"diagnostic": 32},
            {"diagnostic": -1},
            {"state": 4},
            {"poll": True, "final": True},
        )
        for fields in wrong:
            control = replace(UP, **fields)  # type: ignore[arg-type]
            self.assertRaises(ValueError, encode, control)

    def test_sections_that_are_none(self) -> None:
        """A section must say its own length and fit into the packet."""
        for section in (b"\1", b"\1\3", b"\1\2\0", bytes([1, 232]) + bytes(230)):
            self.assertRaises(ValueError, encode, UP, section)


class DiscardTests(SynchronousTestCase):
    """RFC 5880, section 6.8.6: what must be discarded, each by its name."""

    def check(self, data: bytes, reason: str, value: object = None) -> None:
        """The packet is discarded for this reason."""
        problem = self.assertRaises(BadPacket, decode, data)
        self.assertEqual((problem.reason, problem.value), (reason, value))

    def test_6_8_6_version(self) -> None:
        """If the version number is not correct (1), the packet is discarded."""
        for version in (0, 2, 3, 4, 5, 6, 7):
            self.check(changed(0, version << 5), "version", version)

    def test_6_8_6_length_without_authentication(self) -> None:
        """If Length is less than 24, the packet is discarded."""
        for length in (0, 23):
            self.check(changed(3, length), "length", length)

    def test_6_8_6_length_with_authentication(self) -> None:
        """If Length is less than 26 with the A bit, the packet is discarded."""
        for length in (0, 24, 25):
            self.check(changed(3, length, SIGNED_BYTES), "length", length)

    def test_6_8_6_length_beyond_the_payload(self) -> None:
        """If Length is more than the payload, the packet is discarded."""
        self.check(changed(3, 25), "length beyond the payload", 25)
        self.check(SIGNED_BYTES[:-1], "length beyond the payload", 30)

    def test_6_8_6_payload_shorter_than_any_packet(self) -> None:
        """Of less than 24 bytes, no Length is both enough and there."""
        for length in range(24):
            self.check(UP_BYTES[:length], "too short", length)

    def test_6_8_6_detect_multiplier(self) -> None:
        """If Detect Mult is zero, the packet is discarded."""
        self.check(changed(2, 0), "detect multiplier", 0)

    def test_6_8_6_multipoint(self) -> None:
        """If the Multipoint bit is set, the packet is discarded."""
        self.check(changed(1, 0xC1), "multipoint")

    def test_6_8_6_my_discriminator(self) -> None:
        """If My Discriminator is zero, the packet is discarded."""
        data = UP_BYTES[:4] + bytes(4) + UP_BYTES[8:]
        self.check(data, "my discriminator", 0)

    def test_6_8_6_your_discriminator(self) -> None:
        """If Your Discriminator is zero in Init or Up, the packet is discarded."""
        data = UP_BYTES[:8] + bytes(4) + UP_BYTES[12:]
        for byte in (0x80, 0xC0):
            self.check(changed(1, byte, data), "your discriminator", 0)
        for byte, state in ((0x00, State.ADMIN_DOWN), (0x40, State.DOWN)):
            control = replace(UP, yours=0, state=state)
            self.assertEqual(decode(changed(1, byte, data)), (control, b""))

    def test_4_1_authentication_length(self) -> None:
        """A section shorter than its head or longer than the packet is none."""
        for size in (0, 1, 7, 255):
            data = changed(25, size, SIGNED_BYTES)
            self.check(data, "authentication length", size)
            self.check(data + bytes(255), "authentication length", size)

    def test_6_8_6_order(self) -> None:
        """Of several faults the one that section 6.8.6 names first is told."""
        fixes = (
            ("version (0)", 0, 0x20),
            ("length (0)", 3, 255),
            ("length beyond the payload (255)", 3, 26),
            ("detect multiplier (0)", 2, 1),
            ("multipoint", 1, 0xC4),
            ("my discriminator (0)", 7, 1),
            ("your discriminator (0)", 11, 1),
            ("authentication length (0)", 25, 2),
        )
        data = changed(1, 0xC5, bytes(30))
        for reason, at, value in fixes:
            self.assertEqual(str(self.assertRaises(BadPacket, decode, data)), reason)
            data = changed(at, value, data)
        self.assertEqual(
            decode(data), (Control(State.UP, 1, 1, 1, 0, 0), bytes([0, 2]))
        )


class FuzzTests(SynchronousTestCase):
    """A large run in one fast loop."""

    def case(self, random: Random) -> bytes:
        """Random bytes, or a good packet with a few bytes changed, cut or added."""
        if random.random() < 0.1:
            return random.randbytes(random.randrange(64))
        data = bytearray(random.choice((UP_BYTES, SIGNED_BYTES)))
        for _ in range(random.randrange(1, 4)):
            # The first four bytes and the section's head decide most.
            at = random.choice((0, 1, 2, 3, 25, random.randrange(len(data))))
            if at < len(data):
                data[at] = random.choice((0, 1, 0x20, 24, 0xC4, random.randrange(256)))
        if random.random() < 0.2:
            start = random.choice((4, 8))
            data[start : start + 4] = bytes(4)
        del data[random.choice((len(data), random.randrange(len(data) + 1))) :]
        return bytes(data) + random.randbytes(random.choice((0, 0, 40)))

    def test_only_bad_packet(self) -> None:
        """50,000 seeded inputs: a packet that keeps the rules, or BadPacket."""
        random, accepted, reasons = Random(5880), 0, set()
        for _ in range(FUZZED):
            data = self.case(random)
            try:
                control, section = decode(data)
            except BadPacket as problem:
                reasons.add(problem.reason)
                continue
            accepted += 1
            self.assertTrue(control.mine and control.multiplier)
            self.assertTrue(control.yours or control.state <= State.DOWN)
            self.assertEqual(bool(section), bool(data[1] & 0x04))
            if not (control.poll and control.final):
                again = encode(control, section)
                self.assertEqual(decode(again), (control, section))
        # The loop is worth its time only if it gets everywhere.
        self.assertGreater(accepted, FUZZED // 20)
        self.assertEqual(
            reasons,
            {
                "too short",
                "version",
                "length",
                "length beyond the payload",
                "detect multiplier",
                "multipoint",
                "my discriminator",
                "your discriminator",
                "authentication length",
            },
        )
