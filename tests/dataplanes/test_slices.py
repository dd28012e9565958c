"""Long work, a slice at a time."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.slices import SLICE, Slices


class SlicesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.ended: list[Exception | None] = []
        self.steps: list[int] = []
        self.cost = 0.0
        self.slices = Slices(self.clock, self.work, self.ended.append)

    def work(self) -> Iterator[None]:
        for number in range(5):
            self.steps.append(number)
            self.clock.rightNow += self.cost
            yield

    def test_quick(self) -> None:
        """What is quick is done within the call."""
        self.slices.wake()
        self.assertEqual((self.steps, self.ended), ([0, 1, 2, 3, 4], [None]))
        self.assertEqual(self.slices.busy, False)

    def test_slow(self) -> None:
        """What is slow gives the reactor a turn after each slice."""
        self.cost = SLICE / 2
        self.slices.wake()
        self.slices.wake()
        self.assertEqual((self.steps, self.slices.busy), ([0, 1], True))
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(0)
        self.assertEqual((self.steps, self.ended), ([0, 1, 2, 3, 4], [None]))

    def test_stop(self) -> None:
        """Stopped work does not go on, and does not end."""
        self.cost = SLICE
        self.slices.wake()
        self.slices.stop()
        self.clock.advance(1)
        self.assertEqual((self.steps, self.ended), ([0], []))
        self.slices.stop()

    def test_stopped_by_itself(self) -> None:
        """Work may stop itself and begin anew."""

        def work() -> Iterator[None]:
            self.steps.append(7)
            if len(self.steps) == 1:
                self.slices.stop()
                self.slices.wake()
            yield
            yield

        self.slices = Slices(self.clock, work, self.ended.append)
        self.slices.wake()
        self.assertEqual((self.steps, self.ended), ([7, 7], [None]))

    def test_failure(self) -> None:
        """A failure ends the work and is told."""
        failure = OSError("gone")

        def work() -> Iterator[None]:
            yield
            raise failure

        self.slices = Slices(self.clock, work, self.ended.append)
        self.slices.wake()
        self.assertEqual((self.ended, self.slices.busy), ([failure], False))
