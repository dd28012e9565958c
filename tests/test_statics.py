"""Static things are held from start to stop, and their lack puts instances in FAULT."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.static_model import Statics
from hanode.dataplanes.memory import MemoryDataplane
from hanode.facts import Facts
from hanode.link import Link
from hanode.statics import OWNER, StaticService
from tests.dataplanes.contract import DEVICE, A
from tests.dataplanes.contract_routes import HOLE, TABLE, VIA
from tests.stories.texts import instance
from tests.test_node import Case

ALL = Statics(
    (replace(A, group="G"),),
    (replace(VIA, group="G"), HOLE),
    (replace(TABLE, group="H"),),
)


class StaticServiceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.dataplane = MemoryDataplane(Clock())
        self.facts = Facts(Clock())
        self.dataplane.set_link(Link(DEVICE, 7, True))
        self.statics = StaticService(self.dataplane, self.facts)

    def start(self) -> None:
        self.statics.configure(ALL)
        self.dataplane.start(lambda name, link: None)

    def test_held_from_the_start(self) -> None:
        """All are there when the dataplane has started, and the groups are content."""
        self.start()
        self.assertEqual(self.dataplane.lacking(OWNER), [])
        self.assertEqual(self.facts.get("static:G"), ())
        self.assertEqual(self.facts.get("static:H"), ())
        self.assertEqual(
            self.statics.describe(),
            {
                "addresses": ["192.0.2.1/24 dev wan0"],
                "routes": list(map(str, ALL.routes)),
                "rules": ["100: from 192.0.2.0/24 table 100"],
                "lacking": [],
            },
        )

    def test_lacking(self) -> None:
        """What cannot be there is in the fact of its group, until it is there."""
        self.start()
        self.dataplane.set_link(Link(DEVICE, 7, False))
        self.assertEqual(self.facts.get("static:G"), (str(VIA),))
        self.assertEqual(self.statics.describe()["lacking"], [str(VIA)])
        self.dataplane.set_link(Link(DEVICE, 7, True))
        self.assertEqual(self.facts.get("static:G"), ())

    def test_untracked(self) -> None:
        """What has no_track is not missed."""
        self.statics.configure(Statics(routes=(replace(VIA, group="G", track=False),)))
        self.dataplane.start(lambda name, link: None)
        self.dataplane.set_link(Link(DEVICE, 7, False))
        self.assertEqual(self.facts.get("static:G"), ())

    def test_reload(self) -> None:
        """What has left the configuration is removed; its groups are forgotten."""
        self.start()
        self.statics.configure(Statics(routes=(HOLE,)))
        self.assertEqual(self.dataplane.routes.present, [HOLE])
        self.assertEqual(self.dataplane.rules.present, [])
        self.assertEqual(self.facts.get("static:G"), None)
        self.statics.configure(Statics())
        self.assertEqual(self.dataplane.routes.present, [])

    def test_nothing(self) -> None:
        """Without static things nobody is bothered."""
        self.statics.configure(Statics())
        self.assertEqual(self.dataplane.lacking(OWNER), [])


TEXT = """
track_group G {
    group {
        VI_1
    }
}
static_routes {
    10.0.0.0/8 dev far0 track_group G
}
"""


class NodeTests(Case):
    def test_fault(self) -> None:
        """An instance is in FAULT while a static route of its group is missing."""
        node = self.start(self.model(TEXT + instance(1, 150)))
        service = node.instance("VI_1")
        self.assertEqual(
            service.machine.faults, ("static 10.0.0.0/8 dev far0 is missing",)
        )
        dataplane = node.world.dataplane
        dataplane.set_link(Link("far0", 9, True))
        self.assertNotIn("static", "".join(service.machine.faults))
        self.assertEqual(dataplane.lacking(OWNER), [])

    def test_rules_of_an_instance(self) -> None:
        """An instance's routes and rules are part of what it describes."""
        extra = "virtual_rules {\nfrom 10.0.0.0/8 table 7 preference 5\n}"
        node = self.start(self.model(instance(1, 150, extra=extra)))
        described = node.instance("VI_1").describe()
        self.assertEqual(described["rules"], ["5: from 10.0.0.0/8 table 7"])
        self.assertEqual((described["routes"], described["conflicts"]), ([], {}))

    def test_conflict(self) -> None:
        """A conflict is a fact, counted and shown; its end takes it away."""
        node = self.start(self.model(instance(1, 150)))
        dataplane, service = node.world.dataplane, node.instance("VI_1")
        dataplane.set_link(Link("eth0", 3, True, addresses=(ip_address("192.0.2.1"),)))
        self.clock.advance(2)
        (address,) = service.settings.addresses
        mac = "02:00:00:00:00:07"
        dataplane.someone_answers(address, mac)
        described = service.describe()
        self.assertEqual(described["conflicts"], {"192.0.2.100": mac})
        self.assertEqual(described["counters"]["address conflicts"], 1)
        self.assertEqual(node.facts.get("conflict:192.0.2.100"), mac)
        dataplane.someone_answers(address, "")
        self.assertEqual(service.describe()["conflicts"], {})
        self.assertEqual(node.facts.get("conflict:192.0.2.100"), "")

    def test_conflict_is_the_masters(self) -> None:
        """Who is master no more has none: the other host may well be the new master."""
        node = self.start(self.model(instance(1, 150)))
        dataplane, service = node.world.dataplane, node.instance("VI_1")
        up = Link("eth0", 3, True, addresses=(ip_address("192.0.2.1"),))
        dataplane.set_link(up)
        self.clock.advance(2)
        dataplane.someone_answers(service.settings.addresses[0], "02:00:00:00:00:07")
        dataplane.set_link(replace(up, up=False))
        self.assertEqual(service.describe()["state"], "FAULT")
        self.assertEqual(service.describe()["conflicts"], {})

    def test_switched_off(self) -> None:
        """With conflict_detection off nobody looks."""
        text = "hanode {\nconflict_detection off\n}\n" + instance(1, 150)
        node = self.start(self.model(text))
        self.assertIs(node.world.dataplane._conflicts_told, None)
