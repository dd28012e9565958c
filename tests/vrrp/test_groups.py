"""Claims about how a sync group and the services of its members go together.

Whole nodes with groups are in tests/stories/test_groups.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Notify, SyncGroup
from hanode.driver import Driver
from hanode.facts import Facts
from hanode.vrrp.actions import Farewell, Outranked, Report, State, Swayed
from hanode.vrrp.fellow import Fellow
from hanode.vrrp.groups import Groups
from hanode.vrrp.member import Member
from tests.vrrp.machines import LOW, SETTINGS, advert

NOTIFY = Notify()


class Service:
    """As much of a VRRP service as its group has to do with."""

    def __init__(self, name: str, vrid: int, clock: Clock, done: list[Any]) -> None:
        settings = replace(SETTINGS, name=name, vrid=vrid, group="G")
        self.name, self.done = name, done
        self.machine = Member(settings)
        self.driver = Driver(self.machine, self.perform, clock)
        self.fellow = Fellow(self.machine, self.driver, lambda _: False, self.look)

    def look(self) -> None:
        """It is asked to look before it starts."""
        self.done.append((self.name, "look"))

    def perform(self, action: Any) -> None:
        """The actions that concern the group, and those to be compared."""
        if isinstance(action, Report):
            self.done.append((self.name, action.state.value))
        if isinstance(action, Report | Swayed):
            self.fellow.changed()
        elif isinstance(action, Farewell):
            self.fellow.farewell()
        elif isinstance(action, Outranked):
            self.fellow.outranked()

    def start(self) -> None:
        """The instance starts."""
        self.fellow.begin()
        self.driver.feed(self.machine.start)


class GroupsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.done: list[Any] = []
        self.facts = Facts(self.clock)
        self.a = Service("A", 2, self.clock, self.done)
        self.b = Service("B", 1, self.clock, self.done)
        self.groups = Groups(self.facts, self.told)
        self.configure("A", "B")

    def told(self, event: Any) -> None:
        """What the notifiers are told."""
        self.done.append((event.kind, event.name, event.state, event.priority))

    def configure(self, *members: str) -> None:
        """The group has these members."""
        group = {"G": SyncGroup("G", members, NOTIFY)} if members else {}
        self.groups.pause()
        services: Any = (self.a, self.b)
        self.groups.configure(group, services)

    def started(self) -> None:
        """Both have started."""
        for each in (self.a, self.b):
            each.start()
        self.groups.start()
        self.done.clear()

    def test_start(self) -> None:
        """All are looked at, by their VRID, and the group is told of first."""
        for each in (self.a, self.b):
            each.start()
        self.assertEqual(
            self.done,
            [
                ("B", "look"),
                ("A", "look"),
                ("GROUP", "G", "BACKUP", 0),
                ("A", "BACKUP"),
                ("B", "BACKUP"),
            ],
        )
        self.assertEqual(self.facts.get("group:G"), "BACKUP")

    def test_together(self) -> None:
        """Both are MASTER in one moment; whose timer ran out last comes last."""
        self.started()
        self.clock.advance(3.7)
        self.assertEqual(
            self.done, [("A", "MASTER"), ("B", "MASTER"), ("GROUP", "G", "MASTER", 0)]
        )
        (group,) = self.groups
        self.assertEqual(
            group.describe(), {"name": "G", "state": "MASTER", "members": ["A", "B"]}
        )

    def test_fault_and_back(self) -> None:
        """One verdict moves both, there and back."""
        self.started()
        self.a.fellow.judged(100, ("x",))
        self.assertEqual(self.b.machine.faults, ("sync group G: A",))
        self.a.fellow.judged(100, ())
        self.assertEqual(
            self.done,
            [
                ("A", "FAULT"),
                ("B", "FAULT"),
                ("GROUP", "G", "FAULT", 0),
                ("A", "BACKUP"),
                ("B", "BACKUP"),
                ("GROUP", "G", "BACKUP", 0),
            ],
        )

    def test_goodbye_and_lower_master(self) -> None:
        """A goodbye hastens the other; a lower master lets it announce again."""
        self.started()
        self.a.driver.feed(self.a.machine.receive, advert(200), LOW)
        self.b.driver.feed(self.b.machine.receive, advert(200), LOW)
        self.clock.advance(0.5)
        self.a.driver.feed(self.a.machine.receive, advert(0), LOW)
        self.clock.advance(1.2)
        self.assertEqual(self.done[-1], ("GROUP", "G", "MASTER", 0))
        before = self.b.machine.deadline
        self.a.driver.feed(self.a.machine.receive, advert(50), LOW)
        self.assertEqual(self.b.machine.deadline, before)
        self.assertIs(self.b.machine.state, State.MASTER)

    def test_a_member_leaves(self) -> None:
        """Who has left is bound by nobody, and tells nobody."""
        self.started()
        self.a.fellow.judged(100, ("x",))
        self.configure("B")
        self.assertIs(self.a.fellow.sync, None)
        self.assertEqual(self.b.machine.faults, ())
        self.a.fellow.judged(100, ())
        for event in (self.a.fellow.outranked, self.a.fellow.farewell):
            event()
        self.assertIs(self.a.machine.state, State.BACKUP)

    def test_the_group_goes(self) -> None:
        """A group that exists no more leaves no fact, and frees its members."""
        self.started()
        self.a.fellow.judged(100, ("x",))
        self.configure()
        self.assertEqual(list(self.groups), [])
        self.assertIs(self.facts.get("group:G"), None)
        self.assertEqual(self.b.machine.faults, ())

    def test_another_service_of_that_name(self) -> None:
        """A service that was replaced belongs to the group no more."""
        self.started()
        old, self.a = self.a, Service("A", 2, self.clock, self.done)
        self.configure("A", "B")
        self.assertIs(old.fellow.sync, None)
        self.assertIsNot(self.a.fellow.sync, None)

    def test_stop(self) -> None:
        """At the end the group is told of last; what the members do moves nobody."""
        self.started()
        self.clock.advance(4)
        self.done.clear()
        self.groups.pause()
        for each in (self.b, self.a):
            each.driver.feed(each.machine.stop)
        self.groups.stop()
        self.assertEqual(
            self.done, [("B", "STOP"), ("A", "STOP"), ("GROUP", "G", "STOP", 0)]
        )

    def test_stop_before_the_start(self) -> None:
        """A group that never began has nothing to say at the end."""
        self.groups.stop()
        self.assertEqual(self.done, [])

    def test_a_member_that_failed_to_come(self) -> None:
        """A member without a service is left out; the others go on."""
        self.configure("A", "C")
        self.started()
        (group,) = self.groups
        self.assertEqual(list(group.members), ["A"])
