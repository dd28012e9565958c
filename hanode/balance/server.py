"""A virtual server with its real servers (pure): who serves, and who is told.

keepalived.conf(5), VIRTUAL SERVER(S). Events take C{now} in seconds and return
actions: what is to be logged, and what others are to be told. What the kernel is to
have can be asked for at any time: C{destinations}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hanode.balance.drain import Drain
from hanode.balance.quorum import Quorum
from hanode.balance.real import Key, Real
from hanode.config.balance_model import RealServer, VirtualServer
from hanode.events import ServerEvent
from hanode.serving import VirtualServing

SHUTTING_DOWN = "Shutting down"
REMOVING = "Removing"


@dataclass(frozen=True, slots=True)
class Say:
    """A line for the log."""

    text: str


Action = Say | ServerEvent
Actions = list[Action]


def real_name(virtual: VirtualServer, real: RealServer) -> str:
    """How the log, the FIFO and the facts call a real server: [ADDRESS]:tcp:PORT."""
    return f"[{real.address}]:{virtual.protocol.lower()}:{real.port}"


class Virtual:
    """One virtual server.

    C{reals} are its real servers in the order of the configuration, C{leaving} those
    that a reload took away and that are still being drained. C{weight} is the sum that
    the quorum is compared with. C{waits}: who has not been checked yet is there with
    weight 0, so that after a restart it keeps the connections that it has.
    """

    def __init__(self, settings: VirtualServer) -> None:
        self.settings = settings
        self.reals: dict[Key, Real] = {}
        self.leaving: dict[Key, Real] = {}
        self.quorum = Quorum()
        self.weight = 0
        self.suspended = False
        self.waits = False

    # -- what is seen from outside

    @property
    def name(self) -> str:
        """How everybody calls it."""
        return self.settings.name

    @property
    def sorry(self) -> RealServer | None:
        """The sorry server while it stands in."""
        return None if self.quorum.up else self.settings.sorry

    def state(self) -> VirtualServing:
        """What its fact says."""
        quorum = self.quorum
        alive = sum(each.up for each in self.reals.values())
        return VirtualServing(
            quorum.up,
            self.weight,
            alive,
            len(self.reals),
            self.sorry is not None,
            self.suspended,
            quorum.reason,
            quorum.since,
        )

    def destinations(self) -> list[tuple[RealServer, int]]:
        """What the kernel is to have, with the weights, each address and port once."""
        found: dict[Key, tuple[RealServer, int]] = {}
        sorry = self.sorry
        if sorry is not None:
            found[sorry.address, sorry.port] = (sorry, sorry.weight)
        for key, real in self.reals.items():
            weight = self._weight_in_use(real, sorry is not None)
            if weight is not None:
                found.setdefault(key, (real.settings, weight))
        for key, real in self.leaving.items():
            found.setdefault(key, (real.settings, 0))
        spare = self.settings.sorry
        if spare is not None and self.settings.sorry_inhibit:
            found.setdefault((spare.address, spare.port), (spare, 0))
        return list(found.values())

    def _weight_in_use(self, real: Real, replaced: bool) -> int | None:
        """The weight that C{real} has in the kernel, None if it is not there."""
        if real.drain is not None and real.drain.done:
            return None
        if real.drain is not None and real.up:
            return 0
        if real.up and not replaced:
            return real.weight
        kept = real.settings.inhibit or (self.waits and real.undecided)
        return 0 if kept else None

    # -- events

    def start(self, reals: Iterable[Real], init: bool, *, now: float) -> Actions:
        """Begin with C{reals}; C{init}: tell of those that are up, too.

        What starts as expected, up, is told to nobody else.
        """
        self.reals = {each.key: each for each in reals}
        actions: Actions = []
        for real in self.reals.values():
            actions += self._admit(real, init)
        self._sum()
        settings = self.settings
        self.quorum.start(self.weight, settings.quorum, settings.hysteresis, now=now)
        if not self.quorum.up:
            actions += self._lost(self.quorum.reason)
        return actions

    def judge(self, real: Real, *, now: float) -> Actions:
        """A check of C{real} has another verdict, or another opinion of its weight."""
        before = real.counts
        actions = self._judge(real, now)
        self.weight += real.counts - before
        return actions + self._requorum(now)

    def _judge(self, real: Real, now: float) -> Actions:
        actions: Actions = []
        if real.up != real.healthy:
            real.up, real.since = not real.up, now
            real.reason = real.cause()
            actions.append(Say(self._moved(real)))
        actions += self._reweigh(real)
        if real.up is not real.told and not real.undecided:
            actions.append(self._tell(real))
        return actions

    def wish(self, real: Real, drained: bool, *, now: float) -> Actions:
        """The operator wants C{real} to be drained, or to serve again."""
        if drained is (real.drain is not None):
            return []
        self.weight -= real.counts
        if drained:
            real.drain = Drain(real.settings.drain, now=now)
            text = f"Draining service {real.name} of VS {self.name}"
        else:
            real.drain = None
            text = f"No longer draining service {real.name} of VS {self.name}"
        self.weight += real.counts
        return [Say(text), *self._requorum(now)]

    def counted(self, connections: Mapping[Key, int], *, now: float) -> Actions:
        """What the kernel has left of connections, by destination."""
        actions: Actions = []
        for real in (*self.reals.values(), *self.leaving.values()):
            drain = real.drain
            if drain and drain.counted(connections.get(real.key), now=now):
                actions.append(Say(f"Service {real.name} of VS {self.name} is drained"))
        for key, real in tuple(self.leaving.items()):
            if real.drain is None or real.drain.done:
                del self.leaving[key]
        return actions

    @property
    def draining(self) -> bool:
        """Whether somebody waits for C{counted}."""
        waiting = (*self.reals.values(), *self.leaving.values())
        return any(each.drain is not None and not each.drain.done for each in waiting)

    def reconfigure(
        self, settings: VirtualServer, reals: Iterable[Real], *, now: float
    ) -> Actions:
        """Go on with other settings and C{reals}, of which some are here already.

        Those that are not in C{reals} any more are drained, or removed at once.
        """
        before = self.reals
        self.settings = settings
        self.reals = {each.key: each for each in reals}
        actions: Actions = []
        for key, real in self.reals.items():
            self.leaving.pop(key, None)
            if key in before:
                actions += self._judge(real, now)
            else:
                if real.up:
                    actions.append(Say(self._moved(real)))
                actions += self._admit(real, False)
        for key, real in before.items():
            if key not in self.reals:
                actions += self._dismiss(real, now)
        self._sum()
        return actions + self._requorum(now)

    def stop(self, removed: bool) -> Actions:
        """It ends, because we do or because a reload C{removed} it.

        When we end, only omega has it told.
        """
        reason = REMOVING if removed else SHUTTING_DOWN
        if not removed and not self.settings.omega:
            return []
        actions: Actions = []
        for real in self.reals.values():
            if real.up:
                actions.append(self._event(real, False, reason))
        if self.quorum.up:
            actions.append(self._virtual_event(False, reason))
        return actions

    # -- inside: real servers

    def _moved(self, real: Real) -> str:
        """What the log says of C{real} that is up now, or down."""
        if real.settings.inhibit:
            return f"{'En' if real.up else 'Dis'}abling service {real.name} of VS" + (
                f" {self.name}"
            )
        if real.up:
            return f"Adding service {real.name} to VS {self.name}"
        return f"Removing service {real.name} from VS {self.name}"

    def _reweigh(self, real: Real) -> Actions:
        weight = real.wanted_weight
        if weight == real.weight:
            return []
        old, real.weight = real.weight, weight
        state = "active" if real.up else "inactive"
        return [
            Say(
                f"Changing weight from {old} to {weight} for {state} service"
                f" {real.name} of VS {self.name}"
            )
        ]

    def _admit(self, real: Real, tell: bool) -> Actions:
        """C{real} is new here; a failure that is known already is told."""
        if real.up and not tell:
            real.told = True
        if real.up is real.told or real.undecided:
            return []
        return [self._tell(real)]

    def _dismiss(self, real: Real, now: float) -> Actions:
        """C{real} is not in the configuration any more."""
        actions: Actions = []
        if real.up and real.settings.drain:
            if real.drain is None:
                real.drain = Drain(real.settings.drain, now=now)
            self.leaving[real.key] = real
            text = f"Draining service {real.name} of VS {self.name}"
            actions.append(Say(text))
        elif real.up:
            actions.append(Say(f"Removing service {real.name} from VS {self.name}"))
        if real.up:
            actions.append(self._event(real, False, REMOVING))
        return actions

    def _tell(self, real: Real) -> ServerEvent:
        real.told, real.reason = real.up, real.cause()
        return self._event(real, real.up, real.reason)

    def _event(self, real: Real, up: bool, reason: str) -> ServerEvent:
        settings = real.settings
        script = settings.notify_up if up else settings.notify_down
        return ServerEvent(
            "RS",
            f"{real.name}/{self.name}",
            "UP" if up else "DOWN",
            script,
            reason,
            settings.smtp_alert,
            "" if reason in (SHUTTING_DOWN, REMOVING) else real.culprit(),
        )

    # -- inside: quorum

    def _sum(self) -> None:
        self.weight = sum(each.counts for each in self.reals.values())

    def _requorum(self, now: float) -> Actions:
        settings = self.settings
        reason = self.quorum.weigh(
            self.weight, settings.quorum, settings.hysteresis, now=now
        )
        if not reason:
            return []
        return self._gained(reason) if self.quorum.up else self._lost(reason)

    def _gained(self, reason: str) -> Actions:
        name, spare = self.name, self.settings.sorry
        actions: Actions = [Say(f"{reason} for VS {name}")]
        if spare is not None:
            sorry = real_name(self.settings, spare)
            how = "Disabling" if self.settings.sorry_inhibit else "Removing"
            actions += [
                Say(f"{how} sorry server {sorry} from VS {name}"),
                Say(f"Adding alive servers to the pool for VS {name}"),
            ]
        return [*actions, self._virtual_event(True, reason)]

    def _lost(self, reason: str) -> Actions:
        name, spare = self.name, self.settings.sorry
        actions: Actions = [Say(f"{reason} for VS {name}")]
        if spare is not None:
            sorry = real_name(self.settings, spare)
            how = "Enabling" if self.settings.sorry_inhibit else "Adding"
            actions += [
                Say(f"{how} sorry server {sorry} to VS {name}"),
                Say(f"Removing alive servers from the pool for VS {name}"),
            ]
        return [*actions, self._virtual_event(False, reason)]

    def _virtual_event(self, up: bool, reason: str) -> ServerEvent:
        settings = self.settings
        script = settings.quorum_up if up else settings.quorum_down
        state, alert = "UP" if up else "DOWN", settings.smtp_alert
        return ServerEvent("VS", settings.name, state, script, reason, alert)
