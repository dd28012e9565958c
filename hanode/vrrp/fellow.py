"""One instance and its sync group: what each of them learns of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hanode.config.model import IpAddress, VrrpInstance
from hanode.driver import Driver
from hanode.vrrp.actions import State
from hanode.vrrp.conditions import Condition
from hanode.vrrp.member import Member


class Sync(Protocol):
    """The sync group, as its members see it."""

    def begin(self) -> None:
        """A member is about to start."""

    def changed(self, member: Fellow) -> None:
        """Something about C{member} has changed that the others must know."""

    def outranked(self, member: Fellow) -> None:
        """C{member} heard a lower master and announced its addresses again."""

    def farewell(self, member: Fellow) -> None:
        """The master that C{member} followed has said goodbye."""


class Fellow:
    """One instance, as a member of the group C{sync}; None without one.

    @param vouches: whether BFD says that this neighbour lives.
    @param look: learn how the instance stands, if it has not started yet.
    """

    def __init__(
        self,
        machine: Member,
        driver: Driver,
        vouches: Callable[[IpAddress | None], bool],
        look: Callable[[], object],
    ) -> None:
        self._machine, self._driver = machine, driver
        self._vouches, self.look = vouches, look
        self.sync: Sync | None = None
        self._priority = machine.priority
        self._faults: tuple[str, ...] = ()  # of its own
        self._bound: tuple[str, ...] = ()  # of other members

    @property
    def settings(self) -> VrrpInstance:
        """The settings in force."""
        return self._machine.settings

    @property
    def name(self) -> str:
        """The name of the instance."""
        return self._machine.settings.name

    def condition(self) -> Condition:
        """How the instance stands."""
        machine = self._machine
        backup = machine.state is State.BACKUP
        return Condition(
            machine.state,
            self._faults,
            machine.willing,
            machine.bereft,
            backup and machine.master is not None and not machine.willing,
            backup and self._vouches(machine.master),
            machine.settings.advert_int,
        )

    # -- what the group is told

    def begin(self) -> None:
        """The instance is about to start."""
        if self.sync is not None:
            self.sync.begin()

    def judged(self, priority: int, faults: tuple[str, ...]) -> None:
        """The trackers have a new verdict about the instance."""
        had, self._faults, self._priority = self._faults, faults, priority
        self._judge()
        if faults != had:
            self.changed()

    def changed(self) -> None:
        """Something has changed that the others must know."""
        if self.sync is not None:
            self.sync.changed(self)

    def outranked(self) -> None:
        """The instance has heard a lower master."""
        if self.sync is not None:
            self.sync.outranked(self)

    def farewell(self) -> None:
        """The master of the instance has said goodbye."""
        if self.sync is not None:
            self.sync.farewell(self)

    # -- what the group says

    def bind(self, faults: tuple[str, ...]) -> None:
        """Exactly these faults of others are ours, too."""
        self._bound = faults
        self._judge()

    def lead(self) -> None:
        """Be MASTER with the others."""
        self._driver.feed(self._machine.lead)

    def step_back(self, wait: float) -> None:
        """Be MASTER no longer; see L{Member.step_back}."""
        self._driver.feed(self._machine.step_back, wait)

    def hasten(self) -> None:
        """See L{Member.hasten}."""
        self._driver.feed(self._machine.hasten)

    def announce_again(self) -> None:
        """See L{Member.announce_again}."""
        self._driver.feed(self._machine.announce_again)

    def _judge(self) -> None:
        faults = self._faults + self._bound
        self._driver.feed(self._machine.judge, self._priority, faults)
