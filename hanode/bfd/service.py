"""BFD on the network: which sessions there are, and what becomes of their changes.

L{hanode.bfd.intake} gives them their packets, L{hanode.bfd.wheel} their time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from random import Random
from typing import Any

from twisted.application.service import Service

from hanode.bfd.acceptance import Acceptance
from hanode.bfd.description import announce, describe
from hanode.bfd.echoes import Echoes
from hanode.bfd.fading import Fading
from hanode.bfd.intake import Intake
from hanode.bfd.lateness import Lateness
from hanode.bfd.line import Line
from hanode.bfd.pace import Pace
from hanode.bfd.packet import BadPacket, State
from hanode.bfd.pursuit import Pursuit
from hanode.bfd.reception import Entrance, Reception
from hanode.bfd.refusals import Refusals
from hanode.bfd.session import Report, Session
from hanode.bfd.stalls import STALL, Stalls
from hanode.bfd.table import Table
from hanode.bfd.wheel import Wheel
from hanode.config.bfd_model import SINGLE_HOP_TTL, BfdParameters, BfdRoute
from hanode.config.model import Model
from hanode.facts import Facts
from hanode.interfaces import Datagram
from hanode.link import Link
from hanode.path import Path
from hanode.world import World

CONFIGURED = "bfd_instance "  # how the owner of a configured session begins


class BfdService(Service):
    """All sessions of one node."""

    def __init__(self, world: World, facts: Facts) -> None:
        self.setName("bfd")
        self.table = Table()
        self.lateness = Lateness()
        self.refusals = Refusals()
        self.stalls = Stalls(facts)
        self._world, self._facts = world, facts
        # Jitter needs no entropy of the kernel's, and is asked for with each packet.
        self._jitter = Random(world.random.getrandbits(64))
        self._wheel = Wheel(world.clock, self._drain, self._late)
        self._intake = Intake(
            world.clock,
            self.table,
            self.refusals,
            self._unsolicited,
            self._settle,
            self._wheel.turn_again,
        )
        self._wheel.rest = self._intake.work
        self._reception = Reception(
            world.clock, world.network, self._intake.known, self._intake.stranger
        )
        self._acceptance = Acceptance(self._reception, self.table, self._dismissed)
        self._echoes = Echoes(world.network, self.table, self._echo_returned)
        self._fading = Fading(world.clock, self._close)
        self._pursuits: dict[str, Pursuit] = {}
        self._watches: dict[str, Callable[[], None]] = {}
        self._indices: dict[str, int] = {}
        self._pace = Pace()

    # -- life

    def startService(self) -> None:
        """Leave AdminDown; sockets open as they are needed."""
        super().startService()
        self._acceptance.start()
        for line in self.table:
            self._start(line)
        for pursuit in self._pursuits.values():
            pursuit.start()

    def stopService(self) -> Any:
        """Tell all neighbours that this is on purpose, and close."""
        for pursuit in self._pursuits.values():
            pursuit.stop()
        for line in self.table:
            self._close(line)
        for unwatch in self._watches.values():
            unwatch()
        self._watches.clear()
        self._echoes.close()
        self._reception.close()
        self._intake.close()
        self._wheel.halt()
        return super().stopService()

    def configure(self, model: Model) -> None:
        """Run what C{model} wants; a session whose ends are the same stays."""
        wanted = {CONFIGURED + each.name: each for each in model.bfd_instances.values()}
        for line in self.table:
            for owner in tuple(line.wanted):
                instance = wanted.get(owner)
                gone = instance is None or instance.route != line.route
                if owner.startswith(CONFIGURED) and gone:
                    self.release(line, owner)
        self._acceptance.configure(model)
        for device in self._acceptance.devices():
            self._watch(f"interface:{device}", self._interface_changed)
        for owner, instance in wanted.items():
            self.want(instance.route, instance.parameters, owner, instance.name)
        self._pursue(model)

    def _pursue(self, model: Model) -> None:
        """Follow the masters of all instances with fast_failover."""
        wanted = {
            name: instance
            for name, instance in model.instances.items()
            if instance.fast_failover is not None
        }
        for name, pursuit in tuple(self._pursuits.items()):
            if pursuit.instance != wanted.get(name):
                self._pursuits.pop(name).stop()
        for name, instance in wanted.items():
            if name not in self._pursuits:
                self._pursuits[name] = pursuit = Pursuit(instance, self, self._facts)
                if self.running:
                    pursuit.start()

    # -- which sessions there are

    def want(
        self, route: BfdRoute, parameters: BfdParameters, owner: str, name: str = ""
    ) -> Line:
        """Have a session on C{route} for C{owner}; it may be there already.

        @param owner: for whom, as it is shown, for example C{fast_failover VI_1}.
        @param name: the name of a session that is new; made of its ends if empty.
        """
        line = self._present(route, owner, name)
        others: dict[str, BfdParameters] = {}
        if line is not None and name and (line.name, line.route) != (name, route):
            # It was opened by the neighbour, or for a fast_failover: the name and
            # the route of the configuration are better.
            others = dict(line.wanted)
            self._close(line)
            line = None
        if line is None:
            line = self._open(route, parameters, name)
            line.wanted.update(others)
            for pursuit in self._pursuits.values():
                if pursuit.owner in others:
                    pursuit.line = line
        line.wanted[owner] = parameters
        self._adjust(line)
        if self.running and line.session.state is State.ADMIN_DOWN:
            self._start(line)
        return line

    def _present(self, route: BfdRoute, owner: str, name: str) -> Line | None:
        """The line that can serve C{owner}; make sure that C{name} is free if not."""
        same = self.table.named(name) if name else None
        if same is not None and same.route == route:
            return same
        if same is not None:
            self._rename(same)
        line = self.table.to(route)
        if line is not None and name and self._configured(line) not in ("", owner):
            return None  # another bfd_instance to the same neighbour
        return line

    def release(self, line: Line, owner: str) -> None:
        """C{owner} needs the session no more; nobody else, and it is closed."""
        if line not in self.table or owner not in line.wanted:
            return
        del line.wanted[owner]
        if not self.running or not (line.wanted or self._acceptance.keeps(line)):
            self._close(line)
            return
        if owner.startswith(CONFIGURED):
            self._rename(line)
        self._adjust(line)
        self._fading.consider(line)

    def _dismissed(self, line: Line) -> None:
        """The rule that let C{line} in is gone, or is another one."""
        if line.wanted:
            return
        if self._acceptance.keeps(line):
            self._adjust(line)
        else:
            self._close(line)

    def _rename(self, line: Line) -> None:
        """The bfd_instance C{line} was named after wants it no more; others do."""
        self._unwatch(f"admin:bfd:{line.name}")
        self._facts.forget(f"bfd:{line.name}")
        self.table.rename(line, self._free_name(line.route))
        self._facts.set(f"bfd:{line.name}", self.path(line), "no bfd_instance any more")
        self._start(line)  # an operator's wish was for that name, too

    def _free_name(self, route: BfdRoute) -> str:
        """The name of a session that the configuration does not name."""
        at = f"%{route.device}" if route.device else ""
        name = f"{route.neighbour}{at}"
        while self.table.named(name) is not None:
            name += "'"
        return name

    def _open(self, route: BfdRoute, parameters: BfdParameters, name: str = "") -> Line:
        name = name or self._free_name(route)
        discriminator = self.table.free_discriminator(self._world.random)
        session = Session(parameters, discriminator, self._jitter)
        line = Line(name, route, session, self._world, self.lateness, self._reported)
        self.table.add(line)
        if route.device:
            self._watch(f"interface:{route.device}", self._interface_changed)
        self._facts.set(f"bfd:{name}", self.path(line), "not started")
        return line

    def _start(self, line: Line) -> None:
        self._reception.join(Entrance.of(line.route), line, line.route.least_ttl)
        self._watch(f"admin:bfd:{line.name}", self._admin)
        if self._facts.get(f"admin:bfd:{line.name}") != "down":
            self._perform(line, line.session.start)

    def _close(self, line: Line) -> None:
        """Say AdminDown, and forget the session."""
        self.table.unexpect(line)
        if self.running:
            line.farewell(self._world.clock.seconds())
        line.close()
        self._fading.spare(line)
        self._echoes.leave(line)
        self._wheel.remove(line)
        self._reception.leave(Entrance.of(line.route), line)
        self.table.remove(line)
        self._pace.forget(line)
        self._unwatch(f"admin:bfd:{line.name}")
        self._facts.forget(f"bfd:{line.name}")

    def _adjust(self, line: Line) -> None:
        """Let the session do what all its owners want together."""
        parameters = self._together(line)
        if parameters != line.session.parameters:
            line.authenticate_with(parameters)
            self.table.unexpect(line)
            self._perform(line, line.session.reconfigure, parameters)

    def _configured(self, line: Line) -> str:
        """The bfd_instance that owns C{line}, "" for none."""
        owners = (owner for owner in line.wanted if owner.startswith(CONFIGURED))
        return next(owners, "")

    def _together(self, line: Line) -> BfdParameters:
        """What a bfd_instance says, or the quickest that the others want."""
        if owner := self._configured(line):
            return line.wanted[owner]
        wishes = list(line.wanted.values())
        if not wishes:
            rule = self._acceptance.rule(line.rule)
            present = line.session.parameters if rule is None else rule.parameters
            return replace(present, passive=True)
        return replace(
            wishes[0],
            min_tx=min(each.min_tx for each in wishes),
            min_rx=min(each.min_rx for each in wishes),
            multiplier=max(each.multiplier for each in wishes),
        )

    def _unsolicited(self, entrance: Entrance, datagram: Datagram) -> Line | None:
        """A new session with who sent C{datagram}, if a rule lets it in (RFC 9468).

        Raises L{BadPacket} for who is not on the link, though a session of the same
        port may have less demands.
        """
        rule = self._acceptance.admission(datagram.source, entrance)
        if rule is None or datagram.destination.is_multicast:
            return None
        if datagram.ttl < SINGLE_HOP_TTL:
            raise BadPacket("TTL", datagram.ttl)
        route = BfdRoute(datagram.source, datagram.destination, entrance.device)
        parameters = replace(rule.parameters, passive=True)
        line = self._open(route, parameters)
        line.rule = rule.name
        self._start(line)
        return line

    # -- what happens

    def _perform(self, line: Line, event: Callable[..., Any], *args: Any) -> None:
        line.perform(event(*args, now=self._world.clock.seconds()))
        if line in self.table:
            self._settle(line)

    def _settle(self, line: Line) -> None:
        """After any event: timer, pace, echo."""
        self._wheel.put(line, line.session.deadline)
        self._echoes.adjust(line)
        if self._pace.weigh(line):
            self._reception.rest(self._pace.busy)
            self._wheel.keep_pace(self._pace.seconds)
            self._intake.slice = self._pace.slice

    def _drain(self) -> None:
        """Read all that waits in our sockets.

        What must be looked at waits until all have had their turn: it takes long, and
        nobody whose packet waits is taken for silent.
        """
        self._intake.holding = True
        try:
            self._reception.drain()
        finally:
            self._intake.holding = False
        self._echoes.drain()

    def _late(self, seconds: float) -> None:
        """We were held up; what neighbours sent meanwhile has been read by now.

        But when the whole machine stood still, there was nothing to be read: that time
        does not count as silence.
        """
        now = self._world.clock.seconds()
        for line in self.table:
            if line.up:
                line.session.pardon(min(now, line.session.heard + seconds))
        if seconds > STALL:
            self.stalls.note(seconds)

    def _reported(self, line: Line, report: Report) -> None:
        """The session of C{line} has entered another state."""
        self.table.unexpect(line)
        was = self._facts.get(f"bfd:{line.name}")
        line.since = self._world.clock.seconds()
        if was is not None and was.up:
            line.flaps += 1
        announce(line, report)
        path = replace(self.path(line), died=report.died)
        self._facts.set(f"bfd:{line.name}", path, report.reason)
        for pursuit in tuple(self._pursuits.values()):
            if pursuit.line is line:
                pursuit.tell(path, report.reason)
        self._fading.consider(line)
        if line in self.table:
            self._settle(line)  # a timer may be what brought it here

    def _echo_returned(self, line: Line, number: int) -> None:
        self._perform(line, line.session.returned, number)

    # -- facts

    def path(self, line: Line) -> Path:
        """The path to the line's neighbour as it is now."""
        interval = line.interval if line.interval < inf else 0.0
        session = line.session
        neighbour = line.route.neighbour
        return Path(
            neighbour,
            session.state.name,
            False,
            interval,
            session.reason,
            session.remote_discriminator,
            line.flaps > 0 or session.state is State.UP,
        )

    def _watch(self, fact: str, watcher: Callable[[str, Any], None]) -> None:
        if fact not in self._watches:
            self._watches[fact] = self._facts.watch(fact, watcher)

    def _unwatch(self, fact: str) -> None:
        unwatch = self._watches.pop(fact, None)
        if unwatch is not None:
            unwatch()

    def _interface_changed(self, fact: str, link: Link | None) -> None:
        """An interface of the same name with another index needs other sockets."""
        device = fact.removeprefix("interface:")
        index = 0 if link is None else link.index
        if self._indices.get(device, index) != index:
            self._reception.reopen(device)
            self._echoes.reopen(device)
            for line in self.table:
                if line.route.device == device:
                    line.close()
        self._indices[device] = index

    def _admin(self, fact: str, wish: str | None) -> None:
        """The operator's wish: C{down}, or anything else for up."""
        line = self.table.named(fact.removeprefix("admin:bfd:"))
        if line is not None and self.running:
            session = line.session
            self._perform(line, session.disable if wish == "down" else session.start)

    # -- looking in

    def describe_each(self) -> Iterator[dict[str, Any]]:
        """The sessions, one after the other: looking at all of them takes a while."""
        quantile = self.lateness.quantile(0.999)
        for line in self.table:
            yield describe(line, self._world.clock.seconds(), quantile)

    def describe_one(self, name: str) -> dict[str, Any] | None:
        """The session of that name; None when there is no such session."""
        line = self.table.named(name)
        if line is None:
            return None
        quantile = self.lateness.quantile(0.999)
        return describe(line, self._world.clock.seconds(), quantile)

    def describe_all(self) -> dict[str, Any]:
        """What concerns all sessions."""
        states = Counter(line.session.state.name for line in self.table)
        return {
            "states": dict(states),
            "stalls": self.stalls.describe(),
            "rejected": dict(self.refusals.rejected),
            "lateness": self.lateness.describe(),
        }

    def names(self) -> list[str]:
        """The names of all sessions."""
        return self.table.names()
