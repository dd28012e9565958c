"""Claims about how an instance proves who it is, and what it asks of others."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.auth_model import AuthHmac, HmacKey, HmacMode
from hanode.config.model import MULTICAST_4, Authentication, Secret, VrrpInstance
from hanode.vrrp import ah
from hanode.vrrp.arrival import Arrival
from hanode.vrrp.credentials import Credentials, password
from hanode.vrrp.packet import (
    AUTH_AH,
    AUTH_NONE,
    AUTH_PASS,
    Advert,
    BadPacket,
    Checksum,
    decode,
    encode,
)

SETTINGS = VrrpInstance("VI", 51, "eth0", 4)
PEER = IPv4Address("10.0.0.1")
WALL, NOW = 1.7e9, 100.0
HMAC = AuthHmac((HmacKey(1, Secret("ab" * 32)),), 1, 5.0)


def secret(text: str, type: str = "PASS") -> Authentication:
    """An authentication block."""
    return Authentication(type, Secret(text))


def settings(**changes: Any) -> VrrpInstance:
    """An instance."""
    return replace(SETTINGS, **changes)


def hmac(mode: HmacMode = HmacMode.ENFORCE, **changes: Any) -> VrrpInstance:
    """An instance with auth_hmac."""
    return settings(auth_hmac=replace(HMAC, mode=mode, **changes))


def credentials(of: VrrpInstance) -> Credentials:
    """Those of an instance that starts now."""
    return Credentials(of, WALL, NOW)


def arrival(of: Credentials, version: int = 2, seconds: float = 0.0) -> Arrival:
    """What arrives from a peer that has the credentials C{of}."""
    sent = Advert(version, 51, 100, 1.0, (), of.auth_type, of.auth_data)
    message = encode(sent, PEER, MULTICAST_4)
    trailer = of.sign(message, PEER, now=NOW + seconds)
    data = of.seal(message + trailer, PEER, MULTICAST_4, 255)
    envelope = None
    if data != message + trailer:
        envelope = ah.unwrap(data, True)
        message = envelope.payload
    advert, _ = decode(message, PEER, MULTICAST_4)
    return Arrival(
        advert, Checksum.PLAIN, PEER, MULTICAST_4, 255, message, trailer, envelope
    )


class PasswordTests(SynchronousTestCase):
    """RFC 2338, section 5.3.6.1: eight bytes."""

    def check(self, expected: bytes, **changes: Any) -> None:
        """These settings send these bytes."""
        self.assertEqual(password(settings(**changes)), expected)

    def test_none(self) -> None:
        """Without authentication there are no bytes."""
        self.check(b"")

    def test_filled_up(self) -> None:
        """A short password is filled up with zero bytes."""
        self.check(b"1111\0\0\0\0", authentication=secret("1111"))

    def test_cut(self) -> None:
        """Only the first eight bytes of a long one count."""
        self.check(b"k@l!ve-p", authentication=secret("k@l!ve-pass^word"))

    def test_bytes_not_characters(self) -> None:
        """The bytes of the file are counted, those that are not UTF-8 too."""
        self.check("éééé".encode(), authentication=secret("éééé!"))
        broken = b"\xff1".decode("utf-8", "surrogateescape")
        self.check(b"\xff1\0\0\0\0\0\0", authentication=secret(broken))

    def test_version_3(self) -> None:
        """Version 3 has no authentication."""
        self.check(b"", version=3, authentication=secret("1111"))


class CredentialsTestCase(SynchronousTestCase):
    """An end that judges."""

    def judge(self, ours: VrrpInstance, packet: Arrival) -> str:
        """Why C{ours} refuses a packet; what it remarks stands in brackets."""
        return self.verdict(credentials(ours), packet)

    def verdict(self, end: Credentials, packet: Arrival) -> str:
        """The same, of an end that remembers."""
        try:
            remark = end.verify(packet, wall=WALL, now=NOW)
        except BadPacket as problem:
            return str(problem)
        return "" if remark is None else f"({remark})"


class Version2Tests(CredentialsTestCase):
    """RFC 2338, section 5.3.6: none, a password, a header."""

    none = settings()
    passing = settings(authentication=secret("1111"))
    sealed = settings(authentication=secret("1111", "AH"))

    def test_types(self) -> None:
        """Each way has its number, and only a password travels in the packet."""
        found = [
            (each.auth_type, each.auth_data)
            for each in map(credentials, (self.none, self.passing, self.sealed))
        ]
        self.assertEqual(
            found,
            [(AUTH_NONE, b""), (AUTH_PASS, b"1111\0\0\0\0"), (AUTH_AH, b"")],
        )

    def test_described(self) -> None:
        """Each has a name, and shows no secret."""
        found = [
            credentials(each).describe()
            for each in (self.none, self.passing, self.sealed, hmac())
        ]
        self.assertEqual(found, ["none", "PASS", "AH", "auth_hmac, enforce, key 1"])

    def test_only_the_same(self) -> None:
        """Each way is accepted by the same, and refused by the others."""
        ways = (self.none, self.passing, self.sealed)
        table = [
            [self.judge(ours, arrival(credentials(theirs))) for theirs in ways]
            for ours in ways
        ]
        none, passing, sealed = (f"authentication type ({n})" for n in range(3))
        self.assertEqual(
            table, [["", passing, sealed], [none, "", sealed], [none, passing, ""]]
        )

    def test_unknown_way(self) -> None:
        """A way that RFC 2338 does not have is called unknown."""
        packet = arrival(credentials(self.passing))
        packet = replace(packet, advert=replace(packet.advert, auth_type=9))
        said = self.judge(self.passing, packet)
        self.assertEqual(said, "unknown authentication type (9)")

    def test_wrong_password(self) -> None:
        """A wrong password is refused, and never shown."""
        for data in (b"1112\0\0\0\0", bytes(8), b"11110000"):
            packet = arrival(credentials(self.passing))
            advert = replace(packet.advert, auth_data=data)
            said = self.judge(self.passing, replace(packet, advert=advert))
            self.assertEqual(said, "authentication data")

    def test_wrong_seal(self) -> None:
        """So is what another secret sealed."""
        theirs = settings(authentication=secret("1112", "AH"))
        said = self.judge(self.sealed, arrival(credentials(theirs)))
        self.assertEqual(said, "authentication data")

    def test_unsealed(self) -> None:
        """And a packet that only claims to have a header."""
        packet = replace(arrival(credentials(self.sealed)), envelope=None)
        said = self.judge(self.sealed, packet)
        self.assertEqual(said, "authentication header missing")

    def test_sealed_twice(self) -> None:
        """A sealed packet counts once; whoever heard it counts on from there."""
        ours, theirs = credentials(self.sealed), credentials(self.sealed)
        first, second = arrival(theirs), arrival(theirs)
        said = [self.verdict(ours, each) for each in (first, first, second)]
        again = "sequence number already processed (1)"
        self.assertEqual(said, ["", again, ""])
        self.assertEqual(self.verdict(theirs, arrival(ours)), "")

    def test_reconfigured(self) -> None:
        """A new secret holds from now on; what was seen stays seen."""
        ours, theirs = credentials(self.sealed), credentials(self.sealed)
        self.verdict(ours, arrival(theirs))
        new = settings(authentication=secret("2222", "AH"))
        ours.reconfigure(new, WALL, NOW)
        wrong = arrival(credentials(new))
        self.assertEqual(
            self.verdict(ours, wrong), "sequence number already processed (1)"
        )
        theirs.reconfigure(new, WALL, NOW)
        self.assertEqual(self.verdict(ours, arrival(theirs)), "")


class HmacTests(CredentialsTestCase):
    """The modes of auth_hmac, from the first step of a roll-out to the last."""

    def test_modes(self) -> None:
        """Who accepts whom, without a remark, with one, or not at all.

        Rows judge, columns send: no trailer, a right one, one of an unknown key.
        """
        strange = hmac(keys=(HmacKey(9, Secret("cd" * 32)),), active=9)
        senders = (settings(), hmac(), strange)
        found = {
            mode.value: [
                self.judge(hmac(mode), arrival(credentials(each))) for each in senders
            ]
            for mode in HmacMode
        }
        missing, unknown = "authentication missing", "unknown authentication key (9)"
        self.assertEqual(
            found,
            {
                "receive-only": ["", "", f"({unknown})"],
                "permissive": [f"({missing})", "", unknown],
                "enforce": [missing, "", unknown],
            },
        )

    def test_neighbouring_modes(self) -> None:
        """Nodes whose modes are at most one step apart believe each other."""
        for one, other in (
            (None, HmacMode.RECEIVE_ONLY),
            (HmacMode.RECEIVE_ONLY, HmacMode.PERMISSIVE),
            (HmacMode.PERMISSIVE, HmacMode.ENFORCE),
        ):
            ends = settings() if one is None else hmac(one), hmac(other)
            for ours, theirs in (ends, ends[::-1]):
                said = self.judge(ours, arrival(credentials(theirs)))
                self.assertIn(said, ("", "(authentication missing)"))

    def test_both_versions(self) -> None:
        """Version 3 has it as well as version 2, where the type stays 0."""
        for version in (2, 3):
            end = credentials(settings(version=version, auth_hmac=HMAC))
            packet = arrival(end, version)
            self.assertEqual((len(packet.trailer), packet.advert.auth_type), (28, 0))
            self.assertEqual(self.judge(hmac(), packet), "")

    def test_length(self) -> None:
        """A trailer of another length is padding, and proves nothing."""
        packet = arrival(credentials(hmac()))
        longer = replace(packet, trailer=packet.trailer + b"\0")
        self.assertEqual(self.judge(hmac(), longer), "authentication missing")

    def test_old_type(self) -> None:
        """A password does not replace it."""
        theirs = credentials(settings(authentication=secret("1111")))
        said = self.judge(hmac(), arrival(theirs))
        self.assertEqual(said, "authentication type (1)")

    def test_reconfigured(self) -> None:
        """It comes, changes and goes with the settings; what was seen stays seen."""
        ours, theirs = credentials(settings()), credentials(hmac())
        self.assertEqual(arrival(ours).trailer, b"")
        ours.reconfigure(hmac(), WALL, NOW)
        packet = arrival(theirs)
        self.assertEqual(self.verdict(ours, packet), "")
        ours.reconfigure(hmac(window=9.0), WALL, NOW)
        self.assertEqual(self.verdict(ours, packet), "replayed advertisement")
        ours.reconfigure(hmac(HmacMode.RECEIVE_ONLY), WALL, NOW)
        self.assertEqual(arrival(ours).trailer, b"")
        ours.reconfigure(settings(), WALL, NOW)
        self.assertEqual(self.verdict(ours, packet), "")
