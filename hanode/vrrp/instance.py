"""The VRRP state machine (RFC 9568, section 6.4), without I/O.

Events come in as method calls with the time; actions come out as a list, to be
performed in order. L{Instance.deadline} says when L{Instance.expire} must be called.
Everything that decides about a state lives in this file. A state is entered in one
place, by state and not by pair of states. keepalived's deviations from the RFC that
its users rely on (preempt_delay, the short first wait of C{state MASTER}, answering
lower-priority advertisements in version 2 too) are named where they stand.

A member of a sync group does not become MASTER on its own: when its timer has run out
it is C{willing}, and waits for L{Instance.lead}.
"""

from __future__ import annotations

from hanode.config.model import IpAddress, VrrpInstance
from hanode.vrrp import log_lines, timing
from hanode.vrrp.actions import (
    Actions,
    Advertise,
    Announce,
    Farewell,
    Hold,
    Outranked,
    Report,
    Reweighed,
    State,
    Swayed,
    say,
)
from hanode.vrrp.announcements import Announcements
from hanode.vrrp.packet import Advert
from hanode.vrrp.priority import OWNER, skew_time
from hanode.vrrp.two_owners import Rivalry

SILENCE = "no advertisement"  # the reason of an ordinary take-over
ONE_BURST = 0.1  # of an interval: lower adverts that come so close get one answer


class Instance:
    """One virtual router on this node.

    C{priority} is the effective priority; C{source} the address we send from, which
    decides between equals; C{master} and C{master_priority} are whom we heard last.
    C{willing}: a member of a sync group would be MASTER if it were alone.
    """

    def __init__(self, settings: VrrpInstance) -> None:
        self.settings = settings
        self.state = State.INIT
        self.priority = settings.priority
        self.source: IpAddress | None = settings.source
        self.faults: tuple[str, ...] = ()
        self.master: IpAddress | None = None
        self.master_priority = 0
        self.master_interval = settings.advert_int
        self.willing = False
        self._hastened = False  # whether the timer of a backup was shortened
        self._rivalry = Rivalry(settings.name)
        self._timer: float | None = None  # advertisement or master-down, by state
        self._reason = SILENCE  # why the timer of a backup ends where it does
        self._spared: float | None = None  # where it ended before BFD lost the master
        self._preempt_at: float | None = None  # until then lower masters are borne
        self._announcements = Announcements()
        self._trusting = True  # that our master lives, when we overslept
        self._answered = float("-inf")  # when we last told a lower master off

    @property
    def deadline(self) -> float | None:
        """When C{expire} is due; None for never."""
        earliest = self._timer
        for due in (self._announcements.deadline, self._rivalry.deadline):
            if due is not None and (earliest is None or due < earliest):
                earliest = due
        return earliest

    # -- events

    def start(self, *, now: float) -> Actions:
        """Leave INIT (section 6.4.1)."""
        if self.faults:
            return self._enter(State.FAULT, "init", now)
        actions = self._rise("init", now)
        if self.settings.state == "MASTER" and self.priority != OWNER:
            # keepalived: the wanted master waits one interval and the least skew.
            unit = self.master_interval if self.settings.version == 3 else 1.0
            self._timer = now + self.settings.advert_int + unit / 256
        return actions

    def stop(self, *, now: float) -> Actions:
        """Let go of everything; the backups need not wait (section 6.4.3)."""
        return self._enter(State.STOP, "stop", now)

    def judge(self, priority: int, faults: tuple[str, ...], *, now: float) -> Actions:
        """The trackers have a new verdict: effective priority, and all faults."""
        actions = self._change_priority(self._rivalry.limit(priority), now)
        had, self.faults = self.faults, faults
        if self.state in (State.INIT, State.STOP):
            return actions
        if faults and self.state is not State.FAULT:
            for fault in faults:
                cause = fault if fault.startswith("due to ") else f"({fault})"
                text = "({name}): entering FAULT state {fault}"
                actions.append(say(text, name=self.settings.name, fault=cause))
            return actions + self._enter(State.FAULT, ", ".join(faults), now)
        if had and not faults:
            return actions + self._rise("fault cleared", now)
        return actions

    def receive(self, advert: Advert, source: IpAddress, *, now: float) -> Actions:
        """A valid advertisement has arrived."""
        if self.state is State.BACKUP:
            return self._receive_in_backup(advert, source, now)
        if self.state is State.MASTER:
            return self._receive_in_master(advert, source, now)
        return []

    def master_lost(
        self, neighbour: IpAddress, interval: float, *, now: float
    ) -> Actions:
        """BFD says that C{neighbour} has died; it matters if that is our master.

        Then it is as if the master-down timer had fired
        (draft-ietf-rtgwg-vrrp-bfd-p2p), after a skew time that is counted in
        C{interval}, the seconds between two BFD packets, so that the best of several
        backups is the first. An advertisement that comes meanwhile ends the matter.
        """
        if self.state is not State.BACKUP or neighbour != self.master:
            return []
        due = now + skew_time(self.priority, interval)
        if self._timer is None or due < self._timer:
            self._spared = self._timer
            self._timer, self._reason = due, "BFD lost the master"
        text = "({name}) BFD: master {neighbour} is gone"
        return [say(text, name=self.settings.name, neighbour=neighbour)]

    def master_found(self, neighbour: IpAddress, *, now: float) -> Actions:
        """BFD hears C{neighbour} again: if it was given up, that was too soon."""
        if self._reason == SILENCE or neighbour != self.master:
            return []
        self._timer, self._reason = self._spared, SILENCE
        self.willing = self.willing and self._spared is None
        text = "({name}) BFD: master {neighbour} is back"
        return [say(text, name=self.settings.name, neighbour=neighbour)]

    def expire(self, *, now: float) -> Actions:
        """A timer is due."""
        actions: Actions = []
        if self._rivalry.deadline is not None and now >= self._rivalry.deadline:
            actions += self._rivalry.ended()
            actions += self._change_priority(self.settings.priority, now)
        due = self._timer
        if due is not None and now >= due:
            if self.state is State.BACKUP:
                return actions + self._down_timer_fired(due, now)
            if self._overslept(now):
                return actions + self._give_way(now)
            self._keep_beat(due, now)
            actions.append(Advertise(self.priority))
        rounds = self._announcements.expire(self.settings.garp, now)
        if rounds:
            actions.append(Announce(self.settings.all_addresses, rounds))
        extra = self._announcements.is_extra_due(self.settings.garp, now)
        if extra and self.settings.extra_addresses:
            actions.append(Announce(self.settings.extra_addresses, 1))
        return actions

    def reconfigure(self, settings: VrrpInstance, *, now: float) -> Actions:
        """Take new settings of the same virtual router and keep the state."""
        old, self.settings = self.settings, settings
        if settings.priority != OWNER:
            self._reconcile()
        if self.state is State.BACKUP:
            self.willing = False
            if settings.preempt_delay != old.preempt_delay:
                self._preempt_at = None
            if settings.version == 2 or self.master is None:
                self.master_interval = settings.advert_int
            self._timer = now + self.master_down
            return []
        if self.state is not State.MASTER:
            return []
        self.master_interval = settings.advert_int
        # At once, so that no backup of the old settings runs out of patience.
        self._timer = now + settings.advert_int
        hold = Hold(settings.all_addresses, settings.routes, settings.rules)
        actions: Actions = [Advertise(self.priority), hold]
        if settings.garp.master_refresh != old.garp.master_refresh:
            self._announcements.refresh(settings.garp, now)
        known = set(old.all_addresses)
        new = tuple(a for a in settings.all_addresses if a not in known)
        if new:
            actions.append(Announce(new, settings.garp.master_repeat))
            self._announcements.became_master(settings.garp, now)
        return actions

    # -- states

    def _rise(self, reason: str, now: float) -> Actions:
        """Nothing is in the way (any more): the owner is MASTER, others BACKUP."""
        owner = self.priority == OWNER and self.settings.state == "MASTER"
        if owner and not self.settings.group:
            return self._enter(State.MASTER, "address owner", now)
        actions = self._enter(State.BACKUP, reason, now)
        if owner:
            self._timer = now  # its group need not wait for it
        return actions

    def _down_timer_fired(self, due: float, now: float) -> Actions:
        """Section 6.4.2 (375): there is no master."""
        late = now - due
        if self._trusting and self.master is not None and late >= self.master_interval:
            # We did not run, and a machine that was frozen as a whole got nothing
            # that could have been read now: a living master has one more interval.
            self._trusting = False
            self._timer = now + self.master_interval + self.skew
            text = "({name}) was held up for {late} s: listening once more"
            return [say(text, name=self.settings.name, late=round(late, 1))]
        actions: Actions = []
        if self._reason == SILENCE:
            text = "({name}) Receive advertisement timeout"
            actions.append(say(text, detail=True, name=self.settings.name))
        if self.settings.group:
            self.willing, self._timer = True, None
            return [*actions, Swayed()]
        actions += self._enter(State.MASTER, self._reason, now)
        self._keep_beat(due, now)
        return actions

    def _overslept(self, now: float) -> bool:
        """Whether we were silent for so long that another one may be MASTER."""
        due = self._timer
        return due is not None and timing.overslept(self.settings, now - due)

    def _give_way(self, now: float) -> Actions:
        text = "({name}) timer expired so late that another node may be MASTER"
        self.master = None
        actions: Actions = [say(text, name=self.settings.name)]
        return actions + self._enter(State.BACKUP, "timer expired late", now)

    def _receive_in_backup(
        self, advert: Advert, source: IpAddress, now: float
    ) -> Actions:
        name = self.settings.name
        self._rivalry.renewed(
            advert, source, timing.rivals_patience(self.settings), now
        )
        if advert.priority == 0:
            # Section 6.4.2 (425): the master has said goodbye.
            self._timer = now + timing.goodbye_skew(
                self.settings, self.priority, self.skew
            )
            self.master, self.willing = None, False
            text = "({name}) Backup received priority 0 advertisement"
            farewell: Actions = [Farewell()] if self.settings.group else []
            return [say(text, name=name), *farewell]
        if self.settings.preempt and advert.priority < self.priority:
            return self._bear_lower(advert, source, now)
        # Section 6.4.2 (430): this is our master.
        ended = log_lines.no_delay(name) if self._preempt_at is not None else []
        self._preempt_at = None
        return ended + self._follow(advert, source, now)

    def _bear_lower(self, advert: Advert, source: IpAddress, now: float) -> Actions:
        """A lower master: discard it, so that the timer runs out, unless we wait."""
        name, delay = self.settings.name, self.settings.preempt_delay
        actions: Actions = []
        if delay and self._preempt_at is None:
            self._preempt_at = now + delay
            text = "({name}) start preempt delay ({delay})"
            actions.append(say(text, name=name, delay=delay))
        if self._preempt_at is not None and now < self._preempt_at:
            return actions + self._follow(advert, source, now)
        return [log_lines.discarded(name, source, advert.priority)]

    def _follow(self, advert: Advert, source: IpAddress, now: float) -> Actions:
        name, actions = self.settings.name, Actions()
        self._trusting = True
        if source != self.master:
            actions.append(log_lines.followed(name, self.master, source))
            if self.settings.group:
                actions.append(Swayed())
        if self.settings.version == 3 and advert.interval != self.master_interval:
            old, self.master_interval = self.master_interval, advert.interval
            actions.append(log_lines.interval(name, old, advert.interval))
        self.master, self.master_priority = source, advert.priority
        self._timer, self._reason = now + self.master_down, SILENCE
        self.willing = self._hastened = False
        return actions

    def _receive_in_master(
        self, advert: Advert, source: IpAddress, now: float
    ) -> Actions:
        settings, name = self.settings, self.settings.name
        if settings.owner_ignore_adverts and self.priority == OWNER:
            return []
        if advert.priority == 0:
            text = "({name}) Master received priority 0 message"
            return [say(text, name=name), self._advertise_now(now)]
        if source == self.source:
            equal = "equal priority " if advert.priority == self.priority else ""
            text = "({name}) WARNING - " + equal + "advert received from remote host"
            return [say(text + " with our IP address.", name=name)]
        if self._overslept(now):
            return self._give_way(now) + self.receive(advert, source, now=now)
        if advert.priority == OWNER == self.priority:
            return self._face_rival(advert, source, now)
        return self._compare(advert, source, now)

    def _reconcile(self) -> None:
        """Whether there is a second owner is to be found out anew."""
        if self._rivalry.yielded:
            self.priority = OWNER
        self._rivalry = Rivalry(self.settings.name)

    def _face_rival(self, advert: Advert, source: IpAddress, now: float) -> Actions:
        """Another owner: the stronger one is borne once, and then we yield to it."""
        stronger = self._is_better(OWNER, source)
        patience = timing.rivals_patience(self.settings)
        actions = self._rivalry.heard(source, stronger, patience, now)
        if stronger and not self._rivalry.yielded:
            return actions
        self.priority = self._rivalry.limit(self.priority)
        return actions + self._compare(advert, source, now)

    def _compare(self, advert: Advert, source: IpAddress, now: float) -> Actions:
        """Section 6.4.3 (720): which of us is the better master."""
        if not self._is_better(advert.priority, source):
            return self._assert_ourselves(advert, source, now)
        settings, ours, theirs = self.settings, self.priority, advert.priority
        actions: Actions = [log_lines.better(settings.name, source, theirs, ours)]
        if settings.higher_prio_send_advert:
            actions.append(Advertise(self.priority))
        self.master, self.master_priority = source, advert.priority
        if settings.version == 3:
            self.master_interval = advert.interval
        return actions + self._enter(State.BACKUP, "better master", now)

    def _is_better(self, priority: int, source: IpAddress) -> bool:
        """Section 6.4.3 (725): higher priority, then the numerically higher address."""
        if priority != self.priority or self.source is None:
            return priority > self.priority
        return int(source) > int(self.source)

    def _assert_ourselves(
        self, advert: Advert, source: IpAddress, now: float
    ) -> Actions:
        """Section 6.4.3 (740): answer at once, and win the neighbours back.

        One answer for a burst: adverts that waited while we were held up would get
        dozens in the same millisecond, with announcements and notify scripts.
        """
        if now - self._answered < ONE_BURST * self.settings.advert_int:
            return []
        self._answered = now
        name, garp = self.settings.name, self.settings.garp
        answer = not self.settings.lower_prio_no_advert
        ours, theirs = self.priority, advert.priority
        actions: Actions = [log_lines.lower(name, source, theirs, ours, answer)]
        if answer:
            actions.append(self._advertise_now(now))
        if garp.lower_prio_repeat:
            addresses = self.settings.all_addresses
            actions.append(Announce(addresses, garp.lower_prio_repeat))
            self._announcements.outranked(garp, now)
        return [*actions, Outranked(source)]

    def _enter(
        self, state: State, reason: str, now: float, goodbye: bool = False
    ) -> Actions:
        """The one place where a state is entered, whatever the state before."""
        was, self.state = self.state, state
        self._preempt_at, self._timer, self._reason = None, None, SILENCE
        self.willing = self._hastened = False
        self._trusting = True
        self._announcements.stop()
        if state in (State.FAULT, State.STOP):
            self._reconcile()
        if state is State.MASTER:
            return self._enter_master(reason, now)
        actions: Actions = [Hold(())]
        if was is State.MASTER and (goodbye or state is not State.BACKUP):
            # Release first: the next master may need no more than a millisecond.
            actions.append(Advertise(0))
            text = "({name}) sent 0 priority"
            actions.append(say(text, True, name=self.settings.name))
        if state is State.BACKUP:
            if reason in ("init", "fault cleared"):
                self.master, self.master_interval = None, self.settings.advert_int
            self._timer = now + self.master_down
        actions += log_lines.entering(self.settings.name, state, reason)
        return [*actions, Report(state, reason)]

    def _enter_master(self, reason: str, now: float) -> Actions:
        """The order matters: the old master must hear us before our ARP arrives."""
        settings = self.settings
        self.master, self.master_priority = self.source, self.priority
        own = log_lines.own_interval(settings, self.master_interval)
        self.master_interval = settings.advert_int
        self._timer = now + settings.advert_int
        self._announcements.became_master(settings.garp, now)
        held = settings.all_addresses
        return [
            Advertise(self.priority),
            Hold(held, settings.routes, settings.rules),
            Announce(held, settings.garp.master_repeat),
            *own,
            *log_lines.entering(settings.name, State.MASTER, reason),
            Report(State.MASTER, reason),
        ]

    # -- arithmetic (section 6.1)

    @property
    def skew(self) -> float:
        """Skew time in seconds."""
        return timing.skew(self.settings, self.priority, self.master_interval)

    @property
    def master_down(self) -> float:
        """The master-down interval in seconds."""
        return self.settings.down_timer_adverts * self.master_interval + self.skew

    def _keep_beat(self, due: float, now: float) -> None:
        """One interval after the due time: one late turn must not delay all others."""
        following = due + self.settings.advert_int
        self._timer = following if following > now else now + self.settings.advert_int

    def _advertise_now(self, now: float) -> Advertise:
        self._timer = now + self.settings.advert_int
        return Advertise(self.priority)

    def _change_priority(self, priority: int, now: float) -> Actions:
        if priority == self.priority:
            return []
        text = "({name}) Changing effective priority from {old} to {new}"
        name, old_skew = self.settings.name, self.skew
        actions: Actions = [say(text, name=name, old=self.priority, new=priority)]
        self.priority = priority
        actions.append(Reweighed())
        if self.state is State.BACKUP and self._timer is not None:
            self._timer += self.skew - old_skew
        elif self.state is State.MASTER:
            actions.append(self._advertise_now(now))
        return actions
