"""Rows of text under a headline, each column as wide as it must be."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

GAP = "  "


def printable(text: str) -> str:
    """C{text} without what could command a terminal: control characters are shown."""
    return "".join(
        repr(each)[1:-1] if unicodedata.category(each).startswith("C") else each
        for each in text
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lines without a last newline; a head that begins with C{>} is right-aligned."""
    right = [head.startswith(">") for head in heads]
    cells = [[head.removeprefix(">") for head in heads]]
    cells += [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        GAP.join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    )


def sheet(title: str, pairs: Iterable[tuple[str, str]]) -> str:
    """A title and, below it, what is known as C{name  value}; "" is left out."""
    shown = [(name, printable(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    lines = [f"  {name.ljust(width)}{GAP}{value}" for name, value in shown]
    return "\n".join([printable(title), *lines])
