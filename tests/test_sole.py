"""The lock that keeps a second daemon of one name out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.sole import Taken, lock

CHECKOUT = Path(__file__).resolve().parents[1]
TRY = """
import os, sys
from hanode.sole import Taken, lock
try:
    lock(sys.argv[1], sys.argv[2])
except Taken:
    sys.exit(3)
if sys.argv[3:] == ["fork"] and os.fork() == 0:
    print("locked", flush=True)
    sys.stdin.read()
"""


class LockTests(SynchronousTestCase):
    """Two processes and a folder."""

    def setUp(self) -> None:
        self.folder = self.mktemp()

    def try_elsewhere(self, suffix: str, *prefix: str) -> int:
        """The status of another process that wants the lock: 3 when it is taken."""
        argv = [*prefix, sys.executable, "-c", TRY, suffix, self.folder]
        environment = dict(os.environ, PYTHONPATH=str(CHECKOUT))
        return subprocess.run(argv, env=environment, check=False).returncode

    def test_taken(self) -> None:
        """The second one of a name is told, one of another name is not."""
        lock("_one", self.folder)
        with self.assertRaises(Taken) as caught:
            lock("_one", self.folder)
        self.assertEqual(str(caught.exception), f"{self.folder}/hanode_one.lock")
        self.assertEqual(self.try_elsewhere("_one"), 3)
        self.assertEqual(self.try_elsewhere("_two"), 0)

    def test_ends(self) -> None:
        """The lock of a process that has ended is nobody's, whatever file is left."""
        self.assertEqual(self.try_elsewhere("_one"), 0)
        self.assertTrue(Path(self.folder, "hanode_one.lock").exists())
        self.assertEqual(self.try_elsewhere("_one"), 0)

    def test_fork(self) -> None:
        """A daemon that goes into the background keeps it."""
        argv = [sys.executable, "-c", TRY, "_one", self.folder, "fork"]
        environment = dict(os.environ, PYTHONPATH=str(CHECKOUT))
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, env=environment, stdin=pipe, stdout=pipe) as first:
            assert first.stdout is not None
            self.assertEqual(first.stdout.readline(), b"locked\n")
            first.wait()
            self.assertEqual(self.try_elsewhere("_one"), 3)
            assert first.stdin is not None
            first.stdin.close()
            self.assertEqual(first.stdout.read(), b"")  # until the second has ended
        self.assertEqual(self.try_elsewhere("_one"), 0)

    def test_otherNetwork(self) -> None:
        """In another network namespace there may be another one of the same name."""
        if os.geteuid() != 0:
            raise SkipTest("needs root for a network namespace")
        lock("", self.folder)
        self.assertEqual(self.try_elsewhere("", "unshare", "--net"), 0)
        self.assertEqual(self.try_elsewhere(""), 3)

    def test_noFolder(self) -> None:
        """Where there can be no file we run without a lock."""
        Path(self.folder).write_text("not a folder")
        lock("", self.folder)
        lock("", self.folder)
