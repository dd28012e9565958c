"""Readers of words about packets: checksums, and room for those that wait."""

from __future__ import annotations

from hanode.config.draft import Draft
from hanode.config.findings import Findings
from hanode.config.model import Address
from hanode.config.row import Keyword
from hanode.config.tree import Block
from hanode.config.values import argument, integer_of, surplus

MOST = 2147483647  # what SO_RCVBUF takes, socket(7)
_ETHERNET, _IP6, _VRRP = 1500, 40, 16  # octets, the most that headers take


def never(keyword: Keyword, block: Block, findings: Findings) -> bool | None:
    """Nothing, which is on, or C{never}, which is off; neither: as the peer does."""
    surplus(block, 1, findings)
    if not block.arguments:
        return True
    if block.arguments[0].text == "never":
        return False
    findings.warning(
        block.arguments[0],
        f"Unknown {block.keyword} '{block.arguments[0]}'",
        "write never, or nothing",
    )
    return None


def policy(keyword: Keyword, block: Block, findings: Findings) -> str | int | None:
    """C{MTU}, C{ADVERT} (in any case), or a number of bytes."""
    word = argument(block, findings)
    if word is None:
        return None
    if word.text.upper() in ("MTU", "ADVERT"):
        return word.text.upper()
    return integer_of(word, keyword.word, 1, MOST, findings)


def receive_buffer(draft: Draft, addresses: tuple[Address, ...]) -> int:
    """Bytes that may wait in the socket of C{draft}, 0 where nothing is said."""
    own = draft.own.get("receive_buffer")
    if own is not None:
        return int(own)
    wanted = draft.shared.get("rx_bufs_policy", 0)
    if isinstance(wanted, int):
        return wanted
    size = _ETHERNET
    if wanted == "ADVERT":
        size = _IP6 + _VRRP + sum(len(each.address.packed) for each in addresses)
    return min(MOST, size * int(draft.shared.get("rx_bufs_multiplier", 3)))
