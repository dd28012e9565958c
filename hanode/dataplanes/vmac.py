"""The macvlan and ipvlan interfaces of virtual routers, kept as they are wanted.

keepalived.conf(5), use_vmac and use_ipvlan. Who wants which links is stated as a whole;
L{VirtualLinks.settle} compares that with the kernel. What we make carries a mark
(L{hanode.dataplanes.marks}) as its alias, so that a daemon that was killed leaves
nothing behind that the next one does not adopt or remove.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence, Set
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.config.vmac_model import VirtualLink
from hanode.dataplanes import marks
from hanode.dataplanes.kernel import IFF_UP, Kernel
from hanode.dataplanes.link_kernel import LinkKernel, fits
from hanode.dataplanes.losses import Losses
from hanode.dataplanes.marks import Mark
from hanode.dataplanes.netlink import link_message
from hanode.dataplanes.netlink.message import Key, StoredLink
from hanode.dataplanes.vmac_sysctls import VirtualSysctls

FLUSHED = 50  # losses of an address in 10 s: "ip addr flush" tries ten times
RETRY, RETRY_LONGEST = 1.0, 30.0  # seconds; doubled after each refusal


class Wish:
    """One link that somebody wants, and how it is faring."""

    def __init__(self, link: VirtualLink) -> None:
        self.link = link
        self.losses = Losses()
        self.address_losses = Losses(FLUSHED)
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
    ) -> None:
        self._reactor, self._changed = reactor, changed
        self._kernel = LinkKernel(kernel, claimed)
        self._sysctls = VirtualSysctls()
        self._wanted: dict[str, tuple[VirtualLink, ...]] = {}
        self._wishes: dict[str, Wish] = {}
        self._mark: Mark | None = None
        self._again: IDelayedCall | None = None
        self._parents: dict[str, int] = {}  # indices, as long as they last
        self.local_igmp = True

    # -- what is wanted

    def want(self, owner: str, links: Sequence[VirtualLink]) -> None:
        """From now on C{owner} wants exactly C{links}; L{settle} does it."""
        before = self._wanted.pop(owner, ())
        if links:
            self._wanted[owner] = tuple(links)
        for link in before:
            if link not in links:
                self._wishes.pop(link.name, None)
        for link in links:
            self._parents.setdefault(link.parent, 0)
            if link not in before:
                self._wishes[link.name] = Wish(link)

    def wanted(self) -> Iterable[VirtualLink]:
        """Every link that somebody wants."""
        return (each for links in self._wanted.values() for each in links)

    def indices(self) -> set[int]:
        """The indices of those that exist."""
        return {wish.index for wish in self._wishes.values()} - {0}

    def concerned(self, moved: Set[int], addressed: Set[int]) -> bool:
        """Whether L{settle} may have to do something.

        @param moved: the indices of links of which there was news.
        @param addressed: those of which an address came or went.
        """
        if not self._wishes or not (moved or addressed):
            return False
        ours = self.indices()
        if (moved | addressed) & ours or moved & set(self._parents.values()):
            return True
        links = self._kernel.tables.links
        names = {links[index].name for index in moved if index in links}
        return bool(names & (self._wishes.keys() | self._parents.keys()))

    def hides(self, name: str) -> bool:
        """Whether the interface called C{name} is another one than we want there."""
        wish = self._wishes.get(name)
        return wish is not None and not wish.index

    def strangers(self, links: Sequence[VirtualLink], tables: Kernel) -> set[str]:
        """The names of C{links} that interfaces have which are not for us."""
        found = set()
        for link in links:
            have = tables.links.get(tables.indices.get(link.name, 0))
            parent = tables.links.get(tables.indices.get(link.parent, 0))
            if have is None or self._owns(have) or marks.is_orphan(have.alias):
                continue
            matches = parent is not None and fits(have, link, parent)
            if not matches or marks.maker(have.alias):
                found.add(link.name)
        return found

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
        self._sysctls.restore()
        self._mark.close()
        self._mark = None
        self._kernel.close()
        if self._again is not None and self._again.active():
            self._again.cancel()

    def settle(self, first: bool = False) -> set[int]:
        """Make the kernel have what is wanted; the indices of the links that changed.

        The C{first} time, what daemons left behind that were killed is removed.
        """
        if self._mark is None:
            return set()
        changed = self._remove_strays(first)
        for wish in self._wishes.values():
            if self._fulfil(wish):
                changed.add(wish.index)
        if not any(wish.link.ipv4 for wish in self._wishes.values()):
            self._sysctls.tighten()
        self._sysctls.local_igmp(self.local_igmp)
        return changed

    # -- one link

    def _fulfil(self, wish: Wish) -> bool:
        link = wish.link
        parent, have = self._kernel.find(link.parent), self._kernel.find(link.name)
        if parent is None:
            wish.index = 0
            return False  # it is made when the parent appears
        before = self._parents.get(link.parent)
        if before != parent.ifindex:
            self._parents[link.parent] = parent.ifindex
            if before:
                self._sysctls.renewed(link.parent)
        if have is None:
            return self._replace(wish, parent)
        if not fits(have, link, parent) or self._is_anothers(wish, have):
            return self._displace(wish, have, parent)
        changed = wish.index != have.ifindex
        if changed:
            wish.parent = parent.ifindex
            self._adopt(wish, have)
        changed = self._maintain(wish, have, parent) or changed
        if self._kernel.find(link.name) is None:  # it went while we were at it
            return self._replace(wish, parent)
        return changed

    def _replace(self, wish: Wish, parent: StoredLink) -> bool:
        """It is not there: make it, unless it is taken from us too often."""
        now = self._reactor.seconds()
        if now < wish.not_before:
            return False
        if wish.index and wish.parent == parent.ifindex:
            pause = wish.losses.add(now)
            self.log.warn(
                "{name} was removed by someone else: {outcome}",
                name=wish.link.name,
                outcome="made again in a while" if pause else "made again",
            )
            if pause:
                wish.index = 0
                self._later(wish, pause)
                return False
        wish.index = 0
        return self._make(wish, parent)

    def _make(self, wish: Wish, parent: StoredLink) -> bool:
        link = wish.link
        refusal = self._kernel.make(link, parent)
        have = None if refusal else self._kernel.look(link.name)
        if have is None:
            self._complain(wish, refusal or "it is gone again")
            self._later(wish, min(RETRY_LONGEST, RETRY * 2**wish.refusals))
            wish.refusals = min(wish.refusals + 1, 16)
            return False
        wish.index, wish.refusals, wish.complaint = have.ifindex, 0, ""
        wish.addressed, wish.parent = False, parent.ifindex
        self._prepare(wish, have)
        self._maintain(wish, self._kernel.look(link.name) or have, parent)
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
        if self._owns(have) or marks.is_orphan(have.alias):
            self._kernel.remove(have)
            return self._make(wish, parent)
        # No retry: the kernel tells when it goes.
        kind = have.kind or "a device"
        self._complain(wish, f"there is another interface of that name ({kind})")
        return False

    def _adopt(self, wish: Wish, have: StoredLink) -> None:
        """A matching one is there: it is as good as one that we make."""
        wish.index, wish.complaint, wish.addressed = have.ifindex, "", False
        self.log.info("Found matching interface {name}", name=have.name)
        if marks.maker(have.alias) and not self._owns(have):
            self._sysctls.recall(wish.link, marks.note(have.alias))
        self._prepare(wish, have)
        self._kernel.look(have.name)

    def _prepare(self, wish: Wish, have: StoredLink) -> None:
        """All that comes before it is switched on."""
        assert self._mark is not None
        link, index = wish.link, have.ifindex
        if link.ipv4:
            self._sysctls.loosen(set(self._wishes))
        self._sysctls.want(link)
        if have.flags & IFF_UP and not marks.maker(have.alias):
            return  # an administrator's: we use it, and leave it there
        mark = self._mark.write(self._sysctls.note(link))
        self._kernel.ask(link_message.mark(index, mark), link.name)
        if link.kind == "macvlan":
            self._kernel.ask(link_message.no_link_local(index), link.name)

    def _maintain(self, wish: Wish, have: StoredLink, parent: StoredLink) -> bool:
        """Make good what differs in an interface that is otherwise right."""
        name = wish.link.name
        asked = self._kernel.differences(have, parent)
        done = all([self._kernel.ask(each, name) for each in asked])
        if asked and self._kernel.look(name) is None:
            self._kernel.tables.forget(have.ifindex)
            return False
        if done:
            self._address(wish, parent)
        return done and bool(asked)

    def _address(self, wish: Wish, parent: StoredLink) -> None:
        """Give it what it sends from, unless that is taken from us too often."""
        wanted, now = (
            self._kernel.address_of(wish.link, parent),
            self._reactor.seconds(),
        )
        if wanted is None or now < wish.not_before:
            return
        if self._kernel.has(wanted, wish.index):
            wish.addressed = True
            return
        if wish.addressed:
            wish.addressed = False
            pause = wish.address_losses.add(now)
            if pause:
                self._later(wish, pause)
                return
        self._kernel.add(wanted, wish.index)

    # -- strays

    def _remove_strays(self, first: bool) -> set[int]:
        """Remove what we made and want no more; at first also what others left."""
        strays = [
            each
            for each in tuple(self._kernel.tables.links.values())
            if each.name not in self._wishes
            and marks.maker(each.alias)
            and (self._owns(each) or first and marks.is_orphan(each.alias))
        ]
        for each in strays:
            if not self._owns(each):
                self._recall_parent(each)
                self.log.info("removing {name}, left behind", name=each.name)
        if strays:
            self._kernel.remove_all(strays)
        for each in strays:
            self._sysctls.drop(each.name)
        return {each.ifindex for each in strays}

    def _recall_parent(self, stray: StoredLink) -> None:
        parent = self._kernel.tables.links.get(stray.parent)
        link = VirtualLink(stray.name, "" if parent is None else parent.name)
        self._sysctls.recall(link, marks.note(stray.alias))

    def _owns(self, have: StoredLink) -> bool:
        return self._mark is not None and self._mark.owns(have.alias)

    def _is_anothers(self, wish: Wish, have: StoredLink) -> bool:
        """Whether another daemon made it that runs."""
        if wish.index == have.ifindex or not marks.maker(have.alias):
            return False
        return not self._owns(have) and not marks.is_orphan(have.alias)

    # -- later

    def _complain(self, wish: Wish, reason: str) -> None:
        if reason != wish.complaint:
            wish.complaint = reason
            self.log.error(
                "cannot make interface {name}: {reason}; trying again until it works",
                name=wish.link.name,
                reason=reason,
            )

    def _later(self, wish: Wish, delay: float) -> None:
        wish.not_before = self._reactor.seconds() + delay
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
