"""One row of the keyword table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Keyword:
    """What a keyword takes, and which field of the model it fills.

    C{word}: the keyword. C{field}: the path of the field inside the record, as in
    C{garp.master_delay}. C{type}: the reader of its arguments. C{unit}: the unit of
    the number, for the manual. C{low} and C{high}: the range, both ends allowed.
    C{default}: the value without the keyword; None when it follows from others.
    C{strict}: "10s" is refused instead of read as 10. C{value}: what a keyword
    without arguments stands for. C{choices}: the words allowed. C{zero_means}: the
    number that is used where 0 makes no sense. C{fallback}: the value after a bad
    argument, None to leave the option alone. C{otherwise}: how the message about a
    bad choice ends, C{title} what it calls the choice. C{family}: 4 or 6 for
    addresses of one family only. C{path}: where the rows of what stands inside a
    block are, () where nothing reads it. C{only_hanode}: keepalived has no such word.
    C{inside}: the rows of what stands inside, where the table has none for C{path}.
    """

    word: str
    field: str
    type: str
    unit: str = ""
    low: float = 0
    high: float = 0
    default: Any = None
    strict: bool = False
    value: Any = True
    choices: tuple[str, ...] = ()
    zero_means: int = 0
    fallback: Any = None
    otherwise: str = ""
    title: str = ""
    family: int = 0
    path: tuple[str, ...] = ()
    only_hanode: bool = False
    inside: tuple[Keyword, ...] = ()

    @property
    def default_text(self) -> str:
        """The default as the configuration would write it."""
        default = self.fallback if self.default is None else self.default
        if default is None:
            return ""
        if isinstance(default, bool):
            return "on" if default else "off"
        return f"{default:g}" if isinstance(default, float) else str(default)


#: Types whose argument is a block of entries or of further keywords.
BLOCK_TYPES = frozenset(
    {
        "block",
        "blocks",
        "private block",
        "optional block",
        "words",
        "addresses",
        "all words",
        "lines",
        "members",
        "static addresses",
        "peers",
        "tracked",
    }
)
