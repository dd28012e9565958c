"""A network interface as the rest of hanode sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address


@dataclass(frozen=True)
class Link:
    """One interface: C{up} means IFF_UP and IFF_RUNNING.

    C{addresses} are the interface's own, in the kernel's order, without those that
    any instance claims; C{tentative} IPv6 addresses are not among them. C{mac} is six
    bytes (empty on interfaces without one). C{mtu} is in bytes.
    """

    name: str
    index: int
    up: bool
    mac: bytes = field(default=b"", metadata={"public": True})
    mtu: int = 1500
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()

    @cached_property
    def core(self) -> tuple[object, ...]:
        """What of it matters to who sends from it: equal unless that has changed."""
        own = (self.address(family) for family in (4, 6))
        packed = (None if each is None else each.packed for each in own)
        return (self.index, self.up, self.mac, *packed)

    def address(self, family: int) -> IPv4Address | IPv6Address | None:
        """The address that advertisements are sent from; link-local for IPv6.

        RFC 9568, section 5.1.1.1: the primary IPv4 address of the interface;
        section 5.1.2.1: its IPv6 link-local address.
        """
        for each in self.addresses:
            if each.version == family and (family == 4 or each.is_link_local):
                return each
        return None
