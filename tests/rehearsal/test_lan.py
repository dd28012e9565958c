"""The wire in memory."""

from __future__ import annotations

from ipaddress import ip_address
from random import Random
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.interfaces import IRawPort
from hanode.rehearsal.lan import Lan, Station

GROUP = ip_address("224.0.0.18")
A, B, C = (ip_address(f"10.0.0.{number}") for number in (1, 2, 3))


class LanTests(SynchronousTestCase):
    def build(self, **wire: float) -> None:
        self.clock = Clock()
        self.lan = Lan(self.clock, Random(1), **wire)
        self.a, self.b, self.c = (
            Station(self.lan, name, [address])
            for name, address in (("a", A), ("b", B), ("c", C))
        )
        self.got: list[tuple[str, bytes, Any, Any, int]] = []

    def open(self, station: Station, **named: Any) -> IRawPort:
        def receiver(*packet: Any) -> None:
            self.got.append((station.name, *packet))

        return station.raw(112, 4, "eth0", receiver, **named)

    def test_multicast(self) -> None:
        """All others that joined get it after the delay, the sender does not."""
        self.build(delay=0.5)
        a, _, _ = (self.open(each, group=GROUP) for each in (self.a, self.b, self.c))
        a.send(b"x", GROUP)
        self.clock.advance(0.49)
        self.assertEqual(self.got, [])
        self.clock.advance(0.02)
        self.assertEqual(
            self.got, [("b", b"x", A, GROUP, 255), ("c", b"x", A, GROUP, 255)]
        )

    def test_unicast(self) -> None:
        """Only the owner of the address gets it, with the sender's TTL."""
        self.build()
        a = self.open(self.a, source=A, ttl=64)
        self.open(self.b)
        self.open(self.c, source=C)
        a.send(b"b", B)
        a.send(b"c", C)
        self.clock.advance(1)
        self.assertEqual(self.got, [("b", b"b", A, B, 64), ("c", b"c", A, C, 64)])

    def test_other_wire(self) -> None:
        """Interfaces of other names, other families and protocols hear nothing."""
        self.build()
        a = self.open(self.a, group=GROUP)
        self.b.raw(112, 4, "eth1", lambda *packet: self.fail("heard"), group=GROUP)
        self.b.raw(113, 4, "eth0", lambda *packet: self.fail("heard"), group=GROUP)
        self.b.raw(112, 6, "eth0", lambda *packet: self.fail("heard"), group=GROUP)
        a.send(b"x", GROUP)
        self.clock.advance(1)
        self.assertEqual((self.lan.carried, self.lan.lost), (0, 0))

    def test_cut(self) -> None:
        """A cut is in one direction, a split in both, and healing ends them."""
        self.build()
        a, b = (self.open(each, group=GROUP) for each in (self.a, self.b))

        def exchange() -> list[str]:
            self.got.clear()
            a.send(b"x", GROUP)
            b.send(b"x", GROUP)
            self.clock.advance(1)
            return [each[0] for each in self.got]

        self.lan.cut("a", "b")
        self.assertEqual(exchange(), ["a"])
        self.lan.split(["a"], ["b", "c"])
        self.assertEqual(exchange(), [])
        self.lan.heal()
        self.assertEqual(exchange(), ["b", "a"])

    def test_loss(self) -> None:
        """About as many packets are lost as was asked for."""
        self.build(loss=0.25)
        a = self.open(self.a, group=GROUP)
        self.open(self.b, group=GROUP)
        for _ in range(4000):
            a.send(b"x", GROUP)
        self.clock.advance(1)
        self.assertEqual(self.lan.carried + self.lan.lost, 4000)
        self.assertTrue(800 < self.lan.lost < 1200, self.lan.lost)

    def test_duplicate(self) -> None:
        """A duplicate is delivered twice."""
        self.build(duplicate=1.0)
        a = self.open(self.a, group=GROUP)
        self.open(self.b, group=GROUP)
        a.send(b"x", GROUP)
        self.clock.advance(1)
        self.assertEqual([each[1] for each in self.got], [b"x", b"x"])

    def test_reorder(self) -> None:
        """With enough jitter packets overtake each other, and none is lost."""
        self.build(jitter=1.0)
        a = self.open(self.a, group=GROUP)
        self.open(self.b, group=GROUP)
        sent = [bytes([number]) for number in range(50)]
        for each in sent:
            a.send(each, GROUP)
        self.clock.advance(2)
        came = [each[1] for each in self.got]
        self.assertEqual(sorted(came), sent)
        self.assertNotEqual(came, sent)

    def test_closed(self) -> None:
        """A closed port neither gets what was on its way nor sends."""
        self.build()
        a, b = (self.open(each, group=GROUP) for each in (self.a, self.b))
        a.send(b"x", GROUP)
        self.b.vanish()
        self.clock.advance(1)
        self.assertEqual(self.got, [])
        self.assertRaises(OSError, b.send, b"x", GROUP)

    def test_down(self) -> None:
        """A station whose link is down hears nothing and cannot send."""
        self.build()
        a, b = (self.open(each, group=GROUP) for each in (self.a, self.b))
        self.b.up = False
        a.send(b"x", GROUP)
        self.clock.advance(1)
        self.assertEqual(self.got, [])
        self.assertRaises(OSError, b.send, b"x", GROUP)

    def test_failing_receiver(self) -> None:
        """A receiver that raises is logged; the others get the packet."""
        self.build()

        def receiver(*packet: Any) -> None:
            raise ValueError("on purpose")

        a = self.open(self.a, group=GROUP)
        self.b.raw(112, 4, "eth0", receiver, group=GROUP)
        self.open(self.c, group=GROUP)
        a.send(b"x", GROUP)
        self.clock.advance(1)
        self.assertEqual([each[0] for each in self.got], ["c"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
