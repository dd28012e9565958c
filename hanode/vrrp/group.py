"""The machine of a sync group: one falls, all fall; MASTER only together.

It looks at all its members whenever one of them has changed, and says what they have
to do so that they are of one mind. keepalived.conf(5), "VRRP synchronization group".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from hanode.vrrp.actions import Say, State, say
from hanode.vrrp.conditions import Condition, Conditions


@dataclass(frozen=True)
class Lead:
    """The member becomes MASTER."""

    member: str


@dataclass(frozen=True)
class StepBack:
    """The member goes to BACKUP, and waits C{wait} seconds longer than usual."""

    member: str
    wait: float


@dataclass(frozen=True)
class Bind:
    """The member is in FAULT for exactly these faults of others; () sets it free."""

    member: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Announced:
    """All members are in C{state} now, because of C{reason}."""

    state: State
    reason: str


Order = Lead | StepBack | Bind | Announced | Say
Orders = list[Order]


class Group:
    """One sync group; C{state} is what all its members had in common last.

    The members are always given in one order that all nodes share. When each of two
    nodes wins another member they would take turns for ever: after such a retreat a
    node waits the longer, the later the member that lost stands in that order.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = State.INIT
        self._bound: dict[str, tuple[str, ...]] = {}
        self._blamed = "", ""  # the first two with faults of their own
        self._leading: set[str] = set()  # members that were MASTER with the others
        self._why = ""  # the members move
        self._called: set[str] = set()  # members told to lead, not yet MASTER

    def begin(self, now: Conditions) -> Orders:
        """Before the first member starts: the group is told of before its members."""
        orders = self._bind(now)
        if now.sick:
            self.state = State.FAULT
        else:
            self.state, self._why = State.BACKUP, "init"
        return [*orders, Announced(self.state, self._why)]

    def forget(self, member: str) -> None:
        """The member begins anew, or has left."""
        self._leading.discard(member)
        self._called.discard(member)
        self._bound.pop(member, None)

    def may_move(self, now: Conditions) -> bool:
        """Whether any member may have to become MASTER or BACKUP.

        Else none has, even if some are less willing than is known here.
        """
        if now.sick:
            return False
        busy = bool(self._called or self._leading or now.masters)
        return busy or bool(now.bereft) or now.all_willing

    def weigh(self, now: Conditions) -> Orders:
        """Something has changed: what is to be done now."""
        orders = self._bind(now)
        if now.sick:
            self._leading.clear()
            self._called.clear()
        elif self.may_move(now):
            orders += self._move(now.members)
        common = now.common
        if common is not None and common is not self.state:
            self.state = common
            orders.append(Announced(self.state, self._why))
        return orders

    # -- FAULT

    def _bind(self, now: Conditions) -> Orders:
        """All others are in FAULT as long as one is; the first one is named."""
        first, second = [*islice(now.sick, 2), "", ""][:2]
        if self._blamed == (first, second) and len(self._bound) == len(now.members):
            return []
        self._blamed = first, second
        orders: Orders = []
        for name in now.members:
            cause = second if name == first else first
            faults = (f"sync group {self.name}: {cause}",) if cause else ()
            if faults != self._bound.get(name, ()):
                orders.append(Bind(name, faults))
            self._bound[name] = faults
        if first:
            self._why = f"{first}: {', '.join(now.members[first].faults)}"
            fell = any(order.faults for order in orders if isinstance(order, Bind))
            if self.state is not State.FAULT and fell:
                return [self._syncing(State.FAULT), *orders]
        elif orders:
            self._why = "faults cleared"
            return [self._syncing(State.BACKUP), *orders]
        return orders

    # -- MASTER and BACKUP

    def _move(self, members: Mapping[str, Condition]) -> Orders:
        masters = {name for name, each in members.items() if each.state is State.MASTER}
        self._called -= masters
        fallen = self._leading - masters
        self._leading |= masters
        ours = self._leading | self._called
        lost = [
            name
            for name, each in members.items()
            if name in fallen or (ours and name not in ours and each.follows)
        ]
        if lost:
            return self._retreat(members, lost[0])
        return self._advance(members)

    def _retreat(self, members: Mapping[str, Condition], loser: str) -> Orders:
        """A member is not MASTER (any more): nor are the others."""
        rank = list(members).index(loser)
        wait = rank * max(each.interval for each in members.values())
        backs: Orders = [
            StepBack(name, wait)
            for name, each in members.items()
            if each.state is State.MASTER or name in self._called
        ]
        self._leading.clear()
        self._called.clear()
        self._why = f"{loser} is not master"
        return [self._syncing(State.BACKUP), *backs] if backs else []

    def _advance(self, members: Mapping[str, Condition]) -> Orders:
        """MASTER when all can be; who joins a master group needs only himself."""
        ours = self._leading | self._called
        waiting = {name: each for name, each in members.items() if name not in ours}
        # Who does not know yet that his master is gone is drawn along when BFD has
        # found that out for another member, unless BFD vouches for his own.
        drawn = any(each.bereft for each in waiting.values())
        ready = [
            name
            for name, each in waiting.items()
            if each.willing
            or (drawn and not each.assured and each.state is State.BACKUP)
        ]
        if not ready or (not ours and len(ready) < len(members)):
            return []
        self._called.update(ready)
        self._why = "all members can"
        return [self._syncing(State.MASTER), *(Lead(name) for name in ready)]

    def _syncing(self, state: State) -> Say:
        text = "VRRP_Group({group}) Syncing instances to {state} state"
        return say(text, group=self.name, state=state.value)
