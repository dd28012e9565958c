"""Claims about which advertisements an instance accepts."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import (
    MULTICAST_4,
    IpAddress,
    UnicastPeer,
    VrrpInstance,
)
from hanode.vrrp.acceptance import verify
from hanode.vrrp.arrival import Arrival
from hanode.vrrp.packet import AUTH_NONE, Advert, BadPacket, Checksum

PEER, OURS, STRANGER = (IPv4Address(f"10.0.0.{n}") for n in (1, 5, 9))
SETTINGS = VrrpInstance("VI", 51, "eth0", 4)
UNICAST = replace(SETTINGS, unicast_peers=(UnicastPeer(PEER),))
ADVERT = Advert(2, 51, 100, 1.0, (), AUTH_NONE, bytes(8))


def nothing(arrival: Arrival) -> None:
    """A proof that is content with everything."""


def arrival(
    advert: Advert,
    source: IpAddress = PEER,
    destination: IpAddress = MULTICAST_4,
    ttl: int = 255,
) -> Arrival:
    """C{advert} as it arrived."""
    return Arrival(advert, Checksum.PLAIN, source, destination, ttl, b"")


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
            verify(arrival(advert, source, destination, ttl), settings, nothing)
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

    def test_proof(self) -> None:
        """What the proof says is raised or returned, before the interval counts."""
        wrong, remark = BadPacket("authentication data"), BadPacket("missing")

        def refuse(arrival: Arrival) -> None:
            raise wrong

        advert = arrival(replace(ADVERT, interval=2.0))
        raised = self.assertRaises(BadPacket, verify, advert, SETTINGS, refuse)
        self.assertIs(raised, wrong)
        self.assertIs(verify(arrival(ADVERT), SETTINGS, lambda _: remark), remark)

    def test_priority_zero(self) -> None:
        """A goodbye must pass the same checks."""
        goodbye = replace(ADVERT, priority=0)
        self.assertEqual(self.verify(SETTINGS, goodbye), "")
        self.assertEqual(self.verify(SETTINGS, goodbye, ttl=1), "ttl (1)")
