"""Claims about programs that another process starts: all that holds for Processes."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from hanode import launching
from hanode.launcher import Launcher
from hanode.outputs import Outputs
from hanode.processes import Exit
from tests import test_processes
from tests.test_processes import SHELL


class LaunchedRunTests(test_processes.RunTests):
    """Real programs."""

    def make(self, reactor: Any) -> Launcher:
        """See L{test_processes.RunTests}."""
        made = Launcher(reactor)
        self.addCleanup(made.close)
        made._open()
        return made


class LaunchedLimitTests(test_processes.LimitTests):
    """A limit is a limit for all that was started."""

    timeout = 20

    async def test_never_somebody_else(self) -> None:
        """The other process signals only what it has not reaped: nothing, then."""
        run = self.sh("exit 0")
        self.assertEqual(await run, Exit(0))
        run.cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        await self.pipe.let_go()

    def make(self, reactor: Any) -> Launcher:
        """See L{test_processes.LimitTests}."""
        made = Launcher(reactor)
        self.addCleanup(made.close)
        return made


class LauncherTests(test_processes.TestCase):
    """The other process."""

    def setUp(self) -> None:
        self.launcher = Launcher(reactor)
        self.addCleanup(self.launcher.close)

    def sh(self, script: str) -> Deferred[Exit]:
        return self.launcher.run([SHELL, "-c", script])

    def test_only_when_needed(self) -> None:
        """It is not there before there is anything to run."""
        self.assertEqual(self.launcher.fileno(), -1)
        self.launcher.close()

    async def test_output(self) -> None:
        """What programs print comes through the same pipes."""
        lines: list[str] = []
        outputs = Outputs(reactor)
        launcher = Launcher(reactor, outputs)
        self.addCleanup(launcher.close)
        done = launcher.run([SHELL, "-c", "echo hello"])
        run = launcher._runs[1]
        assert run.pipe is not None
        run.pipe.log = type(
            "Log", (), {"debug": lambda _, text, **words: lines.append(words["line"])}
        )()
        await done
        self.assertEqual(lines, ["hello"])

    async def test_died(self) -> None:
        """If it dies those who wait are told, and the next program runs again."""
        run = self.sh("sleep 1000")
        self.assertEqual(await self.sh("exit 3"), Exit(3))
        assert self.launcher._child is not None
        pid = self.launcher._child.pid
        left = subprocess.run(
            ["pgrep", "-P", str(pid)], capture_output=True, text=True
        ).stdout.split()
        os.kill(pid, signal.SIGKILL)
        error = await self.assertFailure(run, OSError)
        self.assertIn("has ended", str(error))
        for each in left:
            os.kill(int(each), signal.SIGKILL)
        self.assertEqual(await self.sh("exit 4"), Exit(4))

    async def test_hundreds(self) -> None:
        """More at once than the socket holds: all are run, none is forgotten."""
        runs = [self.sh(f"exit {number % 5}") for number in range(600)]
        self.assertTrue(self.launcher._waiting)
        ends = [(await each).status for each in runs]
        self.assertEqual(ends, [number % 5 for number in range(600)])
        self.assertFalse(self.launcher._waiting)

    def test_too_long(self) -> None:
        """A command that is too long is refused here; what waits goes with us."""
        run = self.launcher.run(["/bin/true", "x" * launching.LARGEST])
        self.failureResultOf(run, OSError)


class LeavingTests(test_processes.TestCase):
    """When nobody asks any more."""

    def test_ends_all(self) -> None:
        """Whoever asked is gone, even killed: what still runs is ended, deaf or not."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        argv = [sys.executable, launching.__file__, str(theirs.fileno())]
        child = subprocess.Popen(argv, pass_fds=(theirs.fileno(),))
        theirs.close()
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)
        script = "trap '' TERM; echo ready; sleep 1000 & wait"
        request = (launching.RUN, 1, [SHELL, "-c", script], {}, dict(os.environ))
        socket.send_fds(ours, [pickle.dumps(request)], [writing])
        os.close(writing)
        self.assertEqual(os.read(reading, 100), b"ready\n")
        ours.close()
        self.assertEqual(os.read(reading, 100), b"")  # all who had the pipe have ended
        self.assertEqual(child.wait(10), 0)
        os.close(reading)
