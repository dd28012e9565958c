"""Claims about being told of readers, with real files."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet import inotify
from twisted.trial.unittest import SynchronousTestCase

from hanode import openings as module
from hanode.openings import Openings
from tests.turns import Turns


class OpeningsTests(SynchronousTestCase):
    """A FIFO that is watched."""

    def setUp(self) -> None:
        """Nobody reads it."""
        self.reactor = Turns()
        self.path = str(Path(self.mktemp()).absolute())
        os.mkfifo(self.path)
        self.told: list[str] = []
        self.openings = Openings(
            self.reactor, self.path, lambda: self.told.append("first")
        )
        self.addCleanup(self.openings.close)

    def open(self) -> int:
        """Somebody opens it."""
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.reactor.turn()
        return fd

    def shut(self, fd: int) -> None:
        """And closes it."""
        os.close(fd)
        self.reactor.turn()

    def test_first(self) -> None:
        """The first one is told, the second is not; and again when all have gone."""
        one, two = self.open(), self.open()
        self.assertEqual((self.told, self.openings.users), (["first"], 2))
        self.shut(one)
        three = self.open()
        self.assertEqual(self.told, ["first"])
        self.shut(two)
        self.shut(three)
        self.shut(self.open())
        self.assertEqual((self.told, self.openings.users), (["first"] * 2, 0))

    def test_there_before(self) -> None:
        """Who was there before is not known; that one goes does no harm."""
        early = os.open(self.path, os.O_RDWR)
        self.openings.close()
        self.openings = Openings(
            self.reactor, self.path, lambda: self.told.append("first")
        )
        self.shut(early)
        self.assertEqual(self.openings.users, 0)
        self.shut(self.open())
        self.assertEqual(self.told, ["first"])

    def test_closed(self) -> None:
        """Afterwards nothing is told, and nothing is open."""
        before = len(os.listdir("/proc/self/fd"))
        self.openings.close()
        self.openings.close()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before - 1)
        self.shut(self.open())
        self.assertEqual((self.told, self.reactor.readers), ([], set()))

    def test_told_late(self) -> None:
        """What was read together with the closing is not told."""
        self.openings.close()
        self.openings._notified(None, None, inotify.IN_OPEN)
        self.assertEqual(self.told, [])

    def test_deleted(self) -> None:
        """When the file goes, everything is given back."""
        os.unlink(self.path)
        self.reactor.turn()
        self.openings.close()
        self.assertEqual(self.reactor.readers, set())

    def test_impossible(self) -> None:
        """What cannot be watched is an OSError with the path."""
        path = self.path + "x"
        problem = self.assertRaises(OSError, Openings, self.reactor, path, lambda: None)
        self.assertTrue(str(problem).startswith(path))

        def refuse(reactor: object) -> None:
            raise inotify.INotifyError("too many")

        self.patch(module, "INotify", refuse)
        problem = self.assertRaises(
            OSError, Openings, self.reactor, self.path, lambda: None
        )
        self.assertEqual(str(problem), f"{self.path}: too many")
