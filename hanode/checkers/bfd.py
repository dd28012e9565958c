"""BFD_CHECK: a real server is well while a BFD session is Up (keepalived.conf(5)).

The session is a bfd_instance; its fact is C{bfd:NAME}. There is neither a delay nor
a retry. Without C{alpha} a session that was not Up yet says nothing against the server.

Reasons: C{session up} and C{not up yet} (without alpha) are success. Failures:
C{session ADMIN_DOWN}, C{session DOWN}, C{session INIT}, whose detail is what BFD says,
and C{not up yet} (with alpha).
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
from hanode.path import Path
from hanode.result import Result

ROWS = (
    Keyword("name", "name", "word"),
    Keyword("alpha", "alpha", "boolean", default=False),
)


@dataclass(frozen=True)
class BfdOptions:
    """C{alpha}: None for what the real server says."""

    name: str
    alpha: bool | None = None


def options(written: Written, around: Surroundings) -> BfdOptions | None:
    """The options that the block names; None without a session."""
    name = written.own.get("name")
    if name is None:
        written.warning(
            "BFD_CHECK has no name", "the check is skipped; name a bfd_instance"
        )
        return None
    if name not in around.bfds:
        written.warning(
            f"BFD_CHECK: there is no bfd_instance {name} for checkers",
            "the check is skipped",
        )
        return None
    return BfdOptions(name, written.own.get("alpha"))


@implementer(IPlugin, IFactChecker)
class BfdChecker:
    """The plug-in."""

    keyword = "BFD_CHECK"
    words = CheckerWords(keyword, ROWS, options, connects=False, scheduled=False)

    def fact(self, check: Check) -> str:
        """See L{IFactChecker.fact}."""
        options: Any = check.options
        return f"bfd:{options.name}"

    def judge(self, check: Check, value: Path | None) -> Result:
        """See L{IFactChecker.judge}."""
        options: Any = check.options
        if value is not None and value.up:
            return Result(True, "session up")
        if value is None or not value.been_up:
            alpha = options.alpha
            if alpha is None:
                alpha = check.schedule.alpha
            return Result(not alpha, "not up yet")
        return Result(False, f"session {value.state}", value.reason)


bfdChecker = BfdChecker()
