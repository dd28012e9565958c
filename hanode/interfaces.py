"""What hanode asks of the outside world, and of a plug-in of each kind.

Every collaborator is named by one of these, so that a real one, a remembered one
and a rehearsed one are interchangeable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from hanode.config.balance_model import Check
from hanode.config.model import Address, GlobalDefs
from hanode.config.route_model import Route, Rule
from hanode.config.static_model import GarpGroup
from hanode.config.track_model import Description, Share, Tracked
from hanode.config.vmac_model import FirewallDefs, VirtualLink
from hanode.doors import Datagram as Datagram
from hanode.doors import IEchoPort as IEchoPort
from hanode.doors import INetwork as INetwork
from hanode.doors import IProcesses as IProcesses
from hanode.doors import IRawPort as IRawPort
from hanode.doors import IUdpListener as IUdpListener
from hanode.doors import IUdpSender as IUdpSender
from hanode.doors import Receiver as Receiver
from hanode.events import Event, ServerEvent
from hanode.link import Link
from hanode.lvs import Service, SyncDaemon, Table, Timeouts, Usages
from hanode.result import Result


class IDataplane(Interface):
    """The kernel's side: what is held is stated as wanted wholes, never as deltas."""

    keyword = Attribute("its name in the configuration")

    def start(changed: Callable[[str, Link | None], object]) -> None:
        """Open it; from now on tell C{changed(name, link)} about each interface.

        C{link} is a L{hanode.link.Link}, or None when the interface is gone. All
        present interfaces are told at once, then every change.
        """

    def stop() -> None:
        """Remove every address that is held, then close. Nothing is left behind."""

    def claim(
        owner: str,
        addresses: Sequence[Address],
        routes: Sequence[Route] = (),
        rules: Sequence[Rule] = (),
    ) -> None:
        """State that all these belong to C{owner} whether held or not.

        What the kernel has of them while they are not held is removed: this is how
        a start cleans up after a crash. Claiming again replaces the earlier claim;
        an empty claim forgets the owner (and releases what it held).
        """

    def hold(
        owner: str,
        addresses: Sequence[Address],
        routes: Sequence[Route] = (),
        rules: Sequence[Rule] = (),
    ) -> None:
        """From now on C{owner} holds exactly these, and no others.

        The difference is in the kernel when this returns: first rules, routes and
        addresses go, then addresses, routes and rules come. What is held and removed
        by someone else comes back at once, unless its C{track} is off. What cannot be
        set, or not yet, is set as soon as it can be.
        """

    def lacking(owner: str) -> list[Address | Route | Rule]:
        """What C{owner} holds and the kernel does not have at present."""

    def watch(
        owner: str, told: Callable[[list[Address | Route | Rule]], object]
    ) -> None:
        """Tell C{told(lacking)} now, and whenever C{owner} lacks more or less."""

    def announce(
        addresses: Sequence[Address],
        repeat: int = 1,
        arp_interval: float = 0.0,
        na_interval: float = 0.0,
    ) -> None:
        """Send gratuitous ARP or unsolicited NA for each address, C{repeat} rounds.

        @param arp_interval: least gap in seconds between two ARP frames on one
            interface; C{na_interval} the same for neighbour advertisements.
        """

    def share_pace(groups: Sequence[GarpGroup]) -> None:
        """From now on the interfaces of each group share one pace of announcements."""

    def detect_conflicts(
        told: Callable[[Address, Sequence[str], str], object] | None,
    ) -> None:
        """Tell C{told(address, owners, mac)} of foreign hosts with a held address.

        C{mac} is that of the other host as text, "" when the conflict is over. With
        None for C{told} nobody is asked.
        """

    def hand_over(owner: str) -> None:
        """Another host takes over what C{owner} holds.

        It stays until it is released, and is neither announced nor defended any more.
        """

    def promote_secondaries(owner: str, interface: str, wanted: bool) -> None:
        """Set the interface's promote_secondaries while C{owner} wants it.

        The old value comes back when nobody wants it any more.
        """

    def virtual_links(owner: str, links: Sequence[VirtualLink]) -> None:
        """From now on C{owner} wants exactly C{links}, and no others.

        They are made as soon as their parents exist, and removed with C{stop} or when
        nobody wants them any more. One that somebody deletes is made again.
        """

    def strangers(links: Sequence[VirtualLink]) -> set[str]:
        """Which of the names of C{links} other interfaces have, before C{start} too."""

    def configure_firewall(defs: FirewallDefs) -> None:
        """How the rules of L{refuse} and of virtual MACs are written."""

    def refuse(owner: str, addresses: Sequence[Address]) -> None:
        """From now on packets to and from exactly C{addresses} are dropped.

        Neighbour discovery is not. A kernel that cannot do it only gets a log line.
        """

    def links() -> dict[str, Link]:
        """The interfaces as they are now: a dict of name to L{hanode.link.Link}."""


class IDataplaneKind(Interface):
    """A plug-in: one way to hold addresses."""

    keyword = Attribute("its name in the configuration, e.g. C{linux}")

    def make(reactor: Any) -> IDataplane:
        """An L{IDataplane} for one node."""


class ITracker(Interface):
    """A plug-in: something outside that instances may track, as facts.

    The name of a fact is C{KIND:NAME}, with C{words.kind}. Of a fact that is not there
    nobody knows yet how it is.
    """

    keyword = Attribute("the block inside an instance or group, e.g. C{track_script}")
    words = Attribute("a L{hanode.config.tracker_words.TrackerWords}")

    def weigh(tracked: Tracked, value: Any) -> Share:
        """What C{tracked} does to an instance whose fact has this value. Pure.

        C{value} is None when the fact is not there.
        """

    def make(world: Any, facts: Any, checkers: Mapping[str, Any]) -> IObservation:
        """An L{IObservation} for one node.

        @param facts: the node's L{hanode.facts.Facts}.
        @param checkers: the checker plug-ins of the node by keyword, for a tracker
            that probes.
        """


class IObservation(Interface):
    """Keeps the facts of one kind of tracker for one node."""

    def expect(described: Mapping[str, Description]) -> None:
        """From now on state the facts of these, by name, and of no others.

        The first call is the start, each further one a reload: what is equal keeps its
        state, and facts of what is gone are forgotten. Only what an instance tracks is
        among them.
        """

    def close() -> None:
        """Give everything back; the facts stay as they are."""


class INotifier(Interface):
    """A plug-in: one way to tell somebody outside about changes of state."""

    keyword = Attribute("its name, e.g. C{script}")

    def make(world: Any, global_defs: GlobalDefs) -> IMessenger:
        """An L{IMessenger} for one node."""


class IMessenger(Interface):
    """Tells one kind of listener about the events of one node."""

    def start() -> None:
        """The node starts: take what is needed for telling."""

    def notify(event: Event | ServerEvent) -> None:
        """Tell about C{event}; events of one object are told in their order."""

    def reconfigure(global_defs: GlobalDefs) -> None:
        """A reload has read these settings, which may be those in force.

        What was told already is delivered as before.
        """

    def idle() -> Deferred[None]:
        """Fires once everything told so far has been delivered, or has failed."""

    def close() -> Deferred[None]:
        """Give everything back: nothing will be told any more. Fires when it is done.

        Nobody waits for it for long, so what takes time is to be begun at once.
        """


class IChecker(Interface):
    """A plug-in: one way to find out whether a real server works.

    It may have a method C{longest(check)}: how many seconds a probe takes at most,
    whatever happens; without it that is five times C{check.target.timeout} and 5 s. A
    probe that has not fired then is cancelled, and counts as failed (C{no result}).
    """

    keyword = Attribute("its name in the configuration, e.g. C{TCP_CHECK}")
    words = Attribute("a L{hanode.config.checker_words.CheckerWords}")

    def probe(world: Any, check: Check) -> Deferred[Result]:
        """Look once; the Deferred fires with a L{Result} and does not fail.

        It fires within C{check.target.timeout} whatever the server does; a checker
        with several steps may need that for each, and says so. Cancelling it gives
        everything back at once. It is not called again before it has fired.
        """


class IFactChecker(Interface):
    """A plug-in whose outcome is a fact that somebody else sets."""

    keyword = Attribute("its name in the configuration, e.g. C{BFD_CHECK}")
    words = Attribute("a L{hanode.config.checker_words.CheckerWords}")

    def fact(check: Check) -> str:
        """The name of the fact."""

    def judge(check: Check, value: Any) -> Result:
        """What the value means; None is that of a fact that is not there."""


class IBalancer(Interface):
    """The kernel's side of load balancing: the whole table, never a difference."""

    keyword = Attribute("its name in the configuration, e.g. C{ipvs}")

    def refusal(service: Service) -> str:
        """Why this service is not possible here, and what is; "" if it is."""

    def start() -> None:
        """Open it and read what there is. Raises L{OSError}."""

    def stop(remove: bool) -> None:
        """Close it; before, C{remove} all our services, or leave them working.

        Daemons are not touched: C{sync(())} stops them before.
        """

    def balance(table: Table) -> None:
        """From now on exactly C{table} is ours.

        A service that the kernel has already becomes ours with its connections. What
        is ours and not in the table any more is removed; services of others are left
        alone. If somebody else changes ours, it is put back (rate-limited, logged).
        What the kernel refuses is logged with its name and the errno's meaning, and
        does not keep the rest from being done.
        """

    def flush() -> None:
        """Remove all services, those of others too."""

    def usages() -> Deferred[Usages]:
        """What the kernel counts, of our services."""

    def timeouts(timeouts: Timeouts) -> None:
        """Set those that are not 0."""

    def sync(daemons: Sequence[SyncDaemon]) -> None:
        """Exactly these synchronisation daemons run from now on.

        With none, ours are stopped once, and those of others stay.
        """


class IBalancerKind(Interface):
    """A plug-in: one way to balance."""

    keyword = Attribute("its name in the configuration, e.g. C{ipvs}")
    rank = Attribute("auto tries the lowest first; None is never tried")

    def missing(namespace: str | None = None) -> str:
        """Why this machine cannot do it, "" if it can. Quick; changes nothing.

        @param namespace: the network namespace to do it in, "" for the one
            that we were started in, None for ours.
        """

    def make(reactor: Any, namespace: str | None = None) -> IBalancer:
        """An L{IBalancer} for one node, in that namespace."""
