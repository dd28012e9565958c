"""The file with the process id."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from hanode.pid_file import PidFile, path_of


class PidFileTests(SynchronousTestCase):
    def setUp(self):
        self.file = Path(mkdtemp()) / "run" / "hanode.pid"
        self.service = PidFile(str(self.file))

    def test_life(self):
        """It is there while the daemon runs; tools of all users can read it."""
        self.service.startService()
        self.assertEqual(self.file.read_text(), f"{os.getpid()}\n")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)
        self.service.stopService()
        self.assertFalse(self.file.exists())

    def test_taken(self):
        """One that names another process by now is left."""
        self.service.startService()
        self.file.write_text("1\n")
        self.service.stopService()
        self.assertEqual(self.file.read_text(), "1\n")

    def test_impossible(self):
        """Where it cannot be, the daemon runs without."""
        self.file.parent.write_text("a file, not a directory")
        self.service.startService()
        self.service.stopService()
        self.assertFalse(self.file.exists())

    def test_path(self):
        """A directory gets a file of the daemon's name, any other path is that path."""
        self.assertEqual(path_of("/run/a.pid", "_blue"), "/run/a.pid")
        self.assertEqual(path_of("/run/h/", "_blue"), "/run/h/hanode_blue.pid")
