"""VRRP on the network: one service per instance.

Advertisements come in through a L{hanode.vrrp.wire.Wire}, the interface's state through
facts; the machine's actions go out to the wire, the dataplane and the facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.config.model import IpAddress, VrrpInstance
from hanode.driver import Driver
from hanode.events import Event
from hanode.facts import Facts, Watcher
from hanode.link import Link
from hanode.path import Path
from hanode.vrrp import instance
from hanode.vrrp.acceptance import password, verify
from hanode.vrrp.instance import State
from hanode.vrrp.packet import (
    AUTH_NONE,
    AUTH_PASS,
    Advert,
    BadPacket,
    Checksum,
    encode,
)
from hanode.vrrp.priority import standing
from hanode.vrrp.wire import Wire, Wires, route

REOPEN = 1.0  # seconds until a socket that could not be opened is tried again
SAME_ROUTER = ("vrid", "interface", "family", "version", "unicast", "multicast_group")


class VrrpService(Service):
    """One virtual router: socket, machine, addresses and facts tied together."""

    log = Logger()
    details = True  # whether anybody wants to read them: logging is not free
    #: When the node started. Two hundred instances that start together keep one beat,
    #: so that a backup misses all of them in the same moment and takes over in one go.
    moment: float | None = None

    def __init__(
        self,
        settings: VrrpInstance,
        world: Any,
        facts: Facts,
        wires: Wires,
        notify: Callable[[Event], object],
        delay: float = 0.0,
    ) -> None:
        self.setName(settings.name)
        self.machine = instance.Instance(settings)
        self.counters: Counter[str] = Counter()
        self._world, self._facts, self._wires = world, facts, wires
        self._notify, self._delay = notify, delay
        self._driver = Driver(self.machine, self._perform, world.clock)
        self._performers: dict[type, Callable[[Any], None]] = {
            instance.Advertise: self._advertise,
            instance.Hold: self._hold,
            instance.Announce: self._announce,
            instance.Report: self._report,
            instance.Outranked: self._outranked,
            instance.Say: self._say,
        }
        self._link: Link | None = None
        self._wire: Wire | None = None
        self._open_problem = ""
        self._retry: IDelayedCall | None = None
        self._start: IDelayedCall | None = None
        self._watches: dict[str, Callable[[], None]] = {}
        self._paths: dict[str, Path] = {}
        self._identities: dict[str, int] = {}  # of who was Up last, by fact
        self._told_master: IpAddress | None = None
        self._complained: set[tuple[object, ...]] = set()
        self._leaving = False

    @property
    def settings(self) -> VrrpInstance:
        """The settings in force."""
        return self.machine.settings

    # -- life

    def claim(self) -> None:
        """Tell the dataplane which addresses are ours, before we may hold them."""
        self._world.dataplane.claim(self.name, self.settings.all_addresses)

    def startService(self) -> None:
        """Watch the interfaces, and start the machine when its delay is over."""
        super().startService()
        self._watch()
        if self._delay:
            self._start = self._world.clock.callLater(self._delay, self._begin)
        else:
            self._begin()

    def stopService(self) -> Any:
        """Say goodbye, release the addresses, close the socket."""
        for unwatch in self._watches.values():
            unwatch()
        self._watches.clear()
        for call in (self._retry, self._start):
            if call is not None and call.active():
                call.cancel()
        self._driver.feed(self.machine.stop)
        self._driver.halt()
        self._close()
        if self.settings.promote_secondaries:
            self._promote_secondaries(False)
        return super().stopService()

    def leave(self) -> None:
        """The instance exists no more, though the node runs on: leave no trace."""
        self._leaving = True  # it is not the node that stops: no notify_stop
        self.disownServiceParent()
        self._world.dataplane.claim(self.name, ())
        self._facts.forget(f"vrrp:{self.name}")
        self._facts.forget(f"master:{self.name}")

    def reconfigure(self, settings: VrrpInstance) -> bool:
        """Take new settings and keep the state; False when that cannot be."""
        if any(
            getattr(settings, field) != getattr(self.settings, field)
            for field in SAME_ROUTER
        ):
            return False
        old = self.settings
        if old.promote_secondaries != settings.promote_secondaries:
            self._promote_secondaries(settings.promote_secondaries)
        self._world.dataplane.claim(self.name, settings.all_addresses)
        self._complained.clear()
        self._driver.feed(self.machine.reconfigure, settings)
        self._watch()
        self._judge()
        return True

    def describe(self) -> dict[str, Any]:
        """What there is to see from outside, as a plain dict."""
        machine, settings = self.machine, self.settings
        return {
            "name": settings.name,
            "vrid": settings.vrid,
            "interface": settings.interface,
            "version": settings.version,
            "state": machine.state.value,
            "priority": machine.priority,
            "base_priority": settings.priority,
            "faults": list(machine.faults),
            "source": str(machine.source) if machine.source else None,
            "master": str(machine.master) if machine.master else None,
            "master_priority": machine.master_priority,
            "advert_int": settings.advert_int,
            "addresses": [str(each) for each in settings.all_addresses],
            "counters": dict(self.counters),
        }

    def _begin(self) -> None:
        self._start = None
        if self.settings.promote_secondaries:
            self._promote_secondaries(True)
        self._judge()
        moment = self.moment
        if moment is None or self._delay:
            moment = self._world.clock.seconds()
        self._driver.feed_at(moment, self.machine.start)

    def _promote_secondaries(self, wanted: bool) -> None:
        self._world.dataplane.promote_secondaries(
            self.name, self.settings.interface, wanted
        )

    # -- interfaces, source address, socket

    def _watch(self) -> None:
        settings = self.settings
        interfaces = {each.name for each in settings.track_interfaces}
        interfaces |= {settings.interface} - {""}
        wanted: dict[str, Watcher] = {
            f"interface:{name}": self._interface_changed for name in interfaces
        }
        wanted |= {
            f"bfd:{each.name}": self._path_changed for each in settings.track_bfds
        }
        if settings.fast_failover is not None:
            wanted[f"fast_failover:{self.name}"] = self._path_changed
        for fact in set(self._watches) - set(wanted):
            self._watches.pop(fact)()
            self._paths.pop(fact, None)
        for fact in sorted(set(wanted) - set(self._watches)):
            # The watch may be told the present value before it is stored here.
            self._watches[fact] = self._facts.watch(fact, wanted[fact])

    def _interface_changed(self, fact: str, link: Link | None) -> None:
        if fact == f"interface:{self.settings.interface}":
            self._link = link
        if self.running:
            self._judge()

    def _path_changed(self, fact: str, path: Path) -> None:
        """BFD tells about a neighbour: a tracker, and perhaps our master's death.

        Only the loss of a session that was Up counts. One that is lost is not
        trusted, and cannot be lost, before it was Up again.
        """
        was = self._paths.get(fact)
        self._paths[fact] = path
        if not self.running:
            return
        name = fact.removeprefix("bfd:")
        tracked = [each for each in self.settings.track_bfds if each.name == name]
        if tracked:
            self._judge()
        if path.up:
            if path.identity == self._identities.get(fact):  # else it was restarted
                self._driver.feed(self.machine.master_found, path.neighbour)
            self._identities[fact] = path.identity
        died = was is not None and was.up and path.died
        if died and not any(each.weight == 0 for each in tracked):
            self._driver.feed(self.machine.master_lost, path.neighbour, path.interval)

    def _tell_master(self) -> None:
        """State who is master, for whoever wants to watch the way there."""
        machine = self.machine
        master = machine.master if machine.state is State.BACKUP else None
        if master != self._told_master:
            self._told_master = master
            self._facts.set(f"master:{self.name}", master, machine.state.value)

    def _judge(self) -> None:
        """Weigh everything that is known, and tell the machine the verdict."""
        verdict = standing(self.settings, self._is_up, self._bfd_is_up)
        faults = self._own_faults() or self._open()
        self._driver.feed(self.machine.judge, verdict.priority, faults + verdict.faults)

    def _is_up(self, name: str) -> bool:
        link = self._facts.get(f"interface:{name}")
        return link is not None and link.up

    def _bfd_is_up(self, name: str) -> bool:
        path = self._facts.get(f"bfd:{name}")
        return path is not None and path.up

    def _own_faults(self) -> tuple[str, ...]:
        settings = self.settings
        if settings.unicast_fault_no_peer and not settings.unicast_peers:
            return ("no unicast peers",)
        if not settings.interface:
            return ()
        if self._link is None:
            self._close()
            return (f"interface {settings.interface} doesn't exist",)
        if not self._link.up and settings.track_primary:
            return (f"interface {settings.interface} down",)
        return ()

    def _open(self) -> tuple[str, ...]:
        """Have the right socket open; give the fault when that is impossible."""
        settings = self.settings
        source = settings.source
        if source is None and self._link is not None:
            source = self._link.address(settings.family)
        if source is None:
            self._close()
            return (f"no IPv{settings.family} address for interface",)
        way = route(settings, source)
        if self._wire is not None and self._wire.route == way:
            return ()
        self._close()
        try:
            self._wire = self._wires.join(way, settings.vrid, self)
        except OSError as problem:
            return (self._cannot_open(problem),)
        self.machine.source = source
        self._open_problem = ""
        return ()

    def _cannot_open(self, problem: OSError) -> str:
        text = problem.strerror or str(problem)
        if text != self._open_problem:
            self._open_problem = text
            self.log.error(
                "({name}) cannot open a VRRP socket: {problem}",
                name=self.name,
                problem=problem,
            )
        if self._retry is None or not self._retry.active():
            self._retry = self._world.clock.callLater(REOPEN, self._judge)
        return f"cannot open a socket: {text}"

    def _close(self) -> None:
        if self._wire is not None:
            self._wires.leave(self._wire, self.settings.vrid, self)
            self._wire = None

    # -- what arrives

    def expects(self, source: IpAddress) -> bool:
        """See L{hanode.vrrp.wire.Listener}."""
        peers = self.settings.unicast_peers
        return not peers or any(peer.address == source for peer in peers)

    def received(
        self,
        advert: Advert,
        checksum: Checksum,
        source: IpAddress,
        destination: IpAddress,
        ttl: int,
    ) -> None:
        """See L{hanode.vrrp.wire.Listener}."""
        try:
            verify(advert, self.settings, source, destination, ttl)
        except BadPacket as problem:
            self.rejected(problem, source)
            return
        self.counters["received"] += 1
        if advert.priority == 0:
            self.counters["priority zero received"] += 1
        self._compare(advert, checksum, source)
        self._driver.feed(self.machine.receive, advert, source)
        self._tell_master()

    def rejected(self, problem: BadPacket, source: IpAddress) -> None:
        """See L{hanode.vrrp.wire.Listener}."""
        self.counters[f"dropped: {problem.reason}"] += 1
        self._complain(
            (problem.reason, source),
            "({name}) dropped an advertisement from {source}: {problem}",
            source=source,
            problem=problem,
        )

    def _compare(self, advert: Advert, checksum: Checksum, source: IpAddress) -> None:
        """Note what differs between us and a peer without being a reason to drop."""
        settings = self.settings
        wanted = self._checksum_kind()
        if settings.family == 4 and advert.version == 3 and checksum is not wanted:
            self._complain(
                ("checksum", source),
                "({name}) {source} sends its checksum {theirs}, we send it {ours}:"
                " see v3_checksum_as_v2",
                source=source,
                theirs=checksum.value,
                ours=wanted.value,
            )
        if settings.skip_check_adv_addr and source == self.machine.master:
            return
        ours = {each.address for each in settings.addresses}
        if advert.priority and set(advert.addresses) != ours:
            self.counters["address list differs"] += 1
            self._complain(
                ("addresses", source),
                "({name}) {source} advertises other addresses than ours: {addresses}",
                source=source,
                addresses=", ".join(map(str, advert.addresses)) or "none",
            )

    def _complain(self, key: tuple[object, ...], text: str, **fields: Any) -> None:
        """Log once per peer and reason, until the state changes."""
        if key not in self._complained and len(self._complained) < 100:
            self._complained.add(key)
            self.log.warn(text, name=self.name, **fields)

    # -- what the machine wants

    def _perform(self, action: instance.Action) -> None:
        self._performers[type(action)](action)

    def _checksum_kind(self) -> Checksum:
        return Checksum.PLAIN if self.settings.checksum_as_v2 else Checksum.PSEUDO

    def _advertise(self, action: instance.Advertise) -> None:
        if self._wire is None:
            return  # the interface has gone, and its socket with it
        settings, source = self.settings, self._wire.route.source
        secret = password(settings)
        advert = Advert(
            settings.version,
            settings.vrid,
            action.priority,
            settings.advert_int,
            tuple(each.address for each in settings.addresses),
            AUTH_PASS if secret else AUTH_NONE,
            secret,
        )
        peers = [each.address for each in settings.unicast_peers]
        for destination in peers or [settings.multicast_group]:
            data = encode(advert, source, destination, self._checksum_kind())
            try:
                self._wire.send(data, destination)
            except OSError as problem:
                self.counters["send errors"] += 1
                self._complain(
                    ("send", destination, problem.errno),
                    "({name}) cannot send to {destination}: {problem}",
                    destination=destination,
                    problem=problem,
                )
            else:
                self.counters["sent"] += 1
        if action.priority == 0:
            self.counters["priority zero sent"] += 1

    def _hold(self, action: instance.Hold) -> None:
        self._world.dataplane.hold(self.name, action.addresses)

    def _announce(self, action: instance.Announce) -> None:
        garp = self.settings.garp
        self._world.dataplane.announce(
            action.addresses, action.repeat, garp.arp_interval, garp.na_interval
        )

    def _report(self, action: instance.Report) -> None:
        self._complained.clear()
        self.counters[f"entered {action.state.value}"] += 1
        self._facts.set(f"vrrp:{self.name}", action.state.value, action.reason)
        self._tell_master()
        if not self._leaving:
            self._tell(action.state.value)

    def _outranked(self, action: instance.Outranked) -> None:
        self._tell("MASTER_RX_LOWER_PRI")

    def _tell(self, state: str) -> None:
        priority, settings = self.machine.priority, self.settings
        self._notify(Event("INSTANCE", settings.name, state, priority, settings.notify))

    def _say(self, action: instance.Say) -> None:
        if action.detail and not self.details:
            return
        tell = self.log.debug if action.detail else self.log.info
        tell(action.format, **dict(action.fields))


def departed(service: VrrpService) -> Event:
    """What is told when a reload takes an instance away (FAULT, as keepalived does)."""
    notify = service.settings.notify
    state = "DELETED" if notify.report_deleted else State.FAULT.value
    return Event("INSTANCE", service.settings.name, state, 0, notify)
