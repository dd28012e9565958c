"""Gaining and losing a quorum."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.quorum import Quorum


class QuorumTests(SynchronousTestCase):
    def weighed(self, *weights: int, quorum: int = 3, hysteresis: int = 1) -> list[str]:
        """What is told while the sum goes through C{weights}."""
        one = Quorum()
        one.start(weights[0], quorum, hysteresis, now=0.0)
        return [
            one.weigh(each, quorum, hysteresis, now=float(number))
            for number, each in enumerate(weights[1:], 1)
        ]

    def test_start(self) -> None:
        """At the start it is there with quorum + hysteresis, and not below."""
        one = Quorum()
        one.start(4, 3, 1, now=7.0)
        self.assertEqual(
            (one.up, one.since, one.reason), (True, 7.0, "Starting with quorum up")
        )
        one.start(3, 3, 1, now=7.0)
        self.assertEqual((one.up, one.reason), (False, "Starting with quorum down"))

    def test_hysteresis(self) -> None:
        """Between the two thresholds nothing changes."""
        self.assertEqual(
            self.weighed(4, 3, 2, 1, 2, 3, 4),
            ["", "", "Lost quorum 3-1=2 > 1", "", "", "Gained quorum 3+1=4 <= 4"],
        )

    def test_nothing(self) -> None:
        """Without any weight there is no quorum, whatever was configured."""
        self.assertEqual(
            self.weighed(1, 0, 1, quorum=1, hysteresis=0),
            ["Lost quorum 1-0=1 > 0", "Gained quorum 1+0=1 <= 1"],
        )
        self.assertEqual(
            self.weighed(1, 0, 0, quorum=0, hysteresis=0),
            ["Lost quorum 0-0=0 > 0", ""],
        )

    @given(
        st.lists(st.integers(0, 9), min_size=1), st.integers(1, 5), st.integers(0, 4)
    )
    def test_neverBoth(self, weights: list[int], quorum: int, hysteresis: int) -> None:
        """Gained and lost alternate, and each is told with its time."""
        one = Quorum()
        one.start(weights[0], quorum, hysteresis, now=0.0)
        for number, weight in enumerate(weights, 1):
            before, now = one.up, float(number)
            told = one.weigh(weight, quorum, hysteresis, now=now)
            self.assertEqual(bool(told), before is not one.up)
            self.assertEqual(one.since == now, bool(told))
            self.assertFalse(one.up and weight == 0)
