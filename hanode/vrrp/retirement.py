"""An instance that an operator sends away: a planned switchover without a lost packet.

Its priority is the lowest there is, so that a backup that may preempt takes over while
we still serve. Where nobody has come after that time, the backups have nopreempt: then
we say goodbye (priority 0) and go on serving until one of them is heard. If there is
none, we stay. Who is heard may not have the addresses yet (keepalived advertises
first), and its announcements take a moment: so long we answer, too.
"""

from __future__ import annotations

from hanode.config.model import IpAddress, VrrpInstance
from hanode.vrrp.actions import Actions, Advertise, HandOver, State, say
from hanode.vrrp.packet import Advert
from hanode.vrrp.parting import Parting
from hanode.vrrp.priority import LOWEST

LINGER = 0.2  # seconds that we go on answering when the new master is heard
WAITING, RESIGNED, ALONE, GONE = "waiting", "resigned", "nobody takes over", "done"


class Retiring(Parting):
    """The machine of an instance that may be sent away.

    C{retired}: it is meant to be nobody's master as long as anybody else can.
    """

    def __init__(self, settings: VrrpInstance) -> None:
        super().__init__(settings)
        self.retired = False
        self._patience_ends: float | None = None  # of the present step
        self._resigned = False
        self._lingers: float | None = None  # until then we answer beside the new master

    @property
    def retirement(self) -> str:
        """How far it has got; "" for who was not sent away."""
        if not self.retired:
            return ""
        if self.state is not State.MASTER:
            return GONE
        if self._resigned or self._lingers is not None:
            return RESIGNED
        return ALONE if self._patience_ends is None else WAITING

    @property
    def deadline(self) -> float | None:
        """When C{expire} is due; None for never."""
        due = super().deadline
        if self.state is not State.MASTER:
            return due
        ours = (due, self._patience_ends, self._lingers)
        return min((each for each in ours if each is not None), default=None)

    # -- events

    def retire(self, wanted: bool, *, now: float) -> Actions:
        """The operator sends it away, or takes it back."""
        if wanted == self.retired:
            return []
        self.retired = wanted
        was, self._resigned = self._resigned, False
        self._patience_ends = now + self._patience if wanted else None
        name = self.settings.name
        if not wanted:
            actions: Actions = [say("({name}) taken back by the operator", name=name)]
            if was and self.state is State.MASTER and self._lingers is None:
                actions.append(self._advertise_now(now))
            return actions
        return [say("({name}) sent away by the operator", name=name)]

    def judge(self, priority: int, faults: tuple[str, ...], *, now: float) -> Actions:
        """The trackers have a new verdict; sent away it has the lowest priority."""
        own = LOWEST if self.retired else priority
        return super().judge(own, faults, now=now)

    def expire(self, *, now: float) -> Actions:
        """A timer is due; perhaps that of the operator's patience."""
        if self._lingers is not None and self.state is State.MASTER:
            if now < self._lingers:
                return super().expire(now=now)
            gone = self._enter(State.BACKUP, "sent away", now)
            return self._overtaken(gone, now)
        ends = self._patience_ends
        if ends is None or now < ends or self.state is not State.MASTER:
            return super().expire(now=now)
        if not self._resigned:
            return self._resign(now)
        self._resigned, self._patience_ends = False, None
        text = "({name}) nobody takes over: going on as MASTER"
        return [say(text, name=self.settings.name), self._advertise_now(now)]

    def receive(self, advert: Advert, source: IpAddress, *, now: float) -> Actions:
        """A valid advertisement has arrived."""
        leaving = self.state is State.MASTER and (self._lingers or self.retired)
        theirs = advert.priority > 0 and source != self.source
        if not (leaving and theirs):
            return super().receive(advert, source, now=now)
        if not self._resigned and not self._is_better(advert.priority, source):
            if self._lingers is None:
                return super().receive(advert, source, now=now)
            return []
        self.master, self.master_priority = source, advert.priority
        if self.settings.version == 3:
            self.master_interval = advert.interval
        if self._lingers is not None:
            return []
        self._lingers, self._timer, self._patience_ends = now + LINGER, None, None
        self._announcements.stop()
        text = "({name}) {source} has taken over"
        return [say(text, name=self.settings.name, source=source), HandOver()]

    # -- inside

    @property
    def _patience(self) -> float:
        """The time in which a backup that may preempt has taken over, and a bit."""
        interval = self.settings.advert_int
        unit = interval if self.settings.version == 3 else 1.0
        return (self.settings.down_timer_adverts + 1) * interval + unit

    def _resign(self, now: float) -> Actions:
        self._resigned = True
        self._patience_ends = now + self._patience
        # No advertisement until then: the backups' timers must run out.
        self._timer = None
        text = "({name}) nobody preempts: sent 0 priority, serving until one is heard"
        return [Advertise(0), say(text, name=self.settings.name)]

    def _enter(
        self, state: State, reason: str, now: float, goodbye: bool = False
    ) -> Actions:
        self._resigned, self._lingers = False, None
        if self.retired:
            self._patience_ends = now + self._patience
        return super()._enter(state, reason, now, goodbye)
