"""An instance that does not let go of its addresses before a script has ended.

That is what C{release_script} asks for: the service stops before the address leaves.
When we are to stop, or when something tracked has failed, the machine stays MASTER,
with advertisements and addresses, until the script has ended or its time is over. Where
there is nothing to wait for (another node is MASTER already, or our own interface has
gone) the addresses go at once, and the script runs beside.
"""

from __future__ import annotations

from hanode.config.model import IpAddress, VrrpInstance
from hanode.vrrp.actions import Actions, Release, State, say
from hanode.vrrp.member import Member
from hanode.vrrp.packet import Advert


class Parting(Member):
    """The machine of an instance that may have a release_script.

    C{abrupt}: among the faults are some for which waiting would help nobody.
    """

    def __init__(self, settings: VrrpInstance) -> None:
        super().__init__(settings)
        self.abrupt = False
        self._until: float | None = None  # then the script has had its time
        self._target = State.FAULT  # what we are on the way to
        self._withheld: tuple[str, ...] = ()  # faults that have no effect yet

    @property
    def parting(self) -> bool:
        """Whether it is MASTER only until its script has ended."""
        return self._until is not None

    @property
    def deadline(self) -> float | None:
        """When C{expire} is due; None for never."""
        due = super().deadline
        if self._until is None:
            return due
        return self._until if due is None else min(due, self._until)

    # -- what begins and ends it

    def stop(self, *, now: float) -> Actions:
        """Let go of everything, when the script has ended."""
        if self._until is not None:
            self._target = State.STOP
            return []
        if self._waits():
            return self._part(State.STOP, "stop", now)
        return super().stop(now=now)

    def judge(self, priority: int, faults: tuple[str, ...], *, now: float) -> Actions:
        """The trackers have a new verdict: effective priority, and all faults."""
        if self._until is None:
            if self.abrupt or not faults or not self._waits():
                return super().judge(priority, faults, now=now)
            self._withheld = faults
            actions = super().judge(priority, (), now=now)
            return actions + self._part(State.FAULT, ", ".join(faults), now)
        self._withheld = faults
        actions = super().judge(priority, (), now=now)
        return actions + (self._end(now) if self.abrupt else [])

    def released(self, *, now: float) -> Actions:
        """The script has ended."""
        return [] if self._until is None else self._end(now)

    def expire(self, *, now: float) -> Actions:
        """A timer is due; perhaps that of the script."""
        if self._until is None or now < self._until:
            return self._overtaken(super().expire(now=now), now)
        text = "({name}) the release script takes too long: not waiting any longer"
        return [say(text, name=self.settings.name), *self._end(now)]

    # -- what takes the addresses away meanwhile

    def receive(self, advert: Advert, source: IpAddress, *, now: float) -> Actions:
        """A valid advertisement has arrived."""
        return self._overtaken(super().receive(advert, source, now=now), now)

    def step_back(self, wait: float, *, now: float) -> Actions:
        """The group is MASTER no more."""
        return self._overtaken(super().step_back(wait, now=now), now)

    def _overtaken(self, actions: Actions, now: float) -> Actions:
        """If we are MASTER no more, there is nothing to wait for."""
        if self._until is None or self.state is State.MASTER:
            return actions
        return actions + self._end(now)

    # -- inside

    def _waits(self) -> bool:
        return self.state is State.MASTER and self.settings.release is not None

    def _part(self, target: State, reason: str, now: float) -> Actions:
        release = self.settings.release
        assert release is not None, "who has none does not wait"
        self._until, self._target = now + release.timeout, target
        text = (
            "({name}) {reason}: waiting for the release script, {seconds:g} s at most"
        )
        name, seconds = self.settings.name, release.timeout
        return [say(text, name=name, reason=reason, seconds=seconds), Release()]

    def _end(self, now: float) -> Actions:
        """Go where we were to go."""
        faults, self._withheld = self._withheld, ()
        if self._target is State.STOP:
            actions = super().stop(now=now)
        elif faults:
            actions = super().judge(self.priority, faults, now=now)
        elif self.state is State.MASTER:
            # They have gone, but the service was stopped: begin anew.
            actions = self._enter(State.FAULT, "released", now)
            actions += self._rise("fault cleared", now)
        else:
            actions = []
        self._until = None
        return actions

    def _enter(
        self, state: State, reason: str, now: float, goodbye: bool = False
    ) -> Actions:
        beside = self._waits() and state is not State.MASTER and self._until is None
        actions = super()._enter(state, reason, now, goodbye)
        return [*actions, Release()] if beside else actions
