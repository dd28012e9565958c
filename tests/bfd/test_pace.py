"""Claims about how often the wheel turns."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.line import Line
from hanode.bfd.pace import Pace
from hanode.bfd.packet import State
from tests.bfd.lines import Lines
from tests.bfd.networks import FAST


class PaceTests(SynchronousTestCase):
    """A pace that weighs lines."""

    def setUp(self) -> None:
        """Nothing is weighed."""
        self.lines, self.pace = Lines(), Pace()

    def up(self, interval: int = 50_000) -> Line:
        """A line that is Up; the neighbour wants 50 ms."""
        parameters = replace(FAST, min_tx=interval, min_rx=interval)
        return self.lines.up(parameters=parameters)

    def test_nothing(self) -> None:
        """With nothing there is no pace."""
        self.assertEqual((self.pace.busy, self.pace.seconds), (False, 0.0))

    def test_down(self) -> None:
        """What is not Up asks for nothing."""
        self.assertFalse(self.pace.weigh(self.lines.line()))

    def test_few(self) -> None:
        """Seven sessions of 50 ms, 280 packets a second, are not worth it."""
        for _ in range(7):
            self.assertTrue(self.pace.weigh(self.up()))
        self.assertEqual((self.pace.busy, self.pace.seconds), (False, 0.0))

    def test_many(self) -> None:
        """Eight sessions of 50 ms are: the wheel turns every 2.5 ms."""
        for _ in range(8):
            self.pace.weigh(self.up())
        self.assertEqual((self.pace.busy, round(self.pace.seconds, 6)), (True, 0.0025))

    def test_quickest(self) -> None:
        """The quickest session sets the pace, from 4 ms to 1 ms."""
        lines = [self.up(1_000_000) for _ in range(200)]
        for line in lines:
            self.pace.weigh(line)
        self.assertEqual(round(self.pace.seconds, 6), 0.004)
        quick = self.up()
        self.pace.weigh(quick)
        self.assertEqual(round(self.pace.seconds, 6), 0.0025)
        self.pace.forget(quick)
        self.assertEqual(round(self.pace.seconds, 6), 0.004)

    def test_again(self) -> None:
        """Weighing a line again changes nothing, and says so."""
        line = self.up()
        self.assertEqual(
            [self.pace.weigh(line) for _ in range(3)], [True, False, False]
        )

    def test_went_down(self) -> None:
        """A line that went down asks for nothing any more."""
        lines = [self.up() for _ in range(8)]
        for line in lines:
            self.pace.weigh(line)
        self.lines.hear(lines[0], State.DOWN)
        self.assertTrue(self.pace.weigh(lines[0]))
        self.assertFalse(self.pace.busy)

    @given(st.lists(st.tuples(st.integers(0, 4), st.booleans())))
    @settings(max_examples=50, deadline=None)
    def test_empty(self, moves: list[tuple[int, bool]]) -> None:
        """When all lines are forgotten nothing is left."""
        self.setUp()
        lines = [self.up(50_000 << number) for number in range(5)]
        for number, there in moves:
            if there:
                self.pace.weigh(lines[number])
            else:
                self.pace.forget(lines[number])
        for line in lines:
            self.pace.forget(line)
        self.assertEqual((dict(self.pace._intervals), self.pace.seconds), ({}, 0.0))
        self.assertAlmostEqual(self.pace._packets, 0.0)
