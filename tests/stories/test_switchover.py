"""A planned switchover: the address is always held by somebody."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.cluster import Cluster
from tests.stories.texts import VIP, instance

FAST = {"version": 3, "interval": 0.1}


class SwitchoverTests(SynchronousTestCase):
    """Node n1 is master, and is sent away."""

    def cluster(self, extra="", priorities=(150, 100)):
        """A cluster in which n1 is master."""
        made = Cluster(
            [
                instance(number, priority, extra=extra, **FAST)
                for number, priority in enumerate(priorities, 1)
            ],
            delay=0.0005,
        )
        made.run(2)
        self.assertEqual(made.holders(VIP[4]), ["n1"])
        return made

    def wish(self, cluster, wish):
        """The operator's wish, on n1."""
        cluster.boxes["n1"].node.facts.set("admin:vrrp:VI_1", wish, "the operator")

    def watched(self, cluster, seconds):
        """Who holds the address, each millisecond."""
        seen = []
        for _ in range(round(seconds * 1000)):
            cluster.run(0.001)
            seen.append(tuple(cluster.holders(VIP[4])))
        return seen

    def test_preempting(self):
        """A backup that preempts takes over while n1 still serves."""
        cluster = self.cluster()
        self.wish(cluster, "drain")
        seen = self.watched(cluster, 1)
        self.assertNotIn((), seen)
        self.assertEqual(seen[-1], ("n2",))

    def test_nopreempt(self):
        """One that does not is asked by a goodbye, and n1 serves until it is there."""
        cluster = self.cluster("    state BACKUP\n    nopreempt\n")
        self.wish(cluster, "drain")
        seen = self.watched(cluster, 2)
        self.assertNotIn((), seen)
        self.assertEqual(seen[-1], ("n2",))

    def test_back(self):
        """Taken back, n1 preempts as it would have done; somebody always serves."""
        cluster = self.cluster()
        self.wish(cluster, "drain")
        cluster.run(1)
        self.wish(cluster, "back")
        seen = self.watched(cluster, 1)
        self.assertNotIn((), seen)
        self.assertEqual(seen[-1], ("n1",))

    def test_alone(self):
        """Without anybody else n1 goes on."""
        cluster = self.cluster(priorities=(150,))
        self.wish(cluster, "drain")
        self.assertEqual(set(self.watched(cluster, 3)), {("n1",)})

    def test_three(self):
        """Of two backups the better one comes."""
        cluster = self.cluster(priorities=(150, 90, 100))
        self.wish(cluster, "drain")
        seen = self.watched(cluster, 1)
        self.assertNotIn((), seen)
        self.assertEqual(seen[-1], ("n3",))
