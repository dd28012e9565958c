"""Claims about which advertisements an instance accepts."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import (
    MULTICAST_4,
    Authentication,
    IpAddress,
    Secret,
    UnicastPeer,
    VrrpInstance,
)
from hanode.vrrp.acceptance import password, verify
from hanode.vrrp.packet import AUTH_NONE, AUTH_PASS, Advert, BadPacket

PEER, OURS, STRANGER = (IPv4Address(f"10.0.0.{n}") for n in (1, 5, 9))
SETTINGS = VrrpInstance("VI", 51, "eth0", 4)
UNICAST = replace(SETTINGS, unicast_peers=(UnicastPeer(PEER),))
ADVERT = Advert(2, 51, 100, 1.0, (), AUTH_NONE, bytes(8))


def secret(text: str, type: str = "PASS") -> Authentication:
    """An authentication block."""
    return Authentication(type, Secret(text))


class PasswordTests(SynchronousTestCase):
    """RFC 2338, section 5.3.6.1: eight bytes."""

    def check(self, expected: bytes, **changes: Any) -> None:
        """These settings send these bytes."""
        self.assertEqual(password(replace(SETTINGS, **changes)), expected)

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


class VerifyTests(SynchronousTestCase):
    """RFC 9568, section 7.1, and keepalived's rules for unicast."""

    def verify(
        self,
        settings: VrrpInstance,
        advert: Advert = ADVERT,
        source: IpAddress = PEER,
        destination: IpAddress = MULTICAST_4,
        ttl: int = 255,
    ) -> str:
        """Why the advertisement is refused; "" when it is accepted."""
        try:
            verify(advert, settings, source, destination, ttl)
        except BadPacket as problem:
            return str(problem)
        return ""

    def test_good(self) -> None:
        """What fits is accepted."""
        self.assertEqual(self.verify(SETTINGS), "")
        self.assertEqual(self.verify(UNICAST, destination=OURS), "")

    def test_multicast_and_unicast(self) -> None:
        """A packet that came the other way is refused."""
        self.assertEqual(
            self.verify(SETTINGS, destination=OURS),
            "unicast packet on multicast instance",
        )
        self.assertEqual(self.verify(UNICAST), "multicast packet on unicast instance")

    def test_ttl(self) -> None:
        """Multicast: only what no router has passed on."""
        for ttl in (0, 1, 254):
            self.assertEqual(self.verify(SETTINGS, ttl=ttl), f"ttl ({ttl})")

    def test_unicast_ttl(self) -> None:
        """Unicast: any TTL, unless the peer's line has limits."""
        self.assertEqual(self.verify(UNICAST, destination=OURS, ttl=3), "")
        peer = UnicastPeer(PEER, 250, 254)
        limited = replace(UNICAST, unicast_peers=(peer,))
        wanted = {249: "ttl (249)", 250: "", 254: "", 255: "ttl (255)"}
        for ttl, reason in wanted.items():
            self.assertEqual(self.verify(limited, destination=OURS, ttl=ttl), reason)

    def test_unicast_source(self) -> None:
        """Unicast: a stranger is refused only with check_unicast_src."""
        self.assertEqual(
            self.verify(UNICAST, source=STRANGER, destination=OURS, ttl=1), ""
        )
        strict = replace(UNICAST, check_unicast_src=True)
        self.assertEqual(
            self.verify(strict, source=STRANGER, destination=OURS),
            "source is no unicast peer (10.0.0.9)",
        )
        self.assertEqual(self.verify(strict, destination=OURS), "")

    def test_version(self) -> None:
        """The other version is refused, both ways round."""
        three = replace(SETTINGS, version=3)
        self.assertEqual(self.verify(three), "version (2)")
        advert = Advert(3, 51, 100, 1.0, ())
        self.assertEqual(self.verify(SETTINGS, advert), "version (3)")
        self.assertEqual(self.verify(three, advert), "")

    def test_interval(self) -> None:
        """Version 2 insists on its interval, version 3 takes any."""
        advert = replace(ADVERT, interval=2.0)
        self.assertEqual(self.verify(SETTINGS, advert), "advertisement interval (2.0)")
        three = replace(SETTINGS, version=3)
        self.assertEqual(self.verify(three, Advert(3, 51, 100, 7.0, ())), "")

    def test_authentication_type(self) -> None:
        """With a password only PASS is accepted, without one only none."""
        locked = replace(SETTINGS, authentication=secret("1111"))
        self.assertEqual(self.verify(locked), "authentication type (0)")
        given = replace(ADVERT, auth_type=AUTH_PASS, auth_data=b"1111\0\0\0\0")
        self.assertEqual(self.verify(locked, given), "")
        self.assertEqual(self.verify(SETTINGS, given), "authentication type (1)")

    def test_authentication_data(self) -> None:
        """A wrong password is refused, and never shown."""
        locked = replace(SETTINGS, authentication=secret("1111"))
        for data in (b"1112\0\0\0\0", bytes(8), b"11110000"):
            given = replace(ADVERT, auth_type=AUTH_PASS, auth_data=data)
            self.assertEqual(self.verify(locked, given), "authentication data")

    def test_priority_zero(self) -> None:
        """A goodbye must pass the same checks."""
        goodbye = replace(ADVERT, priority=0)
        self.assertEqual(self.verify(SETTINGS, goodbye), "")
        self.assertEqual(self.verify(SETTINGS, goodbye, ttl=1), "ttl (1)")
