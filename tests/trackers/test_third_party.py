"""Claims about the tracker in docs/tracking.md, which is in nobody's package."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.utils import getProcessOutputAndValue
from twisted.python.filepath import FilePath
from twisted.trial.unittest import TestCase

import hanode.trackers
from hanode.config.blocks import READERS
from hanode.config.track_model import Share, Tracked
from hanode.facts import Facts
from hanode.interfaces import ITracker
from hanode.plugins import find
from hanode.rehearsal.cluster import Cluster

MANUAL = Path(__file__).parents[2] / "docs" / "tracking.md"
NAME = "hanode.trackers.load"


class ExampleTests(TestCase):
    """The file of the manual, in a folder outside of the package."""

    def setUp(self) -> None:
        """Put it there, and look for it."""
        text = MANUAL.read_text()
        (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        (self.config,) = re.findall(r"```\n(load busy.*?)```", text, re.DOTALL)
        self.folder = folder = FilePath(os.path.abspath(self.mktemp()))
        place = folder.child("hanode").child("trackers")
        place.makedirs()
        place.child("load.py").setContent(code.encode())
        self.patch(sys, "path", [*sys.path, folder.path])
        self.patch(hanode.trackers, "__path__", list(hanode.trackers.__path__))
        importlib.invalidate_caches()
        self.addCleanup(self.forget)
        # What the package does when it is imported with the folder on sys.path.
        package: Any = hanode.trackers
        package.__path__.extend(
            each
            for each in package.pluginPackagePaths(package.__name__)
            if each not in package.__path__
        )
        self.tracker = find(ITracker, hanode.trackers)["track_load"]
        self.module: ModuleType = sys.modules[NAME]
        self.load = FilePath(self.mktemp())
        self.patch(self.module, "LOADAVG", Path(self.load.path))
        self.load.setContent(b"0.50 1 2 3/4 5\n")

    def forget(self) -> None:
        """Take the module out of memory."""
        sys.modules.pop(NAME, None)
        if hasattr(hanode.trackers, "load"):
            del hanode.trackers.load
        importlib.invalidate_caches()

    def test_found(self) -> None:
        """It is found beside the others, which are all there."""
        words = ("load", "interface", "script", "bfd", "file", "process", "check")
        self.assertEqual(
            {f"track_{each}" for each in words}, set(find(ITracker, hanode.trackers))
        )

    def test_tracked(self) -> None:
        """A node with its words tracks it: the priority follows the load."""
        cluster = Cluster([self.config])
        node = cluster.boxes["n1"].node
        assert node is not None
        seen = []
        for load in (b"0.50", b"8.00", b"7.99"):
            self.load.setContent(load + b" 1 2 3/4 5\n")
            cluster.run(6)
            seen.append(node.instance("VI_1").machine.priority)
        self.assertEqual(seen, [100, 80, 100])
        described = node.instance("VI_1").describe()["tracked"]
        self.assertEqual(described[0]["state"], "load 7.99")
        cluster.reload("n1", self.config.replace("busy\n    }\n}", "}\n}"))
        self.assertEqual(node.facts.get("load:busy", "forgotten"), "forgotten")
        cluster.stop("n1")

    def test_weigh(self) -> None:
        """Without weight too much load is a fault."""
        share = self.tracker.weigh(Tracked("load", "busy"), False)
        self.assertEqual(share, Share(fault="load busy too high"))

    def test_made(self) -> None:
        """Nothing is looked at for nobody."""
        clock = Clock()
        made = self.tracker.make(SimpleNamespace(clock=clock), Facts(clock), {})
        made.expect({})
        made.close()
        self.assertEqual(clock.getDelayedCalls(), [])

    async def test_from_the_environment(self) -> None:
        """PYTHONPATH is all that hanode needs to take a file with this tracker."""
        config = FilePath(self.mktemp())
        config.setContent(self.config.encode())
        config.chmod(0o644)
        root = str(MANUAL.parents[1])
        argv = ("-m", "hanode.cli", "check", config.path)
        outcomes = []
        for places in ((root, self.folder.path), (root,)):
            output, errors, code = await getProcessOutputAndValue(
                sys.executable, argv, {"PYTHONPATH": os.pathsep.join(places)}
            )
            outcomes.append((code, errors, output.count(b"Unknown keyword")))
        self.assertEqual(outcomes, [(0, b"", 0), (0, b"", 2)])


class ManualTests(TestCase):
    """What the manual says of hanode's own trackers."""

    def test_all(self) -> None:
        """Each tracker is there, with each of its words; each word can be read."""
        text = MANUAL.read_text()
        for keyword, plugin in find(ITracker, hanode.trackers).items():
            self.assertIn(keyword, text)
            for word in plugin.words.blocks:
                self.assertIn(f"## {word} NAME", text)
            for row in plugin.words.rows:
                self.assertIn(f"| `{row.word}` |", text)
                self.assertIn(row.type, READERS)
