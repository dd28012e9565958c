"""Files that wait, open, include each other, and fail to open."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.line import Line
from hanode.config.problems import Severity
from hanode.config.report import Report
from hanode.config.source import EVERYTHING, Policy, read_file
from hanode.config.stack import Frame, Stack


def refuse(path: str) -> bytes:
    raise PermissionError(13, "Permission denied")


class Stacks(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = self.mktemp()
        os.makedirs(self.directory)
        for name in ("a", "b"):
            Path(self.directory, name).write_text(f"{name}1\n{name}2\n")
        self.report = Report()
        self.stack = Stack(self.report, read_file)

    def at(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def rest(self) -> list[str]:
        """All lines to the end."""
        found = []
        while (frame := self.stack.top()) is not None:
            found += [line.text for line in frame.lines]
            self.stack.pop()
        return found

    def told(self) -> list[tuple[Severity, str]]:
        return [(p.severity, p.message) for p in self.report.problems]

    def test_order(self) -> None:
        """Files of a pattern are read in its order."""
        self.stack.include(self.at("{b,a}"), Policy.NONE, None)
        self.assertEqual(len(self.stack), 2)
        self.assertEqual(self.rest(), ["b1", "b2", "a1", "a2"])
        self.assertEqual(self.stack.directory, "")

    def test_directory(self) -> None:
        """Patterns start at the file being read, also behind what it made."""
        self.stack.enter([], self.at("a"))
        self.stack.push(Frame(iter(())))
        self.assertEqual(self.stack.directory, self.directory)
        self.stack.include("b", Policy.NONE, None)
        self.assertEqual(self.rest(), ["b1", "b2"])

    def test_policy(self) -> None:
        """A file cannot change the policy of the file that includes it."""
        self.stack.policy = Policy.MATCH
        self.stack.enter([], self.at("a"))
        self.stack.policy = Policy.BRACE
        self.stack.push(Frame(iter(())))
        self.stack.pop()
        self.assertEqual(self.stack.policy, Policy.BRACE)
        self.stack.pop()
        self.assertEqual(self.stack.policy, Policy.MATCH)

    def test_pop_made(self) -> None:
        """What a line made goes, with files that wait; its file stays."""
        self.stack.enter(["x"], self.at("a"))
        self.stack.push(Frame(iter(())))
        self.stack.include("b", Policy.NONE, None)
        self.stack.pop_made()
        self.assertEqual(self.rest(), ["x"])
        self.stack.pop_made()

    def test_pop_remainders(self) -> None:
        """Only what stood behind a brace goes."""
        self.stack.enter(["x"], "f")
        for remainder in (False, True, True):
            line = Line("r", "f", 1, "r")
            self.stack.push(Frame(iter((line,)), remainder=remainder))
        self.stack.pop_remainders()
        self.assertEqual(len(self.stack), 2)

    def test_waiting_popped(self) -> None:
        """A file that waits can be dropped unread."""
        self.stack.include(self.at("a"), Policy.NONE, None)
        self.stack.pop()
        self.assertEqual(self.rest(), [])

    def test_cycle(self) -> None:
        """A file that is being read is not opened again; the chain is named."""
        os.symlink("a", self.at("link"))
        self.stack.enter(["x"], self.at("a"))
        self.stack.enter(["y"], self.at("b"))
        self.stack.include("link", Policy.NONE, None)
        self.assertEqual(self.rest(), ["y", "x"])
        chain = " -> ".join(self.at(name) for name in ("a", "b", "link"))
        self.assertEqual(self.told(), [(Severity.ERROR, f"Include cycle: {chain}")])

    def test_too_many(self) -> None:
        """The number of files is limited."""
        with patch("hanode.config.stack.MAX_FILES", 1):
            self.stack.include(self.at("?"), Policy.NONE, None)
            self.assertEqual(self.rest(), ["a1", "a2"])
        message = "More than 1 files are included"
        self.assertEqual(self.told(), [(Severity.ERROR, message)])

    def test_unreadable(self) -> None:
        """A file that cannot be opened is an error when the policy says so."""
        message = (
            f"Unable to open configuration file '{self.at('a')}': Permission denied"
        )
        for policy, severity in (
            (Policy.NONE, Severity.WARNING),
            (EVERYTHING, Severity.ERROR),
        ):
            report = Report()
            self.stack = Stack(report, refuse)
            self.stack.include(self.at("a"), policy, None)
            self.assertEqual(self.rest(), [])
            self.assertEqual(
                [(p.severity, p.message) for p in report.problems],
                [(severity, message)],
            )

    def test_silent(self) -> None:
        """One brace alternative that is absent is worth no word."""
        self.stack.include(self.at("{a,x}"), Policy.NONE, None)
        self.assertEqual((self.rest(), self.told()), (["a1", "a2"], []))

    def test_bad_pattern(self) -> None:
        """A pattern that would give too many files is an error."""
        self.stack.include("{a,b}" * 20, Policy.NONE, None)
        self.assertEqual([p.severity for p in self.report.problems], [Severity.ERROR])

    def test_nul(self) -> None:
        """A line with a NUL is dropped with a warning."""
        self.stack.enter(["a", "b\0", "c"], "f")
        self.assertEqual(self.rest(), ["a", "c"])
        message = "configuration appears to have embedded NULs - ignoring line"
        self.assertEqual(self.told(), [(Severity.WARNING, message)])
