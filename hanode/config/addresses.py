"""Reader of virtual_ipaddress: one address with its options on each line.

keepalived.conf(5), "virtual_ipaddress". The device is "" where the line names
none; L{hanode.config.instances} fills in the interface of the instance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from hanode.config.entries import Entry, lines
from hanode.config.findings import Findings
from hanode.config.model import Address, IpAddress
from hanode.config.row import Keyword
from hanode.config.tree import Block, Word
from hanode.config.values import address_of, integer_of

#: rt_scopes(5): what iproute2 calls the scopes of the kernel
SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}

_FLAGS = frozenset({"home", "mngtmpaddr", "noprefixroute", "autojoin"})
_LABEL = 15  # characters: IFNAMSIZ less the final zero
_UINT = 4294967295


@dataclass
class _Line:
    """One line while it is being read."""

    line: Block
    findings: Findings
    address: IpAddress
    prefix: int | None
    device: str = ""
    broadcast: Word | None = None
    label: str | None = None
    scope: int | None = None
    peer: IpAddress | None = None
    peer_prefix: int | None = None
    flags: set[str] = field(default_factory=set)
    duplicate_check: bool = False
    preferred: tuple[int | None] | None = None
    track: bool = True
    group: str = ""
    usable: bool = True


def addresses(
    keyword: Keyword, block: Block, findings: Findings, static: bool = False
) -> list[Entry[Address]]:
    """The addresses of a block, in its order; a bad line is left out.

    @param static: a track_group is allowed.
    """
    found = []
    for line in lines(block, findings):
        address = _read(line, findings, static)
        if address is not None:
            found.append(Entry(address, line.keyword.place))
    return found


def static_addresses(
    keyword: Keyword, block: Block, findings: Findings
) -> list[Entry[Address]]:
    """Addresses that may have a track_group."""
    return addresses(keyword, block, findings, static=True)


def _read(line: Block, findings: Findings, static: bool) -> Address | None:
    text = line.keyword.text
    address = address_of(text.partition("/")[0])
    if address is None:
        findings.warning(
            line,
            f"VRRP parsed invalid IP {text}. skipping IP...",
            "write ADDRESS/PREFIX",
        )
        return None
    parsed, prefix = split_prefix(text)
    if parsed is None:
        prefix = address.max_prefixlen
        findings.warning(
            line,
            f"Invalid address prefix len {text.partition('/')[2]} for address {text}"
            f" - using {prefix}",
            f"write a prefix length up to {prefix}",
        )
    entry = _Line(line, findings, address, prefix)
    words = iter(enumerate(line.words))
    next(words)
    for position, word in words:
        if word.text in _WITH_VALUE:
            if position + 1 == len(line.words):
                findings.missing(line, position + 1)
                return None
            next(words)
            _WITH_VALUE[word.text](entry, line.words[position + 1])
        elif word.text == "track_group" and static and line.words[position + 1 :]:
            entry.group = next(words)[1].text
        else:
            _alone(entry, word)
    return _finish(entry) if entry.usable else None


def split_prefix(text: str) -> tuple[IpAddress | None, int | None]:
    """C{ADDRESS[/PREFIX]}: the address and the prefix length, None where absent."""
    name, slash, length = text.partition("/")
    address = address_of(name)
    if address is None or not slash:
        return address, None
    if not (length.isascii() and length.isdigit() and len(length) < 4):
        return None, None
    prefix = int(length)
    return (address, prefix) if prefix <= address.max_prefixlen else (None, None)


def _alone(entry: _Line, word: Word) -> None:
    """An option without a value."""
    if word.text in _FLAGS:
        entry.flags.add(word.text)
    elif word.text == "-nodad":
        entry.duplicate_check = True
    elif word.text == "no_track":
        entry.track = False
    elif word.text == "use_vmac":
        entry.flags.add(word.text)
    else:
        remedy = "remove it"
        if split_prefix(word.text)[0] is not None:
            remedy = "put each address on a line of its own"
        entry.findings.warning(
            word,
            f"Unknown configuration entry '{word}' for ip address - ignoring",
            remedy,
        )


def _device(entry: _Line, word: Word) -> None:
    entry.device = word.text


def _broadcast(entry: _Line, word: Word) -> None:
    if _only_ipv4(entry, word, "broadcast"):
        entry.broadcast = word


def _label(entry: _Line, word: Word) -> None:
    if not _only_ipv4(entry, word, "label"):
        return
    if len(word.text) > _LABEL:
        entry.usable = False
        entry.findings.warning(
            word,
            f"Address label {word} is longer than maximum length {_LABEL}"
            " - removing address",
            "shorten the label",
        )
    entry.label = word.text


def _scope(entry: _Line, word: Word) -> None:
    if not _only_ipv4(entry, word, "scope"):
        return
    entry.scope = SCOPES.get(word.text)
    if entry.scope is not None:
        return
    if word.text.isascii() and word.text.isdigit():
        entry.scope = integer_of(word, "scope", 0, 255, entry.findings)
        return
    entry.findings.warning(
        word,
        f"Invalid scope '{word}' specified for {entry.address} - ignoring",
        f"write {', '.join(SCOPES)} or a number",
    )


def _peer(entry: _Line, word: Word) -> None:
    peer, prefix = split_prefix(word.text)
    if peer is None or peer.version != entry.address.version:
        entry.findings.warning(
            word, f"Invalid peer '{word}' for {entry.address}", "ignored"
        )
        return
    entry.peer, entry.peer_prefix = peer, prefix


def _preferred(entry: _Line, word: Word) -> None:
    if word.text == "forever":
        entry.preferred = (None,)
        return
    number = integer_of(word, "preferred_lft", 0, _UINT, entry.findings)
    if number is not None:
        entry.preferred = (number,)


_WITH_VALUE: Mapping[str, Callable[[_Line, Word], None]] = {
    "dev": _device,
    "brd": _broadcast,
    "broadcast": _broadcast,
    "label": _label,
    "scope": _scope,
    "peer": _peer,
    "preferred_lft": _preferred,
}


def _only_ipv4(entry: _Line, word: Word, option: str) -> bool:
    if entry.address.version == 4:
        return True
    entry.findings.warning(
        word, f"{option} is for IPv4 addresses only: {entry.address}", "ignored"
    )
    return False


def _finish(entry: _Line) -> Address:
    prefix = _prefix(entry)
    six = entry.address.version == 6
    if six and not entry.duplicate_check:
        # A virtual address moves at once: no time for duplicate detection.
        entry.flags.add("nodad")
    preferred = entry.preferred
    if preferred is None:
        # RFC 6724: never the source of the host's own connections.
        preferred = (0 if six and prefix == 128 else None,)
    return Address(
        entry.address,
        prefix,
        entry.device,
        broadcast=_broadcast_address(entry, prefix),
        label=entry.label,
        scope=entry.scope,
        peer=entry.peer,
        flags=frozenset(entry.flags),
        preferred_lft=preferred[0],
        track=entry.track,
        group=entry.group,
    )


def _prefix(entry: _Line) -> int:
    longest = entry.address.max_prefixlen
    if entry.peer is None:
        return longest if entry.prefix is None else entry.prefix
    if entry.prefix is not None:
        entry.findings.warning(
            entry.line,
            f"Cannot specify address prefix when specifying peer address - "
            f"ignoring /{entry.prefix}",
            "the prefix length belongs to the peer",
        )
    return longest if entry.peer_prefix is None else entry.peer_prefix


def _broadcast_address(entry: _Line, prefix: int) -> IPv4Address | None:
    word = entry.broadcast
    if word is None or not isinstance(entry.address, IPv4Address):
        return None
    if entry.peer is not None:
        entry.findings.warning(
            word, "Cannot specify broadcast and peer addresses together", "ignored"
        )
        return None
    if word.text in ("+", "-"):
        if prefix > 30:
            entry.findings.warning(
                word,
                f"Address prefix length {prefix} too long for broadcast",
                "write ADDRESS/PREFIX with a prefix up to 30",
            )
            return None
        network = IPv4Network((entry.address, prefix), strict=False)
        edge = network.broadcast_address if word.text == "+" else network[0]
        return IPv4Address(edge)
    given = address_of(word.text)
    if isinstance(given, IPv4Address):
        return given
    entry.findings.warning(
        word, f"Invalid broadcast address '{word}' for {entry.address}", "ignored"
    )
    return None
