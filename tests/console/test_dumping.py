"""What a signal asks for, on a node that is not there."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.dump_model import DumpDefs
from hanode.console.dumping import Dumping, own_folder
from hanode.console.view import View
from hanode.link import Link
from tests.console.dumped import TRACKED, model
from tests.console.node import Node

NAMES = ["VI_1", "VI_2", "VI_3", "VI_4", "VI_5"]


class Instance:
    """Stands for a VRRP service that has counted C{received}."""

    received = 3

    def __init__(self, name):
        self.name = name

    def describe(self):
        """What a service describes, as far as files tell of it."""
        return {
            "name": self.name,
            "state": "BACKUP",
            "faults": [],
            "priority": 100,
            "source": "192.0.2.1",
            "master": None,
            "master_priority": 0,
            "master_advert_int": 1.0,
            "master_down": 3.6,
            "missing": [],
            "counters": {"received": self.received},
        }


class DumpedNode(Node):
    """Stands for the node of a configuration."""

    def __init__(self, clock):
        super().__init__(clock)
        self.model = model()
        self.facts.set("vrrp:VI_1", "BACKUP", "init")
        self.facts.set("interface:v0", Link("v0", 2, True), "up")
        self.services = [Instance(name) for name in [*NAMES, "VI_new"]]

    def instances(self):
        """Those of the configuration, and one that has just come."""
        return self.services

    def trackers(self, kind):
        """What is tracked, without the weights."""
        return TRACKED[kind]


class DumpingTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.clock.advance(100)
        self.node = DumpedNode(self.clock)
        self.folder = Path(mkdtemp()) / "run"
        self.view = View(self.node, self.clock.seconds, lambda: 1e9)
        self.dumping = self.make(maybeDeferred)

    def make(self, aside):
        """One that writes by C{aside}."""
        folder = str(self.folder)
        return Dumping(self.node, self.view, self.clock, lambda: 1e9, aside, folder)

    def ask(self, kind):
        """Ask, and wait until it is there."""
        asked = self.dumping.ask(kind)
        while not asked.called:
            self.clock.advance(0)
        self.successResultOf(asked)

    def text(self, name):
        """What is in a file."""
        return (self.folder / name).read_text()

    def test_json(self):
        """The instances of the configuration; the state began when the fact did."""
        self.clock.advance(50)
        self.ask("JSON")
        found = json.loads(self.text("keepalived.blue.json"))
        self.assertEqual([each["data"]["iname"] for each in found], NAMES)
        self.assertEqual(found[0]["data"]["last_transition"], 1e9 - 50)
        self.assertEqual(found[1]["data"]["last_transition"], 0)

    def test_mode(self):
        """Nobody else may read them, unless the group may by the umask."""
        self.ask("JSON")
        file = self.folder / "keepalived.blue.json"
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        process = replace(self.node.model.process, umask=0)
        self.node.model = replace(self.node.model, process=process)
        self.ask("JSON")
        self.assertEqual(file.stat().st_mode & 0o777, 0o660)

    def test_data(self):
        """Everything that is tracked stands there, with its weight, and interfaces."""
        self.ask("DATA")
        text = self.text("keepalived.blue.data")
        for line in (
            " VRRP Instance = VI_5",
            " VRRP Sync Group = G, MASTER",
            " VRRP Script = chk",
            "   Weight = 10",
            " Track file = tf",
            "   Status = None",
            " VRRP Track process = tp",
            " VRRP Track BFD = b1",
            " Name = v0",
        ):
            self.assertIn(f"{line}\n", text)

    def test_others(self):
        """Sessions and virtual servers have files of their own, if there are any."""
        self.ask("DATA")
        self.assertEqual(
            sorted(os.listdir(self.folder)),
            ["keepalived.blue.data", "keepalived_bfd.blue.data"],
        )
        self.assertIn("BFD Instance = far", self.text("keepalived_bfd.blue.data"))
        self.node.model = replace(
            self.node.model, bfd_instances={}, virtual_servers={"a": None}
        )
        self.ask("DATA")
        self.assertIn("Virtual Server", self.text("keepalived_check.blue.data"))

    def received(self):
        """The second line of numbers in the statistics."""
        return self.text("keepalived.blue.stats").splitlines()[2]

    def test_clear(self):
        """STATS_CLEAR tells the counts once more, and counts from there on."""
        self.ask("STATS")
        self.assertEqual(self.received(), "    Received: 3")
        self.ask("STATS_CLEAR")
        self.assertEqual(self.received(), "    Received: 3")
        self.node.services[0].received = 8
        self.ask("STATS")
        self.assertEqual(self.received(), "    Received: 5")

    def test_place(self):
        """The configuration says where; the next one after a reload says it anew."""
        other = Path(mkdtemp())
        dumps = DumpDefs(stats=f"{other}/s", json_version=2, json=f"{other}/")
        self.node.model = replace(self.node.model, dumps=dumps)
        self.ask("STATS")
        self.ask("JSON")
        self.assertEqual(sorted(os.listdir(other)), ["keepalived.json", "s"])
        self.assertEqual(
            list(json.loads((other / "keepalived.json").read_text())),
            ["vrrp", "track_process"],
        )

    def test_impossible(self):
        """What cannot be written is one line in the log, and the next one is tried."""
        self.folder.write_text("a file, not a directory")
        self.ask("JSON")
        self.folder.unlink()
        self.ask("JSON")
        self.assertTrue((self.folder / "keepalived.blue.json").exists())

    def test_failure(self):
        """What fails is told, and the next one is tried."""
        good, self.node.services = self.node.services, [None]
        self.ask("JSON")
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.node.services = good
        self.ask("JSON")
        self.assertIn("VI_1", self.text("keepalived.blue.json"))

    def test_meanwhile(self):
        """Who asks while one is being written gets one more, however many they are."""
        writing = []

        def aside(*words):
            writing.append(Deferred())
            return writing[-1]

        self.dumping = self.make(aside)
        first = self.dumping.ask("JSON")
        self.clock.pump([0] * 20)
        later = [self.dumping.ask("JSON") for _ in range(3)]
        self.clock.pump([0] * 20)
        self.assertEqual(len(writing), 1)
        writing[0].callback(None)
        self.successResultOf(first)
        self.clock.pump([0] * 20)
        self.assertEqual(len(writing), 2)
        for each in later:
            self.assertNoResult(each)
        writing[1].callback(None)
        for each in later:
            self.successResultOf(each)
        self.clock.pump([0] * 20)
        self.assertEqual(len(writing), 2)

    def test_ownFolder(self):
        """systemd says where the daemon's own directory is."""
        self.patch(os, "environ", {"RUNTIME_DIRECTORY": "/run/a:/run/b"})
        self.assertEqual(own_folder(), "/run/a")
        self.patch(os, "environ", {})
        self.assertEqual(own_folder(), "/run/hanode")
