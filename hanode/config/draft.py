"""One object as its words are, before defaults and corrections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hanode.config.findings import Findings
from hanode.config.model import IpAddress, VrrpInstance
from hanode.config.track_model import Tracked
from hanode.config.tree import Block
from hanode.config.vrrp_keywords import INSTANCE

#: field -> value without the keyword, where it does not follow from other fields
DEFAULTS: Mapping[str, Any] = {
    row.field: row.default for row in INSTANCE if row.default is not None
}

#: field of a draft where global_defs gives the default
GLOBAL_PREFIX = "instance."


@dataclass
class Taken:
    """What the instances before this one have claimed."""

    instances: dict[str, VrrpInstance] = field(default_factory=dict)
    routers: dict[tuple[str, int, int], list[VrrpInstance]] = field(
        default_factory=dict
    )
    addresses: dict[tuple[IpAddress, str], str] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)  # names of virtual interfaces

    def add(self, instance: VrrpInstance) -> None:
        """C{instance} is accepted: its name, VRID and addresses are gone."""
        self.instances[instance.name] = instance
        self.routers.setdefault(router(instance), []).append(instance)
        for address in instance.all_addresses:
            self.addresses[address.address, address.device] = instance.name
        self.links.update(link.name for link in instance.virtual.links)


def router(instance: VrrpInstance) -> tuple[str, int, int]:
    """What two instances share that could be the same virtual router."""
    return instance.interface, instance.family, instance.vrid


@dataclass
class Written:
    """The settings that a block names: its C{own}, and where to complain."""

    name: str
    block: Block
    own: dict[str, Any]
    findings: Findings

    def warning(self, message: str, remedy: str = "") -> None:
        """Warn about the whole object."""
        self.findings.warning(self.block, message, remedy)

    def dropped(self, message: str, remedy: str = "") -> None:
        """Say why the object does not run."""
        self.findings.dropped(self.block, message, remedy)


@dataclass
class Draft(Written):
    """One vrrp_instance: its own settings, then the C{shared} of global_defs.

    C{track} gives what it tracks, and complains about the rest.
    """

    shared: Mapping[str, Any]
    track: Callable[[], tuple[Tracked, ...]] = tuple

    def get(self, field: str) -> Any:
        """The value of C{field}: own, global default, or keepalived's default."""
        return self.own[field] if field in self.own else self.default(field)

    def default(self, field: str) -> Any:
        """The value of C{field} for an instance that does not say."""
        return self.shared.get(GLOBAL_PREFIX + field, DEFAULTS.get(field))

    @property
    def interface(self) -> str:
        """The interface, "" where none was named."""
        return str(self.own.get("interface", ""))

    @property
    def strict(self) -> bool:
        """Whether strict_mode or vrrp_strict is on."""
        return bool(self.get("strict"))
