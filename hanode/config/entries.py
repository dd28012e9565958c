"""Readers of blocks whose lines are entries: peers, and what is tracked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from hanode.config.findings import Findings
from hanode.config.model import UnicastPeer
from hanode.config.problems import Place
from hanode.config.row import Keyword
from hanode.config.tree import Block, Word
from hanode.config.values import address_of, integer_of

Value = TypeVar("Value")


@dataclass(frozen=True)
class Entry(Generic[Value]):
    """What one line of a block says, and where."""

    value: Value
    place: Place


@dataclass(frozen=True)
class Tracking:
    """One tracked object as written; None where the line leaves it open."""

    name: str
    weight: int | None = None
    reverse: bool | None = None


def lines(block: Block, findings: Findings) -> Iterator[Block]:
    """The entries of C{block}, and warnings about braces and stray words."""
    if block.children is None:
        findings.warning(
            block,
            "Missing '{' at beginning of configuration block",
            f"write {block.keyword} {{ ... }}",
        )
        return
    if block.arguments:
        findings.warning(
            block.arguments[0],
            f"Block {block.keyword} has extra parameters",
            "put each entry on a line of its own between the braces",
        )
    for line in block.children:
        if not line.words:
            continue
        if line.children is not None:
            findings.warning(line, "Unexpected '{' - ignoring", "remove the braces")
        yield line


def whole_lines(keyword: Keyword, block: Block, findings: Findings) -> list[Block]:
    """The lines of a block as they stand: they are read when names can be looked up."""
    return list(lines(block, findings))


def all_words(keyword: Keyword, block: Block, findings: Findings) -> list[str]:
    """All words of all lines."""
    return [word.text for line in lines(block, findings) for word in line.words]


def extra(
    keyword: Keyword, block: Block, findings: Findings
) -> tuple[float, bool] | None:
    """C{[all] SECONDS} of garp_extra_if."""
    words = list(block.arguments)
    everywhere = bool(words) and words[0].text == "all"
    words = words[1:] if everywhere else words
    if not words:
        findings.missing(block, len(block.words))
        return None
    low, high = int(keyword.low), int(keyword.high)
    if block.keyword.text.endswith("vmac_garp_intvl"):
        text = f"{block.keyword} is deprecated - please use garp_extra_if"
        findings.warning(block, text, "it is vrrp_garp_extra_if in global_defs")
    number = integer_of(words[0], str(block.keyword), low, high, findings)
    return None if number is None else (float(number), everywhere)


def peers(
    keyword: Keyword, block: Block, findings: Findings
) -> list[Entry[UnicastPeer]]:
    """C{IPADDR [min_ttl N] [max_ttl N]}, one neighbour on each line."""
    found = []
    for line in lines(block, findings):
        address = address_of(line.keyword.text)
        if address is None:
            findings.warning(
                line,
                f"malformed unicast peer address[{line.keyword}]. Skipping...",
                "write an IPv4 or IPv6 address",
            )
            continue
        limits: dict[str, int | None] = {"min_ttl": None, "max_ttl": None}
        words = iter(enumerate(line.words))
        next(words)
        for position, word in words:
            if word.text not in limits:
                findings.warning(
                    word,
                    f"Unknown configuration entry '{word}' for unicast_peer - ignoring",
                    "put each neighbour on a line of its own",
                )
                continue
            value = _value(line, position, findings)
            if value is not None:
                next(words)
                limits[word.text] = integer_of(value, word.text, 0, 255, findings)
        found.append(Entry(UnicastPeer(address, **limits), line.keyword.place))
    return found


def tracked(
    keyword: Keyword, block: Block, findings: Findings
) -> list[Entry[Tracking]]:
    """C{NAME [weight N] [reverse|noreverse]}, one tracked object on each line."""
    found = []
    for line in lines(block, findings):
        weight: int | None = None
        reverse: bool | None = None
        words = iter(enumerate(line.words))
        next(words)
        for position, word in words:
            if word.text in ("reverse", "noreverse"):
                reverse = word.text == "reverse"
            elif word.text == "weight":
                value = _value(line, position, findings)
                if value is not None:
                    next(words)
                    weight = _weight(value, keyword, findings)
            else:
                findings.warning(
                    word,
                    f"Unknown configuration entry '{word}' for {block.keyword}"
                    " - ignoring",
                    f"put each {keyword.title} on a line of its own",
                )
        value_of_line = Tracking(line.keyword.text, weight, reverse)
        found.append(Entry(value_of_line, line.keyword.place))
    return found


def _weight(word: Word, keyword: Keyword, findings: Findings) -> int | None:
    """A weight inside the row's range; a lenient row corrects one just outside."""
    least, most = int(keyword.low), int(keyword.high)
    if keyword.strict:
        default = f"that of the {keyword.title}"
        return integer_of(word, "weight", least, most, findings, default=default)
    weight = integer_of(
        word, "weight", least - 1, most + 1, findings, strict=False, default="0"
    )
    if weight is None or least <= weight <= most:
        return weight
    limit = most if weight > 0 else least
    findings.warning(
        word,
        f"weight {weight} for {keyword.word} must be in [{least}..{most}]",
        f"using {limit}",
    )
    return limit


def _value(line: Block, position: int, findings: Findings) -> Word | None:
    """The word behind C{position}, an error when the line ends there."""
    if position + 1 < len(line.words):
        return line.words[position + 1]
    findings.missing(line, position + 1)
    return None
