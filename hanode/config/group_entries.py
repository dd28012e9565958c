"""Readers of what sync groups and their members say."""

from __future__ import annotations

from hanode.config.entries import Entry, lines
from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.tree import Block
from hanode.config.values import integer_of, surplus


def members(keyword: Keyword, block: Block, findings: Findings) -> list[Entry[str]]:
    """The names of instances, one or several on each line."""
    return [
        Entry(word.text, word.place)
        for line in lines(block, findings)
        for word in line.words
    ]


def old_name(keyword: Keyword, block: Block, findings: Findings) -> bool:
    """A flag that is called C{keyword.title} now."""
    surplus(block, 0, findings)
    findings.warning(
        block,
        f"{block.keyword} is deprecated. Please use {keyword.title}",
        f"write {keyword.title}",
    )
    return True


def integer_or_nothing(
    keyword: Keyword, block: Block, findings: Findings
) -> int | None:
    """A number; C{keyword.value} when the keyword stands alone.

    Where the row has a title, the word is an old one for that.
    """
    surplus(block, 1, findings)
    if keyword.title:
        findings.warning(
            block,
            f"{block.keyword} should be {keyword.title}",
            f"write {keyword.title}",
        )
    if not block.arguments:
        return int(keyword.value)
    low, high = int(keyword.low), int(keyword.high)
    return integer_of(block.arguments[0], block.keyword.text, low, high, findings)
