"""Two nodes, and what exporters read of them."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import mkdtemp

from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from hanode.console.dumping import Dumping
from hanode.console.view import View
from hanode.rehearsal.cluster import Cluster
from tests.exporters import read_data, read_json, read_scripts, read_stats
from tests.stories.texts import instance

TRACK = "track_script {\nchk\n}\n"
SCRIPT = "vrrp_script chk {\nscript /bin/true\ninterval 1\nweight 5\n}\n"
EPOCH = 1_800_000_000.0


class DumpStory(SynchronousTestCase):
    def setUp(self):
        self.cluster = Cluster(
            [
                SCRIPT + instance(1, 150, extra=TRACK),
                SCRIPT + instance(2, 100, extra=TRACK),
            ],
            delay=0.0005,
        )
        self.cluster.run(10)

    def written(self, name, kind):
        """The file that a node writes."""
        node, clock = self.cluster.boxes[name].node, self.cluster.clock
        folder = Path(mkdtemp())

        def wall():
            return EPOCH + clock.seconds()

        view = View(node, clock.seconds, wall)
        dumping = Dumping(node, view, clock, wall, maybeDeferred, str(folder))
        asked = dumping.ask(kind)
        self.cluster.run(0.001)
        self.successResultOf(asked)
        ending = {"DATA": "data", "STATS": "stats", "JSON": "json"}[kind]
        return (folder / f"keepalived.{ending}").read_text()

    def test_master(self):
        """The data, the statistics and the JSON of a master say the same."""
        data = read_data(self.written("n1", "DATA"))["VI_1"]
        facts, counts = read_json(self.written("n1", "JSON"))["VI_1"]
        self.assertEqual(data["state"], 2)
        self.assertEqual(data["vips"], [("192.0.2.100/24", "eth0")])
        for field in ("state", "wantstate", "vrid"):
            self.assertEqual(data[field], facts[field])
        self.assertAlmostEqual(data["last_transition"], facts["last_transition"], 3)
        self.assertEqual(facts["effective_priority"], 155)
        self.assertEqual(facts["vips"], ["192.0.2.100/24 dev eth0 scope global set"])
        stats = read_stats(self.written("n1", "STATS"))["VI_1"]
        self.assertEqual((stats["become_master"], stats["release_master"]), (1, 0))
        self.assertGreaterEqual(counts["advert_sent"], 60)
        self.assertEqual(counts["advert_rcvd"], 0)

    def test_backup(self):
        """A backup tells of its master; what one sent the other has received."""
        facts, counts = read_json(self.written("n2", "JSON"))["VI_1"]
        self.assertEqual((facts["state"], facts["master_priority"]), (1, 155))
        self.assertFalse(facts["vipset"])
        self.assertEqual(counts["advert_sent"], 0)
        sent = read_json(self.written("n1", "JSON"))["VI_1"][1]["advert_sent"]
        self.assertLessEqual(abs(sent - counts["advert_rcvd"]), 1)

    def test_script(self):
        """A script's status, and that it is idle."""
        text = self.written("n1", "DATA")
        self.assertEqual(read_scripts(text), {"chk": (1, 0)})

    def test_failover(self):
        """Who was MASTER and is not any more has become it once and released it."""
        node = self.cluster.boxes["n1"].node
        node.facts.set("admin:vrrp:VI_1", "drain")
        self.cluster.run(10)
        facts, counts = read_json(self.written("n1", "JSON"))["VI_1"]
        self.assertEqual(facts["state"], 1)
        self.assertEqual((counts["become_master"], counts["release_master"]), (1, 1))
        other = read_json(self.written("n2", "JSON"))["VI_1"][1]
        self.assertEqual((other["become_master"], other["release_master"]), (1, 0))

    def test_whole(self):
        """Each file ends with its last line."""
        for kind in ("DATA", "STATS", "JSON"):
            self.assertTrue(self.written("n1", kind).endswith("\n"))
        json.loads(self.written("n1", "JSON"))
