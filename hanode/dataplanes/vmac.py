"""The macvlan and ipvlan interfaces of virtual routers, kept as they are wanted.

keepalived.conf(5), use_vmac and use_ipvlan. Who wants which links is stated as a whole;
L{VirtualLinks.settle} compares that with the kernel. What we make carries a mark
(L{hanode.dataplanes.marks}) as its alias, so that a daemon that was killed leaves
nothing behind that the next one does not adopt or remove.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from ipaddress import IPv6Address
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.config.model import Address
from hanode.config.vmac_model import VirtualLink
from hanode.dataplanes import marks
from hanode.dataplanes.kernel import IFF_UP, Kernel
from hanode.dataplanes.losses import Losses
from hanode.dataplanes.marks import Mark
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
from hanode.dataplanes.vmac_sysctls import VirtualSysctls

RETRY, RETRY_LONGEST = 1.0, 30.0  # seconds; doubled after each refusal
_EUI64 = b"\xff\xfe"  # RFC 4291, appendix A


class Wish:
    """One link that somebody wants, and how it is faring."""

    def __init__(self, link: VirtualLink) -> None:
        self.link = link
        self.losses = Losses()
        self.refusals = 0
        self.complaint = ""  # the last one, so that it is said once
        self.index = 0  # of what we made or found, 0 for nothing
        self.parent = 0  # the index of its parent then
        self.addressed = False  # whether it has had what it sends from
        self.not_before = 0.0  # seconds of the clock


class VirtualLinks:
    """All virtual links of one node.

    @param claimed: what belongs to instances, and is no address of an interface.
    @param changed: called after links have changed outside of L{settle}'s callers.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        kernel: Kernel,
        claimed: Container[Key],
        changed: Callable[[], object],
        sysctls: VirtualSysctls | None = None,
        netlink: AtOnce | None = None,
    ) -> None:
        self._reactor, self._kernel = reactor, kernel
        self._claimed, self._changed = claimed, changed
        self.sysctls = VirtualSysctls() if sysctls is None else sysctls
        self._netlink = AtOnce() if netlink is None else netlink
        self._wanted: dict[str, tuple[VirtualLink, ...]] = {}
        self._wishes: dict[str, Wish] = {}
        self._mark: Mark | None = None
        self._again: IDelayedCall | None = None
        self._parents: dict[str, int] = {}  # indices, as long as they last
        self.local_igmp = True

    def want(self, owner: str, links: Sequence[VirtualLink]) -> None:
        """From now on C{owner} wants exactly C{links}; L{settle} does it."""
        if links:
            self._wanted[owner] = tuple(links)
        else:
            self._wanted.pop(owner, None)
        wanted = {each.name: each for each in self.wanted()}
        for name in [each for each in self._wishes if each not in wanted]:
            del self._wishes[name]
        for name, link in wanted.items():
            if name not in self._wishes or self._wishes[name].link != link:
                self._wishes[name] = Wish(link)

    def wanted(self) -> Iterable[VirtualLink]:
        """Every link that somebody wants."""
        return (each for links in self._wanted.values() for each in links)

    def indices(self) -> set[int]:
        """The indices of those that exist."""
        return {wish.index for wish in self._wishes.values()} - {0}

    def hides(self, name: str) -> bool:
        """Whether the interface called C{name} is another one than we want there."""
        wish = self._wishes.get(name)
        return wish is not None and not wish.index

    # -- life

    def start(self) -> None:
        """From now on L{settle} may change the kernel. Raises L{OSError}."""
        self._mark = Mark()

    def stop(self) -> None:
        """Remove what we made, put the settings back."""
        if self._mark is None:
            return
        self._wanted.clear()
        self._wishes.clear()
        self.settle()
        self.sysctls.restore()
        self._mark.close()
        self._mark = None
        self._netlink.close()
        if self._again is not None and self._again.active():
            self._again.cancel()

    def settle(self, first: bool = False) -> bool:
        """Make the kernel have what is wanted; tell whether anything was changed.

        The copy of the kernel's tables is up to date afterwards. The C{first} time,
        what daemons left behind that were killed is removed or adopted.
        """
        if self._mark is None:
            return False
        changed = self._remove_strays(first)
        for wish in self._wishes.values():
            changed = self._fulfil(wish) or changed
        if not any(wish.link.ipv4 for wish in self._wishes.values()):
            self.sysctls.tighten()
        self.sysctls.local_igmp(self.local_igmp)
        return changed

    # -- one link

    def _fulfil(self, wish: Wish) -> bool:
        link, kernel = wish.link, self._kernel
        parent = kernel.links.get(kernel.indices.get(link.parent, 0))
        have = kernel.links.get(kernel.indices.get(link.name, 0))
        if parent is None:
            wish.index = 0
            return False  # it is made when the parent appears
        if self._parents.setdefault(link.parent, parent.ifindex) != parent.ifindex:
            self._parents[link.parent] = parent.ifindex
            self.sysctls.renewed(link.parent)
        if have is None:
            return self._replace(wish, parent)
        if not fits(have, link, parent) or self._is_anothers(wish, have):
            return self._displace(wish, have, parent)
        changed = wish.index != have.ifindex
        if changed:
            wish.parent = parent.ifindex
            self._adopt(wish, have)
        return self._maintain(wish, have, parent) or changed

    def _replace(self, wish: Wish, parent: StoredLink) -> bool:
        """It is not there: make it, unless it is taken from us too often."""
        now = self._reactor.seconds()
        if now < wish.not_before:
            return False
        if wish.index and wish.parent == parent.ifindex:
            wish.index = 0
            pause = wish.losses.add(now)
            self.log.warn(
                "{name} was removed by someone else: {outcome}",
                name=wish.link.name,
                outcome="made again in a while" if pause else "made again",
            )
            if pause:
                self._later(wish, pause)
                return False
        return self._make(wish, parent)

    def _make(self, wish: Wish, parent: StoredLink) -> bool:
        link = wish.link
        group = parent.group if link.group is None else link.group
        create = link_message.create(link, parent.ifindex, group, self._vrf(parent))
        code, _ = self._netlink.perform(create)
        if code:
            self._refused(wish, f"{link.kind} on {link.parent}: {meaning(code)}")
            return False
        have = self._look(link.name)
        if have is None:
            return False
        wish.index, wish.refusals, wish.complaint = have.ifindex, 0, ""
        wish.addressed, wish.parent = False, parent.ifindex
        self._prepare(wish, have)
        self._finish(wish, parent)
        self.log.info(
            "Success creating {kind} interface {name} on {parent}",
            kind="VMAC" if link.mac else link.kind,
            name=link.name,
            parent=link.parent,
        )
        return True

    def _displace(self, wish: Wish, have: StoredLink, parent: StoredLink) -> bool:
        """Something else has the name: ours of before goes, of others it stays."""
        wish.index = 0
        if self._is_ours(have):
            self._remove(have)
            return self._make(wish, parent)
        # No retry: the kernel tells when it goes.
        kind = have.kind or "a device"
        self._complain(wish, f"there is another interface of that name ({kind})")
        return False

    def _adopt(self, wish: Wish, have: StoredLink) -> None:
        """A matching one is there: it is as good as one that we make."""
        assert self._mark is not None
        wish.index, wish.complaint, wish.addressed = have.ifindex, "", False
        self.log.info("Found matching interface {name}", name=have.name)
        if marks.maker(have.alias) and not self._mark.owns(have.alias):
            self.sysctls.recall(wish.link, marks.note(have.alias))
        self._prepare(wish, have)
        self._look(have.name)

    def _prepare(self, wish: Wish, have: StoredLink) -> None:
        """All that comes before it is switched on."""
        assert self._mark is not None
        link = wish.link
        if link.ipv4:
            self.sysctls.loosen(set(self._wishes))
        self.sysctls.want(link)
        if not have.alias or marks.maker(have.alias):
            note = self.sysctls.note(link)
            if have.flags & IFF_UP and not have.alias:
                return  # an administrator's: we use it, and leave it there
            self._ask(link_message.mark(have.ifindex, self._mark.write(note)), link)
        if link.kind == "macvlan":
            self._ask(link_message.no_link_local(have.ifindex), link)

    def _finish(self, wish: Wish, parent: StoredLink) -> None:
        have = self._look(wish.link.name)
        if have is not None:
            self._maintain(wish, have, parent)

    def _maintain(self, wish: Wish, have: StoredLink, parent: StoredLink) -> bool:
        """Make good what differs in an interface that is otherwise right."""
        link, index, asked = wish.link, have.ifindex, []
        if have.mtu != parent.mtu:
            asked.append(link_message.set_mtu(index, parent.mtu))
        if have.master != self._vrf(parent):
            asked.append(link_message.set_master(index, self._vrf(parent)))
        if not have.flags & IFF_UP:
            asked.append(link_message.set_up(index))
        if not all([self._ask(each, link) for each in asked]):
            return False
        if asked:
            self._look(link.name)
        return self._set_addresses(wish, parent) or bool(asked)

    def _set_addresses(self, wish: Wish, parent: StoredLink) -> bool:
        """Give it what it sends from: a link-local address, or its own one."""
        wanted = self._own_address(wish.link, parent)
        now = self._reactor.seconds()
        if wanted is None or now < wish.not_before:
            return False
        key = key_of(wanted, wish.index)
        if self._kernel.find(key) is not None:
            wish.addressed = True
            return False
        if wish.addressed:
            wish.addressed = False
            pause = wish.losses.add(now)
            if pause:
                self._later(wish, pause)
                return False
        if not self._ask(add_address(wanted, wish.index), wish.link):
            return False
        self._kernel.add(StoredAddress(key, 0, wanted.prefix))
        return True

    def _own_address(self, link: VirtualLink, parent: StoredLink) -> Address | None:
        if link.address is not None:
            return Address(link.address, link.prefix, link.name)
        if not link.link_local or link.kind != "macvlan":
            return None
        source = self._link_local(link.name) or self._link_local(parent.name)
        if source is None and len(parent.mac) == 6:
            source = link_local(parent.mac)
        if source is None:
            return None
        # Never the source of the host's own connections (RFC 6724).
        flags = frozenset({"nodad"})
        return Address(source, 64, link.name, flags=flags, preferred_lft=0)

    def _link_local(self, name: str) -> IPv6Address | None:
        """The link-local address that an interface has of its own."""
        for key in self._kernel.addresses.get(self._kernel.indices.get(name, 0), {}):
            if len(key[1]) == 16 and key not in self._claimed:
                address = IPv6Address(key[1])
                if address.is_link_local:
                    return address
        return None

    # -- strays

    def _remove_strays(self, first: bool) -> bool:
        """Remove what we made and want no more; at first also what others left."""
        strays = [
            each
            for each in tuple(self._kernel.links.values())
            if each.name not in self._wishes
            and marks.maker(each.alias)
            and (self._owns(each) or first and marks.is_orphan(each.alias))
        ]
        for each in strays:
            if not self._owns(each):
                self._recall_parent(each)
                self.log.info("removing {name}, left behind", name=each.name)
            self._remove(each)
            self.sysctls.drop(each.name)
        return bool(strays)

    def _recall_parent(self, stray: StoredLink) -> None:
        parent = self._kernel.links.get(stray.parent)
        link = VirtualLink(stray.name, "" if parent is None else parent.name)
        self.sysctls.recall(link, marks.note(stray.alias))

    def _owns(self, have: StoredLink) -> bool:
        return self._mark is not None and self._mark.owns(have.alias)

    def _is_ours(self, have: StoredLink) -> bool:
        return self._owns(have) or marks.is_orphan(have.alias)

    def _is_anothers(self, wish: Wish, have: StoredLink) -> bool:
        """Whether another daemon made it that runs."""
        known = wish.index == have.ifindex
        return not known and bool(marks.maker(have.alias)) and not self._is_ours(have)

    def _remove(self, have: StoredLink) -> None:
        code, _ = self._netlink.perform(link_message.remove(have.ifindex))
        if code:
            self.log.error(
                "cannot remove {name}: {reason}", name=have.name, reason=meaning(code)
            )
            return
        self._kernel.forget(have.ifindex)

    # -- asking the kernel

    def _look(self, name: str) -> StoredLink | None:
        """Bring our copy of one link up to date."""
        code, bodies = self._netlink.perform(link_message.ask(name))
        for body in bodies:
            found = self._kernel.apply(RTM_NEWLINK, body, 0, len(body))
            if isinstance(found, StoredLink):
                return found
        return None

    def _ask(self, request: bytes, link: VirtualLink) -> bool:
        code, _ = self._netlink.perform(request)
        if code:
            self.log.error(
                "cannot set up {name}: {reason}", name=link.name, reason=meaning(code)
            )
        return not code

    def _vrf(self, parent: StoredLink) -> int:
        """The index of the VRF that the parent belongs to, 0 for none."""
        master = self._kernel.links.get(parent.master)
        return parent.master if master is not None and master.kind == "vrf" else 0

    def _refused(self, wish: Wish, reason: str) -> None:
        self._complain(wish, reason)
        self._later(wish, min(RETRY_LONGEST, RETRY * 2**wish.refusals))
        wish.refusals = min(wish.refusals + 1, 16)

    def _complain(self, wish: Wish, reason: str) -> None:
        if reason != wish.complaint:
            wish.complaint = reason
            self.log.error(
                "cannot make interface {name}: {reason}; trying again until it works",
                name=wish.link.name,
                reason=reason,
            )

    def _later(self, wish: Wish, delay: float) -> None:
        now = self._reactor.seconds()
        wish.not_before = now + delay
        if self._again is not None and self._again.active():
            if self._again.getTime() <= wish.not_before:
                return
            self._again.cancel()
        self._again = self._reactor.callLater(delay, self._retry)

    def _retry(self) -> None:
        self._again = None
        now = self._reactor.seconds()
        if self.settle():
            self._changed()
        waiting = [
            each.not_before - now
            for each in self._wishes.values()
            if each.not_before > now
        ]
        if waiting and (self._again is None or not self._again.active()):
            self._again = self._reactor.callLater(min(waiting), self._retry)


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
