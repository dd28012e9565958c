"""VRRP on the network: one service per instance.

Advertisements come in through a L{hanode.vrrp.wire.Wire}, the interface's state through
facts; the machine's actions go out to the wire, the dataplane and the facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.config.model import Address, IpAddress, VrrpInstance
from hanode.driver import Driver
from hanode.events import Event
from hanode.facts import Facts
from hanode.path import Path
from hanode.vrrp import actions, log_lines
from hanode.vrrp.actions import State
from hanode.vrrp.fellow import Fellow
from hanode.vrrp.outlook import Outlook, Weigh
from hanode.vrrp.packet import Advert
from hanode.vrrp.priority import OWNER
from hanode.vrrp.release import ReleaseScript, Run
from hanode.vrrp.retirement import Retiring
from hanode.vrrp.voice import Voice
from hanode.vrrp.wire import Wires

AWAY = "drain"  # the operator's wish that somebody else is MASTER
REOPEN = 1.0  # seconds until a socket that could not be opened is tried again
SAME_ROUTER = (
    *("vrid", "interface", "family", "version", "unicast", "multicast_group"),
    *("virtual", "vrf", "authenticated_header"),
)


class VrrpService(Service):
    """One virtual router: socket, machine, addresses and facts tied together."""

    log = Logger()
    details = True  # whether anybody wants to read them: logging is not free
    #: When the node started. Two hundred instances that start together keep one beat,
    #: so that a backup misses all of them in the same moment and takes over in one go.
    moment: float | None = None
    run: Run  # what runs a script

    def __init__(
        self,
        settings: VrrpInstance,
        world: Any,
        facts: Facts,
        wires: Wires,
        notify: Callable[[Event], object],
        weigh: Weigh,
        delay: float = 0.0,
    ) -> None:
        self.setName(settings.name)
        self.machine = Retiring(settings)
        self._world, self._facts = world, facts
        self._notify, self._delay = notify, delay
        self._driver = Driver(self.machine, self._perform, world.clock)
        self._voice = Voice(self.machine, wires, self._heard, world)
        self._outlook = Outlook(facts, weigh, self._look_again, self._found, self._lost)
        #: What the sync group has to do with.
        self.fellow = Fellow(
            self.machine, self._driver, self._outlook.vouches, self._look
        )
        self._performers: dict[type, Callable[[Any], None]] = {
            actions.Advertise: self._advertise,
            actions.Hold: self._hold,
            actions.Announce: self._announce,
            actions.Report: self._report,
            actions.Outranked: self._outranked,
            actions.Reweighed: self._reweighed,
            actions.Swayed: lambda _: self.fellow.changed(),
            actions.Farewell: lambda _: self.fellow.farewell(),
            actions.Release: self._release,
            actions.HandOver: self._hand_over,
            actions.Say: self._say,
        }
        self._open_problem = ""
        self._retry: IDelayedCall | None = None
        self._start: IDelayedCall | None = None
        self._begin_at: float | None = None  # it is to begin, as of this moment
        self._waited = False  # for a tracker, before it began
        self._told_master: IpAddress | None = None
        self._leaving = False
        self._forget_wish: Callable[[], None] = lambda: None
        self._gone: Deferred[None] | None = None
        self._release_script = ReleaseScript(settings.name, self._released)
        self._conflicts: dict[str, str] = {}  # address: MAC address of the other host
        self._held = actions.Hold(())
        self._refused: tuple[Address, ...] = ()

    @property
    def settings(self) -> VrrpInstance:
        """The settings in force."""
        return self.machine.settings

    @property
    def counters(self) -> Counter[str]:
        """How often what has happened."""
        return self._voice.counters

    # -- life

    def claim(self) -> None:
        """Tell the dataplane what is ours, before we may hold it."""
        self._world.dataplane.virtual_links(self.name, self.settings.virtual.links)
        self._claim(self.settings)

    def _claim(self, settings: VrrpInstance) -> None:
        self._world.dataplane.claim(
            self.name, settings.all_addresses, settings.routes, settings.rules
        )

    def startService(self) -> None:
        """Watch the interfaces, and start the machine when its delay is over."""
        super().startService()
        self._outlook.watch(self.settings)
        self._forget_wish = self._facts.watch(f"admin:vrrp:{self.name}", self._wished)
        if self._delay:
            self._start = self._world.clock.callLater(self._delay, self._begin)
        else:
            self._begin()

    def stopService(self) -> Any:
        """Say goodbye, release the addresses, close the socket."""
        self._outlook.close()
        self._forget_wish()
        for call in (self._retry, self._start):
            if call is not None and call.active():
                call.cancel()
        if self.machine.state is not State.STOP:
            self._driver.feed(self.machine.stop)
            self._driver.feed(self.machine.released)  # who waits waits in let_go
        self._driver.halt()
        self._voice.close()
        if self.settings.promote_secondaries:
            self._promote_secondaries(False)
        return super().stopService()

    def let_go(self) -> Deferred[None] | None:
        """Begin to stop; fires when the addresses have gone, None if they have."""
        self._driver.feed(self.machine.stop)
        if not self.machine.parting:
            return None
        self._gone = Deferred()
        return self._gone

    def leave(self) -> None:
        """The instance exists no more, though the node runs on: leave no trace."""
        self._leaving = True  # it is not the node that stops: no notify_stop
        self.disownServiceParent()
        self._world.dataplane.claim(self.name, ())
        self._world.dataplane.virtual_links(self.name, ())
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
        self._claim(settings)
        self._voice.reconfigure(settings)
        self._driver.feed(self.machine.reconfigure, settings)
        self._refuse(self._held.addresses)
        self._outlook.watch(settings)
        self._judge()
        return True

    def tell_conflict(self, address: str, mac: str) -> None:
        """A foreign host answers for an address of ours; C{mac} "": it is over."""
        if mac:
            self.counters["address conflicts"] += 1
            self._conflicts[address] = mac
        else:
            self._conflicts.pop(address, None)

    def describe(self) -> dict[str, Any]:
        """What there is to see from outside, as a plain dict."""
        machine, settings = self.machine, self.settings
        return {
            "name": settings.name,
            "vrid": settings.vrid,
            "interface": settings.interface,
            "device": settings.device,
            "version": settings.version,
            "state": machine.state.value,
            "releasing": machine.parting,
            "retirement": machine.retirement,
            "priority": machine.priority,
            "base_priority": settings.priority,
            "faults": list(machine.faults),
            "tracked": self._outlook.describe() if self.running else [],
            "source": str(machine.source) if machine.source else None,
            "master": str(machine.master) if machine.master else None,
            "master_priority": machine.master_priority,
            "peers": self._voice.peers(),
            "authentication": self._voice.authentication,
            "advert_int": settings.advert_int,
            "master_advert_int": machine.master_interval,
            "master_down": machine.master_down,
            "preempt": settings.preempt,
            "addresses": [str(each) for each in settings.all_addresses],
            "routes": [str(each) for each in settings.routes],
            "rules": [str(each) for each in settings.rules],
            "missing": list(map(str, self._world.dataplane.lacking(self.name))),
            "conflicts": dict(self._conflicts),
            "counters": dict(self.counters),
        }

    def _begin(self) -> None:
        self._start = None
        if self.settings.promote_secondaries:
            self._promote_secondaries(True)
        moment = self.moment
        if moment is None or self._delay:
            moment = self._world.clock.seconds()
        self._begin_at = moment
        self._judge()

    def _begin_unless(self, pending: tuple[str, ...]) -> None:
        """Start the machine, or wait for what would be a fault and is not known yet.

        What has a weight is never waited for, nor is anything when there is a fault
        already.
        """
        moment = self._begin_at
        if moment is None:
            return
        if pending and not self.machine.faults:
            if not self._waited:
                text = "({name}) waiting for {pending}"
                self.log.info(text, name=self.name, pending=", ".join(pending))
            self._waited = True
            return
        self._begin_at = None
        if self._waited:
            moment = self._world.clock.seconds()
        self.fellow.begin()
        self._driver.feed_at(moment, self.machine.start)

    def _look(self) -> None:
        """Learn how the instance stands, before it starts."""
        if not self.running:
            self._outlook.watch(self.settings)
            self._judge()

    def _promote_secondaries(self, wanted: bool) -> None:
        self._world.dataplane.promote_secondaries(
            self.name, self.settings.interface, wanted
        )

    # -- what is seen and heard

    def _wished(self, fact: str, wish: str | None) -> None:
        """The operator sends the instance away, or takes it back."""
        self._driver.feed(self.machine.retire, wish == AWAY)
        self._judge()

    def _look_again(self) -> None:
        if self.running:
            self._judge()

    def _found(self, path: Path) -> None:
        if self.running:
            self._driver.feed(self.machine.master_found, path.neighbour)

    def _lost(self, path: Path) -> None:
        if self.running:
            self._driver.feed(self.machine.master_lost, path.neighbour, path.interval)

    def _heard(self, advert: Advert, source: IpAddress) -> None:
        self._driver.feed(self.machine.receive, advert, source)
        self._tell_master()

    def _tell_master(self) -> None:
        """State who is master, for whoever wants to watch the way there."""
        machine = self.machine
        master = machine.master if machine.state is State.BACKUP else None
        if master != self._told_master:
            self._told_master = master
            self._facts.set(f"master:{self.name}", master, machine.state.value)

    def _judge(self) -> None:
        """Weigh everything that is known, and tell the machine the verdict."""
        verdict = self._outlook.verdict()
        gone = self._outlook.link is None and self.settings.interface
        if gone or (self._outlook.virtual is None and self.settings.virtual.device):
            self._voice.close()  # the interface has gone, and its socket with it
        faults = self._outlook.own_faults() or self._open()
        self.machine.abrupt = bool(faults)
        self.fellow.judged(verdict.priority, faults + verdict.faults)
        self._begin_unless(verdict.pending)

    def _open(self) -> tuple[str, ...]:
        """Have the right socket open; give the fault when that is impossible."""
        try:
            fault = self._voice.open(self._outlook.link, self._outlook.virtual)
        except OSError as problem:
            return (self._cannot_open(problem),)
        if not fault:
            self._open_problem = ""
        return (fault,) if fault else ()

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

    # -- what the machine wants

    def _perform(self, action: actions.Action) -> None:
        self._performers[type(action)](action)

    def _advertise(self, action: actions.Advertise) -> None:
        self._voice.advertise(action.priority)

    def _hold(self, action: actions.Hold) -> None:
        old, self._held = self._held, action
        if self.details:
            for line in log_lines.held(self.settings, old, action):
                self._perform(line)
        if action.addresses:  # no packet is to come in between
            self._refuse(action.addresses)
        self._world.dataplane.hold(
            self.name, action.addresses, action.routes, action.rules
        )
        if not action.addresses:
            self._refuse(())

    def _refuse(self, held: tuple[Address, ...]) -> None:
        """Have packets to what we hold dropped unless we may accept them.

        RFC 9568, section 6.1, Accept_Mode; the address owner accepts always.
        """
        settings = self.settings
        refused = () if settings.accept or settings.priority == OWNER else held
        if refused != self._refused:
            if self.details and bool(refused) is not bool(self._refused):
                text = "({name}) {what} firewall drop rule"
                what = "setting" if refused else "removing"
                self.log.debug(text, name=self.name, what=what)
            self._refused = refused
            self._world.dataplane.refuse(self.name, refused)

    def _announce(self, action: actions.Announce) -> None:
        garp = self.settings.garp
        self._world.dataplane.announce(
            action.addresses, action.repeat, garp.arp_interval, garp.na_interval
        )

    def _report(self, action: actions.Report) -> None:
        self._voice.forgive()
        self.counters[f"entered {action.state.value}"] += 1
        if self._facts.get(f"vrrp:{self.name}") == State.MASTER.value:
            self.counters["left MASTER"] += 1
        self._facts.set(f"vrrp:{self.name}", action.state.value, action.reason)
        self._tell_master()
        if action.state is not State.MASTER:
            self._conflicts.clear()  # who has what is not ours is no conflict
        if not self._leaving:
            self._tell(action.state.value)
        self.fellow.changed()
        if self._gone is not None and action.state is State.STOP:
            self._gone.callback(None)
            self._gone = None

    def _release(self, action: actions.Release) -> None:
        assert self.settings.release is not None, "else there is nothing to wait for"
        self._release_script.start(self.settings.release.script, self.run)

    def _hand_over(self, action: actions.HandOver) -> None:
        self._world.dataplane.hand_over(self.name)

    def _released(self) -> None:
        self._driver.feed(self.machine.released)

    def _outranked(self, action: actions.Outranked) -> None:
        self._tell("MASTER_RX_LOWER_PRI")
        self.fellow.outranked()

    def _reweighed(self, action: actions.Reweighed) -> None:
        state = self.machine.state
        if self.settings.notify_priority_changes and state in (
            State.MASTER,
            State.BACKUP,
        ):
            self._tell(f"{state.value}_PRIORITY")

    def _tell(self, state: str) -> None:
        priority, settings = self.machine.priority, self.settings
        notify, alert = settings.notify, settings.smtp_alert
        self._notify(Event("INSTANCE", settings.name, state, priority, notify, alert))

    def _say(self, action: actions.Say) -> None:
        if action.detail and not self.details:
            return
        tell = self.log.debug if action.detail else self.log.info
        tell(action.format, **dict(action.fields))


def departed(service: VrrpService) -> Event:
    """What is told when a reload takes an instance away (FAULT, as keepalived does)."""
    notify = service.settings.notify
    state = "DELETED" if notify.report_deleted else State.FAULT.value
    settings = service.settings
    return Event(
        "INSTANCE", settings.name, state, 0, notify, settings.smtp_alert, last=True
    )
