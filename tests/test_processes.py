"""Claims about running programs, with real children on the real reactor."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shutil
import sys
from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import Clock, deferLater
from twisted.python.filepath import FilePath
from twisted.trial.unittest import TestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from hanode.interfaces import IProcesses
from hanode.outputs import Outputs
from hanode.outputs import Pipe as OutputPipe
from hanode.processes import Exit, Processes, _Running

SHELL = shutil.which("sh") or "/bin/sh"


async def all_ended() -> None:
    """Wait until we have been told of the end of every program.

    A program lets go of its pipes a moment before that.
    """
    while any(isinstance(each, _Running) for each in reactor.getReaders()):
        await deferLater(reactor, 0.005)


@implementer(IReadDescriptor)
class Pipe:
    """The read end of a pipe: tells each line, and when the last writer has gone."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.path = f"/proc/{os.getpid()}/fd/{self.writer}"
        self.data = b""
        self.ended: Deferred[bytes] = Deferred()
        self._waiting: list[tuple[bytes, Deferred[None]]] = []
        reactor.addReader(self)

    def until(self, text: bytes) -> Deferred[None]:
        """Fires as soon as C{text} has been written."""
        done: Deferred[None] = Deferred()
        self._waiting.append((text, done))
        self._tell()
        return done

    def let_go(self) -> Deferred[bytes]:
        """Close our own write end; fires with all that was written at the end."""
        os.close(self.writer)
        return self.ended

    def fileno(self) -> int:
        """The read end."""
        return self._reader

    def logPrefix(self) -> str:
        """A name for Twisted's log."""
        return "pipe"

    def connectionLost(self, reason: object) -> None:
        """The last writer has gone; the reactor does not look here any more."""
        if not self.ended.called:
            os.close(self._reader)
            self.ended.callback(self.data)

    def doRead(self) -> None:
        """Something was written, or everyone has gone."""
        read = os.read(self._reader, 4096)
        self.data += read
        self._tell()
        if not read:
            reactor.removeReader(self)
            self.connectionLost(None)

    def _tell(self) -> None:
        for text, done in list(self._waiting):
            if text in self.data:
                self._waiting.remove((text, done))
                done.callback(None)


class ExitTests(TestCase):
    """How an end is described."""

    def test_words(self) -> None:
        """Each end has its words; only status 0 in time is well."""
        ends = [
            Exit(0),
            Exit(3),
            Exit(None, 15),
            Exit(None, 15, True),
            Exit(0, None, True),
        ]
        self.assertEqual(
            [(str(each), each.ok) for each in ends],
            [
                ("exited with status 0", True),
                ("exited with status 3", False),
                ("killed by signal 15", False),
                ("timed out", False),
                ("timed out", False),
            ],
        )


class RunTests(TestCase):
    """Real programs."""

    def make(self, reactor: Any) -> Any:
        """What runs them."""
        return Processes(reactor)

    def setUp(self) -> None:
        """The door, and a folder for what children write."""
        self.processes = self.make(reactor)
        self.scratch = FilePath(self.mktemp())
        self.scratch.makedirs()

    def sh(self, script: str, *words: str, **given: Any) -> Deferred[Exit]:
        """Run a line of shell."""
        return self.processes.run([SHELL, "-c", script, "sh", *words], **given)

    def test_contract(self) -> None:
        """It is what it says it is."""
        verifyObject(IProcesses, self.processes)

    async def test_status(self) -> None:
        """The exit status arrives."""
        for status in (0, 1, 255):
            self.assertEqual(await self.sh(f"exit {status}"), Exit(status))

    async def test_signal(self) -> None:
        """The signal that killed it arrives."""
        self.assertEqual(await self.sh("kill -9 $$"), Exit(None, 9))

    async def test_arguments(self) -> None:
        """Arguments arrive as they are: no shell is involved."""
        out = self.scratch.child("out")
        words = ["a b", "$HOME", "*", "", "'\"", "é"]
        await self.sh('o=$1; shift; printf "%s\\n" "$@" > "$o"', out.path, *words)
        self.assertEqual(out.getContent().decode(), "".join(f"{w}\n" for w in words))

    async def test_many_at_once(self) -> None:
        """Each of many children has its own end."""
        runs = [self.sh(f"exit {number}") for number in range(20)]
        self.assertEqual([await run for run in runs], [Exit(n) for n in range(20)])

    async def test_no_descriptor_is_left(self) -> None:
        """After the end no descriptor is left open."""
        await self.sh("exit 0")  # the reactor's own come with the first wait
        before = sorted(os.listdir("/proc/self/fd"))
        await self.sh("exit 0")
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)

    async def test_missing_program(self) -> None:
        """A program that does not exist is an OSError with its name."""
        problem: Any = await self.assertFailure(
            self.processes.run(["/no/such"]), OSError
        )
        self.assertEqual((problem.errno, problem.filename), (errno.ENOENT, "/no/such"))

    async def test_not_executable(self) -> None:
        """A file that may not be executed is an OSError."""
        script = self.scratch.child("script")
        script.setContent(b"#!/bin/sh\n")
        script.chmod(0o644)
        problem: Any = await self.assertFailure(
            self.processes.run([script.path]), OSError
        )
        self.assertEqual(problem.errno, errno.EACCES)

    async def test_no_interpreter(self) -> None:
        """An executable text without #! line is ENOEXEC: the caller may help it."""
        script = self.scratch.child("script")
        script.setContent(b"exit 0\n")
        script.chmod(0o755)
        problem: Any = await self.assertFailure(
            self.processes.run([script.path]), OSError
        )
        self.assertEqual(problem.errno, errno.ENOEXEC)

    async def test_unknown_user(self) -> None:
        """An unknown user or group is a LookupError, and nothing is run."""
        mark = self.scratch.child("mark")
        me = pwd.getpwuid(os.geteuid()).pw_name
        for user, group in (("no-such-user", None), (me, "no-such-group")):
            run = self.sh('touch "$1"', mark.path, user=user, group=group)
            await self.assertFailure(run, LookupError)
        self.assertFalse(mark.exists())

    async def test_environment(self) -> None:
        """The environment is passed on, but for what could subvert a script."""
        out = self.scratch.child("out")
        unsafe = {"IFS": "x", "LD_PRELOAD": "/x.so", "LD_LIBRARY_PATH": "/x"}
        self.patch(os, "environ", {**os.environ, **unsafe, "KEPT": "inherited"})
        show = "import os, sys; open(sys.argv[1], 'w').write(repr(dict(os.environ)))"
        argv = [sys.executable, "-c", show, out.path]
        await self.processes.run(argv)
        seen = eval(out.getContent())
        self.assertEqual(seen.get("KEPT"), "inherited")
        self.assertEqual(set(unsafe) & set(seen), set())
        await self.processes.run(argv, environment={"ONLY": "this", **unsafe})
        seen = eval(out.getContent())
        self.assertEqual((seen.get("ONLY"), "KEPT" in seen), ("this", False))
        self.assertEqual(set(unsafe) & set(seen), set())

    async def test_standard_streams(self) -> None:
        """All three standard streams are /dev/null."""
        out = self.scratch.child("out")
        look = "readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2"
        await self.sh(f'a=$({look}); echo "$a" > "$1"', out.path)
        self.assertEqual(out.getContent(), b"/dev/null\n" * 3)

    async def test_ourselves(self) -> None:
        """Naming ourselves as the user needs no privilege."""
        entry = pwd.getpwuid(os.geteuid())
        run = self.sh('test "$(id -u)" = "$1"', str(entry.pw_uid), user=entry.pw_name)
        self.assertEqual(await run, Exit(0))

    async def test_other_user(self) -> None:
        """As root: it runs as the user, with the user's group and no others."""
        entry = pwd.getpwnam("nobody")
        expected = f"{entry.pw_uid} {entry.pw_gid}"
        check = 'test "$(id -u) $(id -G)" = "$1"'
        self.assertEqual(await self.sh(check, expected, user="nobody"), Exit(0))
        expected = f"{entry.pw_uid} {grp.getgrnam('daemon').gr_gid}"
        run = self.sh(check, expected, user="nobody", group="daemon")
        self.assertEqual(await run, Exit(0))

    async def test_other_groups(self) -> None:
        """As root: with a colon before the group, the user's other groups come too."""
        entry = pwd.getpwnam("nobody")
        daemon = grp.getgrnam("daemon").gr_gid
        self.patch(os, "getgrouplist", lambda user, gid: [gid, 4711])
        check = 'test "$(id -u) $(id -G)" = "$1"'
        for group, first in ((":", entry.pw_gid), (":daemon", daemon)):
            expected = f"{entry.pw_uid} {first} 4711"
            run = self.sh(check, expected, user="nobody", group=group)
            self.assertEqual(await run, Exit(0))

    async def test_own_groups(self) -> None:
        """Ourselves with our groups needs no privilege."""
        self.patch(os, "geteuid", lambda: 4711)
        entry = pwd.getpwuid(os.getuid())
        self.patch(
            pwd,
            "getpwnam",
            lambda name: SimpleNamespace(pw_uid=4711, pw_gid=os.getegid()),
        )
        self.assertEqual(
            await self.sh("exit 0", user=entry.pw_name, group=":"), Exit(0)
        )

    if os.geteuid() != 0:
        test_other_groups.skip = "needs root"  # type: ignore[attr-defined]
        test_other_user.skip = "needs root"  # type: ignore[attr-defined]


class OutputTests(TestCase):
    """What programs print, where somebody wants to see it."""

    def setUp(self) -> None:
        """A log."""
        self.lines: list[str] = []
        lines = self.lines

        class Log:
            def debug(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

        self.patch(OutputPipe, "log", Log())
        self.outputs = Outputs(reactor)
        self.processes = Processes(reactor, self.outputs)

    async def test_shown(self) -> None:
        """Standard output and standard error are shown when the program has ended."""
        run = self.processes.run([SHELL, "-c", "echo out; echo err >&2; exit 3"])
        self.assertEqual(await run, Exit(3))
        self.assertEqual(self.lines, [f"{SHELL}: out", f"{SHELL}: err"])

    async def test_daemon(self) -> None:
        """A child that keeps the pipe open keeps nobody waiting, and may print on."""
        pipe = Pipe()
        script = 'exec 3> "$1"; (sleep 0.2; echo on; echo alive >&3) & echo out'
        run = self.processes.run([SHELL, "-c", script, "sh", pipe.path])
        self.assertEqual(await run, Exit(0))
        self.assertEqual((self.lines, pipe.data), ([f"{SHELL}: out"], b""))
        self.assertEqual(await pipe.let_go(), b"alive\n")
        while self.outputs.left_behind:
            await deferLater(reactor, 0.01)

    async def test_not_started(self) -> None:
        """What cannot be started leaves no pipe behind."""
        before = sorted(os.listdir("/proc/self/fd"))
        await self.assertFailure(self.processes.run(["/no/such"]), OSError)
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)


class HalfReal:
    """The real reactor for what is read, a clock of the test for what is timed."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.callLater = self.clock.callLater
        self.addReader = reactor.addReader
        self.removeReader = reactor.removeReader
        self.addWriter = reactor.addWriter
        self.removeWriter = reactor.removeWriter


class LimitTests(TestCase):
    """A limit is a limit for all that was started."""

    def make(self, reactor: Any) -> Any:
        """What runs them."""
        return Processes(reactor)

    def setUp(self) -> None:
        """A pipe that closes when all who inherited it have ended."""
        self.half = HalfReal()
        self.clock = self.half.clock
        self.processes = self.make(self.half)
        self.pipe = Pipe()

    def sh(self, script: str, timeout: float | None = 10.0) -> Deferred[Exit]:
        """Run a script that has the pipe open as descriptor 3."""
        argv = [SHELL, "-c", f'exec 3> "$1"; {script}', "sh", self.pipe.path]
        return self.processes.run(argv, timeout=timeout)

    async def test_in_time(self) -> None:
        """Who ends in time leaves no timer behind."""
        run = self.sh("exit 0")
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.assertEqual(await run, Exit(0))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        await self.pipe.let_go()

    async def test_no_limit(self) -> None:
        """Without a limit there is no timer."""
        run = self.sh("exit 0", timeout=None)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(await run, Exit(0))
        await self.pipe.let_go()

    async def test_asked_to_end(self) -> None:
        """At the limit SIGTERM comes; who tidies up and ends has timed out."""
        run = self.sh("trap 'exit 7' TERM; echo ready >&3; while :; do sleep 1; done")
        await self.pipe.until(b"ready")
        self.clock.advance(9.9)
        self.assertEqual(run.called, False)
        self.clock.advance(0.1)
        self.assertEqual(await run, Exit(7, None, True))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        await self.pipe.let_go()

    async def test_deaf_family(self) -> None:
        """SIGKILL after two more seconds, for children that ignore SIGTERM too."""
        run = self.sh("trap '' TERM; sleep 999 & sleep 999 & echo ready >&3; wait")
        await self.pipe.until(b"ready")
        self.clock.advance(10)
        self.clock.advance(1.9)
        self.assertEqual(run.called, False)
        self.clock.advance(0.1)
        self.assertEqual(await run, Exit(None, 9, True))
        self.assertEqual(await self.pipe.let_go(), b"ready\n")

    async def test_deaf_grandchild(self) -> None:
        """When the leader goes at SIGTERM, what it leaves behind is killed."""
        run = self.sh("(trap '' TERM; echo ready >&3; exec sleep 999) & wait")
        await self.pipe.until(b"ready")
        self.clock.advance(10)
        self.assertEqual(await run, Exit(None, 15, True))
        self.assertEqual(await self.pipe.let_go(), b"ready\n")

    async def test_cancelled(self) -> None:
        """Who is cancelled is asked to end, has 2 s for it, and is told no end."""
        run = self.sh(
            "trap 'echo term >&3' TERM; echo ready >&3; while :; do sleep 0.02; done"
        )
        await self.pipe.until(b"ready")
        run.cancel()
        await self.assertFailure(run, CancelledError)
        await self.pipe.until(b"term")
        self.clock.advance(1.9)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(0.1)
        self.assertEqual(await self.pipe.let_go(), b"ready\nterm\n")
        await all_ended()

    async def test_session(self) -> None:
        """Each command leads a session of its own, out of our group's reach."""
        lead = "import os, sys; sys.exit(os.getsid(0) != os.getpid())"
        run = self.processes.run([sys.executable, "-c", lead])
        self.assertEqual(await run, Exit(0))
        await self.pipe.let_go()

    async def test_never_somebody_else(self) -> None:
        """A group is signalled only while its leader's number cannot be reused."""
        reserved: list[bool] = []
        kill = os.killpg

        def killpg(group: int, number: int) -> None:
            reserved.append(os.path.exists(f"/proc/{group}"))
            kill(group, number)

        self.patch(os, "killpg", killpg)
        run = self.sh("echo ready >&3; exec sleep 999")
        await self.pipe.until(b"ready")
        self.clock.advance(10)
        await run
        self.assertEqual(reserved, [True, True])
        await self.pipe.let_go()
