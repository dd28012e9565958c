"""Interfaces become facts."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

import hanode.trackers
from hanode.config.link_model import Debounce, LinkDefs
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
        self.clock = Clock()
        self.facts = Facts(self.clock)
        self.tracker = InterfaceTracker(self.facts, self.clock)
        self.addCleanup(self.tracker.close)
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


class DebounceTests(InterfaceTrackerTests):
    """interface_up_down_delays: 1 s down, 3 s up."""

    def setUp(self) -> None:
        super().setUp()
        self.delays = LinkDefs({"eth0": Debounce(1.0, 3.0)})

    def states(self) -> list[bool | None]:
        """What the fact has said, one after the other."""
        return [None if link is None else link.up for _, link in self.seen]

    def test_lasting(self) -> None:
        """A change counts when it has lasted; the first sight counts at once."""
        self.tracker.configure(self.delays)
        self.tracker.changed("eth0", UP)
        self.tracker.changed("eth0", DOWN)
        self.clock.advance(0.9)
        self.assertEqual(self.states(), [True])
        self.clock.advance(0.2)
        self.tracker.changed("eth0", UP)
        self.clock.advance(2.9)
        self.assertEqual(self.states(), [True, False])
        self.clock.advance(0.2)
        self.assertEqual(self.states(), [True, False, True])

    def test_short(self) -> None:
        """One that does not last is never told."""
        self.tracker.configure(self.delays)
        self.tracker.changed("eth0", UP)
        for _ in range(5):
            self.tracker.changed("eth0", DOWN)
            self.clock.advance(0.5)
            self.tracker.changed("eth0", UP)
            self.clock.advance(0.6)
        self.assertEqual(self.states(), [True])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_other_news(self) -> None:
        """What else is new is told at once, beside the old state."""
        self.tracker.configure(self.delays)
        self.tracker.changed("eth0", UP)
        self.tracker.changed("eth0", replace(DOWN, mtu=9000))
        self.assertEqual(self.seen[-1][1], replace(UP, mtu=9000))

    def test_gone(self) -> None:
        """An interface that is gone is gone at once, and comes back at once."""
        self.tracker.configure(self.delays)
        for link in (UP, DOWN, None, UP):
            self.tracker.changed("eth0", link)
        self.clock.advance(10)
        self.assertEqual(self.states(), [True, None, True])

    def test_reload(self) -> None:
        """Without the delay, what it held back counts at once."""
        self.tracker.configure(self.delays)
        self.tracker.changed("eth0", UP)
        self.tracker.changed("eth0", DOWN)
        self.tracker.configure(LinkDefs())
        self.assertEqual(self.states(), [True, False])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close(self) -> None:
        """Closed, it waits for nothing."""
        self.tracker.configure(self.delays)
        self.tracker.changed("eth0", UP)
        self.tracker.changed("eth0", DOWN)
        self.tracker.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_log(self) -> None:
        """What netlink says of an interface that matters is logged when it says so."""
        self.tracker.configure(self.delays)
        self.tracker.expect({"eth0"})
        with capturedLogs() as logs:
            for name in ("eth0", "eth1"):
                for link in (UP, UP, DOWN, UP, None, DOWN):
                    self.tracker.changed(name, link)
        self.assertEqual(
            [formatEvent(each) for each in logs],
            ["Netlink reports eth0 down", "Netlink reports eth0 up"],
        )


@implementer(IReactorFDSet)
class Reactor(Clock):
    """A clock that real descriptors could be given to."""

    def addReader(self, reader: object) -> None: ...
    def addWriter(self, writer: object) -> None: ...
    def removeReader(self, reader: object) -> None: ...
    def removeWriter(self, writer: object) -> None: ...
    def removeAll(self) -> None: ...
    def getReaders(self) -> None: ...
    def getWriters(self) -> None: ...


class PolledTests(SynchronousTestCase):
    def test_carrier(self) -> None:
        """Netlink and linkbeat must both say that it is up."""
        clock = Reactor()
        facts = Facts(clock)
        tracker = InterfaceTracker(facts, clock)
        carrier = [True]
        self.patch(tracker._linkbeat, "_look", lambda name, method: (carrier[0], "MII"))
        tracker.configure(LinkDefs({}, {"eth0": "MII"}))
        seen: list[bool] = []
        facts.watch("interface:eth0", lambda _, link: seen.append(link.up))
        tracker.changed("eth0", UP)
        carrier[0] = False
        clock.advance(1)
        tracker.changed("eth0", DOWN)
        carrier[0] = True
        clock.advance(1)
        tracker.changed("eth0", UP)
        self.assertEqual(seen, [True, False, True])
        tracker.close()
        self.assertEqual(clock.getDelayedCalls(), [])


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
