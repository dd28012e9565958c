"""Two nodes that both say they own the addresses: priority 255 on both.

RFC 9568, section 5.2.4 has no answer. keepalived's: the owner lowers its priority to
254 after the second advertisement, until the other one has been silent for 1.2
intervals. When both do so they take turns; here it is the one with the lower address.
"""

from __future__ import annotations

from hanode.config.model import IpAddress
from hanode.vrrp.actions import Actions, say
from hanode.vrrp.packet import Advert
from hanode.vrrp.priority import HIGHEST, OWNER


class Rivalry:
    """What instance C{name} knows of a second owner.

    C{yielded}: our own priority is lowered. C{deadline}: when the other one is taken
    to have gone, None while there is none.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._rival: IpAddress | None = None
        self.yielded = False
        self.deadline: float | None = None

    def limit(self, priority: int) -> int:
        """The priority that we may have instead of C{priority}."""
        return min(priority, HIGHEST) if self.yielded else priority

    def heard(
        self, source: IpAddress, stronger: bool, patience: float, now: float
    ) -> Actions:
        """The owner that we are hears another one, C{stronger} by its address."""
        name, known = self._name, source == self._rival
        self._rival, self.deadline = source, now + patience
        if not known:
            text = "({name}) CONFIGURATION ERROR: local instance and {source} are both"
            text += " configured as address owner, please resolve"
            return [say(text, name=name, source=source)]
        if not stronger:
            return []
        self.yielded = True
        text = "({name}) {source} is still advertising as address owner, please"
        return [
            say(text + " resolve - reducing our priority", name=name, source=source)
        ]

    def renewed(
        self, advert: Advert, source: IpAddress, patience: float, now: float
    ) -> None:
        """An advertisement in BACKUP: the other owner may still be there."""
        if self.yielded and advert.priority == OWNER and source == self._rival:
            self.deadline = now + patience

    def ended(self) -> Actions:
        """The deadline has come."""
        name, source, yielded = self._name, self._rival, self.yielded
        self._rival, self.yielded, self.deadline = None, False, None
        text = "({name}) rogue address owner {source} appears to have stopped"
        actions: Actions = [say(text + " advertising", name=name, source=source)]
        if yielded:
            text = "({name}) Restoring our priority to {priority}"
            actions.append(say(text, name=name, priority=OWNER))
        return actions
