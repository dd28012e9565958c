"""What hanode asks of the outside world, and of a plug-in of each kind.

Every collaborator is named by one of these, so that a real one, a remembered one
and a rehearsed one are interchangeable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from hanode.config.balance_model import Check
from hanode.config.model import Address, GlobalDefs, IpAddress
from hanode.config.route_model import Route, Rule
from hanode.config.static_model import GarpGroup
from hanode.config.track_model import Description, Share, Tracked
from hanode.config.vmac_model import FirewallDefs, VirtualLink
from hanode.events import Event, ServerEvent
from hanode.link import Link
from hanode.lvs import Service, SyncDaemon, Table, Timeouts, Usages
from hanode.result import Result

Receiver = Callable[[bytes, IpAddress, IpAddress, int], object]


class IRawPort(Interface):
    """An open raw IP socket, bound to one interface."""

    def send(data: bytes, destination: IpAddress) -> None:
        """Send C{data} (bytes) to C{destination} (an ipaddress object) now.

        Raises L{OSError} when the kernel refuses.
        """

    def enlarge(size: int) -> None:
        """Have a receive buffer of C{size} bytes at least.

        Raises L{OSError} when the kernel refuses.
        """

    def close() -> None:
        """Give the socket back; nothing is received afterwards."""


class IUdpListener(Interface):
    """An open UDP port that is listened to."""

    def drain() -> bool:
        """Read and hand over what waits, now; False when even more waits than that."""

    def rest(resting: bool) -> None:
        """While C{resting}, the reactor does not wake us: only C{drain} reads."""

    def least_ttl(ttl: int) -> None:
        """From now on the kernel drops what arrives with a TTL below C{ttl}."""

    def close() -> None:
        """Give the port back; nothing is received afterwards."""


class IUdpSender(Interface):
    """A connected UDP socket with a source port of its own; nothing is received."""

    port = Attribute("its source port, 49152 to 65535")
    source = Attribute("the ipaddress object that it sends from")
    send = Attribute(
        "C{send(data)} sends now; a builtin where there is one, because it is hot."
        " Raises L{OSError} when the kernel refuses; ConnectionRefusedError tells of"
        " an ICMP port unreachable, and that C{data} was not sent."
    )

    def close() -> None:
        """Give the socket back."""


@dataclass(frozen=True)
class Datagram:
    """A UDP packet with all that is known about it; C{device} is where it came in."""

    data: bytes
    source: IpAddress
    port: int  # source port
    destination: IpAddress
    ttl: int
    device: str


class IEchoPort(Interface):
    """BFD's echo port on one interface: packets that the neighbour's kernel turns."""

    def send(data: bytes, source: IpAddress, neighbour: IpAddress) -> None:
        """Send an echo packet from and to C{source}, by way of C{neighbour}.

        It is UDP port 3785 with TTL 255 to the neighbour's hardware address, so that
        the neighbour forwards it back (RFC 5881, section 4). Raises L{OSError} while
        the hardware address is not known.
        """

    def drain() -> None:
        """Read and hand over what waits, now, up to a bound."""

    def close() -> None:
        """Give it back."""


class INetwork(Interface):
    """The door to the wire: knows sockets, knows no protocol."""

    def raw(
        protocol: int,
        family: int,
        interface: str,
        receiver: Receiver,
        source: IpAddress | None = None,
        group: IpAddress | None = None,
        ttl: int = 255,
        header: bool = False,
    ) -> IRawPort:
        """Open a raw IP socket and return an L{IRawPort}.

        @param protocol: IP protocol number, 112 for VRRP.
        @param family: 4 or 6.
        @param interface: name of the interface it is bound to; "" for none.
        @param receiver: called with C{(data, source, destination, ttl)} for
            each packet: the payload without IP header, two ipaddress objects, the
            TTL or hop limit as received.
        @param source: the address to send from; None leaves it to the kernel.
        @param group: the multicast group to join, None for unicast.
        @param ttl: TTL or hop limit of what is sent.
        @param header: data in both directions is a whole IPv4 packet with its header,
            of which the kernel only fills in length and checksum.

        Raises L{OSError} with the name of the interface in it when the socket
        cannot be opened.
        """

    def listen(
        port: int,
        family: int,
        device: str,
        known: Callable[[list[bytes]], object],
        strangers: Callable[[Datagram], object],
        mark: int = -1,
        ttl: int = 255,
    ) -> IUdpListener:
        """Open a UDP port and return an L{IUdpListener}.

        @param device: the interface or VRF that it is bound to; "" for none.
        @param known: called with the payloads of the packets that arrived with TTL
            255 and are not zero in the four bytes from C{mark} on: many in one call,
            nothing but their bytes, because this is hot. Never when C{mark} is -1.
        @param strangers: called with each other packet, as a L{Datagram}.
        @param ttl: the kernel drops packets that arrive with less.

        Raises L{OSError} naming the port when it cannot be opened.
        """

    def sender(
        destination: IpAddress,
        port: int,
        source: IpAddress | None = None,
        device: str = "",
        ttl: int = 255,
    ) -> IUdpSender:
        """Open a UDP socket to C{destination} and return an L{IUdpSender}.

        Raises L{OSError}, for example when there is no route.
        """

    def echo(
        family: int,
        device: str,
        returned: Callable[[bytes], object],
        reflect: bool = False,
    ) -> IEchoPort:
        """Open the echo port on an interface and return an L{IEchoPort}.

        @param returned: called with the payload of each of our own packets that
            came back.
        @param reflect: also send back what neighbours want back from us.

        Raises L{OSError} when it cannot be opened.
        """


class IProcesses(Interface):
    """The door to other programs."""

    def run(
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Any]:
        """Run a command without waiting for it.

        @param argv: absolute path and arguments; no shell is involved.
        @param user: name of the user to run as; None for our own.
        @param group: name of the group; None for the user's own. With a colon before
            it the user's other groups come too; a colon alone is the user's own
            group and these.
        @param timeout: seconds, then its whole process group gets SIGTERM and,
            2 s later, SIGKILL.
        @return: a Deferred that fires with an L{hanode.processes.Exit}; it fails
            with L{OSError} when the command cannot be started and with
            L{LookupError} for an unknown user or group. Cancelled, it ends the
            process group as at the time limit.
        """


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
