"""Claims about running the release script."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Script
from hanode.processes import Exit
from hanode.vrrp.release import ReleaseScript


class ReleaseScriptTests(SynchronousTestCase):
    """A script whose ends the test decides."""

    def setUp(self) -> None:
        """Two runs."""
        self.ended: list[str] = []
        self.lines: list[str] = []
        lines = self.lines

        class Log:
            def info(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

        self.patch(ReleaseScript, "log", Log())
        self.runs: list[Deferred[Any]] = [Deferred(), Deferred()]
        runs = iter(self.runs)
        script = ReleaseScript("VI", lambda: self.ended.append("ended"))
        for _ in range(2):
            script.start(Script(("/r", "x")), lambda _: next(runs))

    def test_latest(self) -> None:
        """The end of the latest run is told, with how it ended in the log."""
        self.runs[1].callback(Exit(3))
        self.assertEqual(self.ended, ["ended"])
        self.assertEqual(self.lines, ["(VI) release script /r: exited with status 3"])

    def test_earlier(self) -> None:
        """That of an earlier one is logged only; one that cannot start has ended."""
        self.runs[0].callback(Exit(0))
        self.assertEqual(self.ended, [])
        self.runs[1].errback(OSError(2, "No such file"))
        self.assertEqual(self.ended, ["ended"])
        self.assertIn("No such file", self.lines[1])
