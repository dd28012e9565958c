"""What is wrong with a configuration, where, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

#: auth_pass, the C{key} of BFD's authentication and of auth_hmac, SSL's C{password}
_SECRET = re.compile(r"auth_pass|(?<![^\s{}\"=])(?:key|password)(?![^\s{}\"])")


class Place(NamedTuple):
    """Where a word stands: file, line and column count from 1.

    C{source} is the whole physical line, so that the word can be underlined. A tuple,
    because it takes a third of the time to make one, and there are thousands.
    """

    file: str
    line: int
    column: int
    source: str = ""
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def secret(line: str) -> bool:
    """Whether a line may hold a password, so that it is not to be shown."""
    return _SECRET.search(line) is not None


class Severity(Enum):
    """How bad it is: does hanode start, does it reload?

    WARNING: keepalived warns too and runs; an option was dropped or corrected.
    DROPPED: a whole object was dropped or the file looks cut off; hanode starts
    with the rest, C{check} says 1, and a reload keeps the old configuration.
    ERROR: hanode does not start.
    """

    WARNING = "warning"
    DROPPED = "dropped"
    ERROR = "error"


@dataclass(frozen=True)
class Problem:
    """One sentence about one word, and what to do about it."""

    severity: Severity
    place: Place | None
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return self._told(f"{self.severity.value}: ")

    @property
    def line(self) -> str:
        """The sentence for a log, which has a severity of its own."""
        return self._told("")

    def _told(self, severity: str) -> str:
        at = f"{self.place}: " if self.place else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{at}{severity}{self.message}{remedy}"

    def record(self) -> dict[str, str | int | None]:
        """The same as plain data; file, line and column are None without a place."""
        place = self.place
        return {
            "severity": self.severity.value,
            "file": place.file if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
            "message": self.message,
            "remedy": self.remedy,
        }

    def drawing(self) -> str:
        """The sentence, the source line, and the offending word underlined."""
        if self.place is None or not self.place.source or secret(self.place.source):
            return str(self)
        source = self.place.source.replace("\t", " ")
        marks = " " * (self.place.column - 1) + "^" + "~" * (self.place.length - 1)
        return f"{self}\n    {source}\n    {marks}"


def worst(problems: Iterable[Problem]) -> Severity | None:
    """The gravest severity among C{problems}, None when there are none."""
    order = list(Severity)
    found = [order.index(p.severity) for p in problems]
    return order[max(found)] if found else None
