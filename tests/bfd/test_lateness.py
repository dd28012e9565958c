"""Claims about the distribution of our own lateness."""

from __future__ import annotations

from math import ceil

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.lateness import Lateness


class LatenessTests(SynchronousTestCase):
    """What is noted comes out again."""

    def setUp(self) -> None:
        """Nothing was noted."""
        self.lateness = Lateness()

    def test_nothing(self) -> None:
        """Without packets nothing is late."""
        self.assertEqual((self.lateness.quantile(0.999), self.lateness.worst), (0, 0))

    def test_quantiles(self) -> None:
        """99 packets in time and one late by 3 ms."""
        for _ in range(99):
            self.lateness.note(0.00005)
        self.lateness.note(0.003)
        found = [round(self.lateness.quantile(q), 6) for q in (0, 0.5, 0.99, 0.995, 1)]
        self.assertEqual(found, [0.0001, 0.0001, 0.0001, 0.003, 0.003])
        self.assertEqual(self.lateness.worst, 0.003)

    def test_very_late(self) -> None:
        """What is later than can be told apart counts as the worst."""
        for seconds in (0.3, 7.0):
            self.lateness.note(seconds)
        self.assertEqual(self.lateness.quantile(0.1), 7.0)

    def test_buckets(self) -> None:
        """What there is to see: only the buckets that are not empty."""
        for seconds in (0.00005, 0.00007, 0.003, 5.0):
            self.lateness.note(seconds)
        wanted = {
            "p999": 5.0,
            "worst": 5.0,
            "buckets": {"0.0001": 2, "0.0031": 1, "0.2000": 1},
        }
        self.assertEqual(self.lateness.describe(), wanted)

    @given(st.lists(st.floats(0, 0.19), min_size=1, max_size=60), st.floats(0.001, 1.0))
    def test_any(self, seconds: list[float], part: float) -> None:
        """A quantile is exact to a tenth of a millisecond."""
        self.setUp()
        for each in seconds:
            self.lateness.note(each)
        exact = sorted(seconds)[ceil(part * len(seconds)) - 1]
        self.assertLessEqual(abs(self.lateness.quantile(part) - exact), 1.001e-4)
