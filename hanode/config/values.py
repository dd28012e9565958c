"""Readers of single values: numbers, seconds, booleans, words, addresses.

A reader takes the keyword's row of the table, the statement and the findings, and
returns the value, or None when the option stays as it was. Where keepalived.conf(5)
is lenient ("10s" is 10, with a warning) so is the row: C{strict} is False.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from hanode.config import keywords
from hanode.config.findings import Findings
from hanode.config.model import IpAddress
from hanode.config.row import Keyword
from hanode.config.tree import Block, Word

Reader = Callable[[Keyword, Block, Findings], Any]

BOOLEANS = {
    "on": True,
    "true": True,
    "yes": True,
    "off": False,
    "false": False,
    "no": False,
}

_UNSIGNED = re.compile(r"[0-9]+", re.ASCII)
_SIGNED = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+", re.ASCII)
_DOTTED = re.compile(r"\.".join([r"(0|[1-9][0-9]{0,2})"] * 4), re.ASCII)
_LONGEST = 40  # digits: more cannot be inside any range, and int() has a limit
_MICROSECOND = Decimal("0.000001")  # of a second
_THOUSANDTH = Decimal("0.001")  # of a millisecond


def integer_of(
    word: Word,
    name: str,
    low: int,
    high: int,
    findings: Findings,
    *,
    strict: bool = True,
    default: str = "",
) -> int | None:
    """The whole number C{word}, None (and a warning) when it is none in the range."""
    pattern = _SIGNED if low < 0 else _UNSIGNED
    digits = _digits(pattern, word, name, strict, findings, default)
    if digits is None:
        return None
    number = int(digits) if len(digits) <= _LONGEST else high + 1
    if low <= number <= high:
        return number
    _outside(word, name, low, high, findings, default)
    return None


def decimal_of(
    word: Word,
    name: str,
    low: float,
    high: float,
    findings: Findings,
    default: str,
    *,
    step: Decimal = _MICROSECOND,
    strict: bool = False,
) -> float | None:
    """A multiple of C{step}, rounded half up; None when out of range.

    Without C{step} it is seconds with microsecond resolution.
    """
    digits = _digits(_DECIMAL, word, name, strict, findings, default)
    if digits is None:
        return None
    number = Decimal(digits) if len(digits) <= _LONGEST else Decimal(high) + 1
    if number <= Decimal(high) + 1:
        rounded = number.quantize(step, ROUND_HALF_UP)
        if rounded != number:
            findings.warning(
                word, f"'{word}' has too many decimal places", f"using {rounded}"
            )
        number = rounded
    if low <= float(number) <= high:
        return float(number)
    _outside(word, name, low, high, findings, default)
    return None


def address_of(text: str) -> IpAddress | None:
    """The address that C{text} is, without a zone; None when it is not one."""
    match = _DOTTED.fullmatch(text)
    if match is not None:  # ten times as fast as what follows
        a, b, c, d = map(int, match.groups())
        if max(a, b, c, d) < 256:
            return IPv4Address(a << 24 | b << 16 | c << 8 | d)
    if "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def integer(keyword: Keyword, block: Block, findings: Findings) -> int | None:
    """One whole number inside the row's range."""
    word = argument(block, findings)
    if word is None:
        return None
    low, high = int(keyword.low), int(keyword.high)
    number = integer_of(
        word,
        str(block.keyword),
        low,
        high,
        findings,
        strict=keyword.strict,
        default=keyword.default_text,
    )
    if number == 0 and keyword.zero_means:
        findings.warning(
            word,
            f"{block.keyword} must be greater than 0, setting to {keyword.zero_means}",
        )
        return keyword.zero_means
    return number


def seconds(keyword: Keyword, block: Block, findings: Findings) -> float | None:
    """A time in seconds, with decimals."""
    word = argument(block, findings)
    if word is None:
        return None
    return decimal_of(
        word,
        str(block.keyword),
        keyword.low,
        keyword.high,
        findings,
        keyword.default_text,
    )


def whole_seconds(keyword: Keyword, block: Block, findings: Findings) -> float | None:
    """A time in seconds, written without decimals."""
    number = integer(keyword, block, findings)
    return None if number is None else float(number)


def milliseconds(keyword: Keyword, block: Block, findings: Findings) -> int | None:
    """A time in milliseconds with up to three decimals, as microseconds."""
    word = argument(block, findings)
    if word is None:
        return None
    number = decimal_of(
        word,
        str(block.keyword),
        keyword.low,
        keyword.high,
        findings,
        keyword.default_text,
        step=_THOUSANDTH,
        strict=True,
    )
    return None if number is None else round(number * 1000)


def milliseconds_or_nothing(
    keyword: Keyword, block: Block, findings: Findings
) -> int | None:
    """A time in milliseconds; without one it is the row's value, in microseconds."""
    if block.arguments:
        return milliseconds(keyword, block, findings)
    return int(keyword.value)


def boolean(keyword: Keyword, block: Block, findings: Findings) -> bool | None:
    """C{on|true|yes|off|false|no}; no argument is true."""
    surplus(block, 1, findings)
    if not block.arguments:
        return True
    word = block.arguments[0]
    if word.text not in BOOLEANS:
        findings.warning(
            word,
            f"Invalid value '{word}' for {block.keyword}",
            "write on, true, yes, off, false or no, in lower case",
        )
    return BOOLEANS.get(word.text)


def flag(keyword: Keyword, block: Block, findings: Findings) -> Any:
    """A keyword without arguments: its presence is the row's value."""
    surplus(block, 0, findings)
    return keyword.value


def word(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """One word, as written."""
    argument_word = argument(block, findings)
    return None if argument_word is None else argument_word.text


def choice(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """One of the row's choices."""
    chosen = argument(block, findings)
    if chosen is None:
        return None
    if chosen.text in keyword.choices:
        return chosen.text
    findings.warning(
        chosen,
        f"unknown {keyword.title or keyword.word} '{chosen}'{keyword.otherwise}",
        f"write {' or '.join(keyword.choices)}",
    )
    return None


def address(keyword: Keyword, block: Block, findings: Findings) -> IpAddress | None:
    """One IP address."""
    given = argument(block, findings)
    if given is None:
        return None
    found = address_of(given.text)
    if found is None:
        findings.warning(
            given, f"{block.keyword}: '{given}' is not an IP address", "ignored"
        )
    return found


def multicast(keyword: Keyword, block: Block, findings: Findings) -> IpAddress | None:
    """One multicast address, of the family that the row asks for (0: any)."""
    found = address(keyword, block, findings)
    if found is None:
        return None
    if not found.is_multicast or keyword.family not in (0, found.version):
        findings.warning(
            block.arguments[0],
            f"{block.keyword}: '{found}' is not "
            f"{_MULTICAST[keyword.family]} multicast address",
            "ignored",
        )
        return None
    if isinstance(found, IPv6Address) and found.packed[1] & 0xF != 2:
        findings.warning(
            block.arguments[0],
            f"{block.keyword}: '{found}' is not link-local multicast",
            "RFC 9568 section 5.1.2.2 uses ff02::12",
        )
    return found


def user(
    keyword: Keyword, block: Block, findings: Findings
) -> tuple[str, str | None] | None:
    """C{USER [[:]GROUP]}: the names of a user and perhaps of a group."""
    surplus(block, 2, findings)
    if not block.arguments:
        findings.missing(block, 1)
        return None
    names = [given.text for given in block.arguments[:2]]
    return names[0], names[1] if len(names) > 1 else None


def parsed(keyword: Keyword, block: Block, findings: Findings) -> None:
    """Nothing is left to do: the parser followed this keyword while it read."""


def argument(block: Block, findings: Findings) -> Word | None:
    """The one argument of a keyword that must have one; an error without it."""
    surplus(block, 1, findings)
    if block.arguments:
        return block.arguments[0]
    findings.missing(block, 1)
    return None


def surplus(block: Block, wanted: int, findings: Findings) -> None:
    """Warn about words behind the arguments that the keyword has."""
    if len(block.arguments) <= wanted:
        return
    extra = block.arguments[wanted]
    since = "" if findings.keeps_secrets else f" from '{extra}' on"
    remedy = "ignored"
    if keywords.homes(extra.text):
        remedy = "one statement per line: put it on a line of its own"
    findings.warning(extra, f"{block.keyword} has surplus words{since}", remedy)


def _digits(
    pattern: re.Pattern[str],
    word: Word,
    name: str,
    strict: bool,
    findings: Findings,
    default: str,
) -> str | None:
    match = pattern.match(word.text)
    if match is not None and match.end() == len(word.text):
        return match.group()
    if match is None or strict:
        findings.warning(word, f"invalid number '{word}' for {name}", _instead(default))
        return None
    findings.warning(
        word,
        f"WARNING - invalid number '{word}' for {name}",
        f"using {match.group()}",
    )
    return match.group()


def _outside(
    word: Word, name: str, low: float, high: float, findings: Findings, default: str
) -> None:
    findings.warning(
        word,
        f"number '{word}' outside range [{number_text(low)}, {number_text(high)}]: "
        f"{name} '{word}' is invalid",
        _instead(default),
    )


def _instead(default: str) -> str:
    return f"ignored; the default is {default}" if default else "ignored"


def number_text(number: float) -> str:
    """A bound of a range without needless decimals."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


_MULTICAST = {0: "a", 4: "an IPv4", 6: "an IPv6"}

READERS: Mapping[str, Reader] = {
    "integer": integer,
    "seconds": seconds,
    "whole seconds": whole_seconds,
    "milliseconds": milliseconds,
    "milliseconds or nothing": milliseconds_or_nothing,
    "boolean": boolean,
    "flag": flag,
    "word": word,
    "choice": choice,
    "address": address,
    "multicast": multicast,
    "user": user,
    "parsed": parsed,
}
