"""What the kernel has: interfaces and addresses, as told by dump and notification."""

from __future__ import annotations

from collections.abc import Container, Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hanode.dataplanes.netlink.message import (
    IFA_F_DADFAILED,
    IFA_F_SECONDARY,
    IFA_F_TENTATIVE,
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    Buffer,
    Key,
    StoredAddress,
    StoredLink,
    parse_address,
    parse_link,
)
from hanode.link import Link

IFF_UP, IFF_RUNNING = 0x1, 0x40
UNUSABLE = IFA_F_TENTATIVE | IFA_F_DADFAILED


class Kernel:
    """A copy of the kernel's tables.

    C{links} is by index; C{addresses} by index and then by key, in the kernel's order.
    What changed since it was last looked at is noted by the caller, from what
    L{apply} returns.
    """

    def __init__(self) -> None:
        self.links: dict[int, StoredLink] = {}
        self.indices: dict[str, int] = {}
        self.addresses: dict[int, dict[Key, StoredAddress]] = {}

    def replace(self, links: Iterable[bytes], addresses: Iterable[bytes]) -> None:
        """Take two whole dumps (bodies of RTM_NEWLINK and RTM_NEWADDR) as the truth."""
        self.links.clear()
        self.indices.clear()
        self.addresses.clear()
        for body in links:
            self.apply(RTM_NEWLINK, body, 0, len(body))
        for body in addresses:
            self.apply(RTM_NEWADDR, body, 0, len(body))

    def apply(
        self, kind: int, data: Buffer, start: int, end: int
    ) -> StoredAddress | StoredLink | None:
        """Take one message of C{kind}; return what it spoke of, None for nothing new.

        Raises L{hanode.dataplanes.netlink.message.BadMessage}.
        """
        if kind in (RTM_NEWADDR, RTM_DELADDR):
            address = parse_address(data, start, end)
            if kind == RTM_NEWADDR:
                self.add(address)
            else:
                self.remove(address.key)
            return address
        if kind in (RTM_NEWLINK, RTM_DELLINK):
            link = parse_link(data, start, end)
            if link is not None:
                self._apply_link(kind, link)
            return link
        return None

    def forget(self, index: int) -> None:
        """The interface with this index is gone, and its addresses with it."""
        link = self.links.pop(index, None)
        self.addresses.pop(index, None)
        if link is not None and self.indices.get(link.name) == index:
            del self.indices[link.name]

    def add(self, address: StoredAddress) -> None:
        """The address is there now; an address that was there keeps its place."""
        self.addresses.setdefault(address.key[0], {})[address.key] = address

    def remove(self, key: Key) -> None:
        """The address is there no more."""
        self.addresses.get(key[0], {}).pop(key, None)

    def find(self, key: Key) -> StoredAddress | None:
        """The address under C{key}, None when the kernel has no such address."""
        return self.addresses.get(key[0], {}).get(key)

    def is_up(self, name: str) -> bool:
        """Whether there is such an interface and it is set up (with carrier or not)."""
        link = self.links.get(self.indices.get(name, 0))
        return link is not None and bool(link.flags & IFF_UP)

    def mac(self, name: str) -> bytes:
        """The MAC address of an interface that is up and running, else nothing."""
        link = self.links.get(self.indices.get(name, 0))
        return b"" if link is None or not _is_running(link) else link.mac

    def has_secondary(self, name: str, claimed: Container[Key]) -> bool:
        """Whether one of the interface's own IPv4 addresses is a secondary one."""
        addresses = self.addresses.get(self.indices.get(name, 0), {})
        return any(
            address.flags & IFA_F_SECONDARY
            and len(address.key[1]) == 4
            and address.key not in claimed
            for address in addresses.values()
        )

    def link(self, name: str, claimed: Container[Key]) -> Link | None:
        """The interface called C{name}, without the addresses in C{claimed}."""
        stored = self.links.get(self.indices.get(name, 0))
        if stored is None:
            return None
        own = tuple(
            _address(address)
            for address in self.addresses.get(stored.ifindex, {}).values()
            if address.key not in claimed and not address.flags & UNUSABLE
        )
        up = _is_running(stored)
        return Link(name, stored.ifindex, up, stored.mac, stored.mtu, own)

    def _apply_link(self, kind: int, link: StoredLink) -> None:
        old = self.links.get(link.ifindex)
        if old is not None and self.indices.get(old.name) == link.ifindex:
            del self.indices[old.name]  # it may have got another name
        if kind == RTM_DELLINK:
            self.links.pop(link.ifindex, None)
            self.addresses.pop(link.ifindex, None)
        else:
            self.links[link.ifindex] = link
            self.indices[link.name] = link.ifindex


def _is_running(link: StoredLink) -> bool:
    return link.flags & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING


def _address(stored: StoredAddress) -> Any:
    packed = stored.key[1]
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)
