"""Claims about packets that must be looked at: they queue, and get a slice of time."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.intake import MOST, Intake
from hanode.bfd.line import MOST_PATIENCE, Line
from hanode.bfd.packet import Control, State, encode
from hanode.bfd.reception import Entrance
from hanode.bfd.refusals import Refusals
from hanode.bfd.table import Table
from hanode.interfaces import Datagram
from tests.bfd.lines import Lines
from tests.bfd.logs import Logs
from tests.bfd.networks import NEIGHBOUR, OTHER, US

UP = Control(State.UP, 0xB, 0xA, 3, 50_000, 50_000)
HERE = Entrance(4, "")


class Ticking(Clock):
    """Each look at it takes time."""

    tick = 0.0

    def seconds(self) -> float:
        """Now, and a little later the next time."""
        self.rightNow += self.tick
        return self.rightNow


class IntakeTests(SynchronousTestCase):
    """An intake with one line that is Up, on a clock that ticks when told to."""

    def setUp(self) -> None:
        """Nothing waits."""
        self.lines, self.table, self.refusals = Lines(), Table(), Refusals()
        self.line = self.lines.up()
        self.table.add(self.line)
        self.clock = Ticking()
        self.clock.advance(1000)
        self.opened: list[Datagram] = []
        self.accepted: list[Line] = []
        self.more = 0
        self.logs = Logs(self)
        self.intake = Intake(
            self.clock,
            self.table,
            self.refusals,
            self.open,
            self.accepted.append,
            self.again,
        )

    def open(self, entrance: Entrance, datagram: Datagram) -> Line | None:
        """Nobody may open a session."""
        self.opened.append(datagram)
        return None

    def again(self) -> None:
        """Packets are left."""
        self.more += 1

    def news(self, number: int) -> bytes:
        """A packet that says something new."""
        return encode(replace(UP, min_tx=50_000 + number))

    def test_short_way(self) -> None:
        """What is expected is not looked at, and needs no time."""
        data = self.news(0)
        self.table.expect(self.line, data)
        self.clock.tick = 0.005
        self.intake.known([data] * 1000)
        found = (self.line.session.repeated, self.accepted, self.more)
        self.assertEqual(found, (1000, [], 0))

    def test_all(self) -> None:
        """While there is time all are looked at, in their order."""
        self.intake.known([self.news(number) for number in range(5)])
        remote = self.line.session.remote
        self.assertEqual(self.accepted, [self.line] * 5)
        self.assertEqual((remote and remote.min_tx, self.more), (50_004, 0))
        self.assertEqual(self.line.waiting, 0)

    def test_slice(self) -> None:
        """When the time is over the rest waits for the next turn."""
        self.clock.tick = 0.005 / 4
        self.intake.known([self.news(number) for number in range(10)])
        self.assertEqual((len(self.accepted), self.more), (4, 1))
        self.assertEqual(self.line.waiting, 6)
        self.intake.work()
        self.intake.work()
        self.assertEqual((len(self.accepted), self.more), (10, 2))
        self.assertEqual(self.line.waiting, 0)

    def test_known_between(self) -> None:
        """What is expected need not wait for others."""
        self.intake.known([self.news(0)])
        data = self.news(0)
        self.clock.tick = 0.005
        self.intake.known([self.news(1), self.news(2), data, data])
        self.assertEqual(self.line.session.repeated, 2)

    def test_not_silent(self) -> None:
        """A session whose packets wait is not silent, for a while."""
        self.intake.holding = True
        self.intake.known([self.news(1)])
        session = self.line.session
        patience = session.detection_time
        for times in (1.01, 2.0, MOST_PATIENCE - 0.01):
            now = session.heard + times * patience
            self.assertEqual(self.line.turn(now), now + 0.001)
        self.assertIs(session.state, State.UP)
        self.line.turn(session.heard + MOST_PATIENCE * patience)
        self.assertIs(session.state, State.DOWN)

    def test_silent(self) -> None:
        """Without packets that wait a detection time is the end."""
        session = self.line.session
        self.line.turn(session.heard + session.detection_time)
        self.assertIs(session.state, State.DOWN)

    def test_speaks(self) -> None:
        """Packets that wait do not keep us from sending ours, whatever is timed."""
        session = self.line.session
        self.line.waiting = 5
        session._plain = False  # as with echo packets, or in demand mode
        self.line.turn(session.transmit_at)
        self.assertEqual(len(self.lines.network.sent), 1)

    def test_flood(self) -> None:
        """More than can be looked at is counted and dropped."""
        self.intake.holding = True
        self.intake.known([b"?" * 24] * (MOST + 5))
        self.assertEqual(self.refusals.rejected, {"too many at once": 5})

    def test_gone(self) -> None:
        """A session may go while its packets wait."""
        self.intake.holding = True
        self.intake.known([self.news(1)])
        self.table.remove(self.line)
        self.intake.work()
        self.assertEqual(self.refusals.rejected, {"no session": 1})

    def test_strangers(self) -> None:
        """Who names no session is found by the ends, or may open one, or is refused."""
        down = encode(replace(UP, state=State.DOWN, yours=0))
        for source in (NEIGHBOUR, OTHER):
            self.intake.stranger(HERE, Datagram(down, source, 1, US, 255, ""))
        self.assertEqual(self.accepted, [self.line])
        self.assertEqual([each.source for each in self.opened], [OTHER])
        self.assertEqual(self.refusals.rejected, {"no session": 1})
