"""A dataplane that remembers: for tests, for stories on one clock, for a dry run.

It passes the tests of the real one (tests/dataplanes/contract.py). What a kernel and
other people do to it is done with the methods under "the world".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.model import Address, IpAddress
from hanode.config.route_model import Route, Rule
from hanode.config.static_model import GarpGroup
from hanode.config.vmac_model import FirewallDefs, VirtualLink
from hanode.dataplanes.memory_kept import Remembered
from hanode.interfaces import IDataplane, IDataplaneKind
from hanode.link import Link

Place = tuple[str, IpAddress, int]


@dataclass(frozen=True)
class Announcement:
    """One frame that would have been sent, at C{time} (seconds of the clock)."""

    time: float
    address: Address


@implementer(IDataplane)
class MemoryDataplane:
    """A kernel in memory.

    C{addresses} maps interface to what it has, in order, as (address, prefix);
    C{announced} lists every frame; C{promoted} the interfaces with promote_secondaries.
    C{routes.present} and C{rules.present} are what it has of these; C{refused} is by
    owner.
    Time is only noted, so that without a C{clock} all happens at 0.
    """

    log = Logger()
    keyword = "memory"

    def __init__(self, clock: IReactorTime | None = None) -> None:
        self._clock = clock
        self._links: dict[str, Link] = {}
        self._virtual: dict[str, tuple[VirtualLink, ...]] = {}
        self._indices = count(1000)  # of virtual links
        self._claims: dict[str, tuple[Address, ...]] = {}
        self._held: dict[str, tuple[Address, ...]] = {}
        self._promoters: dict[str, set[str]] = {}
        self._changed: Callable[[str, Link | None], object] | None = None
        self._told: dict[str, Link] = {}
        self._watchers: dict[str, Callable[[list[Any]], object]] = {}
        self._lacked: dict[str, list[Any]] = {}
        self.addresses: dict[str, list[tuple[IpAddress, int]]] = {}
        self._conflicts_told: Callable[[Address, Sequence[str], str], object] | None
        self._conflicts_told = None
        self.garp_groups: tuple[GarpGroup, ...] = ()
        self.announced: list[Announcement] = []
        self.handed_over: list[str] = []
        self.refused: dict[str, tuple[Address, ...]] = {}
        self.routes: Remembered[Route] = Remembered(lambda r: r.devices, self._is_up)
        self.rules: Remembered[Rule] = Remembered(lambda r: (), self._is_up)

    # -- IDataplane

    def start(self, changed: Callable[[str, Link | None], object]) -> None:
        """See L{IDataplane.start}."""
        self._changed = changed
        self._make_virtual()
        for owner in self._claims:
            self._settle(owner)
        self.routes.start()
        self.rules.start()
        for name in sorted(self._links):
            self._tell(name)
        self._look_at_lacks()

    def stop(self) -> None:
        """See L{IDataplane.stop}."""
        self.rules.stop()
        self.routes.stop()
        for owner in tuple(self._held):
            self.hold(owner, ())
        for owner in tuple(self._virtual):
            self.virtual_links(owner, ())
        self._changed = None
        self._told.clear()
        self._promoters.clear()

    def claim(
        self,
        owner: str,
        addresses: Sequence[Address],
        routes: Sequence[Route] = (),
        rules: Sequence[Rule] = (),
    ) -> None:
        """See L{IDataplane.claim}."""
        self.rules.claim(owner, rules)
        self.routes.claim(owner, routes)
        before = self._claims.pop(owner, ())
        held = self._held.get(owner, ())
        if addresses:
            self._claims[owner] = tuple(addresses)
        self._hold(owner, tuple(each for each in held if each in addresses))
        self._settle(owner)
        for name in sorted({each.device for each in (*before, *addresses)}):
            self._tell(name)

    def hold(
        self,
        owner: str,
        addresses: Sequence[Address],
        routes: Sequence[Route] = (),
        rules: Sequence[Rule] = (),
    ) -> None:
        """See L{IDataplane.hold}."""
        claims = self._claims.get(owner, ())
        strange = [each for each in addresses if each not in claims]
        if strange:
            self._claims[owner] = (*claims, *strange)
        self.rules.limit(owner, rules)
        self.routes.limit(owner, routes)
        self._hold(owner, tuple(addresses))
        self.routes.fill()
        self.rules.fill()
        for name in sorted({each.device for each in strange}):
            self._tell(name)

    def lacking(self, owner: str) -> list[Address | Route | Rule]:
        """See L{IDataplane.lacking}."""
        missing = [
            each
            for each in self._held.get(owner, ())
            if (each.address, each.prefix) not in self.addresses.get(each.device, ())
        ]
        return [*missing, *self.routes.lacking(owner), *self.rules.lacking(owner)]

    def watch(
        self, owner: str, told: Callable[[list[Address | Route | Rule]], object]
    ) -> None:
        """See L{IDataplane.watch}."""
        self._watchers[owner] = told
        self._lacked.pop(owner, None)
        self._look_at_lacks()

    def announce(
        self,
        addresses: Sequence[Address],
        repeat: int = 1,
        arp_interval: float = 0.0,
        na_interval: float = 0.0,
    ) -> None:
        """See L{IDataplane.announce}; each frame is noted at the call, gaps or not."""
        if self._changed is None:
            return
        now = 0.0 if self._clock is None else self._clock.seconds()
        for _ in range(repeat):
            for address in addresses:
                link = self._links.get(address.device)
                if link is not None and link.up:
                    self.announced.append(Announcement(now, address))

    def share_pace(self, groups: Sequence[GarpGroup]) -> None:
        """See L{IDataplane.share_pace}; gaps are not rehearsed here."""
        self.garp_groups = tuple(groups)

    def detect_conflicts(
        self, told: Callable[[Address, Sequence[str], str], object] | None
    ) -> None:
        """See L{IDataplane.detect_conflicts}."""
        self._conflicts_told = told

    def hand_over(self, owner: str) -> None:
        """See L{IDataplane.hand_over}; the owners are kept in C{handed_over}."""
        self.handed_over.append(owner)

    def promote_secondaries(self, owner: str, interface: str, wanted: bool) -> None:
        """See L{IDataplane.promote_secondaries}."""
        owners = self._promoters.setdefault(interface, set())
        (owners.add if wanted else owners.discard)(owner)

    def virtual_links(self, owner: str, links: Sequence[VirtualLink]) -> None:
        """See L{IDataplane.virtual_links}."""
        before = self._virtual.pop(owner, ())
        if links:
            self._virtual[owner] = tuple(links)
        for link in before:
            if link not in links:
                self.remove_link(link.name)
        self._make_virtual()

    def strangers(self, links: Sequence[VirtualLink]) -> set[str]:
        """See L{IDataplane.strangers}."""
        ours = {each.name for some in self._virtual.values() for each in some}
        return {each.name for each in links} & (self._links.keys() - ours)

    def configure_firewall(self, defs: FirewallDefs) -> None:
        """See L{IDataplane.configure_firewall}; there is nothing to write."""

    def refuse(self, owner: str, addresses: Sequence[Address]) -> None:
        """See L{IDataplane.refuse}."""
        self.refused.pop(owner, None)
        if addresses:
            self.refused[owner] = tuple(addresses)

    def links(self) -> dict[str, Link]:
        """See L{IDataplane.links}."""
        return {name: self._seen(link) for name, link in self._links.items()}

    # -- what a test asks

    @property
    def promoted(self) -> set[str]:
        """The interfaces on which somebody wants promote_secondaries."""
        return {name for name, owners in self._promoters.items() if owners}

    def held(self, owner: str) -> tuple[Address, ...]:
        """What C{owner} holds."""
        return self._held.get(owner, ())

    # -- the world

    def set_link(self, link: Link) -> None:
        """The interface is so from now on; its C{addresses} are its own ones.

        An interface that went down has lost its IPv6 addresses.
        """
        old = self._links.get(link.name)
        self._links[link.name] = link
        present = self.addresses.setdefault(link.name, [])
        if old is None or old.index != link.index:
            present.clear()
        if not link.up:
            present[:] = [each for each in present if each[0].version == 4]
        elif old is None or not old.up or old.index != link.index:
            self._fill(link.name)
        self.routes.disturbed()
        self._tell(link.name)
        self._make_virtual()

    def remove_link(self, name: str) -> None:
        """The interface is gone, and its addresses with it."""
        self._links.pop(name, None)
        self.addresses.pop(name, None)
        self.routes.disturbed()
        self._tell(name)
        self._make_virtual()

    def someone_answers(self, address: Address, mac: str) -> None:
        """A foreign host answers for a held address, or ("") no longer does."""
        owners = sorted(name for name, held in self._held.items() if address in held)
        if self._conflicts_told is not None and owners:
            self._conflicts_told(address, owners, mac)

    def someone_adds(self, device: str, address: IpAddress, prefix: int) -> None:
        """Another program sets an address on an interface."""
        self.addresses[device].append((address, prefix))
        self._tell(device)

    def someone_removes(self, device: str, address: IpAddress, prefix: int) -> None:
        """Another program removes an address; what is held and tracked comes back."""
        self.addresses[device].remove((address, prefix))
        link = self._links[device]
        back = [
            each
            for each in self._all_held()
            if _place(each) == (device, address, prefix) and each.track
        ]
        if link.up and back:
            self.log.warn(
                "{address} was removed by someone else: put back", address=str(back[0])
            )
            self._add(back[:1])
            self.announce(back[:1])
        self._tell(device)

    # -- inside

    def _make_virtual(self) -> None:
        """Virtual links come, change and go with their parents."""
        if self._changed is None:
            return
        for link in [each for links in self._virtual.values() for each in links]:
            parent, have = self._links.get(link.parent), self._links.get(link.name)
            if parent is None:
                if have is not None:
                    self.remove_link(link.name)
                continue
            own = (link.address,) if link.address else ()
            six = parent.address(6) if link.link_local else None
            wanted = replace(
                parent,
                name=link.name,
                index=next(self._indices) if have is None else have.index,
                mac=link.mac or parent.mac,
                addresses=own if six is None else (*own, six),
            )
            if have != wanted:
                self.set_link(wanted)

    def _hold(self, owner: str, addresses: tuple[Address, ...]) -> None:
        before = self._held.pop(owner, ())
        if addresses:
            self._held[owner] = addresses
        if self._changed is None:
            return
        kept = {_place(each) for each in self._all_held()}
        for address in reversed(before):
            if _place(address) not in kept:
                self._remove(address)
        self._add(addresses)

    def _look_at_lacks(self) -> None:
        for owner, told in self._watchers.items() if self._changed is not None else ():
            lacking = self.lacking(owner)
            if lacking != self._lacked.get(owner):
                self._lacked[owner] = lacking
                told(lacking)

    def _is_up(self, name: str) -> bool:
        link = self._links.get(name)
        return link is not None and link.up

    def _all_held(self) -> list[Address]:
        return [each for held in self._held.values() for each in held]

    def _settle(self, owner: str) -> None:
        """Remove what C{owner} claims and nobody holds; set what it holds."""
        if self._changed is None:
            return
        kept = {_place(each) for each in self._all_held()}
        for address in self._claims.get(owner, ()):
            if _place(address) not in kept:
                self._remove(address)
        self._add(self._held.get(owner, ()))

    def _fill(self, device: str) -> None:
        if self._changed is not None:
            missing = [each for each in self._all_held() if each.device == device]
            self._add(missing)
            self.announce(missing)

    def _add(self, addresses: Sequence[Address]) -> None:
        for each in addresses:
            present = self.addresses.get(each.device)
            if present is not None and (each.address, each.prefix) not in present:
                present.append((each.address, each.prefix))

    def _remove(self, address: Address) -> None:
        present = self.addresses.get(address.device, [])
        if (address.address, address.prefix) in present:
            present.remove((address.address, address.prefix))

    def _seen(self, link: Link) -> Link:
        claimed = {_place(each) for all_ in self._claims.values() for each in all_}
        extra = tuple(
            address
            for address, prefix in self.addresses.get(link.name, ())
            if (link.name, address, prefix) not in claimed
        )
        return replace(link, addresses=link.addresses + extra)

    def _tell(self, name: str) -> None:
        self._look_at_lacks()
        link = self._links.get(name)
        seen = None if link is None else self._seen(link)
        if self._changed is None or seen == self._told.get(name):
            return
        if seen is None:
            del self._told[name]
        else:
            self._told[name] = seen
        self._changed(name, seen)


def _place(address: Address) -> Place:
    return (address.device, address.address, address.prefix)


@implementer(IPlugin, IDataplaneKind)
class MemoryDataplaneKind:
    """The plug-in."""

    keyword = "memory"

    def make(self, reactor: Any) -> MemoryDataplane:
        """See L{IDataplaneKind.make}."""
        return MemoryDataplane(reactor)


memoryDataplane = MemoryDataplaneKind()
