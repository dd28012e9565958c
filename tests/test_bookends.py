"""Claims about the first and the last script."""

from __future__ import annotations

import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode import bookends as module
from hanode.bookends import run_bookend
from hanode.config.model import GlobalDefs, Script
from hanode.config.notify_model import Bookend
from hanode.scripts import ScriptRunner
from tests.notifiers.test_script import Programs


class BookendTests(SynchronousTestCase):
    """A script with programs of the test."""

    def setUp(self) -> None:
        """Nothing runs."""
        self.patch(os, "geteuid", lambda: 1000)
        self.programs = Programs()
        self.runner = ScriptRunner(self.programs, GlobalDefs())
        self.lines: list[str] = []
        lines = self.lines

        class Log:
            def info(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

            warn = error = info

        self.patch(module, "log", Log())

    def run_it(self) -> Any:
        """Start it."""
        return run_bookend(self.runner, Bookend(Script(("/s", "a"))), "startup")

    def test_ends(self) -> None:
        """However it ends, that is logged, and things go on."""
        for status, said in (
            (0, "startup script succeeded"),
            (3, "startup script failed: it exited with status 3"),
        ):
            done = self.run_it()
            self.assertNoResult(done)
            self.programs.runs[-1].end(status)
            self.successResultOf(done)
            self.assertEqual(self.lines, ["Running startup script /s", said])
            self.lines.clear()

    def test_cannot_run(self) -> None:
        """One that cannot be run keeps nobody from starting."""
        self.programs.refuse["/s"] = OSError(2, "No such file")
        self.successResultOf(self.run_it())
        said = "Call of startup script /s failed: [Errno 2] No such file"
        self.assertEqual(self.lines[1:], [said])

    def test_cancelled(self) -> None:
        """Who gives it up says nothing more about it."""
        done = self.run_it()
        done.cancel()
        self.successResultOf(done)
        self.assertEqual(self.lines, ["Running startup script /s"])
