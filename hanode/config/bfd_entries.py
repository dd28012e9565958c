"""Readers of the arguments that only BFD's keywords have."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from hanode.config.bfd_model import AuthType, BfdKey
from hanode.config.entries import Entry
from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.scalars import Secret
from hanode.config.tree import Block
from hanode.config.values import integer_of, surplus

#: word of the configuration -> type
TYPES = {each.name.lower(): each for each in AuthType}

_IDS = [str(number) for number in range(256)]


def weight(
    keyword: Keyword, block: Block, findings: Findings
) -> tuple[int, bool] | None:
    """C{N [reverse]}: what track_bfd takes where it names no weight."""
    surplus(block, 2, findings)
    if not block.arguments:
        findings.missing(block, 1)
        return None
    low, high = int(keyword.low), int(keyword.high)
    number = integer_of(block.arguments[0], "weight", low, high, findings, default="0")
    reverse = False
    for word in block.arguments[1:2]:
        reverse = word.text == "reverse"
        if not reverse:
            findings.warning(
                word, f"unknown weight option {word}", "reverse is the only one"
            )
    return None if number is None else (number, reverse)


def authentication_type(
    keyword: Keyword, block: Block, findings: Findings
) -> list[AuthType | None]:
    """One of L{TYPES}; [None] for any other, which is not shown: it may be secret."""
    given = [word.text for word in block.arguments]
    if len(given) != 1 or given[0] not in TYPES:
        findings.dropped(
            block,
            "unknown authentication type: BFD would run unauthenticated",
            f"write type and one of {', '.join(TYPES)}",
        )
        return [None]
    return [TYPES[given[0]]]


def key(
    keyword: Keyword, block: Block, findings: Findings
) -> list[Entry[BfdKey] | None]:
    """C{ID SECRET}; [None] when it is none. No word is shown: it may be the secret."""
    given = [word.text for word in block.arguments]
    if len(given) < 2 or given[0] not in _IDS or not given[1]:
        findings.dropped(
            block,
            "unusable key: BFD would run unauthenticated",
            "write key ID SECRET, ID a number from 0 to 255",
        )
        return [None]
    if len(given) > 2:
        findings.warning(
            block,
            "key has surplus words: only the first two count",
            "put a secret with blanks in double quotes",
        )
    secret = Secret(given[1])
    return [Entry(BfdKey(int(given[0]), secret), block.keyword.place)]


def networks(
    keyword: Keyword, block: Block, findings: Findings
) -> list[IPv4Network | IPv6Network]:
    """C{NETWORK ...}; an address alone is a network of one host."""
    if not block.arguments:
        findings.missing(block, 1)
    found = []
    for word in block.arguments:
        try:
            network = ip_network(word.text, strict=False)
        except ValueError:
            findings.warning(
                word,
                f"{block.keyword}: '{word}' is not a network",
                "ignored; write ADDRESS/PREFIX",
            )
            continue
        found.append(network)
    return found
