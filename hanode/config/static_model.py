"""What the node holds whatever its instances do: static_ipaddress and its like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hanode.config.route_model import Route, Rule

if TYPE_CHECKING:
    from hanode.config.model import Address


@dataclass(frozen=True)
class Statics:
    """The static addresses, routes and rules, each perhaps with a track_group."""

    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.addresses or self.routes or self.rules)

    @property
    def groups(self) -> tuple[str, ...]:
        """The track groups that are told when one of them cannot be set."""
        groups = [each.group for each in self.addresses]
        groups += [each.group for each in self.routes]
        groups += [each.group for each in self.rules]
        return tuple(dict.fromkeys(group for group in groups if group))


@dataclass(frozen=True)
class GarpGroup:
    """garp_group: interfaces that share one pace of announcements, gaps in seconds."""

    interfaces: frozenset[str]
    arp_interval: float = 0.0
    na_interval: float = 0.0
