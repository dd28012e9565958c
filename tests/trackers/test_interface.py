"""Interfaces become facts."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import hanode.trackers
from hanode.config.track_model import NOTHING, Share, Tracked
from hanode.facts import Facts
from hanode.interfaces import ITracker
from hanode.link import Link
from hanode.path import Path
from hanode.plugins import find
from hanode.trackers.interface import InterfaceTracker

UP = Link("eth0", 2, True)
DOWN = Link("eth0", 2, False)


class InterfaceTrackerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.facts = Facts(Clock())
        self.tracker = InterfaceTracker(self.facts)
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


class WeighTests(SynchronousTestCase):
    """Interfaces and BFD sessions: what is not there is down, and never waited for."""

    def weighed(self, keyword: str, tracked: Tracked, *values: object) -> list[Share]:
        plugin = find(ITracker, hanode.trackers)[keyword]
        plugin.make(None, self, {}).expect({})
        plugin.make(None, self, {}).close()
        return [plugin.weigh(tracked, value) for value in values]

    def test_interface(self) -> None:
        """keepalived.conf(5), track_interface."""
        down = Share(fault="interface eth0 down")
        self.assertEqual(
            [
                self.weighed("track_interface", tracked, UP, DOWN, None)
                for tracked in (
                    Tracked("interface", "eth0"),
                    Tracked("interface", "eth0", -5),
                )
            ],
            [[NOTHING, down, down], [NOTHING, Share(-5), Share(-5)]],
        )

    def test_session(self) -> None:
        """keepalived.conf(5), track_bfd."""
        neighbour = ip_address("192.0.2.2")
        up, lost = Path(neighbour, "UP"), Path(neighbour, "DOWN", died=True)
        down = Share(fault="bfd peer down")
        self.assertEqual(
            [
                self.weighed("track_bfd", tracked, up, lost, None)
                for tracked in (Tracked("bfd", "peer"), Tracked("bfd", "peer", 20))
            ],
            [[NOTHING, down, down], [Share(20), NOTHING, NOTHING]],
        )
