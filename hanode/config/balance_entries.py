"""Readers of what only the load balancer's keywords take.

keepalived.conf(5), "VIRTUAL SERVER(S)"; the words of lvs_method are ipvsadm(8)'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import NamedTuple

from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.scalars import IpAddress, Secret
from hanode.config.tree import Block, Word
from hanode.config.values import (
    Reader,
    address_of,
    argument,
    integer,
    integer_of,
    surplus,
    word,
)

PROTOCOLS = ("TCP", "UDP", "SCTP")
_METHODS = ("NAT", "DR", "TUN")
_TUNNELS = ("ipip", "gre", "gue")
_CHECKSUMS = ("nocsum", "csum", "remcsum")
_LONGEST_PORT = 65535
_INT = 2**31 - 1


class Forwarding(NamedTuple):
    """How packets get to a real server: see L{hanode.config.balance_model}."""

    method: str = "NAT"
    tunnel: str = "ipip"
    port: int = 0
    checksum: str = "nocsum"


class Server(NamedTuple):
    """An address with the port behind it, None where there is none."""

    address: IpAddress
    port: int | None


def server_of(words: Sequence[Word], what: str, findings: Findings) -> Server | None:
    """C{IPADDR [PORT]}; None, and why it is dropped, when it is not that."""
    address = address_of(words[0].text)
    if address is None:
        findings.dropped(
            words[0],
            f"{what}: '{words[0]}' is not an IP address - ignoring",
            "write an IPv4 or IPv6 address",
        )
        return None
    if len(words) == 1:
        return Server(address, None)
    port = integer_of(words[1], "port", 0, _LONGEST_PORT, findings)
    if port is None:
        findings.dropped(
            words[1],
            f"{what}: invalid port '{words[1]}' - ignoring",
            "write a number up to 65535",
        )
        return None
    return Server(address, port)


def server(keyword: Keyword, block: Block, findings: Findings) -> Server | None:
    """C{IPADDR [PORT]} of a sorry server."""
    surplus(block, 2, findings)
    if not block.arguments:
        findings.missing(block, 1)
        return None
    return server_of(block.arguments, keyword.word, findings)


def blocks(keyword: Keyword, block: Block, findings: Findings) -> list[Block]:
    """A block of which there may be several: they are read later, in their order."""
    return [block]


def forwarding(keyword: Keyword, block: Block, findings: Findings) -> Forwarding | None:
    """C{NAT|DR|TUN [type ipip|gre|gue port N] [nocsum|csum|remcsum]}."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    kind = block.arguments[0]
    if kind.text not in _METHODS:
        findings.warning(
            kind,
            f"unknown {keyword.word} '{kind}' - ignoring",
            f"write {', '.join(_METHODS[:-1])} or {_METHODS[-1]}",
        )
        return None
    if kind.text != "TUN":
        surplus(block, 1, findings)
        return Forwarding(kind.text)
    return _tunnel(block, findings)


def _tunnel(block: Block, findings: Findings) -> Forwarding | None:
    found: dict[str, str] = {"tunnel": "ipip", "checksum": "nocsum"}
    port = 0
    words = iter(enumerate(block.words))
    next(words), next(words)
    for position, given in words:
        if given.text in _CHECKSUMS:
            found["checksum"] = given.text
            continue
        if given.text not in ("type", "port"):
            findings.warning(
                given, f"unknown tunnel option '{given}' - ignoring", "write type ipip"
            )
            continue
        value = _behind(block, position, findings)
        if value is None:
            return None
        next(words)
        if given.text == "port":
            port = integer_of(value, "port", 1, _LONGEST_PORT, findings) or 0
        elif value.text in _TUNNELS:
            found["tunnel"] = value.text
        else:
            findings.warning(
                value,
                f"unknown tunnel type '{value}' - ignoring",
                f"write {' or '.join(_TUNNELS)}",
            )
    return _checked(Forwarding("TUN", port=port, **found), block, findings)


def _checked(found: Forwarding, block: Block, findings: Findings) -> Forwarding | None:
    """The tunnel without what its type does not have."""
    if found.tunnel == "gue":
        if not found.port:
            findings.warning(
                block, "tunnel type gue needs a port - ignoring", "write port N"
            )
            return None
        return found
    if found.port:
        findings.warning(
            block, f"tunnel type {found.tunnel} has no port - ignoring it", "remove it"
        )
    if found.tunnel == "ipip" and found.checksum != "nocsum":
        findings.warning(
            block,
            f"tunnel type ipip has no {found.checksum} - ignoring it",
            "use type gre or gue",
        )
        return Forwarding("TUN")
    return found._replace(port=0)


def protocol(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """TCP, UDP or SCTP, in capitals or not."""
    chosen = argument(block, findings)
    if chosen is None:
        return None
    if chosen.text.upper() in PROTOCOLS:
        return chosen.text.upper()
    findings.warning(
        chosen, f"unknown protocol '{chosen}' - ignoring", "write TCP, UDP or SCTP"
    )
    return None


def integer_or_nothing(
    keyword: Keyword, block: Block, findings: Findings
) -> int | None:
    """A whole number; without one it is the row's value."""
    if block.arguments:
        return integer(keyword, block, findings)
    return int(keyword.value)


def granularity(
    keyword: Keyword, block: Block, findings: Findings
) -> tuple[int, int] | None:
    """The family, and the prefix length: a netmask for IPv4, a number for IPv6."""
    given = argument(block, findings)
    if given is None:
        return None
    text = given.text
    if text.isdecimal():
        prefix = integer_of(given, keyword.word, 1, 128, findings)
        return None if prefix is None else (6, prefix)
    try:
        mask = IPv4Network(f"0.0.0.0/{text}")
    except ValueError:
        mask = None
    # ipaddress takes 0.0.0.255 too, for a host mask
    if mask is None or str(mask.netmask) != text or not mask.prefixlen:
        findings.warning(
            given,
            f"Invalid IPv4 persistence_granularity '{given}' - ignoring",
            "write a netmask such as 255.255.255.0, or a prefix length for IPv6",
        )
        return None
    return 4, mask.prefixlen


def secret(keyword: Keyword, block: Block, findings: Findings) -> Secret | None:
    """One word that must not be shown."""
    text = word(keyword, block, findings)
    return None if text is None else Secret(text)


def file_weight(keyword: Keyword, block: Block, findings: Findings) -> int | None:
    """C{N [reverse]}: reversed, it counts with the other sign."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    surplus(block, 2, findings)
    low, high = int(keyword.low), int(keyword.high)
    number = integer_of(
        block.arguments[0],
        keyword.word,
        low,
        high,
        findings,
        default=keyword.default_text,
    )
    for option in block.arguments[1:2]:
        if option.text == "reverse":
            return None if number is None else -number
        findings.warning(option, f"unknown weight option '{option}'", "write reverse")
    return number


def init_file(
    keyword: Keyword, block: Block, findings: Findings
) -> tuple[int, bool] | None:
    """C{[VALUE] [overwrite]}: the number, and whether an old one goes."""
    value, overwrite = 0, False
    for given in block.arguments:
        if given.text == "overwrite":
            overwrite = True
            continue
        number = integer_of(given, keyword.word, -_INT, _INT, findings, default="0")
        value = value if number is None else number
    return value, overwrite


def timeouts(
    keyword: Keyword, block: Block, findings: Findings
) -> tuple[int, int, int] | None:
    """C{[tcp N] [tcpfin N] [udp N]}, at least one of them."""
    if not block.arguments:
        findings.missing(block, 1, "write tcp N, tcpfin N or udp N")
        return None
    found = {"tcp": 0, "tcpfin": 0, "udp": 0}
    words = iter(enumerate(block.words))
    next(words)
    for position, given in words:
        if given.text not in found:
            findings.warning(
                given,
                f"Unknown option '{given}' for lvs_timeouts - ignoring",
                "write tcp N, tcpfin N or udp N",
            )
            continue
        value = _behind(block, position, findings)
        if value is None:
            return None
        next(words)
        number = integer_of(
            value, given.text, int(keyword.low), int(keyword.high), findings
        )
        found[given.text] = number or 0
    return found["tcp"], found["tcpfin"], found["udp"]


def flush(keyword: Keyword, block: Block, findings: Findings) -> str:
    """C{[VS]}: "VS" for our own services, "all" for those of others, too."""
    surplus(block, 1, findings)
    if not block.arguments:
        return "all"
    given = block.arguments[0]
    if given.text != "VS":
        findings.warning(
            given,
            f"Unknown {keyword.word} type '{given}' - ignoring",
            "write VS, or nothing",
        )
        return "all"
    return "VS"


def _behind(block: Block, position: int, findings: Findings) -> Word | None:
    """The word behind C{position}; an error when the line ends there."""
    if position + 1 < len(block.words):
        return block.words[position + 1]
    findings.missing(block, position + 1)
    return None


READERS: Mapping[str, Reader] = {
    "blocks": blocks,
    "server": server,
    "forwarding": forwarding,
    "protocol": protocol,
    "integer or nothing": integer_or_nothing,
    "granularity": granularity,
    "secret": secret,
    "file weight": file_weight,
    "init file": init_file,
    "timeouts": timeouts,
    "flush": flush,
}
