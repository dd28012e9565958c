"""One node: the only place where rooms are wired together.

A L{Node} is made of a model and a world. It gives each entry of the model its service,
and on reload leaves alone what has not changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger

import hanode.checkers
import hanode.dataplanes
import hanode.notifiers
import hanode.trackers
from hanode.agenda import Agenda
from hanode.balance.service import BalanceService
from hanode.bfd.service import BfdService
from hanode.bookends import run_bookend
from hanode.config import vmac_names
from hanode.config.check import all_scripts
from hanode.config.diff import Difference, diff
from hanode.config.model import Model, VrrpInstance
from hanode.conflicts import ConflictBoard
from hanode.events import Event, ServerEvent
from hanode.facts import Facts
from hanode.interfaces import (
    IBalancerKind,
    IChecker,
    IFactChecker,
    IMessenger,
    INotifier,
    ITracker,
)
from hanode.local_addresses import LocalAddresses
from hanode.plugins import Found, find
from hanode.scripts import ScriptRunner, complaints
from hanode.statics import StaticService
from hanode.trackers.interface import InterfaceTracker
from hanode.tracking import Tracking
from hanode.vrrp.delay import Delay
from hanode.vrrp.groups import Groups, GroupService
from hanode.vrrp.service import VrrpService, departed
from hanode.vrrp.wire import Wires
from hanode.world import World

LAST_WORDS = 0.7  # seconds that notify_stop scripts get before we end


class Node(MultiService):
    """The services of one configuration under one reactor.

    @param checkers: checker plug-ins by keyword; None for all that are installed.
    @param balancers: plug-ins of kind IBalancerKind, in the same way.
    @param trackers: plug-ins of kind ITracker, in the same way.
    """

    log = Logger()

    def __init__(
        self,
        model: Model,
        world: World,
        details: bool = True,
        checkers: Mapping[str, Any] | None = None,
        balancers: Mapping[str, Any] | None = None,
        trackers: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.world, self._details = world, details
        self.model = model = self._named(model)
        self.facts = Facts(world.clock)
        self._scripts = ScriptRunner(world.processes, model.global_defs)
        self._startup: Deferred[Any] | None = None  # while its script runs
        self._doubts: set[str] = set()  # about scripts, as logged
        self._interfaces = InterfaceTracker(self.facts, world.clock)
        # A thousand instances: one timer of the reactor for all of theirs.
        self._paced = replace(world, clock=Agenda(world.clock))
        self._wires = Wires(world.network)
        self._messengers = self._make_messengers()
        self._wires.log_unknown_vrids = model.global_defs.log_unknown_vrids
        self.bfd = BfdService(world, self.facts)
        self.bfd.configure(model)
        self.bfd.setServiceParent(self)
        if checkers is None:
            checkers = installed_checkers()
        if trackers is None:
            trackers = find(ITracker, hanode.trackers)
        self._tracking = Tracking(trackers, world, self.facts, checkers)
        self.statics = StaticService(world.dataplane, self.facts)
        self._conflicts = ConflictBoard(self.facts, self._tell_conflict)
        self._local = LocalAddresses(self.facts)
        self._local.configure(model)
        self.balance = BalanceService(
            world,
            self.facts,
            checkers,
            Found(hanode.dataplanes, IBalancerKind) if balancers is None else balancers,
            self._notify,
        )
        self.balance.configure(model)
        self.balance.setServiceParent(self)
        world.dataplane.configure_firewall(model.global_defs.firewall)
        self._delay = Delay(world, model.global_defs)
        for settings in model.instances.values():
            self._add(settings, self._delay.seconds)
        self._groups = Groups(self.facts, self._notify)
        self._groups.configure(model.groups, self.instances())

    def _make_messengers(self) -> dict[str, IMessenger]:
        defs = self.model.global_defs
        return {
            keyword: notifier.make(self.world, defs)
            for keyword, notifier in find(INotifier, hanode.notifiers).items()
        }

    # -- life

    def startService(self) -> None:
        """Begin, when the startup script has ended."""
        self._doubt_scripts()
        startup = self.model.global_defs.notify.startup
        if startup is None:
            self._begin()
        else:
            self._startup = run_bookend(self._scripts, startup, "startup")
            self._startup.addCallback(self._started)

    def _started(self, _: object) -> None:
        if self._startup is not None:  # else we have been stopped meanwhile
            self._begin()

    def _begin(self) -> None:
        """Claim our addresses, learn the interfaces, start the instances."""
        self._startup = None
        for messenger in self._messengers.values():
            messenger.start()
        for service in self.instances():
            service.claim()
        self._interfaces.configure(self.model.links)
        self.statics.configure(self.model.statics)
        self._apply(self.model)
        self.world.dataplane.start(self._interfaces.changed)
        self._interfaces.expect(interfaces(self.model))
        self._tracking.expect(self.model)
        moment = self.world.clock.seconds()
        for service in self.instances():
            service.moment = moment
        self._delay.start()
        super().startService()
        self._groups.start()

    def stopService(self) -> Deferred[Any]:
        """Say goodbye and release everything; wait a moment for the last scripts."""
        if self._startup is not None:
            startup, self._startup = self._startup, None
            startup.cancel()  # nothing has begun, and nothing will
            return succeed(None)
        self._delay.stop()
        self._groups.pause()
        going: list[Any] = []
        if any(each.settings.release for each in self.instances()):
            going = [each.let_go() for each in self.instances()]
        done: Any = DeferredList([each for each in going if each is not None])
        return done.addCallback(lambda _: self._end())  # type: ignore[no-any-return]

    def _end(self) -> Deferred[Any]:
        """Nobody holds an address any more that a script was to be waited for."""
        stopped: Any = super().stopService()
        self._groups.stop()
        self._tracking.close()
        self._interfaces.close()
        self.world.dataplane.stop()
        told: Deferred[Any] = self._patiently(
            [stopped, *(each.idle() for each in self._messengers.values())]
        )
        told.addCallback(lambda _: self._patiently(self._close_messengers()))
        shutdown = self.model.global_defs.notify.shutdown
        if shutdown is not None:
            told.addCallback(lambda _: run_bookend(self._scripts, shutdown, "shutdown"))
        return told

    def _close_messengers(self) -> list[Deferred[None]]:
        return [each.close() for each in self._messengers.values()]

    def _patiently(self, waiting: Sequence[Any]) -> Deferred[Any]:
        """Fires when all of C{waiting} have, but not later than LAST_WORDS."""
        done: Any = DeferredList(waiting)
        done.addTimeout(LAST_WORDS, self.world.clock, lambda *_: None)
        return done  # type: ignore[no-any-return]

    def _apply(self, model: Model) -> None:
        """Tell the dataplane what concerns all that is held."""
        dataplane = self.world.dataplane
        dataplane.share_pace(model.garp_groups)
        wanted = model.node.conflict_detection
        dataplane.detect_conflicts(self._conflicts.told if wanted else None)

    def _tell_conflict(self, owner: str, address: str, mac: str) -> None:
        for service in self.instances():
            if service.name == owner:
                service.tell_conflict(address, mac)

    def reload(self, model: Model) -> Difference:
        """Run C{model} from now on; what is equal in both is not touched.

        Virtual servers are not in what is returned: the load balancer compares them
        bit by bit, because thousands of them would hold up the packets.
        """
        model = self._named(model)
        difference = diff(
            replace(self.model, virtual_servers={}), replace(model, virtual_servers={})
        )
        old, self.model = self.model, model
        self._scripts.global_defs = model.global_defs
        self._doubt_scripts()
        if old.global_defs != model.global_defs:
            self._wires.log_unknown_vrids = model.global_defs.log_unknown_vrids
            self.world.dataplane.configure_firewall(model.global_defs.firewall)
        for messenger in self._messengers.values():
            messenger.reconfigure(model.global_defs)
        self._interfaces.configure(model.links)
        self._interfaces.expect(interfaces(model))
        self._tracking.expect(model)
        self.bfd.configure(model)
        self.statics.configure(model.statics)
        self._apply(model)
        self._groups.pause()
        try:
            self._exchange(model, difference)
        finally:  # whatever failed, the groups go on with those who are there
            self._groups.configure(model.groups, self.instances())
        self._local.configure(model)
        self.balance.configure(model)
        self.log.info("Reload complete: {difference}", difference=difference)
        return difference

    def _exchange(self, model: Model, difference: Difference) -> None:
        """The instances that come, go or change."""
        for name in difference.removed:
            self._remove(self.instance(name), farewell=True)
        for name in difference.changed:
            self._change(model.instances[name])
        for name in difference.added:
            self._add(model.instances[name])

    # -- looking in

    def instances(self) -> list[VrrpService]:
        """The VRRP services, in the order of the configuration."""
        return [each for each in self if isinstance(each, VrrpService)]

    def groups(self) -> list[GroupService]:
        """The sync groups, in the order of the configuration."""
        return list(self._groups)

    def trackers(self, kind: str) -> dict[str, dict[str, Any]]:
        """What is tracked of this kind (script, process), by name."""
        return self._tracking.describe(kind)

    def instance(self, name: str) -> VrrpService:
        """The service of vrrp_instance C{name}. Raises L{KeyError}."""
        service: VrrpService = self.getServiceNamed(name)
        return service

    # -- one service

    def _add(self, settings: VrrpInstance, delay: float = 0.0) -> None:
        service = VrrpService(
            settings,
            self._paced,
            self.facts,
            self._wires,
            self._notify,
            self._tracking.weigh,
            delay,
        )
        service.details, service.run = self._details, self._scripts.run
        if self.running:
            service.claim()
        service.setServiceParent(self)

    def _remove(self, service: VrrpService, farewell: bool) -> None:
        service.leave()
        if farewell:
            self._notify(departed(service))

    def _change(self, settings: VrrpInstance) -> None:
        service = self.instance(settings.name)
        if not service.reconfigure(settings):
            self._remove(service, farewell=False)
            self._add(settings)

    def _doubt_scripts(self) -> None:
        """Log which scripts will not run, each reason once."""
        scripts = (script for _, script in all_scripts(self.model))
        for text in complaints(scripts, self.model.global_defs):
            if text not in self._doubts:
                self._doubts.add(text)
                self.log.warn("{text}", text=text)

    def _named(self, model: Model) -> Model:
        """C{model} with names for virtual links that no other interface has."""
        links = vmac_names.links(model)
        if not links:
            return model
        return vmac_names.renamed(model, self.world.dataplane.strangers(links))

    def _notify(self, event: Event | ServerEvent) -> None:
        for messenger in self._messengers.values():
            messenger.notify(event)


def installed_checkers() -> Mapping[str, Any]:
    """The checker plug-ins of both kinds, by keyword; loaded when one is asked for."""
    return Found(hanode.checkers, IChecker, IFactChecker)


def interfaces(model: Model) -> set[str]:
    """The names of all interfaces that C{model} speaks of."""
    names: set[str] = set()
    for each in model.instances.values():
        names.add(each.interface)
        names.update(
            tracked.name for tracked in each.track if tracked.kind == "interface"
        )
        names.update(link.name for link in each.virtual.links)
        names.update(link.parent for link in each.virtual.links)
        names.update(address.device for address in each.all_addresses)
    for session in model.bfd_instances.values():
        names.add(session.route.device)
    names.update(rule.device for rule in model.bfd_unsolicited)
    names.update(address.device for address in model.statics.addresses)
    return names - {""}
