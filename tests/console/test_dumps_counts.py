"""Counters by keepalived's names."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.dumps_counts import NAMES, counts, since


class CountsTests(SynchronousTestCase):
    def test_all(self):
        """Every name is there, and each of our counters counts under one of them."""
        ours = [each for names in NAMES.values() for each in names]
        self.assertEqual(len(ours), len(set(ours)))
        found = counts(dict.fromkeys(ours, 1))
        self.assertEqual(found, {name: len(each) for name, each in NAMES.items()})
        self.assertEqual(counts({}), dict.fromkeys(NAMES, 0))

    def test_since(self):
        """After a clearing only what came later counts."""
        before, now = counts({"received": 3}), counts({"received": 5, "sent": 9})
        self.assertEqual(since(now, before)["advert_rcvd"], 2)
        self.assertEqual(since(now, None), now)

    def test_anew(self):
        """An instance that was replaced meanwhile counts from its own start."""
        before, now = counts({"received": 7}), counts({"received": 5})
        self.assertEqual(since(now, before), now)
