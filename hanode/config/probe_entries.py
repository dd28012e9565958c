"""Readers of the arguments that only the words of some checkers have.

keepalived.conf(5), UDP_CHECK, DNS_CHECK, MISC_CHECK and FILE_CHECK.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hanode.config.findings import Findings
from hanode.config.quoting import split, split_escaped
from hanode.config.row import Keyword
from hanode.config.scalars import Script
from hanode.config.scripts import argv_of
from hanode.config.tree import Block, Word
from hanode.config.values import argument, integer_of, surplus

#: record type -> its number (RFC 1035 and its successors)
RECORD_TYPES: Mapping[str, int] = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "RRSIG": 46,
    "DNSKEY": 48,
}

LONGEST_LABEL, LONGEST_NAME = 63, 253  # characters, RFC 1035, section 2.3.4
_HEX = re.compile(r"[0-9A-Fa-f]+")
_PATTERN = re.compile(r"[0-9A-Fa-fXx]+")


@dataclass(frozen=True)
class Pattern:
    """Bytes of which only the bits of C{mask} count."""

    value: bytes = b""
    mask: bytes = b""

    def matches(self, data: bytes) -> bool:
        """Whether C{data} agrees as far as the shorter of the two reaches."""
        return all(
            got & bits == wanted
            for got, wanted, bits in zip(data, self.value, self.mask, strict=False)
        )


def payload(keyword: Keyword, block: Block, findings: Findings) -> bytes | None:
    """C{HEX ...}: C{Ab12f 3} is AB 12 0F 03, an odd digit being a byte of its own."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    found = _pattern(block, _HEX, "hexadecimal digits", findings)
    return None if found is None else found.value


def reply(keyword: Keyword, block: Block, findings: Findings) -> Pattern | None:
    """C{[HEX ...]}: as L{payload}, X being any digit; empty for any reply."""
    return _pattern(block, _PATTERN, "hexadecimal digits and X", findings)


def _pattern(
    block: Block, allowed: re.Pattern[str], title: str, findings: Findings
) -> Pattern | None:
    digits = ""
    for word in block.arguments:
        for piece in word.text.split():
            if not allowed.fullmatch(piece):
                findings.warning(
                    word,
                    f"{block.keyword}: '{piece}' is not made of {title}",
                    "ignored",
                )
                return None
            # In front of the last digit if it is odd: 456 is 45 06.
            even = len(piece) // 2 * 2
            digits += piece[:even] + ("0" + piece[even:] if piece[even:] else "")
    value = re.sub("[Xx]", "0", digits)
    mask = re.sub("[^Xx]", "F", digits)
    mask = re.sub("[Xx]", "0", mask)
    return Pattern(bytes.fromhex(value), bytes.fromhex(mask))


def record_type(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """One of L{RECORD_TYPES}, in any case of letters."""
    word = argument(block, findings)
    if word is None or word.text.upper() in RECORD_TYPES:
        return None if word is None else word.text.upper()
    findings.warning(
        word,
        f"Unknown DNS check type '{word}'",
        f"write one of {', '.join(RECORD_TYPES)}",
    )
    return None


def domain(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """A domain name, without the dot at its end; "" is the root."""
    word = argument(block, findings)
    if word is None:
        return None
    name = word.text.removesuffix(".")
    labels = name.split(".") if name else []
    if (
        name.isascii()
        and len(name) <= LONGEST_NAME
        and all(0 < len(label) <= LONGEST_LABEL for label in labels)
    ):
        return name
    findings.warning(word, f"{block.keyword}: '{word}' is not a domain name", "ignored")
    return None


def texts(keyword: Keyword, block: Block, findings: Findings) -> list[str]:
    """Any number of words, none too."""
    return [word.text for word in block.arguments]


def command(keyword: Keyword, block: Block, findings: Findings) -> Script | None:
    """C{COMMAND ARGUMENT ...}, the command perhaps quoted with its arguments."""

    def read() -> tuple[str, ...]:
        words = split(block.raw)[1:] if block.raw else _texts(block)
        first = split_escaped(words[0]) if words else ()
        return (*first, *words[1:])

    argv = argv_of(keyword, block, findings, read)
    return None if argv is None else Script(argv)


def _texts(block: Block) -> tuple[str, ...]:
    return tuple(word.text for word in block.arguments)


def signed_weight(
    keyword: Keyword, block: Block, findings: Findings
) -> tuple[int, bool] | None:
    """C{N [reverse|noreverse]}: the number, and whether it is reversed."""
    surplus(block, 2, findings)
    if not block.arguments:
        findings.missing(block, 1)
        return None
    low, high = int(keyword.low), int(keyword.high)
    number = integer_of(block.arguments[0], "weight", low, high, findings)
    reverse = any(_reversed(word, findings) for word in block.arguments[1:2])
    return None if number is None else (number, reverse)


def _reversed(word: Word, findings: Findings) -> bool:
    if word.text not in ("reverse", "noreverse"):
        findings.warning(
            word, f"unknown weight option {word}", "write reverse or noreverse"
        )
    return word.text == "reverse"


READERS = {
    "payload": payload,
    "reply": reply,
    "record type": record_type,
    "domain": domain,
    "texts": texts,
    "command": command,
    "signed weight": signed_weight,
}
