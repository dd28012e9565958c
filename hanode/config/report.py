"""The problems found so far."""

from __future__ import annotations

from hanode.config.problems import Place, Problem, Severity


class Report:
    """Collects problems; a loop that meets the very same one again adds nothing."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._known: set[Problem] = set()

    def add(
        self, severity: Severity, place: Place | None, message: str, remedy: str = ""
    ) -> None:
        """Add one problem, unless it is known."""
        problem = Problem(severity, place, message, remedy)
        if problem not in self._known:
            self._known.add(problem)
            self.problems.append(problem)

    def warn(self, place: Place | None, message: str, remedy: str = "") -> None:
        """Add a warning."""
        self.add(Severity.WARNING, place, message, remedy)
