"""The list that the readers of one configuration write their problems to."""

from __future__ import annotations

from hanode.config.problems import Place, Problem, Severity
from hanode.config.tree import Block, Word

Where = Word | Block | Place | None


class Findings:
    """Collect the problems of one configuration, in the order they are met.

    C{subject} is the name that stands in front of each message, as in
    C{(VI_1) the virtual router id must be set}; L{about} gives a view of the same
    list with another subject.
    """

    def __init__(
        self,
        problems: list[Problem] | None = None,
        subject: str = "",
        source_lines: bool = True,
    ) -> None:
        self.problems: list[Problem] = [] if problems is None else problems
        self.subject = subject
        self._source_lines = source_lines

    def about(self, subject: str) -> Findings:
        """The same list, with C{subject} in front of the messages."""
        return Findings(self.problems, subject)

    def private(self) -> Findings:
        """The same list for lines with a password: no source line is kept."""
        return Findings(self.problems, self.subject, source_lines=False)

    @property
    def keeps_secrets(self) -> bool:
        """Whether a word that makes no sense may be a password."""
        return not self._source_lines

    def warning(self, where: Where, message: str, remedy: str = "") -> None:
        """Something was dropped or corrected; the rest runs."""
        self._add(Severity.WARNING, where, message, remedy)

    def dropped(self, where: Where, message: str, remedy: str = "") -> None:
        """A whole object does not run."""
        self._add(Severity.DROPPED, where, message, remedy)

    def missing(self, block: Block, position: int, remedy: str = "") -> None:
        """The word at C{position} (counted from 0) must be there and is not."""
        self._add(
            Severity.ERROR,
            block.words[-1].place,
            f"*** Configuration line starting `{block.keyword}` is missing a "
            f"parameter after keyword `{block.words[position - 1]}` at word "
            f"position {position + 1}",
            remedy or f"write a value behind {block.words[position - 1]}",
        )

    def _add(self, severity: Severity, where: Where, text: str, remedy: str) -> None:
        prefix = f"({self.subject}) " if self.subject else ""
        place = _place(where)
        if place is not None and not self._source_lines:
            place = place._replace(source="")
        self.problems.append(Problem(severity, place, prefix + text, remedy))


def _place(where: Where) -> Place | None:
    if isinstance(where, Block):
        return where.keyword.place
    return where.place if isinstance(where, Word) else where
