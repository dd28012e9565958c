"""Packets wait their turn, and which of them may be forgotten."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd import intake
from hanode.bfd.intake import Intake
from hanode.bfd.line import Line
from hanode.bfd.packet import Control, State, encode
from hanode.bfd.reception import Entrance
from hanode.bfd.refusals import Refusals
from hanode.bfd.table import Table
from hanode.config.bfd_model import BfdRoute
from hanode.interfaces import Datagram
from tests.bfd.lines import Lines

NEIGHBOUR = ip_address("192.0.2.2")


class TickingClock(Clock):
    """A clock on which looking at it takes a tenth of a millisecond."""

    ticking = 0.0

    def seconds(self):
        self.rightNow += self.ticking
        return self.rightNow


class IntakeTests(SynchronousTestCase):
    """A table with two sessions, and a clock that passes while packets are read."""

    def setUp(self):
        self.clock, self.table, self.refusals = TickingClock(), Table(), Refusals()
        routes = [BfdRoute(ip_address(f"192.0.2.{each}")) for each in (2, 3)]
        self.lines = [
            Lines().line(str(route.neighbour), route, discriminator=each)
            for each, route in enumerate(routes, 1)
        ]
        self.accepted, self.more, self.seen = [], [], []
        for each in self.lines:
            self.table.add(each)
        self.intake = Intake(
            self.clock,
            self.table,
            self.refusals,
            lambda entrance, datagram: None,
            self.accepted.append,
            lambda: self.more.append(self.clock.rightNow),
        )
        self.patch(Line, "accept", self.accept)

    def accept(self, data, control, section, now):
        self.seen.append((control.mine, control.yours))

    def packets(self, count, yours=1, mine=100):
        """Packets of a neighbour that differ in the discriminator."""
        return [
            encode(Control(State.UP, mine + each, yours, 3, 50000, 50000))
            for each in range(count)
        ]

    def test_atOnce(self):
        """What can be done in a slice of time is done in order, with nothing left."""
        self.intake.known(self.packets(30))
        self.assertEqual(self.seen, [(100 + each, 1) for each in range(30)])
        self.assertEqual((self.more, self.lines[0].waiting), ([], 0))

    def test_slice(self):
        """When the slice is over the rest waits, and another turn is asked for."""
        self.clock.ticking, self.intake.slice = 0.0001, 0.002
        self.intake.known(self.packets(40))
        done = len(self.seen)
        self.assertTrue(15 < done < 25, done)
        self.assertEqual((len(self.more), self.lines[0].waiting), (1, 40 - done))
        self.intake.work()
        self.intake.work()
        self.assertEqual(len(self.seen), 40)
        self.assertEqual(self.lines[0].waiting, 0)

    def test_holding(self):
        """While sockets are drained nothing is looked at."""
        self.intake.holding = True
        self.intake.known(self.packets(3))
        self.assertEqual((self.seen, self.lines[0].waiting), ([], 3))
        self.intake.holding = False
        self.intake.work()
        self.assertEqual(len(self.seen), 3)

    def test_crowd(self):
        """In a crowd the latest packet of a neighbour takes the place of its last."""
        self.intake.holding = True
        self.intake.known(self.packets(intake.CROWD))
        self.intake.known(self.packets(5, yours=2))
        self.intake.known(self.packets(7, yours=1, mine=500))
        self.intake.work()
        first = [(100 + each, 1) for each in range(intake.CROWD - 1)]
        self.assertEqual(self.seen, [*first, (506, 1), (104, 2)])
        self.assertEqual([each.waiting for each in self.lines], [0, 0])

    def test_flood(self):
        """What nobody knows cannot fill the memory."""
        self.intake.holding = True
        self.patch(intake, "MOST", 10)
        self.intake.known(self.packets(15, yours=99))
        self.intake.work()
        self.assertEqual(
            dict(self.refusals.rejected), {"too many at once": 5, "no session": 10}
        )

    def test_strangerInTheCrowd(self):
        """A packet without our discriminator is its neighbour's by where it is from."""
        self.intake.holding = True
        self.intake.known(self.packets(intake.CROWD, yours=99))
        entrance = Entrance(4, "")
        for data in self.packets(3, yours=0):
            source = self.lines[0].route.neighbour
            datagram = Datagram(data, source, 1, NEIGHBOUR, 255, "eth0")
            self.intake.stranger(entrance, datagram)
        self.assertEqual(self.lines[0].waiting, 1)

    def test_failure(self):
        """A packet that brings the code down is logged, and the next one is read."""
        self.patch(Table, "expect", lambda table, line, data: 1 / 0)
        self.intake.known(self.packets(2))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.assertEqual((len(self.seen), self.lines[0].waiting), (2, 0))

    def test_close(self):
        """What waits at the end is forgotten."""
        self.intake.holding = True
        self.intake.known(self.packets(3))
        self.intake.close()
        self.intake.work()
        self.assertEqual(self.seen, [])
