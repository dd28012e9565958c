"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from hanode.whole_file import write


class WriteTests(SynchronousTestCase):
    def setUp(self):
        self.folder = Path(mkdtemp())
        self.file = self.folder / "state"

    def test_write(self):
        """The pieces are there, with the mode that was asked for, and nothing else."""
        write(str(self.file), ["a", "b\n"], 0o640)
        self.assertEqual(self.file.read_text(), "ab\n")
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o640)
        self.assertEqual(os.listdir(self.folder), ["state"])

    def test_old(self):
        """Who has the old file open reads the old text to its end."""
        write(str(self.file), ["old"], 0o600)
        with self.file.open() as reader:
            write(str(self.file), ["new"], 0o600)
            self.assertEqual(reader.read(), "old")
        self.assertEqual(self.file.read_text(), "new")

    def test_link(self):
        """A symbolic link in the way is replaced; what it points to is left alone."""
        victim = self.folder / "victim"
        victim.write_text("precious")
        self.file.symlink_to(victim)
        write(str(self.file), ["new"], 0o600)
        self.assertEqual(victim.read_text(), "precious")
        self.assertFalse(self.file.is_symlink())

    def test_broken(self):
        """When writing fails the old file is there, and no other one."""

        def pieces():
            yield "half"
            raise OSError(28, "No space left on device")

        write(str(self.file), ["old"], 0o600)
        self.assertRaises(OSError, write, str(self.file), pieces(), 0o600)
        self.assertEqual(self.file.read_text(), "old")
        self.assertEqual(os.listdir(self.folder), ["state"])
