"""Options that may stand before or behind the words of a command line."""

from __future__ import annotations

import getopt
import sys
from collections.abc import Sequence

from twisted.python import usage


class AnyOrder(usage.Options):
    """C{hanode check FILE --diff} is C{hanode check --diff FILE}."""

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Take options and words in any order; words only follow C{--}."""
        left = list(sys.argv[1:] if options is None else options)
        given: list[str] = []
        words: list[str] = []
        while left:
            try:
                _, rest = getopt.getopt(left, self.shortOpt, self.longOpt)
            except getopt.GetoptError as error:
                raise usage.UsageError(str(error)) from error
            taken = left[: len(left) - len(rest)]
            if taken[-1:] == ["--"]:
                given += taken[:-1]
                words += rest
                break
            given += taken
            words += rest[:1]
            left = rest[1:]
        super().parseOptions([*given, "--", *words])
