"""Interfaces become facts."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import hanode.trackers
from hanode.facts import Facts
from hanode.interfaces import ITracker
from hanode.link import Link
from hanode.plugins import find

UP = Link("eth0", 2, True)
DOWN = Link("eth0", 2, False)


class InterfaceTrackerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.facts = Facts(Clock())
        plugin = find(ITracker, hanode.trackers)["track_interface"]
        self.tracker = plugin.make(self.facts)
        self.seen: list[tuple[str, Link | None]] = []
        self.facts.watch("interface:eth0", lambda *seen: self.seen.append(seen))

    def test_changes(self) -> None:
        """Each state of an interface is a fact, and says why."""
        for link in (UP, DOWN, None):
            self.tracker.changed("eth0", link)
        self.assertEqual([link for _, link in self.seen], [UP, DOWN, None])
        self.assertEqual(
            [fact.why for fact in self.facts.events],
            ["up", "down", "no such interface"],
        )

    def test_expected(self) -> None:
        """A name that was never seen is None; one that was seen keeps its value."""
        self.tracker.changed("eth0", UP)
        self.tracker.expect({"eth0", "eth9"})
        facts = {name: fact.value for name, fact in self.facts.snapshot().items()}
        self.assertEqual(facts, {"interface:eth0": UP, "interface:eth9": None})
