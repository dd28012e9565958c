"""Claims about bfd.RcvAuthSeq and bfd.AuthSeqKnown: RFC 5880, 6.7.3, 6.7.4, 6.8.1."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from hanode.bfd.authentication import Authenticator
from hanode.bfd.packet import BadPacket, Control, decode
from hanode.config.bfd_model import AuthType
from tests.bfd.test_authentication import (
    DETECTION,
    KEYED,
    KEYS,
    METICULOUS,
    PLAIN,
    UP,
    AuthenticationCase,
    authenticator,
    signed,
)
from tests.bfd.test_packet_properties import controls

TOP = 1 << 32


class WindowTests(AuthenticationCase):
    """Which numbers may follow which."""

    def arrive(self, kind: AuthType, *sequences: int) -> list[int]:
        """Which of the numbers are accepted when they come in this order."""
        ours = authenticator(kind)
        accepted = []
        for sequence in sequences:
            reason = self.verify(ours, signed(kind, sequence))
            if not reason:
                accepted.append(sequence)
            else:
                self.assertEqual(reason, f"authentication sequence ({sequence})")
        return accepted

    def test_first_number(self) -> None:
        """Nothing known yet: any first number is good."""
        for kind in KEYED:
            for first in (0, 1, 1 << 31, TOP - 1):
                self.assertEqual(self.arrive(kind, first), [first])

    def test_6_7_3_keyed_window(self) -> None:
        """Keyed: from the last number to three times Detect Mult more, inclusive."""
        for kind in PLAIN:
            self.assertEqual(self.arrive(kind, 100, 99, 100), [100, 100])
            self.assertEqual(self.arrive(kind, 100, 109, 108), [100, 109])
            self.assertEqual(self.arrive(kind, 100, 110, 101), [100, 101])

    def test_6_7_3_meticulous_window(self) -> None:
        """Meticulous: from one more to three times Detect Mult more, inclusive."""
        for kind in METICULOUS:
            self.assertEqual(self.arrive(kind, 100, 100, 99, 101), [100, 101])
            self.assertEqual(self.arrive(kind, 100, 109, 108), [100, 109])
            self.assertEqual(self.arrive(kind, 100, 110, 101), [100, 101])

    def test_wrap(self) -> None:
        """The numbers are a circle of 2**32."""
        for kind in KEYED:
            self.assertEqual(
                self.arrive(kind, TOP - 2, TOP - 1, 0, TOP - 1, 9, 8),
                [TOP - 2, TOP - 1, 0, 9],
            )
            self.assertEqual(self.arrive(kind, TOP - 1, 9, 8), [TOP - 1, 8])

    def test_reordering(self) -> None:
        """Of packets that overtake each other the later numbers count."""
        for kind in KEYED:
            self.assertEqual(
                self.arrive(kind, 10, 12, 11, 14, 13, 15), [10, 12, 14, 15]
            )

    def test_detect_mult_is_that_of_the_packet(self) -> None:
        """6.7.3 speaks of Detect Mult, the field; the widest window is 765."""
        for kind in KEYED:
            for multiplier, most in ((1, 3), (255, 765)):
                for ahead, accepted in ((most, True), (most + 1, False)):
                    ours = authenticator(kind)
                    self.verify(ours, signed(kind, 50))
                    packet = signed(kind, 50 + ahead, multiplier=multiplier)
                    self.assertEqual(not self.verify(ours, packet), accepted)

    def test_replay(self) -> None:
        """A whole recorded conversation is worth nothing afterwards."""
        for kind in KEYED:
            ours = authenticator(kind)
            recorded = [signed(kind, sequence) for sequence in range(5, 15)]
            for packet in recorded:
                self.assertEqual(self.verify(ours, packet), "")
            for packet in recorded[: None if kind in METICULOUS else -1]:
                self.assertIn("authentication sequence", self.verify(ours, packet))

    def test_forgery_moves_nothing(self) -> None:
        """A packet with a wrong digest changes no number, the first one neither."""
        for kind in KEYED:
            ours = authenticator(kind)
            for good in (20, 21):
                forged = signed(kind, good + 5)[:-1] + b"?"
                self.assertEqual(self.verify(ours, forged), "authentication digest")
                self.assertEqual(self.verify(ours, signed(kind, good)), "")

    def test_kept_bytes(self) -> None:
        """Bytes sent again are good, until another packet was signed in between."""
        for kind in PLAIN:
            ours, theirs = authenticator(kind), authenticator(kind)
            kept = ours.sign(UP)
            for _ in range(20):
                self.assertEqual(self.verify(theirs, kept), "")
            final = ours.sign(replace(UP, final=True))
            self.assertEqual(self.verify(theirs, final), "")
            self.assertIn("authentication sequence", self.verify(theirs, kept))
            self.assertEqual(self.verify(theirs, ours.sign(UP)), "")

    def test_conversation(self) -> None:
        """Two ends understand each other through loss of less than the window."""
        for kind in AuthType:
            ours, theirs = authenticator(kind, 7), authenticator(kind, TOP - 3)
            for turn in range(40):
                for one, other in ((ours, theirs), (theirs, ours)):
                    packet = one.sign(UP)
                    if turn % 9 == 0:
                        self.assertEqual(self.verify(other, packet), "")


class ForgetTests(AuthenticationCase):
    """6.8.1: bfd.AuthSeqKnown is zero after twice the detection time of silence."""

    def heard_at(self, kind: AuthType, now: float) -> Authenticator:
        """Our end after a packet with number 100 at C{now}."""
        ours = authenticator(kind)
        self.assertEqual(self.verify(ours, signed(kind, 100), now), "")
        return ours

    def test_6_8_1_neighbour_restarts(self) -> None:
        """A number from nowhere is refused before that time and good after it."""
        for kind in KEYED:
            ours = self.heard_at(kind, 1000.0)
            packet = signed(kind, 5)
            for after, accepted in ((1.875, False), (2.0, True)):
                now = 1000.0 + after * DETECTION
                self.assertEqual(not self.verify(ours, packet, now), accepted)
            self.assertIn("sequence", self.verify(ours, signed(kind, 4), now))

    def test_6_8_1_each_good_packet_counts(self) -> None:
        """The time runs from the last good packet, not from the first."""
        for kind in KEYED:
            ours = self.heard_at(kind, 0.0)
            for step in range(1, 9):
                self.assertEqual(
                    self.verify(ours, signed(kind, 100 + step), step * DETECTION), ""
                )
            late = signed(kind, 5)
            self.assertIn("sequence", self.verify(ours, late, 9.875 * DETECTION))
            self.assertEqual(self.verify(ours, late, 10 * DETECTION), "")

    def test_6_8_1_discarded_packets_do_not_count(self) -> None:
        """A restarted neighbour that sends all the time is heard again in time."""
        for kind in KEYED:
            ours = self.heard_at(kind, 0.0)
            reasons = [
                self.verify(ours, signed(kind, 5 + step), step * DETECTION / 4)
                for step in range(12)
            ]
            self.assertEqual(
                [not reason for reason in reasons], [False] * 8 + [True] * 4
            )

    def test_6_8_1_equal_packets_count(self) -> None:
        """A packet that was only compared with the last good one counts as heard."""
        for kind in PLAIN:
            ours = self.heard_at(kind, 0.0)
            ours.heard(DETECTION)
            late = signed(kind, 5)
            self.assertIn("sequence", self.verify(ours, late, 2.5 * DETECTION))
            self.assertEqual(self.verify(ours, late, 3 * DETECTION), "")


class TamperTests(AuthenticationCase):
    """Any byte counts."""

    @settings(max_examples=300, deadline=None)
    @given(st.sampled_from(KEYED), controls(), st.data())
    def test_keyed(self, kind: AuthType, control: Control, data: st.DataObject) -> None:
        """One byte of a keyed packet changed anywhere: it is discarded."""
        packet = authenticator(kind).sign(control)
        self.assertEqual(self.verify(authenticator(kind), packet), "")
        self.assertRefused(kind, self.tampered(packet, data))

    @settings(max_examples=300, deadline=None)
    @given(controls(), st.data())
    def test_simple(self, control: Control, data: st.DataObject) -> None:
        """Of a simple password's packet only the section is protected, all of it."""
        packet = authenticator(AuthType.SIMPLE).sign(control)
        self.assertEqual(self.verify(authenticator(AuthType.SIMPLE), packet), "")
        section = self.tampered(packet[24:], data)
        self.assertRefused(AuthType.SIMPLE, packet[:24] + section)

    @settings(max_examples=500, deadline=None)
    @given(st.sampled_from(AuthType), st.binary(min_size=1, max_size=40))
    def test_any_section(self, kind: AuthType, rest: bytes) -> None:
        """Whatever a section holds, the answer is BadPacket and nothing else."""
        section = bytes([kind, 2 + len(rest), KEYS[0].id]) + rest[1:]
        head = authenticator(kind).sign(UP)[:24]
        self.assertRefused(
            kind, head[:3] + bytes([24 + len(section)]) + head[4:] + section
        )

    @staticmethod
    def tampered(data: bytes, draw: st.DataObject) -> bytes:
        """The bytes with one of them changed."""
        at = draw.draw(st.integers(0, len(data) - 1))
        flip = draw.draw(st.integers(1, 255))
        return data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]

    def assertRefused(self, kind: AuthType, data: bytes) -> None:
        """Neither decoder nor authenticator lets it through."""
        try:
            decoded = decode(data)
        except BadPacket:
            return
        if not decoded[1]:
            self.assertEqual(
                self.verify(authenticator(kind), data), "authentication missing"
            )
        self.assertNotEqual(self.verify(authenticator(kind), data), "")
