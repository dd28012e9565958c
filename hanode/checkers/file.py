"""FILE_CHECK: a number in a file changes the weight (keepalived.conf(5)).

The file is a track_file; its fact is C{file:NAME}. The number times the weight of the
check (or else of the track_file) is added to the weight of the real server; of several
checks the changes add up. A product of -2**31 or less is failure. With weight 0 the
number is a verdict: 0 is success, anything else failure; C{reverse} turns that round.
A file that is missing or has no number in it counts as 0.

Reasons: C{file says N} and C{no number} are success, and with weight 0 perhaps
failure. C{value too low} is failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.balance_model import Check
from hanode.config.checker_words import CheckerWords, Surroundings
from hanode.config.draft import Written
from hanode.config.row import Keyword
from hanode.interfaces import IFactChecker
from hanode.lvs import MOST_WEIGHT
from hanode.result import Result

LEAST = -(2**31)  # what is no more than this is failure

ROWS = (
    Keyword("track_file", "name", "word"),
    Keyword("weight", "weight", "signed weight", low=-MOST_WEIGHT, high=MOST_WEIGHT),
)


@dataclass(frozen=True)
class FileOptions:
    """C{reverse}: the sign of C{weight} is turned, or the verdict where it is 0."""

    name: str
    weight: int = 1
    reverse: bool = False


def options(written: Written, around: Surroundings) -> FileOptions | None:
    """The options that the block names; None without a file."""
    name = written.own.get("name")
    if name is None:
        written.warning(
            "FILE_CHECK has no track_file", "the check is skipped; name a track_file"
        )
        return None
    if name not in around.files:
        written.warning(
            f"FILE_CHECK: there is no track_file {name}", "the check is skipped"
        )
        return None
    inherited = around.file_weights.get(name, 1), False
    weight, reverse = written.own.get("weight", inherited)
    return FileOptions(name, weight, reverse)


@implementer(IPlugin, IFactChecker)
class FileChecker:
    """The plug-in."""

    keyword = "FILE_CHECK"
    words = CheckerWords(keyword, ROWS, options, connects=False, scheduled=False)

    def fact(self, check: Check) -> str:
        """See L{IFactChecker.fact}."""
        options: Any = check.options
        return f"file:{options.name}"

    def judge(self, check: Check, value: int | None) -> Result:
        """See L{IFactChecker.judge}."""
        options: Any = check.options
        number = value or 0
        reason = "no number" if value is None else f"file says {number}"
        if options.weight == 0:
            return Result((number == 0) is not options.reverse, reason, change=0)
        change = number * (-options.weight if options.reverse else options.weight)
        if change <= LEAST:
            return Result(False, "value too low", f"{reason}, times {options.weight}")
        return Result(True, reason, change=min(change, MOST_WEIGHT))


fileChecker = FileChecker()
