"""virtual_server_group: addresses, ranges, networks and firewall marks, one on a line.

keepalived.conf(5), "Virtual server group(s)".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_network

from hanode.config.balance_model import VirtualAddress
from hanode.config.findings import Findings
from hanode.config.scalars import IpAddress
from hanode.config.tree import Block, Word
from hanode.config.values import address_of, integer_of

MOST = 65536  # addresses of one line: a network of 16 bits
FAMILIES = {"inet": 4, "inet6": 6}
UNDECIDED = 0  # family of a mark whose line does not say
_MARK = 4294967295
_BYTE = re.compile(r"[0-9]{1,3}", re.ASCII)
_SIXTEEN_BITS = re.compile(r"[0-9a-fA-F]{1,4}", re.ASCII)

Groups = Mapping[str, tuple[VirtualAddress, ...]]


def groups(found: Iterable[Block], findings: Findings) -> Groups:
    """Each group's addresses, in the order of its lines, ranges expanded."""
    known: dict[str, tuple[VirtualAddress, ...]] = {}
    for block in found:
        if not block.arguments:
            findings.missing(block, 1, "give the group a name")
            continue
        name = block.arguments[0].text
        mine = findings.about(f"virtual_server_group {name}")
        if name in known:
            mine.dropped(
                block.arguments[0],
                "already defined - ignoring this one",
                "give it another name",
            )
            continue
        for extra in block.arguments[1:2]:
            mine.warning(
                extra,
                f"surplus words from '{extra}' on",
                "put each address on a line of its own between the braces",
            )
        known[name] = _members(block, mine)
    return known


def _members(block: Block, findings: Findings) -> tuple[VirtualAddress, ...]:
    if block.children is None:
        findings.warning(
            block,
            "Missing '{' at beginning of configuration block",
            "write virtual_server_group NAME { ... }",
        )
    found: dict[VirtualAddress, None] = {}
    for line in block.children or ():
        if not line.words:
            continue
        if line.children is not None:
            findings.warning(line, "Unexpected '{' - ignoring", "remove the braces")
        entries = list(_line(line, findings))
        twice = next((each for each in entries if each in found), None)
        if twice is not None:
            findings.warning(
                line,
                f"duplicate entry {_shown(twice)} - ignoring",
                "remove one of the two",
            )
        found |= dict.fromkeys(entries)
    return tuple(found)


def _shown(entry: VirtualAddress) -> str:
    return f"fwmark {entry.mark}" if entry.mark else f"{entry.address} {entry.port}"


def _line(line: Block, findings: Findings) -> Iterator[VirtualAddress]:
    if line.keyword.text == "fwmark":
        yield from _fwmark(line, findings)
        return
    bounds = _bounds(line.keyword, findings)
    if bounds is None:
        return
    port: int | None = 0
    if line.arguments:
        port = integer_of(line.arguments[0], "port", 0, 65535, findings)
    _no_more(line, 1, findings)
    if port is None:
        return
    first, last = bounds
    make = type(first)
    for number in range(int(first), int(last) + 1):
        address = make(number)
        yield VirtualAddress(address, port, family=address.version)


def _fwmark(line: Block, findings: Findings) -> Iterator[VirtualAddress]:
    """C{fwmark N [inet|inet6]}."""
    if not line.arguments:
        findings.missing(line, 1)
        return
    mark = integer_of(line.arguments[0], "fwmark", 1, _MARK, findings)
    family = UNDECIDED
    for word in line.arguments[1:2]:
        family = FAMILIES.get(word.text, UNDECIDED)
        if not family:
            findings.warning(
                word, f"unknown address family '{word}'", "write inet or inet6"
            )
    _no_more(line, 2, findings)
    if mark is not None:
        yield VirtualAddress(mark=mark, family=family)


def _no_more(line: Block, wanted: int, findings: Findings) -> None:
    for extra in line.arguments[wanted : wanted + 1]:
        findings.warning(
            extra,
            f"surplus words from '{extra}' on",
            "put each entry on a line of its own",
        )


def _bounds(word: Word, findings: Findings) -> tuple[IpAddress, IpAddress] | None:
    """The first and the last address of C{word}; None when it is no range."""
    text = word.text
    try:
        first, last = _network(text) if "/" in text else _range(text)
    except ValueError as error:
        findings.dropped(
            word,
            f"invalid address or range '{word}' - ignoring",
            f"{error}; write 192.0.2.1, 192.0.2.1-9, 192.0.2.1-192.0.2.9, "
            "2001:db8::1-f or 192.0.2.0/28",
        )
        return None
    if int(last) - int(first) < MOST:
        return first, last
    findings.dropped(
        word,
        f"'{word}' has more than {MOST} addresses - ignoring",
        "use a firewall mark for so many",
    )
    return None


def _network(text: str) -> tuple[IpAddress, IpAddress]:
    """All addresses of a network; raises L{ValueError}, also for host bits."""
    network = ip_network(text)
    return network.network_address, network.broadcast_address


def _range(text: str) -> tuple[IpAddress, IpAddress]:
    """Raises L{ValueError} when the text is neither an address nor a range."""
    begin, dash, end = text.partition("-")
    first = address_of(begin)
    if first is None:
        raise ValueError(f"'{begin}' is not an address")
    if not dash:
        return first, first
    last = address_of(end) or _last(first, end)
    if last.version != first.version or int(last) < int(first):
        raise ValueError(f"'{end}' is not behind '{begin}'")
    return first, last


def _last(first: IpAddress, end: str) -> IpAddress:
    """The first address with its last byte, or last 16 bits, replaced."""
    if isinstance(first, IPv4Address):
        if _BYTE.fullmatch(end) is None or int(end) > 255:
            raise ValueError(f"'{end}' is not a number up to 255")
        return IPv4Address(int(first) & ~0xFF | int(end))
    if _SIXTEEN_BITS.fullmatch(end) is None:
        raise ValueError(f"'{end}' is not a number of four hexadecimal digits")
    return IPv6Address(int(first) & ~0xFFFF | int(end, 16))
