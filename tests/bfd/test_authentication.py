"""Claims about authenticated packets: RFC 5880, sections 4.2 to 4.4, 6.7 and 6.8.6.

Packets of the neighbour are laid out here by hand, with digests of hashlib; those of
L{GOLDEN} were reckoned with openssl.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.authentication import Authenticator, authenticate
from hanode.bfd.packet import BadPacket, Control, State, decode, encode
from hanode.config.bfd_model import AuthType, BfdAuthentication, BfdKey
from hanode.config.scalars import Secret

UP = Control(
    State.UP, mine=0x11223344, yours=0xAABBCCDD, multiplier=3, min_tx=50_000, min_rx=1
)
BODY = bytes.fromhex("11223344 aabbccdd 0000c350 00000001 00000000")
FIRST = 0xFFFFFFFE
LAST = 0xFFFFFFFF
DETECTION = 0.125
KEYS = (BfdKey(0x2A, Secret("secret")), BfdKey(7, Secret("other secret")))
GOLDEN = {
    AuthType.SIMPLE: "20c40321" + BODY.hex() + "01092a" + b"secret".hex(),
    AuthType.KEYED_MD5: "20c40330"
    + BODY.hex()
    + "02182a00fffffffe3f4f81557ad8026221d468ec31510cef",
    AuthType.METICULOUS_MD5: "20c40330"
    + BODY.hex()
    + "03182a00fffffffe1b14736ea4c7bd216a792595d0576a65",
    AuthType.KEYED_SHA1: "20c40334"
    + BODY.hex()
    + "041c2a00fffffffecd8ad9c292751d27b748345c0a8725bd5adcb326",
    AuthType.METICULOUS_SHA1: "20c40334"
    + BODY.hex()
    + "051c2a00fffffffe2def7aec9b15080eda895ea74d482efd59f3316f",
}
PLAIN = (AuthType.KEYED_MD5, AuthType.KEYED_SHA1)
METICULOUS = (AuthType.METICULOUS_MD5, AuthType.METICULOUS_SHA1)
KEYED = tuple(AuthType)[1:]


def authenticator(
    kind: AuthType, sequence: int = FIRST, keys: tuple[BfdKey, ...] = KEYS
) -> Authenticator:
    """One end of a session."""
    return Authenticator(BfdAuthentication(kind, keys), sequence)


def signed(
    kind: AuthType,
    sequence: int,
    key: BfdKey = KEYS[0],
    multiplier: int = 3,
    reserved: int = 0,
) -> bytes:
    """A packet of the neighbour, as sections 4.3 and 4.4 lay it out."""
    md5 = kind in (AuthType.KEYED_MD5, AuthType.METICULOUS_MD5)
    size = 16 if md5 else 20
    head = bytes([0x20, 0xC4, multiplier, 32 + size]) + BODY
    head += bytes([kind, 8 + size, key.id, reserved]) + sequence.to_bytes(4)
    whole = head + key.secret.encode().ljust(size, b"\0")
    return head + (hashlib.md5(whole) if md5 else hashlib.sha1(whole)).digest()


def numbers(packets: list[bytes]) -> list[int]:
    """The sequence numbers of some packets."""
    return [int.from_bytes(packet[28:32]) for packet in packets]


class AuthenticationCase(SynchronousTestCase):
    """Gives packets to an authenticator and looks at what it says."""

    def verify(
        self,
        ours: Authenticator | None,
        data: bytes,
        now: float = 0.0,
        detection: float = DETECTION,
    ) -> str:
        """Why the packet was discarded, "" if it was not."""
        try:
            authenticate(ours, data, *decode(data), now, detection)
        except BadPacket as problem:
            return str(problem)
        return ""


class SignTests(AuthenticationCase):
    """What is sent."""

    def test_golden(self) -> None:
        """Each type gives exactly the known bytes, and accepts them."""
        for kind in AuthType:
            packet = authenticator(kind).sign(UP)
            self.assertEqual(packet.hex(), GOLDEN[kind], kind)
            self.assertEqual(self.verify(authenticator(kind), packet), "")

    def test_6_7_3_keyed_sequence(self) -> None:
        """Keyed: the number goes on when the contents differ from the last, and wraps.

        Sections 6.7.3 and 6.7.4.
        """
        for kind in PLAIN:
            ours = authenticator(kind)
            poll = replace(UP, poll=True)
            sent = [ours.sign(control) for control in (UP, UP, poll, poll, UP)]
            self.assertEqual(numbers(sent), [FIRST, FIRST, LAST, LAST, 0])
            self.assertEqual(sent[0], sent[1])

    def test_6_7_3_meticulous_sequence(self) -> None:
        """Meticulous: the number goes on with every packet, and wraps."""
        for kind in METICULOUS:
            ours = authenticator(kind)
            sent = [ours.sign(UP) for _ in range(4)]
            self.assertEqual(numbers(sent), [FIRST, LAST, 0, 1])

    def test_simple_password_has_no_sequence(self) -> None:
        """4.2: the password alone, without padding."""
        ours = authenticator(AuthType.SIMPLE, keys=(BfdKey(255, Secret("x")),))
        expected = bytes.fromhex("20c4031c") + BODY + bytes.fromhex("0104ff") + b"x"
        self.assertEqual([ours.sign(UP), ours.sign(UP)], [expected] * 2)

    def test_steady(self) -> None:
        """Only meticulous types change what is sent from packet to packet."""
        steady = {kind for kind in AuthType if authenticator(kind).steady}
        self.assertEqual(steady, {AuthType.SIMPLE, *PLAIN})

    def test_longest_secrets(self) -> None:
        """A key that fills its field is not padded; octets need not be UTF-8."""
        octets = bytes(range(0xF0, 0x100))
        secret = Secret(octets.decode("utf-8", "surrogateescape"))
        packet = authenticator(AuthType.SIMPLE, keys=(BfdKey(0, secret),)).sign(UP)
        self.assertEqual(packet[24:], bytes([1, 19, 0]) + octets)
        for kind, most in zip(AuthType, (16, 16, 16, 20, 20), strict=True):
            key = BfdKey(3, Secret("k" * most))
            packet = authenticator(kind, 9, (key,)).sign(UP)
            if kind in KEYED:
                self.assertEqual(packet, signed(kind, 9, key))
            self.assertEqual(self.verify(authenticator(kind, 0, (key,)), packet), "")

    def test_keys_that_cannot_be_used(self) -> None:
        """No key, an empty one, one too long or a wrong id: ValueError."""
        for kind, most in zip(AuthType, (16, 16, 16, 20, 20), strict=True):
            for keys in (
                (),
                (BfdKey(1, Secret("")),),
                (BfdKey(1, Secret("k" * (most + 1))),),
                (BfdKey(256, Secret("k")),),
                (KEYS[0], BfdKey(-1, Secret("k"))),
            ):
                settings = BfdAuthentication(kind, keys)
                self.assertRaises(ValueError, Authenticator, settings, 0)


class PresenceTests(AuthenticationCase):
    """6.8.6: both ends or none."""

    def test_6_8_6_a_bit_without_authentication_in_use(self) -> None:
        """If the A bit is set and no authentication is in use, discard."""
        for kind in AuthType:
            packet = authenticator(kind).sign(UP)
            self.assertEqual(
                self.verify(None, packet), f"authentication not in use ({kind:d})"
            )

    def test_6_8_6_no_a_bit_with_authentication_in_use(self) -> None:
        """If the A bit is clear and authentication is in use, discard."""
        for kind in AuthType:
            reason = self.verify(authenticator(kind), encode(UP))
            self.assertEqual(reason, "authentication missing")

    def test_6_8_6_no_authentication_at_all(self) -> None:
        """Without authentication on both ends a packet passes."""
        self.assertEqual(self.verify(None, encode(UP)), "")


class VerifyTests(AuthenticationCase):
    """6.7.2 to 6.7.4: type, key, length, digest."""

    def test_type(self) -> None:
        """A packet with any other type is discarded."""
        for kind in AuthType:
            ours = authenticator(kind)
            for other in AuthType:
                reason = self.verify(ours, authenticator(other).sign(UP))
                wanted = "" if other == kind else f"authentication type ({other:d})"
                self.assertEqual(reason, wanted)
            unknown = encode(UP, bytes([6, 4, 0x2A, 0]))
            self.assertEqual(self.verify(ours, unknown), "authentication type (6)")

    def test_key_id(self) -> None:
        """Every configured key is accepted, no other."""
        for kind in AuthType:
            for key in KEYS:
                packet = authenticator(kind, keys=(key,)).sign(UP)
                self.assertEqual(self.verify(authenticator(kind), packet), "")
            packet = authenticator(kind, keys=(replace(KEYS[0], id=1),)).sign(UP)
            reason = self.verify(authenticator(kind), packet)
            self.assertEqual(reason, "authentication key (1)")

    def test_wrong_secret(self) -> None:
        """The right key id with another secret of the same length is discarded."""
        for kind in AuthType:
            wrong = BfdKey(KEYS[0].id, Secret("Secret"))
            reason = self.verify(
                authenticator(kind), authenticator(kind, keys=(wrong,)).sign(UP)
            )
            what = "password" if kind is AuthType.SIMPLE else "digest"
            self.assertEqual(reason, f"authentication {what}")

    def test_length(self) -> None:
        """Auth Len must be exactly that of the type and, for a password, the key."""
        for kind in AuthType:
            ours, good = authenticator(kind), authenticator(kind).sign(UP)
            whole = len(good) - 24
            for size in {2, 3, 8, whole - 1, whole + 1, 40}:
                section = (good[24:] + bytes(40))[:size]
                section = bytes([kind, size]) + section[2:]
                reason = self.verify(ours, encode(UP, section))
                self.assertEqual(reason, f"authentication length ({size})")

    def test_reserved_octet_is_ignored(self) -> None:
        """4.3: ignored on receipt, though the digest covers it."""
        for kind in KEYED:
            packet = signed(kind, 5, reserved=0xFF)
            self.assertEqual(self.verify(authenticator(kind), packet), "")

    def test_bytes_behind_length(self) -> None:
        """The digest covers the packet, not what follows it in the payload."""
        for kind in AuthType:
            packet = authenticator(kind).sign(UP) + b"\xff" * 8
            self.assertEqual(self.verify(authenticator(kind), packet), "")

    def test_bytes_behind_the_section(self) -> None:
        """The digest covers all that Length counts, behind the section too."""
        for kind in KEYED:
            size = len(signed(kind, 5)) - 32
            head = bytearray(signed(kind, 5)[:32])
            head[3] += 2
            keyed = bytes(head) + b"secret".ljust(size, b"\0") + b"xy"
            reckon = hashlib.md5 if size == 16 else hashlib.sha1
            packet = bytes(head) + reckon(keyed).digest() + b"xy"
            self.assertEqual(self.verify(authenticator(kind), packet), "")
            reason = self.verify(authenticator(kind), packet[:-1] + b"z")
            self.assertEqual(reason, "authentication digest")


class ConfigurationTests(AuthenticationCase):
    """Keys and types changed while the session runs."""

    def test_key_rotation(self) -> None:
        """A new key is accepted before it is sent; sequence numbers go on."""
        old, new = KEYS
        for kind in KEYED:
            ours = authenticator(kind, 10, (old,))
            theirs = authenticator(kind, 20, (old,))
            for keys in ((old,), (old, new), (new, old), (new,)):
                ours.reconfigure(BfdAuthentication(kind, keys))
                self.assertEqual(self.verify(theirs, ours.sign(UP)), "")
                theirs.reconfigure(BfdAuthentication(kind, keys))
                self.assertEqual(self.verify(ours, theirs.sign(UP)), "")
            last = ours.sign(UP)
            self.assertEqual((last[26], numbers([last])), (7, [14 - ours.steady]))
            self.assertIn("sequence", self.verify(ours, signed(kind, 19, new)))
            packet = authenticator(kind, 24, (old,)).sign(UP)
            self.assertEqual(self.verify(ours, packet), "authentication key (42)")

    def test_same_settings(self) -> None:
        """A reload that changes nothing changes no packet of a steady type."""
        for kind in (AuthType.SIMPLE, *PLAIN):
            ours = authenticator(kind)
            before = ours.sign(UP)
            ours.reconfigure(BfdAuthentication(kind, KEYS))
            self.assertEqual(ours.sign(UP), before)

    def test_other_type(self) -> None:
        """Another type is sent and wanted at once; the sequence number goes on."""
        ours = authenticator(AuthType.SIMPLE, 5)
        sent = [ours.sign(UP)]
        for kind in KEYED:
            ours.reconfigure(BfdAuthentication(kind, KEYS))
            sent.append(ours.sign(UP))
            self.assertEqual(ours.steady, kind in PLAIN)
            self.assertEqual(self.verify(ours, signed(kind, 100 + kind)), "")
        self.assertEqual([packet[24] for packet in sent], list(AuthType))
        self.assertEqual(numbers(sent[1:]), [5, 6, 7, 8])

    def test_refused_settings_change_nothing(self) -> None:
        """Settings that cannot be used leave the old ones in force."""
        ours = authenticator(AuthType.KEYED_SHA1)
        self.assertRaises(
            ValueError, ours.reconfigure, BfdAuthentication(AuthType.SIMPLE, ())
        )
        self.assertEqual(ours.sign(UP).hex(), GOLDEN[AuthType.KEYED_SHA1])


class SecrecyTests(AuthenticationCase):
    """A secret is nowhere to be read."""

    def test_no_secret_in_text(self) -> None:
        """Neither objects nor problems show one in str, repr or their attributes."""
        shown: list[object] = []
        for kind in AuthType:
            ours = authenticator(kind, keys=(BfdKey(1, Secret("swordfish")),))
            packet = ours.sign(UP)
            self.assertEqual(self.verify(ours, packet), "")
            shown += [ours, vars(ours)]
            wrong = authenticator(kind, keys=(BfdKey(1, Secret("swordfisj")),))
            for data in (packet[:-1] + b"?", wrong.sign(UP), encode(UP)):
                problem = self.assertRaises(
                    BadPacket, authenticate, ours, data, *decode(data), 0.0, 1.0
                )
                shown += [problem, vars(problem)]
            long = BfdAuthentication(kind, (BfdKey(1, Secret("swordfish" * 3)),))
            shown.append(self.assertRaises(ValueError, Authenticator, long, 0))
        text = "".join(str(each) + repr(each) for each in shown)
        self.assertIn("Secret('***')", text)
        self.assertNotIn("swordfis", text)
