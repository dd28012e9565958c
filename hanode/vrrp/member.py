"""An instance as a member of a sync group: what the group may tell it.

An instance without a group is one that nobody tells anything.
"""

from __future__ import annotations

from hanode.vrrp.actions import Actions, Announce, State
from hanode.vrrp.instance import SILENCE, Instance


class Member(Instance):
    """The machine of an instance, with the events that come from its group."""

    @property
    def bereft(self) -> bool:
        """Whether it is willing because BFD lost the master, not from silence."""
        return self.willing and self._reason != SILENCE

    def lead(self, *, now: float) -> Actions:
        """The whole group becomes MASTER."""
        if self.state is not State.BACKUP:
            return []
        reason = self._reason if self.willing else f"sync group {self.settings.group}"
        return self._enter(State.MASTER, reason, now)

    def step_back(self, wait: float, *, now: float) -> Actions:
        """The group is MASTER no more; wait C{wait} seconds longer than usual.

        Who may be waiting for us need not wait: we say goodbye.
        """
        if self.state is not State.MASTER:
            return []
        self.master = None
        reason = f"sync group {self.settings.group}"
        actions = self._enter(State.BACKUP, reason, now, goodbye=True)
        self._timer = now + self.master_down + wait
        return actions

    def hasten(self, *, now: float) -> Actions:
        """The master of another member has said goodbye, perhaps the same node as ours.

        If ours is alive, it is heard within one interval: one advertisement missed is
        enough then.
        """
        if self.state is State.BACKUP and self._timer is not None:
            if not self._hastened and self._reason == SILENCE:
                spare = (self.settings.down_timer_adverts - 1) * self.master_interval
                self._timer = max(now, self._timer - spare)
            self._hastened = True
        return []

    def announce_again(self, *, now: float) -> Actions:
        """Another member heard a lower master: win our neighbours back too."""
        garp = self.settings.garp
        if self.state is not State.MASTER or not garp.lower_prio_repeat:
            return []
        self._announcements.outranked(garp, now)
        return [Announce(self.settings.all_addresses, garp.lower_prio_repeat)]
