"""Whole nodes on one clock: failover, death, cuts, and the same story per seed."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.cluster import Cluster, parse

VIP = "192.0.2.10"
TEXT = """
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    virtual_ipaddress {{
        192.0.2.10/24
    }}
}}
"""


def nodes(count: int) -> list[str]:
    """Texts of C{count} nodes, the first with the highest priority."""
    return [TEXT.format(priority=200 - number) for number in range(count)]


class ClusterTests(SynchronousTestCase):
    def test_one_master(self) -> None:
        """Of three nodes the best one holds the address."""
        cluster = Cluster(nodes(3))
        cluster.run(10)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        self.assertEqual(cluster.holders(VIP), ["n1"])

    def test_cut(self) -> None:
        """A cut gives two masters, healing it gives the best one back."""
        cluster = Cluster(nodes(3))
        cluster.run(10)
        cluster.cut("n1")
        cluster.run(10)
        self.assertEqual(cluster.holders(VIP), ["n1", "n2"])
        cluster.heal()
        cluster.run(10)
        self.assertEqual(cluster.holders(VIP), ["n1"])

    def test_kill(self) -> None:
        """A killed node says nothing; its kernel keeps the address until a restart."""
        cluster = Cluster(nodes(2))
        cluster.run(10)
        before = cluster.clock.seconds()
        cluster.kill("n1")
        cluster.run(2)
        self.assertEqual(cluster.masters("VI_1"), [])
        cluster.run(2.5)
        self.assertEqual(cluster.masters("VI_1"), ["n2"])
        self.assertEqual(cluster.holders(VIP), ["n1", "n2"])
        cluster.start("n1")
        self.assertEqual(cluster.holders(VIP), ["n2"])
        cluster.run(10)
        self.assertEqual(cluster.holders(VIP), ["n1"])
        self.assertEqual(cluster.clock.seconds(), before + 14.5)

    def test_stop(self) -> None:
        """A stopped node says goodbye: the next one needs only its skew."""
        cluster = Cluster(nodes(2))
        cluster.run(10)
        cluster.stop("n1")
        self.assertEqual(cluster.holders(VIP), [])
        cluster.run(0.3)
        self.assertEqual(cluster.holders(VIP), ["n2"])

    def test_unplug(self) -> None:
        """Without its cable a node is at fault; with it, master again."""
        cluster = Cluster(nodes(2))
        cluster.run(10)
        cluster.unplug("n1")
        self.assertEqual(cluster.state("n1", "VI_1"), "FAULT")
        cluster.run(5)
        self.assertEqual(cluster.holders(VIP), ["n2"])
        cluster.plug("n1")
        cluster.run(10)
        self.assertEqual(cluster.holders(VIP), ["n1"])

    def test_reload(self) -> None:
        """A lower priority hands the address over."""
        cluster = Cluster(nodes(2))
        cluster.run(10)
        cluster.reload("n1", TEXT.format(priority=50))
        cluster.run(10)
        self.assertEqual(cluster.holders(VIP), ["n2"])

    def test_watchers(self) -> None:
        """A watcher sees every step: with no loss never two holders after the start."""
        cluster = Cluster(nodes(3))
        cluster.run(10)
        most: list[int] = []
        cluster.watchers.append(lambda seen: most.append(len(seen.holders(VIP))))
        cluster.run(60)
        self.assertEqual(set(most), {1})

    def test_seed(self) -> None:
        """The same seed gives the same story, packet by packet."""

        def story(seed: int) -> list[tuple[float, str, str]]:
            cluster = Cluster(nodes(3), seed, loss=0.3, jitter=0.05, duplicate=0.1)
            lines: list[tuple[float, str, str]] = []
            cluster.lan.trace = lambda a, b, data: lines.append(
                (cluster.clock.seconds(), a, b)
            )
            cluster.run(120)
            return lines

        self.assertEqual(story(7), story(7))
        self.assertNotEqual(story(7), story(8))

    def test_long(self) -> None:
        """An hour of ten nodes passes, and the clock is where it should be."""
        cluster = Cluster(nodes(10))
        cluster.run(3600)
        self.assertEqual(cluster.clock.seconds(), 3600)
        self.assertEqual(cluster.holders(VIP), ["n1"])

    def test_bad_text(self) -> None:
        """A text that would not run as written is refused with its problems."""
        error = self.assertRaises(ValueError, parse, "vrrp_instance X {\n}\n")
        self.assertIn("X", str(error))
