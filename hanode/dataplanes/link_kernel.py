"""Single links of the kernel: asked for, changed and removed at once.

The copy of the kernel's tables (L{hanode.dataplanes.kernel}) is up to date afterwards.
"""

from __future__ import annotations

import errno
from collections.abc import Container, Sequence
from ipaddress import IPv6Address
from itertools import count

from twisted.logger import Logger

from hanode.config.model import Address
from hanode.config.vmac_model import VirtualLink
from hanode.dataplanes.kernel import UNUSABLE, Kernel
from hanode.dataplanes.netlink import link_message
from hanode.dataplanes.netlink.at_once import AtOnce, meaning
from hanode.dataplanes.netlink.message import (
    RTM_NEWLINK,
    Key,
    StoredAddress,
    StoredLink,
    add_address,
    key_of,
)

GROUP = 0x686E0000  # a link group that is ours for the moment of a removal
_EUI64 = b"\xff\xfe"  # RFC 4291, appendix A


class LinkKernel:
    """The hands of L{hanode.dataplanes.vmac.VirtualLinks}.

    @param claimed: what belongs to instances, and is no address of an interface.
    """

    log = Logger()

    def __init__(
        self, tables: Kernel, claimed: Container[Key], netlink: AtOnce | None = None
    ) -> None:
        self.tables, self._claimed = tables, claimed
        self._netlink = AtOnce() if netlink is None else netlink

    def close(self) -> None:
        """Give the socket back."""
        self._netlink.close()

    def find(self, name: str) -> StoredLink | None:
        """The interface called C{name} as our tables have it."""
        return self.tables.links.get(self.tables.indices.get(name, 0))

    def look(self, name: str) -> StoredLink | None:
        """Bring our tables up to date about one interface."""
        _, bodies = self._netlink.perform(link_message.ask(name))
        for body in bodies:
            found = self.tables.apply(RTM_NEWLINK, body, 0, len(body))
            if isinstance(found, StoredLink):
                return found
        return None

    def make(self, link: VirtualLink, parent: StoredLink) -> str:
        """Make C{link}, switched off; why that is impossible, "" when it is done."""
        group = parent.group if link.group is None else link.group
        create = link_message.create(link, parent.ifindex, group, self.vrf(parent))
        code, _ = self._netlink.perform(create)
        return f"{link.kind} on {link.parent}: {meaning(code)}" if code else ""

    def ask(self, request: bytes, name: str) -> bool:
        """Change the interface called C{name}; a refusal is logged."""
        code = self._perform(request)
        if code and code != errno.ENODEV:  # then it is gone, and its going is told
            self.log.error(
                "cannot set up {name}: {reason}", name=name, reason=meaning(code)
            )
        return not code

    def remove_all(self, found: Sequence[StoredLink]) -> None:
        """Remove interfaces; a refusal is logged.

        The kernel waits 20 ms for each that it removes, but only once for a group.
        """
        taken = {each.group for each in self.tables.links.values()}
        group = next(each for each in count(GROUP) if each not in taken)
        requests = [link_message.set_group(each.ifindex, group) for each in found]
        requests.append(link_message.remove_group(group))
        if len(found) > 1 and not any(self._perform(each) for each in requests):
            for each in found:
                self.tables.forget(each.ifindex)
            return
        for each in found:
            self.remove(each)

    def _perform(self, request: bytes) -> int:
        return self._netlink.perform(request)[0]

    def remove(self, have: StoredLink) -> None:
        """Remove an interface; a refusal is logged."""
        code, _ = self._netlink.perform(link_message.remove(have.ifindex))
        if code:
            self.log.error(
                "cannot remove {name}: {reason}", name=have.name, reason=meaning(code)
            )
            return
        self.tables.forget(have.ifindex)

    def vrf(self, parent: StoredLink) -> int:
        """The index of the VRF that C{parent} belongs to, 0 for none."""
        master = self.tables.links.get(parent.master)
        return parent.master if master is not None and master.kind == "vrf" else 0

    def differences(self, have: StoredLink, parent: StoredLink) -> list[bytes]:
        """Requests that make it follow its parent, and switch it on."""
        index, found = have.ifindex, []
        if have.mtu != parent.mtu:
            found.append(link_message.set_mtu(index, parent.mtu))
        if have.master != self.vrf(parent):
            found.append(link_message.set_master(index, self.vrf(parent)))
        if not have.flags & link_message.IFF_UP:
            found.append(link_message.set_up(index))
        return found

    # -- addresses

    def has(self, address: Address, index: int) -> bool:
        """Whether the interface with that index has C{address}."""
        return self.tables.find(key_of(address, index)) is not None

    def add(self, address: Address, index: int) -> bool:
        """Give it C{address}; a refusal is logged."""
        if not self.ask(add_address(address, index), address.device):
            return False
        stored = StoredAddress(key_of(address, index), 0, address.prefix)
        self.tables.add(stored)
        return True

    def address_of(self, link: VirtualLink, parent: StoredLink) -> Address | None:
        """What C{link} is to send from, None for nothing of its own."""
        source = link.address
        if source is not None and source.version == 4:
            return Address(source, link.length, link.name)
        if source is None and (not link.link_local or link.kind != "macvlan"):
            return None
        source = source or self._link_local(link.name) or self._link_local(parent.name)
        if source is None and len(parent.mac) == 6:
            source = link_local(parent.mac)
        if source is None:
            return None
        # Never the source of the host's own connections (RFC 6724).
        flags = frozenset({"nodad"})
        length = link.length or 64
        return Address(source, length, link.name, flags=flags, preferred_lft=0)

    def _link_local(self, name: str) -> IPv6Address | None:
        """The link-local address that an interface has of its own.

        One that is tentative counts only if there is no other one.
        """
        index = self.tables.indices.get(name, 0)
        found = [
            (stored.flags & UNUSABLE, IPv6Address(key[1]))
            for key, stored in self.tables.addresses.get(index, {}).items()
            if len(key[1]) == 16 and key not in self._claimed
        ]
        local = [each for each in found if each[1].is_link_local]
        return min(local, key=lambda each: bool(each[0]))[1] if local else None


def fits(have: StoredLink, link: VirtualLink, parent: StoredLink) -> bool:
    """Whether C{have} is what C{link} wants, apart from what can be changed."""
    if (have.kind, have.parent) != (link.kind, parent.ifindex):
        return False
    if link.kind == "ipvlan":
        return have.mode == link_message.IPVLAN_MODE_L2
    return (have.mac, have.mode) == (link.mac, link_message.MACVLAN_MODE_PRIVATE)


def link_local(mac: bytes) -> IPv6Address:
    """The link-local address of an Ethernet card (RFC 4291, appendix A)."""
    end = bytes((mac[0] ^ 2,)) + mac[1:3] + _EUI64 + mac[3:]
    return IPv6Address(b"\xfe\x80" + bytes(6) + end)
