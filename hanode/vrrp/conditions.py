"""How the members of a sync group stand, counted.

A group may have hundreds of members that all change within one moment: to see that one
of them changes nothing for the others must not mean to look at all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hanode.vrrp.actions import State


@dataclass(frozen=True)
class Condition:
    """How one member stands.

    C{faults}: its own, not those that its group laid on it. C{willing}: it would be
    MASTER alone. C{bereft}: the same, because BFD lost its master. C{follows}: it
    hears a master that it does not replace. C{assured}: BFD says that this master
    lives. C{interval}: its seconds between two advertisements.
    """

    state: State
    faults: tuple[str, ...] = ()
    willing: bool = False
    bereft: bool = False
    follows: bool = False
    assured: bool = False
    interval: float = 1.0


class Conditions:
    """The condition of each member, in an order that all nodes share.

    C{sick} are those with faults of their own, who fell first before the others.
    C{willing} and C{bereft} are how many members are so.
    """

    def __init__(self, members: Mapping[str, Condition]) -> None:
        self.members: dict[str, Condition] = {}
        self.sick: dict[str, None] = {}
        self.willing = self.bereft = 0
        self._states: Counter[State] = Counter()
        for name, condition in members.items():
            self.note(name, condition)

    def note(self, name: str, condition: Condition) -> None:
        """This is how a member stands now."""
        old = self.members.get(name)
        self.members[name] = condition
        if old is not None:
            self._count(old, -1)
        self._count(condition, 1)
        if condition.faults:
            self.sick.setdefault(name)
        else:
            self.sick.pop(name, None)

    def _count(self, condition: Condition, by: int) -> None:
        self._states[condition.state] += by
        self.willing += by * condition.willing
        self.bereft += by * condition.bereft

    @property
    def common(self) -> State | None:
        """The state that all members are in; None when they differ."""
        for state, count in self._states.items():
            if count == len(self.members):
                return state
        return None

    @property
    def masters(self) -> int:
        """How many members are MASTER."""
        return self._states[State.MASTER]

    @property
    def all_willing(self) -> bool:
        """Whether each member would be MASTER alone."""
        return self.willing == len(self.members)
