"""Weights as places of a ring."""

from __future__ import annotations

from collections import Counter
from math import gcd

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.nftables_ring import LARGEST, ring
from hanode.lvs import MOST_WEIGHT

WEIGHTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)
ANY_WEIGHTS = st.lists(st.integers(1, MOST_WEIGHT), min_size=1, max_size=12)


def shares(weights, mixed):
    """How many places each weight has; all places are taken once, in order."""
    total, runs = ring(weights, mixed)
    at = 0
    counts = Counter()
    for first, last, index in runs:
        assert first == at and last >= first
        counts[index] += last - first + 1
        at = last + 1
    assert at == total
    return [counts[index] for index in range(len(weights))]


class RingTests(SynchronousTestCase):
    """Shares and their order."""

    def test_equal(self):
        """Equal weights have a place each."""
        self.assertEqual(ring([7, 7, 7]), (3, [(0, 0, 0), (1, 1, 1), (2, 2, 2)]))

    def test_mixed(self):
        """A heavy one takes turns with light ones."""
        runs = [(0, 1, 0), (2, 2, 1), (3, 3, 0), (4, 4, 2), (5, 6, 0)]
        self.assertEqual(ring([5, 1, 1]), (7, runs))

    def test_in_runs(self):
        """Without mixing, each has one run."""
        self.assertEqual(ring([5, 1, 1], False), (7, [(0, 4, 0), (5, 5, 1), (6, 6, 2)]))

    def test_large(self):
        """A ring that is too large to be mixed is in runs."""
        self.assertEqual(ring([300, 1]), (301, [(0, 299, 0), (300, 300, 1)]))

    @given(WEIGHTS)
    def test_exact(self, weights):
        """The shares are the weights over their greatest common divisor."""
        wanted = [each // gcd(*weights) for each in weights]
        self.assertEqual(shares(weights, True), wanted)
        self.assertEqual(shares(weights, False), wanted)

    @given(WEIGHTS)
    def test_even(self, weights):
        """After any number of turns nobody is a whole turn ahead of its share."""
        total, runs = ring(weights)
        if total > 256:
            return
        turns = [index for first, last, index in runs for _ in range(first, last + 1)]
        parts = shares(weights, True)
        had = Counter()
        for turn, index in enumerate(turns, 1):
            had[index] += 1
            self.assertLess(had[index] - turn * parts[index] / total, 1 + 1e-9)

    @given(ANY_WEIGHTS)
    def test_fits(self, weights):
        """Whatever the weights, the kernel's 32 bits hold, and nobody has nothing."""
        total, _ = ring(weights)
        self.assertLessEqual(total, LARGEST)
        self.assertGreater(min(shares(weights, True)), 0)
