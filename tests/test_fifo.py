"""Claims about the writing end of a FIFO, with real ones."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode import fifo as module
from hanode.fifo import MOST, PIPE_BUF, FifoWriter
from tests.turns import Turns

NOBODY = 65534
ROOM = 65536  # bytes in a pipe


class FifoCase(SynchronousTestCase):
    """One writer, a reader when the test wants one, and the log."""

    def setUp(self) -> None:
        """Nothing is there yet."""
        self.reactor = Turns()
        self.path = str(Path(self.mktemp()).absolute())
        self.writer = self.another()
        self.lines: list[str] = []
        lines = self.lines

        class Log:
            def error(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

            debug = error

        self.patch(FifoWriter, "log", Log())

    def another(self, owner: tuple[int, int] = (-1, -1)) -> FifoWriter:
        """A writer for the same path."""
        writer = FifoWriter(self.reactor, self.path, owner)
        self.addCleanup(writer.close)
        return writer

    def reader(self) -> int:
        """Somebody opens it for reading."""
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, fd)
        return fd

    def read(self, fd: int) -> bytes:
        """All that there is to read."""
        data = b""
        while True:
            self.reactor.turn()
            try:
                more = os.read(fd, 1 << 20)
            except BlockingIOError:
                return data
            if not more:
                return data
            data += more


class LifeTests(FifoCase):
    """Making it and removing it."""

    def test_made(self) -> None:
        """It is made for its owner alone, and removed at the end."""
        self.writer.open()
        status = os.stat(self.path)
        self.assertTrue(stat.S_ISFIFO(status.st_mode))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
        self.writer.close()
        self.writer.close()
        self.assertFalse(os.path.exists(self.path))
        self.assertEqual(self.lines, [])

    def test_mode(self) -> None:
        """The mode does not depend on the mask of the process."""
        old = os.umask(0o077)
        self.addCleanup(os.umask, old)
        self.writer = FifoWriter(self.reactor, self.path, (-1, -1), 0o644)
        self.addCleanup(self.writer.close)
        self.writer.open()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o644)

    def test_owner(self) -> None:
        """It belongs to whom it is to belong to."""
        writer = self.another((NOBODY, NOBODY))
        writer.open()
        status = os.stat(self.path)
        self.assertEqual((status.st_uid, status.st_gid), (NOBODY, NOBODY))

    def test_there_already(self) -> None:
        """One that is there is used as it is, and stays."""
        os.mkfifo(self.path, 0o640)
        self.writer.open()
        self.writer.write(b"x\n")
        self.assertEqual(self.read(self.reader()), b"x\n")
        self.writer.close()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o640)

    def test_of_its_owner(self) -> None:
        """One that belongs to whom it is to belong to is used."""
        os.mkfifo(self.path)
        os.chown(self.path, NOBODY, NOBODY)
        writer = self.another((NOBODY, NOBODY))
        writer.open()
        writer.close()

    def test_without_override(self) -> None:
        """Who may not open it may take it back for a moment; else it is refused."""
        os.mkfifo(self.path, 0o600)
        os.chown(self.path, NOBODY, NOBODY)
        real = os.open

        def refuse(path: str, flags: int, *more: Any) -> int:
            if os.stat(path).st_uid:
                raise PermissionError(13, "Permission denied")
            return real(path, flags, *more)

        self.patch(module.os, "open", refuse)
        writer = self.another((NOBODY, NOBODY))
        writer.open()
        status = os.stat(self.path)
        self.assertEqual((status.st_uid, status.st_gid), (NOBODY, NOBODY))
        self.patch(os, "geteuid", lambda: NOBODY)
        self.assertRaises(PermissionError, self.another((4711, -1)).open)

    def test_of_somebody_else(self) -> None:
        """One that belongs to somebody else is refused, with the name."""
        os.mkfifo(self.path)
        os.chown(self.path, NOBODY, NOBODY)
        problem = self.assertRaises(OSError, self.writer.open)
        self.assertEqual(str(problem), "it belongs to nobody: remove it")
        os.chown(self.path, 54321, -1)
        problem = self.assertRaises(OSError, self.writer.open)
        self.assertEqual(str(problem), "it belongs to 54321: remove it")

    def test_something_else(self) -> None:
        """A file, and a link even to a FIFO, is refused and stays."""
        Path(self.path).write_text("precious")
        other = self.path + ".fifo"
        os.mkfifo(other)
        link = self.path + ".link"
        os.symlink(other, link)
        for path in (self.path, link):
            writer = FifoWriter(self.reactor, path, (-1, -1))
            problem = self.assertRaises(OSError, writer.open)
            text = "there is something that is no FIFO: move it away"
            self.assertEqual(str(problem), text)
        self.assertEqual(Path(self.path).read_text(), "precious")

    def test_cannot_be_given_away(self) -> None:
        """If it cannot be given to its owner, nothing is left behind."""

        def refuse(fd: int, uid: int, gid: int) -> None:
            raise PermissionError(1, "no")

        self.patch(module.os, "fchown", refuse)
        writer = self.another((NOBODY, NOBODY))
        before = os.listdir("/proc/self/fd")
        self.assertRaises(PermissionError, writer.open)
        self.assertFalse(os.path.exists(self.path))
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_replaced_meanwhile(self) -> None:
        """What somebody else has put in its place is not removed."""
        self.writer.open()
        os.unlink(self.path)
        Path(self.path).write_text("another")
        self.writer.close()
        self.assertEqual(Path(self.path).read_text(), "another")

    def test_removed_meanwhile(self) -> None:
        """It may be gone already."""
        self.writer.open()
        os.unlink(self.path)
        self.writer.close()
        self.assertEqual(len(self.lines), 1)

    def test_closed(self) -> None:
        """A closed one takes nothing, and says that nothing waits."""
        self.writer.write(b"x\n")
        self.assertEqual((self.writer.unread(), self.writer.end), (0, 0))
        self.assertEqual((self.writer.fileno(), self.lines), (-1, []))
        self.writer.connectionLost(None)
        self.assertIn(self.path, self.writer.logPrefix())


class LineTests(FifoCase):
    """Writing."""

    def setUp(self) -> None:
        """It is open."""
        super().setUp()
        self.writer.open()

    def idle(self) -> list[None]:
        """Gets one element when everything is in the pipe."""
        told: list[None] = []
        self.writer.idle().addCallback(told.append)
        return told

    def test_at_once(self) -> None:
        """What there is room for is written at once, and known to be unread."""
        self.writer.write(b"one\n")
        self.assertEqual((self.writer.unread(), self.idle()), (4, [None]))
        reader = self.reader()
        self.assertEqual(os.read(reader, 100), b"one\n")
        self.assertEqual((self.writer.unread(), self.writer.written), (0, 4))

    def test_more_than_the_pipe_holds(self) -> None:
        """What has no room waits and comes in its order; nothing is lost."""
        lines = [b"%06d %s\n" % (n, b"x" * 60) for n in range(20000)]
        for line in lines:
            self.writer.write(line)
        idle = self.idle()
        self.assertEqual((len(self.reactor.writers), idle), (1, []))
        self.assertLessEqual(self.writer.unread(), ROOM)
        self.assertEqual(self.read(self.reader()), b"".join(lines))
        self.assertEqual((self.reactor.writers, idle), (set(), [None]))
        self.assertEqual((self.lines, self.writer.lost), ([], 0))
        self.assertEqual(self.writer.written, self.writer.end)

    def test_whole_lines(self) -> None:
        """Whatever is in the pipe ends with a line."""
        for n in range(9000):
            self.writer.write(b"%d\n" % n * 3)
        reader = self.reader()
        while self.reactor.writers:
            unread = self.writer.unread()
            self.assertEqual(os.read(reader, unread)[-1:], b"\n")
            self.reactor.turn()

    def test_overflow(self) -> None:
        """Nobody reads for ever: the oldest that wait are lost, and that is said."""
        self.patch(module, "MOST", 10)
        line = b"x" * (PIPE_BUF - 1) + b"\n"
        count = ROOM // PIPE_BUF + 13
        for _ in range(count):
            self.writer.write(line)
        said = [
            f"notify FIFO {self.path}: nobody reads: the oldest lines are lost"
            " from now on"
        ]
        self.assertEqual((self.lines, self.writer.lost), (said, 3))
        self.assertEqual(len(self.read(self.reader())), (count - 3) * len(line))
        said.append(f"notify FIFO {self.path}: 3 lines were lost")
        self.assertEqual(self.lines, said)
        self.assertEqual(self.writer.written, self.writer.end)

    def test_closed_too_early(self) -> None:
        """What waits at the end is lost, and that is said, too."""
        idle: list[None] = []
        for _ in range(20):
            self.writer.write(b"x" * (PIPE_BUF - 1) + b"\n")
        idle = self.idle()
        self.writer.close()
        self.assertEqual(self.lines, [f"notify FIFO {self.path}: 4 lines were lost"])
        self.assertEqual((idle, self.reactor.writers), ([None], set()))

    def test_bound(self) -> None:
        """The bound is far above what ten thousand events need."""
        self.assertGreaterEqual(MOST, 65536)

    @settings(max_examples=30, deadline=None)
    @given(
        steps=st.lists(
            st.one_of(
                st.integers(1, 300).map(lambda n: ("write", n)),
                st.integers(1, 70000).map(lambda n: ("read", n)),
            ),
            max_size=40,
        )
    )
    def test_any_story(self, steps: list[tuple[str, int]]) -> None:
        """However it is written and read, what comes out is what went in."""
        writer = FifoWriter(Turns(), self.path + "h", (-1, -1))
        writer.open()
        fd = os.open(self.path + "h", os.O_RDONLY | os.O_NONBLOCK)
        given_, got, number = b"", b"", 0
        try:
            for what, n in steps:
                if what == "read":
                    if writer.unread():
                        got += os.read(fd, n)
                    writer._reactor.turn()
                    continue
                for _ in range(n):
                    line = b"%d %s\n" % (number, b"y" * (number % 900))
                    number += 1
                    given_ += line
                    writer.write(line)
            while writer.unread():
                got += os.read(fd, 1 << 20)
                writer._reactor.turn()
        finally:
            os.close(fd)
            writer.close()
        self.assertEqual(got, given_)


if os.geteuid() != 0:
    for case in (LifeTests,):
        case.skip = "needs root to give files away"  # type: ignore[attr-defined]
