"""Announcements: when they are sent, on a clock and a socket that remembers."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address
from hanode.config.static_model import GarpGroup
from hanode.dataplanes.announcer import LATER, Announcer

MAC = b"\2\0\0\0\0\1"
A = Address(ip_address("10.0.0.1"), 24, "eth0")
B = Address(ip_address("10.0.0.2"), 24, "eth0")
SIX = Address(ip_address("fd00::1"), 64, "eth0")
OTHER = Address(ip_address("10.0.0.3"), 24, "eth1")
DEAD = Address(ip_address("10.0.0.4"), 24, "dead")


class Port:
    """A packet socket that remembers, and that fails on demand."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.broken = False
        self.closed = False

    def sendto(self, frame: bytes, to: tuple[str, int]) -> None:
        if self.broken:
            raise OSError(100, "Network is down")
        where = slice(38, 42) if frame[12:14] == b"\x08\x06" else slice(62, 78)
        self.sent.append((to[0], str(ip_address(frame[where]))))

    def close(self) -> None:
        self.closed = True


class AnnouncerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.port = Clock(), Port()
        self.announcer = Announcer(
            self.clock,
            lambda name: b"" if name == "dead" else MAC,
            lambda: self.port,
        )
        self.announcer.open()

    def sent(self) -> list[str]:
        sent = [address for _, address in self.port.sent]
        self.port.sent.clear()
        return sent

    def test_rounds(self) -> None:
        """The first round goes at once, the others a moment later."""
        self.announcer.announce((A, SIX, DEAD), repeat=3)
        seen = [self.sent()]
        self.clock.advance(LATER)
        seen.append(self.sent())
        one = ["10.0.0.1", "fd00::1"]
        self.assertEqual(seen, [one, one + one])

    def test_releasedBetweenRounds(self) -> None:
        """What is released meanwhile is not announced again: others have it now."""
        self.announcer.announce((A, B), repeat=3)
        self.sent()
        self.announcer.forget((A,))
        self.clock.advance(LATER)
        self.assertEqual(self.sent(), ["10.0.0.2", "10.0.0.2"])

    def test_gaps(self) -> None:
        """Gaps are kept on each interface and in each family by itself."""
        self.announcer.announce((A, B, SIX, OTHER), 1, arp_interval=1, na_interval=2)
        self.announcer.announce((SIX,), 1, arp_interval=1, na_interval=2)
        seen = [self.sent()]
        for _ in range(3):
            self.clock.advance(1)
            seen.append(self.sent())
        self.assertEqual(
            seen,
            [["10.0.0.1", "fd00::1", "10.0.0.3"], ["10.0.0.2"], ["fd00::1"], []],
        )

    def test_forget(self) -> None:
        """What waits is not sent for an address that is ours no more."""
        self.announcer.announce((A, B), 2, arp_interval=1)
        self.announcer.forget((B,))
        self.clock.pump([1, 1, 1, 1])
        self.assertEqual(self.sent(), ["10.0.0.1", "10.0.0.1"])

    def test_failing_socket(self) -> None:
        """A frame that cannot be sent is not the end."""
        self.port.broken = True
        self.announcer.announce((A,), 2)
        self.port.broken = False
        self.clock.advance(LATER)
        self.assertEqual(self.sent(), ["10.0.0.1"])

    def test_close(self) -> None:
        """After closing nothing is sent and no timer is left."""
        self.announcer.announce((A, B), 2, arp_interval=1)
        self.announcer.announce((SIX,), 2)
        self.announcer.close()
        self.announcer.close()
        self.announcer.announce((A,))
        self.assertEqual(
            (self.port.closed, self.clock.getDelayedCalls(), self.sent()),
            (True, [], ["10.0.0.1", "fd00::1"]),
        )

    def test_group(self) -> None:
        """Interfaces of a garp_group share its pace, whatever the instance says."""
        self.announcer.share_pace((GarpGroup(frozenset({"eth0", "eth1"}), 0.5),))
        self.announcer.announce((A, SIX, OTHER), arp_interval=9.0, na_interval=9.0)
        seen = [self.sent()]
        self.clock.advance(0.5)
        seen.append(self.sent())
        self.announcer.share_pace(())
        self.announcer.announce((A, OTHER))
        seen.append(self.sent())
        self.assertEqual(
            seen,
            [
                ["fd00::1", "10.0.0.1"],
                ["10.0.0.3"],
                ["10.0.0.1", "10.0.0.3"],
            ],
        )
