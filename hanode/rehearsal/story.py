"""What the lab plays: start, power cut, return, graceful stop, start again."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from hanode.rehearsal.ping import Gap
from hanode.rehearsal.stage import Stage
from hanode.rehearsal.timing import down_time, goodbye_time, loss_time

PATIENCE = 4.0  # seconds beyond the expected moment before we call it a failure
STARTING = (
    15.0  # seconds that a daemon may take on a slow or busy machine until it runs
)
NEIGHBOUR = 12.0  # seconds in which a client gives up a neighbour that moved silently
CALM = 1.0  # seconds of unchanged answers after which a scene is over


@dataclass(frozen=True)
class Scene:
    """What one scene showed. Seconds; C{expected} is None where nothing is promised."""

    title: str
    ok: bool
    holder: str | None
    expected: float | None
    gap: Gap | None
    failure: str = ""


class Story:
    """The scenes, one after the other, until one fails or C{deadline} comes."""

    def __init__(self, stage: Stage, deadline: float) -> None:
        self.stage, self.deadline = stage, deadline
        self.scenes: list[Scene] = []
        self._names = [member.name for member in stage.plan.members]

    def play(self) -> bool:
        """Play it; tell whether the address went everywhere it should."""
        if not self._begin():
            return False
        first = self.scenes[0].holder
        assert first is not None
        for scene in (self._cut, self._heal, self._stop, self._restart):
            if not scene(first):
                return False
        return True

    # -- the scenes

    def _begin(self) -> bool:
        start = self._title("Start", f"{' and '.join(self._names)} are started")
        best = self.stage.plan.best(self._names)
        assert best is not None
        self.stage.start(best)
        settings = self.stage.plan.settings(best)
        if settings is not None and not settings.preempt:
            # It would not take over from another one: let it be the first.
            self.stage.until(
                lambda: best in self.stage.masters(), self._down(best) + STARTING
            )
        for name in self._names:
            if name != best:
                self.stage.start(name)
        slowest = max(self._down(name) for name in self._names)
        # The best may let a lower one go first and take over from it afterwards.
        limit = 2 * (slowest + self._delay(best)) + PATIENCE + STARTING
        return self._close("start", start, best, None, limit)

    def _cut(self, master: str) -> bool:
        settings, pinger = self.stage.plan.settings(master), self.stage.pinger
        if settings is not None and pinger is not None:
            # Right after an advertisement, the worst moment, so that runs compare.
            seen = pinger.adverts
            self.stage.until(lambda: pinger.adverts > seen, settings.advert_int + 0.1)
        start = self._title("Power cut", f"{master} is cut off the network")
        self.stage.cut(master)
        heir = self._heir(master)
        lost = self.stage.plan.settings(heir) if heir else None
        watches = self.stage.plan.watches(heir) if heir else []
        expected = loss_time(lost, watches) if lost else 0.0
        limit = self._down(heir) + PATIENCE
        return self._close("power cut", start, heir, expected, limit)

    def _heal(self, master: str) -> bool:
        start = self._title("Return", f"{master} is connected again")
        self.stage.join(master)
        best = self.stage.plan.best(self._names)
        return self._close("return", start, best, 0.0, self._down(best) + NEIGHBOUR)

    def _stop(self, first: str) -> bool:
        master = self.scenes[-1].holder or first
        start = self._title("Graceful stop", f"{master} is stopped")
        heir = self._heir(master)
        self.stage.daemons[master].ask_to_end()
        settings = self.stage.plan.settings(heir) if heir else None
        expected = goodbye_time(settings) if settings else 0.0
        limit = self._down(heir) + PATIENCE
        moved = self._close("graceful stop", start, heir, expected, limit)
        self.stage.stop(master)
        return moved

    def _restart(self, first: str) -> bool:
        start = self._title("Start again", f"{first} is started")
        self.stage.start(first)
        settings = self.stage.plan.settings(first)
        assert settings is not None
        delay = self._down(first) + settings.preempt_delay + STARTING
        best = self.stage.plan.best(self._names)
        back = best if settings.preempt else None
        if back is None:
            back = self.scenes[-1].holder
            backup = self.stage.until(
                lambda: self.stage.states[first][-1][1] == "BACKUP", delay + PATIENCE
            )
            if not backup:
                return self._fail("start again", f"{first} did not become BACKUP")
        return self._close("start again", start, back, 0.0, delay + PATIENCE)

    # -- what they share

    def _title(self, title: str, deed: str) -> float:
        self.stage.note("", f"{title}: {deed}")
        return monotonic()

    def _close(
        self,
        title: str,
        start: float,
        wanted: str | None,
        expected: float | None,
        limit: float | None = None,
    ) -> bool:
        """Wait until C{wanted} answers alone and calmly; record the scene."""
        stage = self.stage
        assert stage.pinger is not None
        if limit is None:
            limit = (expected or 0.0) + PATIENCE
        limit = min(limit, self.deadline - monotonic())

        def settled() -> bool:
            return stage.holder(CALM) == wanted and self._agree(wanted)

        ok = wanted is not None and stage.until(settled, limit)
        gap = self._outage(title, start)
        if not ok:
            late = monotonic() >= self.deadline
            text = f"{wanted} did not come to answer for the address"
            text += " before the time was over" if late else f" within {limit:.1f} s"
            return self._fail(title, text, gap, expected)
        self.scenes.append(Scene(title, True, wanted, expected, gap))
        return True

    def _outage(self, title: str, start: float) -> Gap | None:
        """The longest outage of this scene, told to the audience."""
        pinger = self.stage.pinger
        assert pinger is not None
        answers = [each for each in pinger.answers if each.at >= start]
        first = answers[0] if answers else None
        if title == "start":
            if first is not None:
                who = self.stage.node_of(first.mac) or first.mac
                self.stage.note("client", f"first answer, from {who}", first.at)
            return None
        gaps = pinger.gaps(start, monotonic())
        gap = max(gaps, key=lambda each: each.seconds, default=None)
        if gap is None:
            self.stage.note("client", "no answer was late")
            return None
        after = next((each for each in answers if each.at >= gap.end), None)
        who = (self.stage.node_of(after.mac) if after else None) or "nobody"
        self.stage.note(
            "client",
            f"{gap.seconds:.3f} s without an answer ({gap.lost} pings lost);"
            f" then {who} answers",
            gap.end,
        )
        return gap

    def _agree(self, wanted: str | None) -> bool:
        """Whether nobody else on the network thinks it is master."""
        # One that is cut off cannot know that it has been replaced.
        return set(self.stage.masters()) - self.stage.absent() == {wanted}

    def _fail(
        self,
        title: str,
        text: str,
        gap: Gap | None = None,
        expected: float | None = None,
    ) -> bool:
        dead = [
            f"{name} ended with status {daemon.status}"
            for name, daemon in self.stage.daemons.items()
            if daemon.status not in (None, 0)
        ]
        why = "; ".join([text, *dead])
        self.scenes.append(Scene(title, False, None, expected, gap, why))
        return False

    def _heir(self, master: str) -> str | None:
        return self.stage.plan.best(n for n in self._names if n != master)

    def _down(self, name: str | None) -> float:
        settings = self.stage.plan.settings(name) if name else None
        return down_time(settings) if settings else 0.0

    def _delay(self, name: str | None) -> float:
        settings = self.stage.plan.settings(name) if name else None
        return settings.preempt_delay if settings else 0.0
