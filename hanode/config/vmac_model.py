"""Virtual MAC and ipvlan interfaces, and the firewall, as values."""

from __future__ import annotations

from dataclasses import dataclass

from hanode.config.scalars import IpAddress

#: ipvlan: words of the configuration, and what linux/if_link.h calls them
IPVLAN_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}


@dataclass(frozen=True)
class VirtualLink:
    """A macvlan or ipvlan that we make on C{parent} and remove at the end.

    C{kind} is macvlan or ipvlan. C{mac} is the virtual router MAC address, b"" for
    ipvlan, which has its parent's. C{flags} are those of IFLA_IPVLAN_FLAGS.
    C{ipv4} and C{ipv6} tell what it carries. C{link_local}: it needs an IPv6
    link-local address, because advertisements are sent from it. C{address} with its
    C{length} of prefix is what it sends from, where that is not taken from the
    interface below. C{group} is the link group, None for that of the parent. C{prefix}
    begins its name if we chose that, and may choose another one.
    """

    name: str
    parent: str
    kind: str = "macvlan"
    mac: bytes = b""
    flags: int = 0
    ipv4: bool = True
    ipv6: bool = False
    link_local: bool = False
    address: IpAddress | None = None
    length: int = 0
    group: int | None = None
    prefix: str = ""


@dataclass(frozen=True)
class Virtual:
    """The virtual links of one instance.

    C{main} is that of use_vmac or use_ipvlan; C{others} carry addresses only.
    C{transmit_base}: advertisements go through the base interface all the same.
    """

    main: VirtualLink | None = None
    others: tuple[VirtualLink, ...] = ()
    transmit_base: bool = False

    @property
    def links(self) -> tuple[VirtualLink, ...]:
        """All of them."""
        return self.others if self.main is None else (self.main, *self.others)

    @property
    def device(self) -> str:
        """The link that advertisements go through, "" for the base interface."""
        return "" if self.main is None or self.transmit_base else self.main.name


@dataclass(frozen=True)
class FirewallDefs:
    """How the rules of no_accept and of virtual MACs are written.

    C{table} is the name of the nftables tables, C{priority} that of their chains.
    C{by_index}: interfaces are compared by number. C{local_igmp} is False for
    disable_local_igmp: the kernel sends no membership reports for 224.0.0.0/24.
    """

    table: str = "hanode"
    priority: int = -1
    by_index: bool = False
    counters: bool = False
    local_igmp: bool = True
