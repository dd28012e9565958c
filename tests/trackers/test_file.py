"""Claims about numbers in files as facts."""

from __future__ import annotations

import os
import stat
from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase, TestCase

import hanode.trackers
from hanode.config.balance_model import TrackedFile
from hanode.config.track_model import NOTHING, Description, Share, Tracked
from hanode.facts import Facts
from hanode.interfaces import ITracker
from hanode.plugins import find
from hanode.trackers import file as module
from hanode.trackers.file import GLANCE, SETTLE, FileTracker, fileTracker, read


class ReadTests(SynchronousTestCase):
    """What is in a file."""

    def setUp(self) -> None:
        self.path = FilePath(self.mktemp())

    def reading(self, content: bytes) -> tuple[int | None, str]:
        """What is read of a file with C{content}."""
        self.path.setContent(content)
        found = read(self.path.path)
        return found.number, found.why

    def test_numbers(self) -> None:
        """An integer with blanks around it; what stands behind it is a comment."""
        for content, number in (
            (b"5", 5),
            (b" \n-17\n", -17),
            (b"+3 apples\n4", 3),
            (b"007\n", 7),
            (b"9" * 30, 2**31 - 1),
            (b"-99999999999", -(2**31)),
        ):
            got = self.reading(content)
            self.assertEqual(got, (number, f"{number} in the file"))

    def test_no_numbers(self) -> None:
        """Anything else is none, and is told apart."""
        self.assertEqual(self.reading(b""), (None, "empty"))
        self.assertEqual(self.reading(b" \n"), (None, "empty"))
        for content in (b"5x", b"x", b"--5", b"5.5", b"\xff", b"0x10", b"9" * 500):
            self.assertEqual(self.reading(content), (None, "not a number"))

    def test_no_file(self) -> None:
        """A file that is not there, a folder, a pipe without a writer."""
        path = self.path.path
        self.assertEqual(read(path).why, "no such file")
        os.mkfifo(path)
        self.assertEqual(read(path).why, "not a regular file")
        self.assertEqual(read("/").why, "not a regular file")
        self.assertEqual(read(path + "/x").why, "cannot be read: Not a directory")
        self.assertEqual(read("a\0b").why, "cannot be read: embedded null byte")

    def test_nothing_is_left(self) -> None:
        """Reading leaves no descriptor open."""
        before = sorted(os.listdir("/proc/self/fd"))
        self.reading(b"5")
        read("/")
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)


def described(*files: TrackedFile) -> dict[str, Description]:
    """What the node expects of the tracker."""
    return {each.name: Description("file", each.name, options=each) for each in files}


class Board:
    """A folder with files, and the facts about them."""

    def __init__(self, folder: str, reactor: Any) -> None:
        self.folder = FilePath(folder)
        self.folder.makedirs()
        self.facts = Facts(reactor)
        self.tracker = FileTracker(self.facts, reactor)

    def file(self, name: str, **more: Any) -> TrackedFile:
        """A track_file C{name} in the folder."""
        return TrackedFile(name, self.path(name), **more)

    def path(self, name: str) -> str:
        """The path of C{name}."""
        path: str = os.path.abspath(self.folder.child(name).path)
        return path

    def write(self, name: str, text: str) -> None:
        """Write a file in place."""
        self.folder.child(name).setContent(text.encode())  # renames over it

    def value(self, name: str) -> int | None:
        """The value of the fact."""
        value: int | None = self.facts.get(f"file:{name}", "unknown")
        return value


class GlanceTests(SynchronousTestCase):
    """On a clock, without notifications."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.board = Board(self.mktemp(), self.clock)
        self.addCleanup(self.board.tracker.close)

    def expect(self, *files: TrackedFile) -> None:
        """Expect these files."""
        self.board.tracker.expect(described(*files))

    def test_at_once(self) -> None:
        """The facts are there when expect returns, also that of a missing file."""
        self.board.write("a", "7")
        self.expect(self.board.file("a"), self.board.file("b"))
        self.assertEqual((self.board.value("a"), self.board.value("b")), (7, None))
        whys = {name: fact.why for name, fact in self.board.facts.snapshot().items()}
        self.assertEqual(whys, {"file:a": "7 in the file", "file:b": "no such file"})

    def test_glances(self) -> None:
        """A change is seen by the next glance, and so is a file that appears."""
        self.expect(self.board.file("a"))
        for text in ("1", "2"):
            self.board.write("a", text)
            self.clock.advance(GLANCE)
            self.assertEqual(self.board.value("a"), int(text))

    def test_vanished(self) -> None:
        """A number that vanishes is believed when it is still gone a moment later."""
        self.board.write("a", "7")
        self.expect(self.board.file("a"))
        self.board.folder.child("a").remove()
        self.clock.advance(GLANCE)
        self.assertEqual(self.board.value("a"), 7)
        self.clock.advance(SETTLE)
        self.assertEqual(self.board.value("a"), None)

    def test_rewritten(self) -> None:
        """One that is there again by then was never gone."""
        self.board.write("a", "7")
        self.expect(self.board.file("a"))
        self.board.write("a", "")
        self.clock.advance(GLANCE)
        self.board.write("a", "8")
        self.clock.advance(SETTLE)
        self.assertEqual(self.board.value("a"), 8)
        values = [fact.value for fact in self.board.facts.events]
        self.assertEqual(values, [7, 8])

    def test_reload(self) -> None:
        """Who is expected no more is forgotten; the others stay."""
        self.board.write("a", "1")
        self.board.write("b", "2")
        self.expect(self.board.file("a"), self.board.file("b"))
        self.expect(self.board.file("b"))
        self.assertEqual(list(self.board.facts.snapshot()), ["file:b"])
        self.expect()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_other_path(self) -> None:
        """The path of a file may change."""
        self.board.write("a", "1")
        self.board.write("b", "2")
        self.expect(self.board.file("a"))
        self.expect(TrackedFile("a", self.board.path("b")))
        self.assertEqual(self.board.value("a"), 2)

    def test_close(self) -> None:
        """Closed, it leaves nothing behind, and the facts stay."""
        self.board.write("a", "1")
        self.expect(self.board.file("a"))
        self.board.write("a", "")
        self.clock.advance(GLANCE)
        self.board.tracker.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.board.value("a"), 1)

    def test_initial(self) -> None:
        """init_file makes a file that is not there, with a number in it."""
        self.expect(self.board.file("a", initial=-4))
        self.assertEqual(self.board.value("a"), -4)
        made = self.board.folder.child("a")
        self.assertEqual(made.getContent(), b"-4\n")
        self.assertEqual(stat.S_IMODE(os.stat(made.path).st_mode) & 0o022, 0)

    def test_initial_keeps(self) -> None:
        """It leaves one alone that is there, unless it says overwrite."""
        for name in ("a", "b"):
            self.board.write(name, "1000")
        self.expect(
            self.board.file("a", initial=2),
            self.board.file("b", initial=2, overwrite=True),
        )
        self.assertEqual((self.board.value("a"), self.board.value("b")), (1000, 2))

    def test_initial_at_the_start_only(self) -> None:
        """A reload makes no files."""
        self.expect()
        self.expect(self.board.file("a", initial=2))
        self.assertEqual(self.board.folder.child("a").exists(), False)

    def test_initial_no_link(self) -> None:
        """It does not write through a symbolic link, and says so."""
        os.symlink(self.board.path("victim"), self.board.path("a"))
        self.expect(self.board.file("a", initial=2, overwrite=True))
        self.assertEqual(self.board.folder.child("victim").exists(), False)
        self.assertEqual(self.board.value("a"), None)

    def test_initial_no_folder(self) -> None:
        """Where it cannot be written there is no number."""
        self.expect(TrackedFile("a", self.board.path("no") + "/such", initial=1))
        self.assertEqual(self.board.value("a"), None)

    def test_found(self) -> None:
        """It is found by its keyword, and makes a tracker."""
        plugin = find(ITracker, hanode.trackers)["track_file"]
        self.assertIs(plugin, fileTracker)
        world = SimpleNamespace(clock=self.clock)
        made = plugin.make(world, self.board.facts, {})
        self.assertIsInstance(made, FileTracker)


class WeighTests(SynchronousTestCase):
    """keepalived.conf(5), track_file: what the number does to an instance."""

    def shares(self, weight: int, *numbers: int | None, reverse: bool = False) -> Any:
        """The share of each number."""
        tracked = Tracked("file", "load", weight, reverse)
        return [fileTracker.weigh(tracked, number) for number in numbers]

    def fault(self, number: int) -> Share:
        """The fault that such a number is."""
        return Share(fault=f"tracked file load has status {number}")

    def test_weighted(self) -> None:
        """The number times the weight is added; no number counts as 0."""
        self.assertEqual(
            [
                self.shares(1, 0, None, 7, -253, 1000),
                self.shares(-2, 5, -5, 126),
                self.shares(2, 5, -5, 126, reverse=True),
            ],
            [
                [Share(0), Share(0), Share(7), Share(-253), Share(1000)],
                [Share(-10), Share(10), Share(-252)],
                [Share(-10), Share(10), Share(-252)],
            ],
        )

    def test_too_low(self) -> None:
        """-254 and less is a fault, which names the number."""
        self.assertEqual(
            [self.shares(1, -254, -1000), self.shares(-2, 127)],
            [[self.fault(-254), self.fault(-1000)], [self.fault(127)]],
        )

    def test_unweighted(self) -> None:
        """Weight 0: any number but 0 is a fault; reversed, 0 is."""
        self.assertEqual(
            [self.shares(0, 0, None, 3), self.shares(0, 0, None, 3, reverse=True)],
            [
                [NOTHING, NOTHING, self.fault(3)],
                [self.fault(0), self.fault(0), NOTHING],
            ],
        )


class NotifiedTests(TestCase):
    """With notifications: glances would come too late for these tests."""

    def setUp(self) -> None:
        self.patch(module, "GLANCE", 60.0)
        self.patch(module, "SETTLE", 0.02)
        self.board = Board(self.mktemp(), reactor)
        self.addCleanup(self.board.tracker.close)

    def until(self, *values: int | None) -> Deferred[None]:
        """Fires when the fact of C{a} has had these values, and no others."""
        done: Deferred[None] = Deferred()
        left = list(values)

        def changed(name: str, value: int | None) -> None:
            if done.called:
                return
            if left[0] != value:
                done.errback(AssertionError(f"{value} instead of {left}"))
                return
            left.pop(0)
            if not left:
                done.callback(None)

        self.addCleanup(self.board.facts.watch("file:a", changed))
        return done.addTimeout(5, reactor)

    def expect(self, *more: TrackedFile) -> None:
        """Expect the file C{a}, and more."""
        self.board.tracker.expect(described(self.board.file("a"), *more))

    def in_place(self, text: str) -> None:
        """Write as a shell does: what was there is cut off first."""
        with open(self.board.path("a"), "w") as opened:
            opened.write(text)

    async def test_in_place(self) -> None:
        """A file that is written in place is read when it is complete."""
        self.in_place("1")
        self.expect()
        seen = self.until(1, 2, 3)
        for text in ("2", "3"):
            self.in_place(text)
            await turn_until(lambda text=text: self.board.value("a") == int(text))
        await seen

    async def test_appears(self) -> None:
        """A file that appears later is read at once."""
        self.expect()
        seen = self.until(None, 5)
        self.in_place("5")
        await seen

    async def test_renamed_over(self) -> None:
        """A file that takes the place of the old one is read, and never missed."""
        self.in_place("1")
        self.expect()
        seen = self.until(1, 2)
        self.board.write("new", "2")
        os.rename(self.board.path("new"), self.board.path("a"))
        await seen

    async def test_editor(self) -> None:
        """An editor that moves the old file away first causes no gap."""
        self.in_place("1")
        self.expect()
        seen = self.until(1, 2)
        os.rename(self.board.path("a"), self.board.path("a~"))
        self.in_place("2")
        await seen

    async def test_removed(self) -> None:
        """A file that is removed is missed a moment later."""
        self.in_place("1")
        self.expect()
        seen = self.until(1, None)
        os.unlink(self.board.path("a"))
        await seen

    async def test_folder_removed(self) -> None:
        """When a folder goes, the other one is still watched."""
        other = self.board.folder.child("sub")
        other.makedirs()
        other.child("b").setContent(b"9")
        path = os.path.abspath(other.child("b").path)
        self.in_place("1")
        self.expect(TrackedFile("b", path))
        self.assertEqual(self.board.value("b"), 9)
        other.remove()
        await turn_until(lambda: self.board.value("b") is None)
        seen = self.until(1, 2)
        self.in_place("2")
        await seen

    async def test_folder_moved(self) -> None:
        """A folder that is moved away and comes back is watched again."""
        other = self.board.folder.child("sub")
        other.makedirs()
        path = os.path.abspath(other.child("b").path)
        self.expect(TrackedFile("b", path))
        for number in (1, 2):
            os.rename(other.path, other.path + "~")
            await turn_until(lambda: other.path and not self.watched(other.path))
            os.rename(other.path + "~", other.path)
            self.board.tracker._look_at_all()
            other.child("b").setContent(b"%d" % number)
            await turn_until(lambda number=number: self.board.value("b") == number)

    def watched(self, path: str) -> bool:
        """Whether there is a watch on this folder."""
        return os.path.abspath(path) in self.board.tracker._folders

    async def test_kept_open(self) -> None:
        """A file that its writer keeps open is seen by the next glance."""
        self.patch(module, "GLANCE", 0.05)
        self.expect()
        with open(self.board.path("a"), "w") as opened:
            opened.write("4")
            opened.flush()
            await turn_until(lambda: self.board.value("a") == 4)

    async def test_nothing_is_left(self) -> None:
        """Closed, it leaves no descriptor open."""
        before = sorted(os.listdir("/proc/self/fd"))
        self.in_place("1")
        self.expect()
        self.assertNotEqual(sorted(os.listdir("/proc/self/fd")), before)
        self.board.tracker.close()
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)

    async def test_no_notifications(self) -> None:
        """Where the kernel gives no more of them, glances do, and that is said."""

        def refuse(*words: Any) -> None:
            raise OSError("Too many open files")

        logged: list[Any] = []
        self.patch(module, "Folder", refuse)
        self.patch(module, "GLANCE", 0.02)
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        self.expect()
        self.in_place("3")
        await turn_until(lambda: self.board.value("a") == 3)
        reasons = [each["reason"] for each in logged if "reason" in each]
        self.assertEqual(reasons, ["Too many open files"])


async def turn_until(true: Any) -> None:
    """Let the reactor turn until C{true()} is."""
    from twisted.internet.task import deferLater

    limit = reactor.seconds() + 5
    while not true():
        if reactor.seconds() > limit:
            raise AssertionError("it did not become true")
        await deferLater(reactor, 0.005)
