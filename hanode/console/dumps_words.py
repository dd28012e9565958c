"""Records in the words that keepalived prints them in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hanode.config.model import Address, VrrpInstance
from hanode.console.dumps_counts import Counts

STATES = ("INIT", "BACKUP", "MASTER", "FAULT")
#: kind -> name -> what is to be seen of it
Trackers = Mapping[str, Mapping[str, Mapping[str, Any]]]
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}


@dataclass(frozen=True)
class Seen:
    """One instance: its settings, what its service describes, since when it is in its
    state (seconds since 1970), and what it has counted."""

    settings: VrrpInstance
    described: Mapping[str, Any]
    since: float
    counts: Counts

    @property
    def state(self) -> str:
        """One of four: who is stopped has not begun."""
        state = self.described["state"]
        return state if state in STATES else "INIT"

    @property
    def virtual(self) -> str:
        """The name of its interface with a virtual MAC, "" without one."""
        main = self.settings.virtual.main
        return "" if main is None else main.name

    @property
    def wanted(self) -> str:
        """The state it is to have: before it begins that of the configuration."""
        return self.settings.state if self.state == "INIT" else self.state

    @property
    def missing(self) -> frozenset[str]:
        """The addresses that the kernel does not let us hold."""
        return frozenset(self.described.get("missing", ()))

    @property
    def holds(self) -> bool:
        """Whether it holds its addresses, all of them."""
        return self.state == "MASTER" and not self.missing

    def addresses(self, which: Collection[Address]) -> Iterator[str]:
        """Some of its addresses, each with the word C{set} when it is held."""
        parents = {link.name: link.parent for link in self.settings.virtual.links}
        for each in which:
            parent = parents.get(each.device, "")
            held = self.state == "MASTER" and str(each) not in self.missing
            yield address(each, parent) + (" set" if held else "")


def address(each: Address, parent: str = "") -> str:
    """As keepalived prints it: without the prefix when that is a single host."""
    host = each.prefix == each.address.max_prefixlen
    words = [str(each.address) if host else f"{each.address}/{each.prefix}"]
    words += [f"peer {each.peer}"] if each.peer is not None else []
    words.append(f"dev {each.device}" + (f"@{parent}" if parent else ""))
    words.append(f"scope {_SCOPES.get(each.scope or 0, each.scope)}")
    words += [f"brd {each.broadcast}"] if each.broadcast is not None else []
    words += [f"label {each.label}"] if each.label else []
    words += sorted(each.flags - {"nodad"})
    if each.address.version == 6:
        words.append(_lifetime(each.preferred_lft))
    return " ".join(words)


def _lifetime(seconds: int | None) -> str:
    if seconds is None:
        return "preferred_lft forever"
    return f"preferred_lft {seconds}" if seconds else "deprecated"


def quoted(command: Iterable[str]) -> str:
    """Each word of a command in quotes, on one line."""
    words = (word.encode("unicode_escape").decode() for word in command)
    return " ".join(f"'{word}'" for word in words)


def number(value: float) -> int | float:
    """Whole seconds as an integer, as keepalived's JSON has them."""
    return int(value) if value == int(value) else round(value, 6)


def interval(seconds: float, version: int) -> str:
    """The advertisement interval in the unit of the VRRP version."""
    return f"{seconds:g} sec" if version == 2 else f"{round(seconds * 1000)} milli-sec"


def yes(value: object) -> str:
    """A switch."""
    return "true" if value else "false"


def enabled(value: object) -> str:
    """Another one."""
    return "enabled" if value else "disabled"
