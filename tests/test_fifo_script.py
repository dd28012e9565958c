"""Claims about a script that is to run all the time."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import GlobalDefs, Script
from hanode.fifo_script import GRACE, LONG, LONGEST, FifoScript
from hanode.scripts import ScriptRunner
from tests.notifiers.test_script import Programs


class FifoScriptTests(SynchronousTestCase):
    """A script with programs and a clock of the test."""

    def setUp(self) -> None:
        """It runs."""
        self.patch(os, "geteuid", lambda: 1000)
        self.clock, self.programs = Clock(), Programs()
        self.lines: list[str] = []
        lines = self.lines

        class Log:
            def warn(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

        self.patch(FifoScript, "log", Log())
        runner = ScriptRunner(self.programs, GlobalDefs())
        script = Script(("/r", "/the/fifo"))
        self.script = FifoScript(self.clock, runner, script, "notify FIFO")
        self.script.start()

    def test_argv(self) -> None:
        """It is started once, without a limit."""
        self.assertEqual([r.argv for r in self.programs.runs], [["/r", "/the/fifo"]])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_again(self) -> None:
        """It is started again, later and later; after long work soon again."""
        pauses = []
        for _ in range(7):
            self.programs.runs[-1].end(1)
            before = self.clock.seconds()
            while self.programs.runs[-1].done.called:
                self.clock.advance(1)
            pauses.append(self.clock.seconds() - before)
        self.assertEqual(pauses, [1, 2, 4, 8, 16, LONGEST, LONGEST])
        self.clock.advance(LONG)
        self.programs.runs[-1].end()
        self.assertEqual(
            (self.lines[0], self.lines[-1]),
            (
                "notify FIFO script terminated (exited with status 1): starting it"
                " again in 1 s",
                "notify FIFO script terminated (exited with status 0): starting it"
                " again in 1 s",
            ),
        )

    def test_cannot_start(self) -> None:
        """One that cannot be started is tried again, too."""
        self.programs.refuse["/r"] = OSError(2, "No such file")
        self.programs.runs[-1].end()
        self.clock.advance(1)
        self.assertEqual(
            self.lines[-1],
            "notify FIFO script terminated ([Errno 2] No such file): starting it"
            " again in 2 s",
        )

    def test_stop(self) -> None:
        """At the end it may end by itself."""
        stopped = self.script.stop()
        self.assertNoResult(stopped)
        self.programs.runs[-1].end()
        self.successResultOf(stopped)
        self.assertEqual((self.clock.getDelayedCalls(), self.lines), ([], []))

    def test_stop_deaf(self) -> None:
        """One that does not end is asked to."""
        stopped = self.script.stop()
        self.clock.advance(GRACE)
        self.successResultOf(stopped)
        self.assertEqual((self.clock.getDelayedCalls(), self.lines), ([], []))

    def test_stop_between(self) -> None:
        """At the end none is started any more."""
        self.programs.runs[-1].end()
        self.successResultOf(self.script.stop())
        self.assertEqual(self.clock.getDelayedCalls(), [])
