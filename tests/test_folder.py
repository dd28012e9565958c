"""Claims about watching a folder; what it tells is told by the tests of track_file."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet import reactor
from twisted.internet.inotify import INotify, INotifyError
from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase

from hanode import folder
from hanode.folder import Folder


def refuse(*words: Any, **named: Any) -> None:
    """What inotify says when there are too many of them."""
    raise INotifyError("no more of them")


class OpenTests(SynchronousTestCase):
    """What cannot be watched."""

    def setUp(self) -> None:
        self.path = FilePath(self.mktemp())
        self.path.makedirs()
        self.before = self.descriptors()

    def descriptors(self) -> list[str]:
        """What is open now."""
        return sorted(os.listdir("/proc/self/fd"))

    def open(self, path: str) -> Folder:
        """Watch a folder."""
        return Folder(reactor, path, lambda name, complete: None)

    def test_no_folder(self) -> None:
        """A folder that is not there, or is a file, is an error."""
        self.path.child("file").touch()
        for name in ("none", "file"):
            self.assertRaises(NotADirectoryError, self.open, self.path.child(name).path)
        self.assertEqual(self.descriptors(), self.before)

    def test_no_instance(self) -> None:
        """So is a kernel that gives no instance."""
        self.patch(folder, "INotify", refuse)
        problem = self.assertRaises(OSError, self.open, self.path.path)
        self.assertIn("no more of them", str(problem))

    def test_no_watch(self) -> None:
        """So is one that gives no watch; nothing is left open."""
        self.patch(INotify, "watch", refuse)
        problem = self.assertRaises(OSError, self.open, self.path.path)
        self.assertIn("no more of them", str(problem))
        self.assertEqual(self.descriptors(), self.before)

    def test_close(self) -> None:
        """Closed, once or twice, it leaves nothing open."""
        watched = self.open(self.path.path)
        self.assertNotEqual(self.descriptors(), self.before)
        for _ in range(2):
            watched.close()
            self.assertEqual(self.descriptors(), self.before)
        self.assertEqual(watched.gone, True)
