"""The sync groups of a node: joins the services of the members with the group machine.

What one member does may move all others at once. An order may find its receiver busy
with an event, and then waits for it to end: the group looks again when it has arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from twisted.logger import Logger

from hanode.config.model import SyncGroup
from hanode.events import Event
from hanode.facts import Facts
from hanode.vrrp import group
from hanode.vrrp.actions import Say, State
from hanode.vrrp.conditions import Conditions
from hanode.vrrp.fellow import Fellow
from hanode.vrrp.service import VrrpService


class GroupService:
    """One sync group and the services of its members."""

    log = Logger()

    def __init__(
        self, settings: SyncGroup, facts: Facts, notify: Callable[[Event], object]
    ) -> None:
        self.settings = settings
        self._facts, self._notify = facts, notify
        self.machine = group.Group(settings.name)
        self.members: dict[str, Fellow] = {}
        self._conditions = Conditions({})
        self._quiet = True  # while the members are being exchanged
        self._busy = self._again = False
        self._performers: dict[type, Callable[[Any], None]] = {
            group.Lead: lambda order: self.members[order.member].lead(),
            group.StepBack: self._step_back,
            group.Bind: self._bind,
            group.Announced: self._announced,
            Say: self._say,
        }

    # -- who belongs to it

    def join(self, members: Iterable[Fellow]) -> None:
        """These are the members from now on."""
        # The order is that of the virtual routers, the same on all nodes.
        ranked = sorted(members, key=_rank)
        for name, fellow in list(self.members.items()):
            if fellow not in ranked:
                self._dismiss(name)
        self.members = {each.name: each for each in ranked}
        for each in ranked:
            each.sync = self

    def _dismiss(self, name: str) -> None:
        fellow = self.members.pop(name)
        self.machine.forget(name)
        if fellow.sync is self:
            fellow.sync = None
        fellow.bind(())

    def pause(self) -> None:
        """What happens until C{resume} is not weighed."""
        self._quiet = True

    def resume(self) -> None:
        """Weigh what there is now."""
        self._quiet = False
        self._look()
        self._weigh()

    def dissolve(self) -> None:
        """The group exists no more."""
        for name in list(self.members):
            self._dismiss(name)
        self._facts.forget(f"group:{self.settings.name}")

    def stop(self) -> None:
        """The node has stopped, each member by itself."""
        self._quiet = True
        if self.machine.state is not State.INIT:
            self._announced(group.Announced(State.STOP, "stop"))

    # -- what the members say

    def begin(self) -> None:
        """See L{hanode.vrrp.fellow.Sync}: the first member is about to start."""
        if self.machine.state is State.INIT:
            for each in self.members.values():
                each.look()
            self._look()
            self._perform(self.machine.begin(self._conditions))
            self._quiet = False

    def changed(self, member: Fellow) -> None:
        """See L{hanode.vrrp.fellow.Sync}."""
        if not self._quiet:
            self._conditions.note(member.name, member.condition())
            self._weigh()

    def _look(self) -> None:
        """See how all members stand."""
        everyone = self.members.items()
        self._conditions = Conditions(
            {name: each.condition() for name, each in everyone}
        )

    def _weigh(self) -> None:
        self._again = True
        if self._busy:
            return
        self._busy = True
        try:
            while self._again:
                self._again = False
                if self.machine.may_move(self._conditions):
                    self._look()  # some are less willing than they have told
                self._perform(self.machine.weigh(self._conditions))
        finally:
            self._busy = False

    def outranked(self, member: Fellow) -> None:
        """See L{hanode.vrrp.fellow.Sync}."""
        for each in self.members.values():
            if each is not member:
                each.announce_again()

    def farewell(self, member: Fellow) -> None:
        """See L{hanode.vrrp.fellow.Sync}."""
        for each in self.members.values():
            if each is not member:
                each.hasten()

    # -- what the machine wants

    def _perform(self, orders: group.Orders) -> None:
        for order in orders:
            self._performers[type(order)](order)

    def _step_back(self, order: group.StepBack) -> None:
        self.members[order.member].step_back(order.wait)

    def _bind(self, order: group.Bind) -> None:
        self.members[order.member].bind(order.faults)

    def _announced(self, order: group.Announced) -> None:
        name, state = self.settings.name, order.state.value
        self._facts.set(f"group:{name}", state, order.reason)
        settings = self.settings
        self._notify(
            Event("GROUP", name, state, 0, settings.notify, settings.smtp_alert)
        )

    def _say(self, action: Say) -> None:
        self.log.info(action.format, **dict(action.fields))

    def describe(self) -> dict[str, Any]:
        """What there is to see from outside, as a plain dict."""
        return {
            "name": self.settings.name,
            "state": self.machine.state.value,
            "members": list(self.settings.members),
        }


def _rank(member: Fellow) -> tuple[int, int, str]:
    settings = member.settings
    return settings.vrid, settings.family, settings.name


class Groups:
    """All sync groups of a node."""

    def __init__(self, facts: Facts, notify: Callable[[Event], object]) -> None:
        self._facts, self._notify = facts, notify
        self._groups: dict[str, GroupService] = {}
        self._running = False

    def __iter__(self) -> Iterator[GroupService]:
        return iter(self._groups.values())

    def pause(self) -> None:
        """The instances are about to be exchanged, or to stop."""
        for each in self:
            each.pause()

    def configure(
        self, groups: Mapping[str, SyncGroup], services: Iterable[VrrpService]
    ) -> None:
        """Have exactly these groups, of those services that exist now."""
        found = {each.name: each for each in services}
        for name in set(self._groups) - set(groups):
            self._groups.pop(name).dissolve()
        kept, self._groups = self._groups, {}
        for name, settings in groups.items():
            service = kept.get(name)
            if service is None:
                service = GroupService(settings, self._facts, self._notify)
            service.settings = settings
            there = [found[each] for each in settings.members if each in found]
            service.join(each.fellow for each in there)
            self._groups[name] = service
        if self._running:
            for each in self:
                each.resume()

    def start(self) -> None:
        """The node has started: a group that comes later finds its members running."""
        self._running = True

    def stop(self) -> None:
        """All instances have stopped."""
        for each in self:
            each.stop()
