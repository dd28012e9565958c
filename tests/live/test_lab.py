"""hanode lab as a person starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.rehearsal.namespaces import Namespace
from hanode.rehearsal.permission import NotPermitted

CHECKOUT = Path(__file__).resolve().parents[2]
TEXT = """
vrrp_instance FAST {{
    interface {interface}
    version 3
    virtual_router_id 7
    priority {priority}
    advert_int 0.1
    virtual_ipaddress {{
        203.0.113.5/28
    }}
}}
"""


class LabTests(SynchronousTestCase):
    def setUp(self) -> None:
        try:
            Namespace("probe").close()
        except NotPermitted as why:
            raise SkipTest(str(why)) from why
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def pair(self) -> list[str]:
        """Two files with fast timers, and interfaces of different names."""
        files = []
        for name, interface, priority in (("left", "ens3", 90), ("right", "eth1", 80)):
            path = self.folder / f"{name}.conf"
            path.write_text(TEXT.format(interface=interface, priority=priority))
            files.append(str(path))
        return files

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the lab."""
        return subprocess.Popen(
            [sys.executable, "-m", "hanode.cli", "lab", *words],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_lab(self, *words: str) -> tuple[int, str, str]:
        """Play the lab to its end: status, output, complaints."""
        lab = self.start(*words)
        out, errors = lab.communicate(timeout=90)
        return lab.returncode, out, errors

    def test_fast(self) -> None:
        """With --fast the address moves long before VRRP alone would notice."""
        status, out, errors = self.run_lab("--json", "--fast")
        self.assertEqual((status, errors), (0, ""), out)
        cut = json.loads(out)["scenes"][1]
        self.assertEqual((cut["title"], cut["holder"]), ("power cut", "n2"))
        # 36 ms where nothing else runs; 3.6 s without BFD.
        self.assertLess(cut["outage_ms"] or 0, 1500)
        self.assertLess(cut["expected_ms"], 40)

    def test_moves(self) -> None:
        """The address moves from node to node and back, with every scene told."""
        status, out, errors = self.run_lab("--json", *self.pair())
        self.assertEqual((status, errors), (0, ""), out)
        told = json.loads(out)
        self.assertEqual(
            [(scene["title"], scene["holder"]) for scene in told["scenes"]],
            [
                ("start", "left"),
                ("power cut", "right"),
                ("return", "left"),
                ("graceful stop", "right"),
                ("start again", "left"),
            ],
        )
        self.assertEqual((told["ok"], told["address"]), (True, "203.0.113.5"))

    def test_balance(self) -> None:
        """Requests are spread over those servers that answer, in each scene."""
        status, out, errors = self.run_lab("--json", "--balance")
        self.assertEqual((status, errors), (0, ""), out)
        told = json.loads(out)
        self.assertEqual(
            [(scene["title"], sorted(scene["shares"])) for scene in told["scenes"]],
            [
                ("start", ["s1", "s2", "s3"]),
                ("death", ["s1", "s3"]),
                ("return", ["s1", "s2", "s3"]),
                ("all die", ["sorry"]),
                ("relief", ["s1"]),
            ],
        )

    def test_picture(self) -> None:
        """The picture has a lane for each node, and the client's outage."""
        picture = self.folder / "lab.svg"
        status, out, _ = self.run_lab("--picture", str(picture), *self.pair())
        self.assertEqual(status, 0, out)
        self.assertIn("The address moved each time, and came back.", out)
        drawn = picture.read_text()
        for word in (">left<", ">right<", ">client<", " ms<", "left is cut off"):
            self.assertIn(word, drawn)

    def test_fails(self) -> None:
        """When time is over before the address moved, it says so: status 1."""
        status, out, _ = self.run_lab("--seconds", "1")
        self.assertEqual(status, 1)
        self.assertIn("FAILED: start: n1 did not come to answer", out)
        self.assertIn("n2 said last:", out)

    def test_refuses(self) -> None:
        """One file alone, or files without a common router, give status 2."""
        left, right = self.pair()
        status, _, errors = self.run_lab(left)
        self.assertEqual(status, 2)
        self.assertIn("two files or more", errors)
        status, _, errors = self.run_lab("--picture", "/nowhere/x.svg")
        self.assertEqual(status, 2)
        self.assertIn("/nowhere/x.svg", errors)
        text = Path(right).read_text()
        Path(right).write_text(text.replace("router_id 7", "router_id 8"))
        status, _, errors = self.run_lab(left, right)
        self.assertEqual(status, 2)
        self.assertIn("virtual_router_id", errors)

    def test_leaves_nothing(self) -> None:
        """Killed by SIGKILL it takes its daemons with it."""
        files = self.pair()
        lab = self.start(*files)
        assert lab.stdout is not None and lab.stderr is not None
        for line in lab.stdout:
            if "MASTER" in line:
                break
        self.assertEqual(len(_running(files)), 2)
        os.kill(lab.pid, signal.SIGKILL)
        lab.wait()
        lab.stdout.close()
        lab.stderr.close()
        limit = time.monotonic() + 5
        while _running(files) and time.monotonic() < limit:
            os.sched_yield()
        self.assertEqual(_running(files), [])


def _running(files: list[str]) -> list[str]:
    """The daemons that run with one of C{files}."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue  # it has just ended
        if "run" in words and any(file in words for file in files):
            found.append(path.parent.name)
    return found
