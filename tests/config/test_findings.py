"""The list of problems that the readers share."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.findings import Findings
from hanode.config.problems import Place, Problem, Severity
from hanode.config.tree import Block, Word

HERE = Place("a.conf", 3, 5, "    priority 300", 3)


class FindingsTests(SynchronousTestCase):
    def test_where(self) -> None:
        """A problem is about a word, a block, a place, or nothing in particular."""
        findings = Findings()
        word = Word("priority", HERE)
        findings.warning(word, "a")
        findings.warning(Block((word,)), "b", "c")
        findings.dropped(HERE, "d")
        findings.dropped(None, "e")
        self.assertEqual(
            findings.problems,
            [
                Problem(Severity.WARNING, HERE, "a"),
                Problem(Severity.WARNING, HERE, "b", "c"),
                Problem(Severity.DROPPED, HERE, "d"),
                Problem(Severity.DROPPED, None, "e"),
            ],
        )

    def test_subject(self) -> None:
        """The name of an instance stands in front; the list is the same."""
        findings = Findings()
        findings.about("VI_1").warning(None, "a")
        self.assertEqual(
            findings.problems, [Problem(Severity.WARNING, None, "(VI_1) a")]
        )

    def test_private(self) -> None:
        """A private view keeps the place and drops the line."""
        findings = Findings()
        findings.about("x").private().warning(HERE, "a")
        findings.private().warning(None, "b")
        self.assertEqual(
            [problem.drawing() for problem in findings.problems],
            ["a.conf:3:5: warning: (x) a", "warning: b"],
        )
