"""UDP on the wire in memory: as on real sockets, and what only a rehearsal can do."""

from __future__ import annotations

import errno
from ipaddress import ip_address, ip_interface
from random import Random
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.lan import Lan, Station
from tests.datagrams import (
    A4,
    ADDRESSES,
    B4,
    B6,
    B_LOCAL,
    MARKED,
    MARKED_HIGH,
    OTHER_WIRE,
    UNMARKED,
    UdpContract,
)


class UdpTests(UdpContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.build()

    def build(self, **wire: float) -> None:
        self.clock = Clock()
        self.lan = Lan(self.clock, Random(1), **wire)
        self.a, self.b = (
            Station(self.lan, name, [ip_interface(each).ip for each in texts])
            for name, texts in (
                (name, ADDRESSES[name] + OTHER_WIRE[name]) for name in ADDRESSES
            )
        )

    def arrive(self) -> None:
        self.clock.advance(1)

    def settle(self) -> None:
        self.clock.advance(1)

    def test_delay(self) -> None:
        """A packet arrives after the delay."""
        self.build(delay=0.5)
        self.listen(4)
        self.sender(B4).send(MARKED)
        self.clock.advance(0.49)
        self.assertEqual(self.known, [])
        self.clock.advance(0.02)
        self.assertEqual(self.known, [MARKED])

    def test_loss_and_duplicates(self) -> None:
        """The wire loses and doubles UDP as everything else."""
        self.build(loss=0.5)
        self.listen(4)
        sender = self.sender(B4)
        for _ in range(1000):
            sender.send(MARKED)
        self.settle()
        self.assertEqual(self.lan.lost + len(self.known), 1000)
        self.assertTrue(400 < self.lan.lost < 600, self.lan.lost)
        self.build(duplicate=1.0)
        self.listen(4)
        self.assertEqual(self.heard(self.sender(B4), MARKED), [MARKED, MARKED])

    def test_cut(self) -> None:
        """A cut wire carries nothing, and nobody is told."""
        self.listen(4)
        sender = self.sender(B4)
        self.lan.cut("a", "b")
        self.assertEqual(self.heard(sender, MARKED), [])
        self.assertEqual(self.lan.lost, 1)
        self.lan.heal()
        self.assertEqual(self.heard(sender, MARKED), [MARKED])

    def test_down(self) -> None:
        """A station that is down neither sends nor hears."""
        self.listen(4)
        sender = self.sender(B4)
        self.b.up = False
        self.assertEqual(self.heard(sender, MARKED), [])
        self.a.up = False
        error = self.assertRaises(OSError, sender.send, MARKED)
        self.assertEqual(error.errno, errno.ENETUNREACH)
        error = self.assertRaises(OSError, self.sender, B4)
        self.assertEqual(error.errno, errno.ENETUNREACH)

    def test_refused(self) -> None:
        """Once a process is killed, every other packet is refused and not sent."""
        self.listen(4)
        sender = self.sender(B4)
        self.assertEqual(self.heard(sender, MARKED), [MARKED])
        self.b.vanish()
        self.heard(sender, MARKED)
        self.assertRaises(ConnectionRefusedError, sender.send, MARKED)
        self.listen(4)
        self.assertEqual(self.heard(sender, MARKED), [MARKED])

    def test_vanish(self) -> None:
        """A killed process sends nothing, and gets nothing that was on its way."""
        self.listen(4)
        sender = self.sender(B4)
        sender.send(MARKED)
        self.b.vanish()
        self.settle()
        self.assertEqual(self.known, [])
        self.a.vanish()
        self.assertRaises(OSError, sender.send, MARKED)

    def test_own_address(self) -> None:
        """What a station sends to itself does not use the wire."""
        self.listen(4)
        sender = self.b.sender(B4, 3784)
        self.assertEqual(self.heard(sender, MARKED), [])

    def test_no_device(self) -> None:
        """A sender of no device is heard by the listener of any device."""
        self.listen(4, "eth1")
        self.assertEqual(self.heard(self.sender(B4), MARKED, UNMARKED), [MARKED])
        self.assertEqual([each.device for each in self.strangers], ["eth1"])

    def test_link_local(self) -> None:
        """A link-local destination needs a device; no address, no route."""
        error = self.assertRaises(OSError, self.sender, B_LOCAL)
        self.assertEqual(error.errno, errno.EINVAL)
        lonely = Station(self.lan, "c", [ip_address("10.9.0.3")])
        error = self.assertRaises(OSError, lonely.sender, B6, 3784)
        self.assertEqual(error.errno, errno.ENETUNREACH)

    def test_reordered(self) -> None:
        """With enough jitter packets overtake each other."""
        self.build(jitter=1.0)
        self.listen(4)
        sent = [MARKED + bytes([number]) for number in range(50)]
        sender = self.sender(B4)
        for each in sent:
            sender.send(each)
        self.clock.advance(2)
        self.assertEqual(sorted(self.known), sent)
        self.assertNotEqual(self.known, sent)


class EchoTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.lan = Lan(self.clock, Random(1), delay=0.1)
        self.a, self.b = Station(self.lan, "a", [A4]), Station(self.lan, "b", [B4])
        self.got: list[bytes] = []
        self.port = self.a.echo(4, "eth0", self.got.append)

    def echoed(self, *packets: bytes) -> list[bytes]:
        self.got.clear()
        for each in packets:
            self.port.send(each, A4, B4)
        self.clock.advance(0.1)
        self.clock.advance(0.1)
        return self.got

    def test_turned_by_a_port(self) -> None:
        """The neighbour's port sends back what it was asked to reflect."""
        other = self.b.echo(4, "eth0", lambda data: self.fail("not ours"), True)
        self.assertEqual(self.echoed(MARKED, MARKED_HIGH), [MARKED, MARKED_HIGH])
        other.close()
        self.assertEqual(self.echoed(MARKED), [])

    def test_not_turned(self) -> None:
        """Nobody turns it without being asked, or on another wire or family."""
        for family, device, reflect in ((4, "eth0", 0), (4, "eth1", 1), (6, "eth0", 1)):
            self.b.echo(family, device, self.got.append, bool(reflect))
        self.assertEqual(self.echoed(MARKED), [])

    def test_turned_by_the_kernel(self) -> None:
        """A kernel that forwards turns it, also when the process is gone."""
        self.b.forwards = True
        self.b.vanish()
        self.assertEqual(self.echoed(MARKED), [MARKED])

    def test_cut(self) -> None:
        """Each direction is needed."""
        self.b.forwards = True
        for one, other in (("a", "b"), ("b", "a")):
            self.lan.cut(one, other)
            self.assertEqual(self.echoed(MARKED), [])
            self.lan.heal()
        self.b.up = False
        self.assertEqual(self.echoed(MARKED), [])

    def test_errors(self) -> None:
        """Unknown neighbours, a link that is down, a closed port are errors."""

        def number(neighbour: Any = B4) -> int | None:
            error = self.assertRaises(OSError, self.port.send, MARKED, A4, neighbour)
            return error.errno

        self.assertEqual(number(ip_address("10.9.0.9")), errno.EHOSTUNREACH)
        self.a.up = False
        self.assertEqual(number(), errno.ENETDOWN)
        self.a.up = True
        self.a.vanish()
        self.assertEqual(number(), errno.EBADF)

    def test_closed_meanwhile(self) -> None:
        """What comes back to a closed port is not told."""
        self.b.forwards = True
        self.port.send(MARKED, A4, B4)
        self.clock.advance(0.1)
        self.port.close()
        self.clock.advance(0.1)
        self.assertEqual(self.got, [])

    def test_failing_receiver(self) -> None:
        """A receiver that raises is logged."""
        self.b.forwards = True
        port = self.a.echo(4, "eth0", lambda data: 1 // 0)
        port.send(MARKED, A4, B4)
        self.clock.advance(0.1)
        self.clock.advance(0.1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
