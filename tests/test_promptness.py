"""Running before others, tried in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode import promptness

CHECKOUT = Path(__file__).resolve().parents[1]
SHOW = """
import os, subprocess, sys
from pathlib import Path
from hanode.promptness import be_prompt
be_prompt(int(sys.argv[1]))
group = Path("/proc/self/autogroup")
print(os.getpriority(os.PRIO_PROCESS, 0), flush=True)
print(group.read_text().split()[-1] if group.exists() else "-", flush=True)
subprocess.run([sys.executable, "-c",
    "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"])
"""


def shown(nice: int) -> list[str]:
    """Our nice value, that of the session, and that of a program that we start."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW, str(nice)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
        timeout=30,
    )
    return done.stdout.split()


class PromptTests(SynchronousTestCase):
    """Claims about L{promptness.be_prompt}."""

    def test_asked(self) -> None:
        """The process and its session get the value, its children do not."""
        if os.geteuid() != 0:
            raise SkipTest("only root may be more urgent than others")
        ours, session, child = shown(-15)
        self.assertEqual((ours, child), ("-15", "0"))
        self.assertIn(session, ("-15", "-"))

    def test_terminal(self) -> None:
        """A session with a terminal is somebody's, and left alone."""
        mine = Path(self.mktemp())
        mine.write_text("as before")
        self.patch(promptness, "AUTOGROUP", mine)
        calls: list[tuple[object, ...]] = []
        self.patch(os, "setpriority", lambda *args: calls.append(args))
        self.patch(os, "sched_setscheduler", lambda *args: calls.append(args))
        self.patch(promptness, "TERMINAL", os.devnull)
        promptness.be_prompt(-3)
        self.assertEqual((mine.read_text(), len(calls)), ("as before", 2))
        self.patch(promptness, "TERMINAL", "/nowhere/tty")
        promptness.be_prompt(-3)
        self.assertEqual(mine.read_text(), "-3")

    def test_refused(self) -> None:
        """Who may not goes on as everybody."""

        def refuse(*args: object) -> None:
            raise PermissionError("no")

        self.patch(os, "setpriority", refuse)
        promptness.be_prompt(-3)


SETTLE = """
import os, resource, sys
from twisted.logger import globalLogBeginner, textFileLogObserver
from hanode.config.process_model import ProcessDefs
from hanode.promptness import RLIMIT_RTTIME, settle
globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)],
                                redirectStandardIO=False)
settle(ProcessDefs(nice=-7, round_robin=3, rttime=200000, cpus=(0,), no_swap=True,
                   name="a-name-that-is-too-long", umask=0o27))
print(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0) & 3 == os.SCHED_RR,
      os.sched_getparam(0).sched_priority, resource.getrlimit(RLIMIT_RTTIME)[0],
      os.sched_getaffinity(0), oct(os.umask(0)),
      open("/proc/self/comm").read().strip())
print("locked", "VmLck:\\t       0 kB" not in open("/proc/self/status").read())
settle(ProcessDefs(cpus=(8000,)))
"""


class SettleTests(SynchronousTestCase):
    """Claims about L{promptness.settle}."""

    def test_all(self) -> None:
        """Everything that is wanted is done; a refusal is a line in the log."""
        if os.geteuid() != 0:
            raise SkipTest("only root may have all of it")
        done = subprocess.run(
            [sys.executable, "-c", SETTLE],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
            timeout=30,
        )
        first, second, *rest = done.stdout.splitlines()
        self.assertEqual(first, "-7 True 3 200000 {0} 0o27 a-name-that-is-")
        self.assertEqual(second, "locked True")
        self.assertIn("cpu_affinity: refused: ", rest[-1])
