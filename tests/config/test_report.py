"""The problems found so far."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.problems import Place, Problem, Severity
from hanode.config.report import Report


class Reports(SynchronousTestCase):
    def test_once(self) -> None:
        """The very same problem is kept once, in the order found."""
        report, place = Report(), Place("f", 1, 1)
        report.warn(place, "a", "b")
        report.add(Severity.ERROR, None, "c")
        report.warn(place, "a", "b")
        self.assertEqual(
            report.problems,
            [
                Problem(Severity.WARNING, place, "a", "b"),
                Problem(Severity.ERROR, None, "c"),
            ],
        )
