"""What /proc says."""

from __future__ import annotations

import os
import subprocess
import sys

from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase

from hanode.proc import Process, listed, look


class RealTests(SynchronousTestCase):
    """This machine's own /proc."""

    def test_ourselves(self) -> None:
        """We are there, with our name and our command line."""
        pid = os.getpid()
        self.assertIn(pid, listed())
        found = look(pid, command=True)
        assert found is not None
        with open("/proc/self/comm", "rb") as file:
            self.assertEqual(found.name, file.read().rstrip(b"\n"))
        with open("/proc/self/cmdline", "rb") as file:
            self.assertEqual(found.command, file.read()[:4096])
        self.assertEqual(look(pid, command=False), Process(found.name))

    def test_zombie(self) -> None:
        """A process that has ended is none, while it waits for its parent and after."""
        child = subprocess.Popen([sys.executable, "-c", ""])
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self.assertEqual(look(child.pid, command=True), None)
        child.wait()
        self.assertEqual(look(child.pid, command=True), None)


class WrittenTests(SynchronousTestCase):
    def test_strange_names(self) -> None:
        """A name may hold parentheses and blanks; what is no process is not listed."""
        root = FilePath(self.mktemp())
        for pid, stat in (
            ("7", b"7 (a) S (b) R 1"),
            ("8", b"8 (x) Z 1"),
            ("9", b"rubbish"),
            ("self", b"7 (a) S 1"),
        ):
            root.child(pid).makedirs()
            root.child(pid).child("stat").setContent(stat)
            root.child(pid).child("cmdline").setContent(b"/bin/a\0b\0")
        self.assertEqual(sorted(listed(root.path)), [7, 8, 9])
        self.assertEqual(
            [look(pid, True, root.path) for pid in (7, 8, 9, 10)],
            [Process(b"a) S (b", b"/bin/a\0b\0"), None, None, None],
        )
