"""Readers of what only the words of checkers take: status codes, digests, patterns."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hanode.config import quoting
from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.tree import Block, Word
from hanode.config.values import Reader, argument, integer_of, surplus

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", re.ASCII)
_DIGEST = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)


def ranges(
    keyword: Keyword, block: Block, findings: Findings
) -> list[tuple[int, int]] | None:
    """C{N|LOW-HIGH ...}: both ends of each, inside the row's range."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    found = [_range(word, keyword, findings) for word in block.arguments]
    return [each for each in found if each is not None]


def _range(word: Word, keyword: Keyword, findings: Findings) -> tuple[int, int] | None:
    match = _RANGE.fullmatch(word.text)
    if match is not None:
        low, high = int(match[1]), int(match[2] or match[1])
        if keyword.low <= low <= high <= keyword.high:
            return low, high
    findings.warning(
        word,
        f"{keyword.word}: '{word}' is neither a number nor a range between "
        f"{keyword.low:g} and {keyword.high:g} - ignoring",
        f"write, for example, {keyword.low:g} or {keyword.low:g}-{keyword.high:g}",
    )
    return None


def digest(keyword: Keyword, block: Block, findings: Findings) -> list[str] | None:
    """The MD5 of a page, 32 hexadecimal digits; a list, because the first one wins."""
    word = argument(block, findings)
    if word is None:
        return None
    if _DIGEST.fullmatch(word.text) is None:
        findings.warning(
            word,
            f"{keyword.word}: '{word}' is not 32 hexadecimal digits - ignoring",
            "hanode genhash prints it",
        )
        return None
    return [word.text.lower()]


def quoted(keyword: Keyword, block: Block, findings: Findings) -> bytes | None:
    """One quoted string with escapes, as bytes: see L{hanode.config.quoting}."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    try:
        words = quoting.split_escaped(block.raw)
    except quoting.QuotingError as error:
        findings.warning(block, f"{keyword.word}: {error.message} - ignoring")
        return None
    if len(words) > 2:
        findings.warning(
            block,
            f"{keyword.word} has more than one string: only the first one counts",
            "put it in double quotes",
        )
    return words[1].encode("utf-8", "surrogateescape")


def choices(keyword: Keyword, block: Block, findings: Findings) -> list[str] | None:
    """Some of the row's choices; any other is ignored."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    for word in block.arguments:
        if word.text not in keyword.choices:
            findings.warning(
                word,
                f"unknown {keyword.title or keyword.word} '{word}' - ignoring",
                f"write some of {' '.join(keyword.choices)}",
            )
    return [word.text for word in block.arguments if word.text in keyword.choices]


def pair(keyword: Keyword, block: Block, findings: Findings) -> tuple[int, int] | None:
    """Two whole numbers inside the row's range, the second not below the first."""
    surplus(block, 2, findings)
    if len(block.arguments) < 2:
        findings.missing(block, len(block.words))
        return None
    low, high = int(keyword.low), int(keyword.high)
    first = integer_of(block.arguments[0], keyword.word, low, high, findings)
    if first is None:
        return None
    second = integer_of(block.arguments[1], keyword.word, first, high, findings)
    return None if second is None else (first, second)


def word_or_nothing(keyword: Keyword, block: Block, findings: Findings) -> str:
    """One word; without one it is the row's value."""
    surplus(block, 1, findings)
    return block.arguments[0].text if block.arguments else str(keyword.value)


READERS: Mapping[str, Reader] = {
    "ranges": ranges,
    "digest": digest,
    "quoted": quoted,
    "choices": choices,
    "pair": pair,
    "word or nothing": word_or_nothing,
}
