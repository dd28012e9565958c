"""Claims about MISC_CHECK, with programs that misbehave."""

from __future__ import annotations

import os
import shutil
import stat
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

import hanode.checkers
from hanode.checkers.misc import MiscChecker, MiscOptions, judged, miscChecker
from hanode.config.balance_model import Check, Schedule, Target
from hanode.config.model import GlobalDefs, Script
from hanode.interfaces import IChecker
from hanode.plugins import find
from hanode.processes import Exit
from hanode.result import Result
from tests.checkers.datagrams import read, told, world
from tests.test_processes import Pipe, all_ended

SHELL = shutil.which("sh") or "/bin/sh"
NOWHERE = Target(ip_address("0.0.0.0"))


def check(options: MiscOptions, delay_loop: float = 60.0) -> Check:
    """A check with these options."""
    return Check("MISC_CHECK", options, NOWHERE, Schedule(delay_loop=delay_loop))


def shell(script: str, *words: str, **more: Any) -> Check:
    """A check that runs C{script} in a shell."""
    return check(MiscOptions(Script((SHELL, "-c", script, "sh", *words)), **more))


class OptionsTests(SynchronousTestCase):
    """What the words make."""

    def read(self, text: str, **around: Any) -> Any:
        """The options of a block with C{text}, and what is said."""
        return read(miscChecker.words, text, **around)

    def test_command(self) -> None:
        """The command may be quoted with its arguments, or not."""
        wanted = MiscOptions(Script(("/bin/x", "a", "b c")))
        for words in ("\"/bin/x a 'b c'\"", '/bin/x a "b c"'):
            self.assertEqual(self.read(f"misc_path {words}"), (wanted, []))

    def test_all(self) -> None:
        """Every word has its place; the weight matters only to a dynamic check."""
        words = "misc_path /x\nmisc_timeout 7\nmisc_dynamic\nuser nobody daemon"
        wanted = MiscOptions(Script(("/x",), "nobody", "daemon"), 7.0, 5)
        self.assertEqual(self.read(words, weight=5), (wanted, []))
        self.assertEqual(self.read("misc_path /x", weight=5)[0].weight, None)

    def test_global(self) -> None:
        """Without a user it is script_user; script security is remembered."""
        shared = GlobalDefs(
            script_user="games", script_group="users", enable_script_security=True
        )
        made, _ = self.read("misc_path /x", global_defs=shared)
        wanted = MiscOptions(Script(("/x",), "games", "users"), security=True)
        self.assertEqual(made, wanted)
        made, _ = self.read("misc_path /x\nuser nobody", global_defs=shared)
        self.assertEqual(made.script, Script(("/x",), "nobody", None))

    def test_no_command(self) -> None:
        """Without a command there is no check, and that is said."""
        made, problems = self.read("misc_timeout 3")
        self.assertEqual(
            (made, problems),
            (
                None,
                [
                    "1 warning: No script path has been specified for MISC_CHECK "
                    "(the check is skipped; write misc_path COMMAND)"
                ],
            ),
        )

    def test_schedule(self) -> None:
        """No retries, and no words about connections."""
        words = miscChecker.words
        said = words.retry, words.delay_before_retry, words.connects
        self.assertEqual(said, (0, None, False))

    def test_found(self) -> None:
        """It is found by its keyword, and keeps the promises of its kind."""
        self.assertIs(find(IChecker, hanode.checkers)["MISC_CHECK"], miscChecker)
        verifyObject(IChecker, miscChecker)


class JudgedTests(SynchronousTestCase):
    """What an exit means."""

    def test_static(self) -> None:
        """0 is success, everything else failure, and no weight is asked for."""
        for status in (0, 1, 2, 255):
            wanted = Result(status == 0, f"exited with status {status}")
            self.assertEqual(judged(Exit(status), None), wanted)

    def test_dynamic(self) -> None:
        """0 asks for the configured weight, 2 to 255 for two less; 1 is failure."""
        weight = 10
        for status, ok, change in (
            (0, True, 0),
            (1, False, None),
            (2, True, -10),
            (12, True, 0),
            (255, True, 243),
        ):
            wanted = Result(ok, f"exited with status {status}", change=change)
            self.assertEqual(judged(Exit(status), weight), wanted)

    def test_killed(self) -> None:
        """A signal or the time limit is failure, dynamic or not."""
        for weight in (None, 1):
            wanted = Result(False, "killed by signal 9")
            self.assertEqual(judged(Exit(None, 9), weight), wanted)
            late = Exit(0, None, True)
            self.assertEqual(judged(late, weight), Result(False, "timed out"))
            self.assertEqual(judged(Exit(5, None, True), 1).ok, False)


class MiscTests(TestCase):
    """Real programs."""

    def setUp(self) -> None:
        self.scratch = FilePath(self.mktemp())
        self.scratch.makedirs()
        self.place = world()

    def file(self, text: bytes, mode: int) -> str:
        """A file with C{text} and C{mode}."""
        path = self.scratch.child("program")
        path.setContent(text)
        path.chmod(mode)
        name: str = os.path.abspath(path.path)
        return name

    async def outcome(self, check: Check) -> tuple[bool, str]:
        """What a probe finds."""
        return told(await miscChecker.probe(self.place, check))

    async def test_exits(self) -> None:
        """The exit status decides."""
        for status in (0, 1, 3):
            got = await self.outcome(shell(f"exit {status}"))
            self.assertEqual(got, (status == 0, f"exited with status {status}"))

    async def test_dynamic(self) -> None:
        """The weight comes with the result, and the time that it took."""
        result = await miscChecker.probe(self.place, shell("exit 22", weight=8))
        self.assertEqual((result.ok, result.change), (True, 12))
        self.assertTrue(0 < result.seconds < 5)

    async def test_signal(self) -> None:
        """A program that is killed has failed."""
        got = await self.outcome(shell("kill -SEGV $$"))
        self.assertEqual(got, (False, "killed by signal 11"))

    async def test_hang(self) -> None:
        """One that hangs, with a child that holds on, is ended at its limit."""
        pipe = Pipe()
        script = 'exec 3> "$1"; sleep 999 & echo ready >&3; wait'
        hanging = shell(script, pipe.path, timeout=0.3)
        self.assertEqual(await self.outcome(hanging), (False, "timed out"))
        self.assertEqual(await pipe.let_go(), b"ready\n")

    async def test_default_limit(self) -> None:
        """Without misc_timeout the limit is delay_loop."""
        options = MiscOptions(Script((SHELL, "-c", "exec sleep 999")))
        got = await self.outcome(check(options, delay_loop=0.1))
        self.assertEqual(got, (False, "timed out"))

    async def test_streams(self) -> None:
        """It may close its output, or flood it: nobody listens."""
        for script in ("exec 1>&- 2>&-; exit 0", "head -c 9000000 /dev/zero; exit 0"):
            got = await self.outcome(shell(script))
            self.assertEqual(got, (True, "exited with status 0"))

    async def test_background(self) -> None:
        """What it leaves running does not hold up the result."""
        pipe = Pipe()
        script = 'exec 3> "$1"; sleep 0.2 & exit 0'
        got = await self.outcome(shell(script, pipe.path))
        self.assertEqual(got, (True, "exited with status 0"))
        await pipe.let_go()

    async def test_missing(self) -> None:
        """A program that is not there is failure."""
        options = MiscOptions(Script(("/no/such/program",)))
        self.assertEqual(await self.outcome(check(options)), (False, "not found"))

    async def test_not_executable(self) -> None:
        """So is a file that may not be executed, and a folder."""
        path = self.file(b"#!/bin/sh\n", 0o644)
        for each in (path, self.scratch.path):
            options = MiscOptions(Script((os.path.abspath(each),)))
            got = await self.outcome(check(options))
            self.assertEqual(got, (False, "not executable"))

    async def test_no_interpreter_line(self) -> None:
        """A script without #! is read by the shell, as by keepalived."""
        options = MiscOptions(Script((self.file(b"exit 0\n", 0o755),)))
        got = await self.outcome(check(options))
        self.assertEqual(got, (True, "exited with status 0"))

    async def test_unknown_user(self) -> None:
        """An unknown user is failure."""
        options = MiscOptions(Script((SHELL, "-c", "exit 0"), "no-such-user"))
        self.assertEqual(await self.outcome(check(options)), (False, "unknown user"))

    async def test_user(self) -> None:
        """It runs as the user that it is told."""
        script = Script((SHELL, "-c", 'test "$(id -un)" = nobody'), "nobody")
        got = await self.outcome(check(MiscOptions(script)))
        self.assertEqual(got, (True, "exited with status 0"))

    async def test_security(self) -> None:
        """With script security, root does not run what others may change."""
        path = self.file(b"#!/bin/sh\nexit 0\n", 0o777)
        script = Script((path,), "root")
        got = await self.outcome(check(MiscOptions(script)))
        self.assertEqual(got, (True, "exited with status 0"))
        result = await miscChecker.probe(
            self.place, check(MiscOptions(script, security=True))
        )
        self.assertEqual(told(result), (False, "unsafe permissions"))
        self.assertIn("program", result.detail)
        self.assertTrue(os.stat(path).st_mode & stat.S_IWOTH)

    async def test_cancel(self) -> None:
        """Cancelled, the program and its children are ended."""
        pipe = Pipe()
        script = 'exec 3> "$1"; sleep 999 & echo ready >&3; wait'
        done = miscChecker.probe(self.place, shell(script, pipe.path, timeout=60))
        await pipe.until(b"ready")
        done.cancel()
        self.assertEqual(self.successResultOf(done), Result(False, "cancelled"))
        self.assertEqual(await pipe.let_go(), b"ready\n")
        await all_ended()

    if os.geteuid() != 0:
        test_user.skip = "needs root"  # type: ignore[attr-defined]
        test_security.skip = "needs root"  # type: ignore[attr-defined]


class Held:
    """Programs that end when the test says so; C{cancelled} counts."""

    def __init__(self) -> None:
        self.runs: list[Deferred[Any]] = []
        self.cancelled = 0

    def run(self, *words: Any) -> Deferred[Any]:
        def cancel(done: Deferred[Any]) -> None:
            self.cancelled += 1

        self.runs.append(Deferred(cancel))
        return self.runs[-1]


class StuckTests(SynchronousTestCase):
    """A program that not even SIGKILL ends."""

    def setUp(self) -> None:
        self.held, self.clock = Held(), Clock()
        self.place = world(self.clock)
        self.place.processes = self.held
        self.checker = MiscChecker()
        self.check = check(MiscOptions(Script(("/x",)), 5.0))

    def probe(self) -> Any:
        """A probe."""
        return self.checker.probe(self.place, self.check)

    def test_outlived(self) -> None:
        """3 s after the limit it has failed, and it is not started again."""
        done = self.probe()
        self.clock.advance(7.9)
        self.assertNoResult(done)
        self.clock.advance(0.1)
        wanted = Result(False, "timed out", "it cannot even be killed", seconds=8.0)
        self.assertEqual(self.successResultOf(done), wanted)
        again = self.successResultOf(self.probe())
        self.assertEqual(again, Result(False, "still running"))
        self.assertEqual(len(self.held.runs), 1)
        self.held.runs[0].callback(Exit(None, 9, True))
        self.assertNoResult(self.probe())
        self.assertEqual(len(self.held.runs), 2)

    def test_late_end(self) -> None:
        """In time, no timer is left."""
        done = self.probe()
        self.held.runs[0].callback(Exit(0))
        self.assertEqual(self.successResultOf(done).ok, True)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cannot_start(self) -> None:
        """What keeps it from starting has a name; no memory is our fault."""
        done = self.probe()
        self.held.runs[0].errback(Failure(OSError(12, "no memory")))
        result = self.successResultOf(done)
        self.assertEqual((result.reason, result.ours), ("cannot start", True))
        done = self.probe()
        self.held.runs[1].errback(Failure(ValueError("oh")))
        wanted = Result(False, "checker failed", "oh", ours=True)
        self.assertEqual(self.successResultOf(done), wanted)

    def test_cancel(self) -> None:
        """A cancelled probe cancels the run, and leaves no timer."""
        done = self.probe()
        done.cancel()
        self.assertEqual(self.successResultOf(done), Result(False, "cancelled"))
        self.assertEqual(self.held.cancelled, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
