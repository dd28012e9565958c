"""The Linux kernel's addresses, routes and rules, kept as they are wanted.

Each has a file of its own: L{hanode.dataplanes.held_addresses}, and
L{hanode.dataplanes.kept} with L{hanode.dataplanes.routes} and
L{hanode.dataplanes.rules}. Here is what they share: the requests, the news, and what is
told of the interfaces. rtnetlink has done it when the send returns; answers and
notifications are read by the reactor. What disappears is put back when the socket that
told of it has been drained, so that an address which went and came in the meantime
causes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.model import Address
from hanode.config.route_model import Route, Rule
from hanode.config.static_model import GarpGroup
from hanode.config.vmac_model import FirewallDefs, VirtualLink
from hanode.dataplanes.announcer import Announcer
from hanode.dataplanes.conflicts import Conflicts
from hanode.dataplanes.connected import Connected
from hanode.dataplanes.firewall import Firewall
from hanode.dataplanes.held_addresses import RETRY, Addresses
from hanode.dataplanes.kept import Keep, Kept
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import (
    RTM_DELADDR,
    RTM_GETADDR,
    RTM_GETLINK,
    Key,
    StoredAddress,
)
from hanode.dataplanes.netlink.socket import Notifications, Requests, dump
from hanode.dataplanes.routes import Routes
from hanode.dataplanes.rules import Rules
from hanode.dataplanes.sysctl import PromoteSecondaries
from hanode.dataplanes.vmac import VirtualLinks
from hanode.dataplanes.wanted import Slot
from hanode.interfaces import IDataplane, IDataplaneKind
from hanode.link import Link


@implementer(IDataplane)
class LinuxDataplane:
    """The kernel of this machine, or of the network namespace we live in."""

    log = Logger()
    keyword = "linux"

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._kernel = Kernel()
        self._announcer = Announcer(reactor, self._kernel.mac)
        self._promotion = PromoteSecondaries()
        self._addresses = Addresses(
            reactor, self._kernel, self._announcer, self._promotion
        )
        self._wanted = self._addresses.wanted
        self._virtual = VirtualLinks(
            reactor, self._kernel, self._wanted.by_key, self._links_changed
        )
        self._firewall = Firewall(reactor, self._kernel)
        self._routes: Kept[Route] = Kept(Routes(), reactor, self._kernel)
        self._connected = Connected(reactor, self._kernel, self._wanted)
        self._rules: Kept[Rule] = Kept(Rules(), reactor, self._kernel)
        self._conflicts = Conflicts(
            reactor, self._kernel, self._wanted, self._announcer.announce
        )
        self._requests: Requests | None = None
        self._news: Notifications | None = None
        self._again: IDelayedCall | None = None
        self._changed: Callable[[str, Link | None], object] | None = None
        self._told: dict[str, Link] = {}
        self._watchers: dict[str, Callable[[list[Any]], object]] = {}
        self._lacked: dict[str, list[Any]] = {}
        # What the notifications of one drain spoke of.
        self._lost: dict[Key, int] = {}
        self._dirty: set[int] = set()
        self._moved: set[int] = set()

    # -- IDataplane

    def start(self, changed: Callable[[str, Link | None], object]) -> None:
        """See L{IDataplane.start}. Raises L{OSError} without a usable rtnetlink."""
        self._changed = changed
        self._requests = Requests(self._reactor, self._answered, self._answers_lost)
        # Listening before the dump: nothing can change unseen in between.
        self._news = Notifications(
            self._reactor, self._received, self._drained, self._news_lost
        )
        self._addresses.requests = self._requests
        self._announcer.open()
        self._virtual.start()
        self._firewall.start()
        self._synchronise(first=True)
        for kept in (self._routes, self._rules):
            kept.open(self._requests, self._news)
            kept.read_first()
        self._conflicts.start()
        self._look_at_lacks()

    def stop(self) -> None:
        """See L{IDataplane.stop}."""
        if self._requests is None or self._news is None:
            return
        self._conflicts.stop()
        self._connected.stop()
        self._rules.close()
        self._routes.close()
        self._addresses.stop()
        self._requests.doRead()  # the answers are there; a refusal is worth a line
        self._promotion.restore()
        self._virtual.stop()
        self._firewall.stop()
        self._announcer.close()
        self._requests.close()
        self._news.close()
        if self._again is not None and self._again.active():
            self._again.cancel()
        self._requests = self._news = self._changed = None
        self._addresses.requests = None
        self._told.clear()

    def claim(
        self,
        owner: str,
        addresses: Sequence[Address],
        routes: Sequence[Route] = (),
        rules: Sequence[Rule] = (),
    ) -> None:
        """See L{IDataplane.claim}."""
        self._rules.claim(owner, rules)
        self._routes.claim(owner, routes)
        for name in sorted(self._addresses.claim(owner, addresses)):
            self._tell(name)  # a claimed address is not one of the interface's own

    def hold(
        self,
        owner: str,
        addresses: Sequence[Address],
        routes: Sequence[Route] = (),
        rules: Sequence[Rule] = (),
    ) -> None:
        """See L{IDataplane.hold}."""
        addresses = tuple(addresses)
        strange = self._addresses.strange(owner, addresses)
        if strange:
            claims = (*self._wanted.claims(owner), *strange)
            for name in sorted(self._addresses.claim(owner, claims)):
                self._tell(name)
        # A rule leads to a table of routes, a route needs its address.
        self._rules.limit(owner, rules)
        self._routes.limit(owner, routes)
        self._addresses.limit(owner, addresses)
        self._addresses.set(owner)
        self._routes.set(owner)
        self._rules.set(owner)
        self._conflicts.changed()

    def lacking(self, owner: str) -> list[Address | Route | Rule]:
        """See L{IDataplane.lacking}."""
        return [
            *self._addresses.lacking(owner),
            *self._routes.lacking(owner),
            *self._rules.lacking(owner),
        ]

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
        """See L{IDataplane.announce}."""
        self._announcer.announce(addresses, repeat, arp_interval, na_interval)

    def share_pace(self, groups: Sequence[GarpGroup]) -> None:
        """See L{IDataplane.share_pace}."""
        self._announcer.share_pace(groups)

    def detect_conflicts(
        self, told: Callable[[Address, Sequence[str], str], object] | None
    ) -> None:
        """See L{IDataplane.detect_conflicts}."""
        self._conflicts.detect(told)

    def hand_over(self, owner: str) -> None:
        """See L{IDataplane.hand_over}."""
        held = [slot.address for slot in self._wanted if owner in slot.holders]
        self._announcer.forget(held)
        self._conflicts.forgo(owner)

    def promote_secondaries(self, owner: str, interface: str, wanted: bool) -> None:
        """See L{IDataplane.promote_secondaries}."""
        self._promotion.want(owner, interface, wanted)

    def virtual_links(self, owner: str, links: Sequence[VirtualLink]) -> None:
        """See L{IDataplane.virtual_links}."""
        self._virtual.want(owner, links)
        if self._requests is not None and self._settle():
            self._links_changed()

    def strangers(self, links: Sequence[VirtualLink]) -> set[str]:
        """See L{IDataplane.strangers}."""
        tables = self._kernel
        if self._requests is None:
            tables = Kernel()
            tables.replace(dump(RTM_GETLINK), ())
        return self._virtual.strangers(links, tables)

    def configure_firewall(self, defs: FirewallDefs) -> None:
        """See L{IDataplane.configure_firewall}."""
        self._virtual.local_igmp = defs.local_igmp
        self._firewall.configure(defs)
        self._virtual.settle()

    def refuse(self, owner: str, addresses: Sequence[Address]) -> None:
        """See L{IDataplane.refuse}."""
        self._firewall.refuse(owner, addresses)

    def links(self) -> dict[str, Link]:
        """See L{IDataplane.links}."""
        found = ((name, self._link(name)) for name in self._kernel.indices)
        return {name: link for name, link in found if link is not None}

    # -- from the kernel

    def _synchronise(self, first: bool = False) -> None:
        """Read everything anew, make good what differs, tell about the interfaces."""
        self._kernel.replace(dump(RTM_GETLINK), dump(RTM_GETADDR))
        self._lost.clear()
        self._dirty.clear()
        self._moved.clear()
        self._addresses.rebind()
        if self._settle(first):
            self._addresses.rebind()
        self._addresses.clean(self._wanted)
        self._addresses.fill()
        for kept in (self._routes, self._rules):
            kept.rebind()
            kept.disturb()
            kept.drained()
        self._tell_all()

    def _answered(
        self, changes: Sequence[tuple[Any, bool]], errors: dict[int, int]
    ) -> None:
        """The answers to one batch, in which all is of one kind."""
        what = changes[-1][0]
        if isinstance(what, Slot):
            self._addresses.answered(changes, errors)
        elif isinstance(what, Keep):
            what.kept.answered(changes, errors)
        self._look_at_lacks()

    def _answers_lost(self) -> None:
        if self._requests is not None:
            self._requests.forget()
            self._routes.forget()
            self._rules.forget()
        self._news_lost()

    def _news_lost(self) -> None:
        if self._news is None:
            return  # stopped in the meantime
        self.log.warn("the kernel had more news than we could read: reading all anew")
        try:
            self._synchronise()
        except OSError as error:
            self.log.error("cannot read from the kernel: {error}", error=error)
            if self._again is None or not self._again.active():
                self._again = self._reactor.callLater(RETRY, self._news_lost)

    def _received(
        self, kind: int, port: int, data: bytearray, start: int, end: int
    ) -> None:
        self._connected.received(kind, data, start, end)
        if self._routes.received(kind, port, data, start, end):
            return
        if self._rules.received(kind, port, data, start, end):
            return
        news = self._kernel.apply(kind, data, start, end)
        if isinstance(news, StoredAddress):
            self._routes.disturb()  # some need it, and go with it in silence
            if news.key not in self._wanted.by_key:
                self._dirty.add(news.key[0])
            elif kind == RTM_DELADDR:
                self._lost[news.key] = port
        elif news is not None:
            self._moved.add(news.ifindex)

    def _drained(self) -> None:
        lost, self._lost = self._lost, {}
        dirty, self._dirty = self._dirty, set()
        moved, self._moved = self._moved, set()
        if self._virtual.concerned(moved, dirty):
            moved |= self._settle()
        if moved:
            self._conflicts.changed()
            self._addresses.rebind()
            self._routes.rebind()
            self._routes.disturb()
        # An interface that went down or away took its addresses with it: nobody is to
        # blame, and they are filled in when it is up.
        taken = {key: port for key, port in lost.items() if key[0] not in moved}
        if taken:
            self._addresses.put_back(taken)
        if moved:
            self._addresses.fill()
            self._tell_all()
        for index in dirty:
            link = self._kernel.links.get(index)
            if link is not None:
                self._tell(link.name)
        if self._requests is not None:
            self._connected.drained(self._requests)
        self._routes.drained()
        self._rules.drained()
        self._look_at_lacks()

    def _settle(self, first: bool = False) -> set[int]:
        """Make the virtual links, and return the indices of those that changed.

        What they must not send is dropped before.
        """
        self._firewall.settle(self._virtual.wanted())
        return self._virtual.settle(first)

    def _links_changed(self) -> None:
        self._addresses.rebind()
        self._routes.rebind()
        self._routes.disturb()
        self._addresses.fill()
        self._tell_all()
        self._routes.drained()

    # -- telling

    def _look_at_lacks(self) -> None:
        for owner, told in self._watchers.items() if self._news is not None else ():
            lacking = self.lacking(owner)
            if lacking != self._lacked.get(owner):
                self._lacked[owner] = lacking
                told(lacking)

    def _link(self, name: str) -> Link | None:
        if self._virtual.hides(name):
            return None
        return self._kernel.link(name, self._wanted.by_key)

    def _tell(self, name: str) -> None:
        if self._changed is None:
            return
        link = self._link(name)
        if link == self._told.get(name):
            return
        if link is None:
            del self._told[name]
            self._promotion.vanished(name)
        else:
            if name not in self._told:
                self._promotion.appeared(name)
            self._told[name] = link
        self._changed(name, link)

    def _tell_all(self) -> None:
        for name in sorted(set(self._told) | set(self._kernel.indices)):
            self._tell(name)


@implementer(IPlugin, IDataplaneKind)
class LinuxDataplaneKind:
    """The plug-in."""

    keyword = "linux"

    def make(self, reactor: Any) -> LinuxDataplane:
        """See L{IDataplaneKind.make}."""
        return LinuxDataplane(reactor)


linuxDataplane = LinuxDataplaneKind()
