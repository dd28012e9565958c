"""Readers of use_vmac, use_ipvlan and of the words about the firewall."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from hanode.config.addresses import split_prefix
from hanode.config.findings import Findings
from hanode.config.model import IpAddress
from hanode.config.row import Keyword
from hanode.config.tree import Block, Word
from hanode.config.values import Reader, integer_of, surplus
from hanode.config.vmac_model import IPVLAN_FLAGS

LONGEST = 15  # characters of an interface name: IFNAMSIZ less the final zero
_UINT = 4294967295
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){4,5}", re.ASCII)
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_/\\.-]{0,254}", re.ASCII)


@dataclass(frozen=True)
class WrittenLink:
    """What use_vmac or use_ipvlan says; None and "" where it says nothing.

    C{mac} has five or six bytes; behind five comes the VRID.
    """

    name: str = ""
    mac: bytes = b""
    mode: str = "bridge"
    address: IpAddress | None = None
    prefix: int = 0
    group: int | None = None


Taken = WrittenLink | None
Take = Callable[[WrittenLink, Word, Findings], Taken]


def vmac(keyword: Keyword, block: Block, findings: Findings) -> WrittenLink:
    """C{use_vmac [[name] NAME] [MAC] [netlink_notify_msg] [group N]}."""
    return _read(block, findings, (_mac, _name))


def ipvlan(keyword: Keyword, block: Block, findings: Findings) -> WrittenLink:
    """C{use_ipvlan [[name] NAME] [ADDRESS[/PREFIX]] [MODE] [group N]}."""
    return _read(block, findings, (_address, _mode, _name))


def _read(block: Block, findings: Findings, takes: tuple[Take, ...]) -> WrittenLink:
    found = WrittenLink()
    words = iter(block.arguments)
    for word in words:
        if word.text in _WITH_VALUE:
            value = next(words, None)
            if value is None:
                findings.missing(block, len(block.words))
                return found
            taken = _WITH_VALUE[word.text](found, value, findings)
            found = found if taken is None else taken
        elif word.text != "netlink_notify_msg":  # what the kernel does anyhow
            tried = (take(found, word, findings) for take in takes)
            found = next((each for each in tried if each is not None), found)
    return found


def _mac(found: WrittenLink, word: Word, findings: Findings) -> Taken:
    if not _MAC.fullmatch(word.text):
        return None
    mac = bytes(int(each, 16) for each in word.text.split(":"))
    if mac[0] & 1 or not any(mac):
        findings.warning(
            word,
            f"invalid MAC address {word} for use_vmac - ignoring",
            "the first octet of an interface's own address is even",
        )
        return found
    return replace(found, mac=mac)


def _address(found: WrittenLink, word: Word, findings: Findings) -> Taken:
    address, prefix = split_prefix(word.text)
    if address is None:
        return None
    length = address.max_prefixlen if prefix is None else prefix
    return replace(found, address=address, prefix=length)


def _mode(found: WrittenLink, word: Word, findings: Findings) -> Taken:
    return replace(found, mode=word.text) if word.text in IPVLAN_FLAGS else None


def _name(found: WrittenLink, word: Word, findings: Findings) -> Taken:
    if not is_name(word.text):
        findings.warning(
            word,
            f"'{word}' is no name of an interface - ignoring",
            f"at most {LONGEST} characters without / and blanks",
        )
        return found
    return replace(found, name=word.text)


def _group(found: WrittenLink, word: Word, findings: Findings) -> Taken:
    if word.text == "default":
        return replace(found, group=0)
    number = integer_of(word, "group", 0, _UINT, findings)
    return found if number is None else replace(found, group=number)


_WITH_VALUE: Mapping[str, Take] = {"name": _name, "group": _group}


def is_name(text: str) -> bool:
    """Whether the kernel takes C{text} as the name of an interface."""
    forbidden = set("/:%\0") | set(" \t\n\v\f\r")
    return (
        0 < len(text) <= LONGEST
        and text not in (".", "..")
        and not (forbidden & set(text))
    )


def link_prefix(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """The beginning of the names of virtual interfaces."""
    surplus(block, 1, findings)
    if not block.arguments:
        findings.missing(block, 1)
        return None
    word = block.arguments[0]
    # "6" and ".255" follow, perhaps with a further number
    if is_name(word.text) and len(word.text) <= LONGEST - len("10.255"):
        return word.text
    findings.warning(
        word,
        f"{block.keyword} '{word}' cannot begin the name of an interface - ignoring",
        f"at most {LONGEST - len('10.255')} characters",
    )
    return None


def dynamic(keyword: Keyword, block: Block, findings: Findings) -> bool:
    """C{dynamic_interfaces [allow_if_changes]}: hanode always does both."""
    surplus(block, 1, findings)
    for word in block.arguments[:1]:
        if word.text not in keyword.choices:
            findings.warning(
                word,
                f"Unknown dynamic_interfaces option '{word}'",
                f"write {keyword.choices[0]} or nothing",
            )
    return True


def table(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """C{nftables [TABLE]}; without a name it is the row's default."""
    surplus(block, 1, findings)
    if not block.arguments:
        return str(keyword.default)
    word = block.arguments[0]
    if _TABLE.fullmatch(word.text):
        return word.text
    findings.warning(
        word,
        f"'{word}' is no name of an nftables table - ignoring",
        "letters, digits and _ - . /, a letter first",
    )
    return None


def nothing_to_do(keyword: Keyword, block: Block, findings: Findings) -> None:
    """A word that has no sense here: the row's title says why."""
    findings.warning(
        block,
        keyword.title.format(word=keyword.word),
        "remove it; docs/vmac.md tells what the rules are",
    )


READERS: Mapping[str, Reader] = {
    "vmac": vmac,
    "ipvlan": ipvlan,
    "link prefix": link_prefix,
    "dynamic interfaces": dynamic,
    "nftables table": table,
    "nothing to do": nothing_to_do,
}
