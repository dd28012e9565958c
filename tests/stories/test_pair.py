"""Pairs and threes on one clock: who holds the address, and when."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.cluster import Cluster
from tests.stories.texts import VIP, instance, password

MODES = [
    {"version": 2, "interval": 1},
    {"version": 2, "interval": 1, "peers": 2},
    {"version": 3, "interval": 0.1},
    {"version": 3, "interval": 0.01},
    {"version": 3, "interval": 0.1, "peers": 2},
    {"version": 3, "interval": 0.1, "family": 6},
    {"version": 3, "interval": 0.1, "family": 6, "peers": 2},
    {"version": 2, "interval": 1, "extra": password("e^Ho6HWa")},
]


class Told:
    """When each node entered which state."""

    def __init__(self, cluster):
        self.cluster, self.lines = cluster, []
        for name, box in cluster.boxes.items():
            box.node.facts.watch("vrrp:VI_1", self._hear(name))

    def _hear(self, name):
        def hear(fact, value):
            self.lines.append((round(self.cluster.clock.seconds(), 4), name, value))

        return hear

    def since(self, at):
        """What was told after C{at}: nodes and states, in their order."""
        return [(name, state) for when, name, state in self.lines if when > at]

    def when(self, name, state, after=0.0):
        """The first moment after C{after} at which C{name} entered C{state}."""
        return next(
            when
            for when, who, what in self.lines
            if when > after and (who, what) == (name, state)
        )


def pair(priorities=(150, 100), extras=("", ""), **mode):
    """A cluster of one node per priority."""
    extra = mode.pop("extra", "")
    return Cluster(
        [
            instance(number, priority, extra=extra + more, **mode)
            for number, (priority, more) in enumerate(
                zip(priorities, extras, strict=True), 1
            )
        ],
        delay=0.0005,
    )


class Lives(SynchronousTestCase):
    """The same life in each mode of the protocol."""

    def each(self):
        """A cluster, its address, its interval and its unit of skew, for each mode."""
        for mode in MODES:
            with self.subTest(**mode):
                interval = mode["interval"]
                unit = interval if mode["version"] == 3 else 1
                yield pair(**mode), VIP[mode.get("family", 4)], interval, unit

    def test_bestStarts(self):
        """Of two that start together the better one is master, and stays it."""
        for cluster, vip, interval, _ in self.each():
            told = Told(cluster)
            cluster.run(10 * interval)
            self.assertEqual(cluster.holders(vip), ["n1"])
            self.assertEqual(
                told.since(-1),
                [("n1", "BACKUP"), ("n2", "BACKUP"), ("n1", "MASTER")],
            )

    def test_powerCut(self):
        """The backup takes over one master-down interval after the last advert."""
        for cluster, vip, interval, unit in self.each():
            told = Told(cluster)
            cluster.run(10 * interval)
            at = cluster.clock.seconds()
            cluster.kill("n1")
            cluster.run(6 * interval)
            took = told.when("n2", "MASTER", at) - at
            self.assertLessEqual(took, 3 * interval + unit * 156 / 256 + 0.001)
            self.assertGreater(took, 2 * interval)
            self.assertIn("n2", cluster.holders(vip))

    def test_goodbye(self):
        """After priority 0 the backup waits for its skew time only."""
        for cluster, vip, interval, unit in self.each():
            told = Told(cluster)
            cluster.run(10 * interval)
            at = cluster.clock.seconds()
            cluster.stop("n1")
            self.assertEqual(cluster.holders(vip), [])
            cluster.run(6 * interval)
            took = told.when("n2", "MASTER", at) - at
            self.assertLess(abs(took - unit * 156 / 256), 0.002)

    def test_return(self):
        """The better node takes the address back from the one that stood in."""
        for cluster, vip, interval, _ in self.each():
            cluster.run(10 * interval)
            cluster.kill("n1")
            cluster.run(10 * interval)
            cluster.start("n1")
            # It has cleaned up after itself before it takes part.
            self.assertEqual(cluster.holders(vip), ["n2"])
            cluster.run(10 * interval)
            self.assertEqual(cluster.holders(vip), ["n1"])

    def test_split(self):
        """Both halves of a split are served; healed, the better one alone."""
        for cluster, vip, interval, _ in self.each():
            cluster.run(10 * interval)
            cluster.cut("n1")
            cluster.run(10 * interval)
            self.assertEqual(cluster.holders(vip), ["n1", "n2"])
            cluster.heal()
            cluster.run(1.1 * interval)
            self.assertEqual(cluster.holders(vip), ["n1"])

    def test_cable(self):
        """A node without its cable is in FAULT and holds nothing; then it returns."""
        for cluster, vip, interval, _ in self.each():
            cluster.run(10 * interval)
            cluster.unplug("n1")
            self.assertEqual(cluster.state("n1", "VI_1"), "FAULT")
            self.assertEqual(cluster.holders(vip), [])
            cluster.run(10 * interval)
            self.assertEqual(cluster.holders(vip), ["n2"])
            cluster.plug("n1")
            cluster.run(10 * interval)
            self.assertEqual(cluster.holders(vip), ["n1"])


class Elections(SynchronousTestCase):
    """Who wins in the less usual cases."""

    def test_nopreempt(self):
        """With nopreempt the better node follows whoever it finds."""
        cluster = pair(extras=("nopreempt", "nopreempt"))
        cluster.run(1)
        cluster.kill("n1")
        cluster.run(1)
        cluster.start("n1")
        cluster.run(5)
        self.assertEqual(cluster.holders(VIP[4]), ["n2"])
        cluster.stop("n2")
        cluster.run(1)
        self.assertEqual(cluster.holders(VIP[4]), ["n1"])

    def test_preemptDelay(self):
        """A better node bears the lower master for its preempt_delay."""
        cluster = pair(extras=("preempt_delay 5", ""))
        told = Told(cluster)
        cluster.run(1)
        cluster.kill("n1")
        cluster.run(1)
        at = cluster.clock.seconds()
        cluster.start("n1")
        node = cluster.boxes["n1"].node
        node.facts.watch("vrrp:VI_1", told._hear("n1"))
        cluster.run(4.9)
        self.assertEqual(cluster.holders(VIP[4]), ["n2"])
        cluster.run(1)
        self.assertEqual(cluster.holders(VIP[4]), ["n1"])
        took = told.when("n1", "MASTER", at) - at
        # delay from the first advert heard, then the rest of a master-down interval
        self.assertTrue(5 < took < 5.6, took)

    def test_equals(self):
        """Between equal priorities the higher address wins."""
        cluster = pair(priorities=(100, 100, 100), extras=("", "", ""))
        cluster.run(3)
        self.assertEqual(cluster.masters("VI_1"), ["n3"])
        cluster.cut("n3")
        cluster.run(1)
        cluster.heal()
        cluster.run(0.5)
        self.assertEqual(cluster.masters("VI_1"), ["n3"])

    def test_owner(self):
        """The address owner is master at once, and again after its return."""
        cluster = pair(priorities=(255, 100))
        cluster.run(0.001)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        cluster.unplug("n1")
        cluster.run(1)
        cluster.plug("n1")
        cluster.run(0.01)
        self.assertEqual(cluster.holders(VIP[4]), ["n1"])

    def test_survivorAnnounces(self):
        """The survivor of a split wins the neighbours back."""
        cluster = pair()
        cluster.run(1)
        cluster.cut("n1")
        cluster.run(1)
        box = cluster.boxes["n1"]
        before = len(box.dataplane.announced)
        # The lower master speaks first after the split has healed.
        cluster.lan.cut("n1", "n2")
        cluster.heal()
        cluster.lan.cut("n1", "n2")
        cluster.run(0.15)
        cluster.heal()
        cluster.run(0.3)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        self.assertGreater(len(box.dataplane.announced), before)

    def test_foreignPassword(self):
        """A node with another password is not heard, and counted."""
        cluster = pair(
            version=2,
            interval=1,
            extras=(password("secret-1"), password("secret-2")),
        )
        cluster.run(10)
        self.assertEqual(cluster.masters("VI_1"), ["n1", "n2"])
        counters = cluster.boxes["n2"].node.instance("VI_1").counters
        self.assertGreater(counters["dropped: authentication data"], 3)

    def test_theSecondOfThree(self):
        """Of several backups the best one takes over, and the others never do."""
        cluster = pair(priorities=(150, 100, 120), extras=("", "", ""))
        told = Told(cluster)
        cluster.run(1)
        at = cluster.clock.seconds()
        cluster.kill("n1")
        cluster.run(2)
        self.assertEqual(told.since(at), [("n3", "MASTER")])


class Reloads(SynchronousTestCase):
    """A new configuration under a running node."""

    def goodbyes(self, cluster, name):
        """How many priority 0 advertisements a node has sent."""
        service = cluster.boxes[name].node.instance("VI_1")
        return service.counters["priority zero sent"]

    def test_unchanged(self):
        """An equal configuration changes nothing, not even the beat."""
        cluster = pair()
        cluster.run(1)
        told = Told(cluster)
        before = cluster.boxes["n1"].node.instance("VI_1").machine.deadline
        cluster.reload("n1", instance(1, 150))
        after = cluster.boxes["n1"].node.instance("VI_1").machine.deadline
        at = cluster.clock.seconds()
        cluster.run(2)
        self.assertEqual(before, after)
        self.assertEqual(told.since(at), [])
        self.assertEqual(self.goodbyes(cluster, "n1"), 0)

    def test_priority(self):
        """A lower priority lets the other node take over without a goodbye."""
        cluster = pair()
        cluster.run(1)
        cluster.reload("n1", instance(1, 50))
        self.assertEqual(cluster.holders(VIP[4]), ["n1"])
        cluster.run(1)
        self.assertEqual(cluster.holders(VIP[4]), ["n2"])
        self.assertEqual(self.goodbyes(cluster, "n1"), 0)

    def test_addedAndRemoved(self):
        """What is new starts, what is gone leaves nothing behind."""
        cluster = Cluster([instance(1, 150)])
        cluster.run(1)
        second = instance(1, 150, name="VI_2", vrid=52).replace(".100/", ".200/")
        cluster.reload("n1", second)
        self.assertEqual(cluster.holders(VIP[4]), [])
        cluster.run(1)
        self.assertEqual(cluster.holders("192.0.2.200"), ["n1"])
        self.assertIsNone(cluster.state("n1", "VI_1"))

    def test_anotherRouter(self):
        """With another virtual router id the instance is a new one."""
        cluster = Cluster([instance(1, 150)])
        cluster.run(1)
        cluster.reload("n1", instance(1, 150, vrid=99))
        self.assertEqual(cluster.state("n1", "VI_1"), "BACKUP")
        cluster.run(1)
        self.assertEqual(cluster.holders(VIP[4]), ["n1"])

    def test_intervalOfTheMaster(self):
        """Version 3: the backups follow the master's new interval without a gap."""
        cluster = pair()
        cluster.run(1)
        told = Told(cluster)
        at = cluster.clock.seconds()
        cluster.reload("n1", instance(1, 150, interval=2))
        cluster.run(20)
        self.assertEqual(told.since(at), [])
