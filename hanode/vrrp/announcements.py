"""When a master announces its addresses again: keepalived's garp_* settings."""

from __future__ import annotations

from hanode.config.model import Garp


class Announcements:
    """When to announce again while MASTER: a second batch, then refreshes."""

    def __init__(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Nothing more is announced."""
        self._batch_at: float | None = None
        self._batch_repeat = 0
        self._refresh_at: float | None = None
        self._extra_at: float | None = None

    def became_master(self, garp: Garp, now: float) -> None:
        """Plan what follows the first batch."""
        self._plan(garp.master_delay, garp.master_repeat, now)
        self.refresh(garp, now)
        self._extra_at = now + garp.extra_interval if garp.extra_interval else None

    def refresh(self, garp: Garp, now: float) -> None:
        """Count the time to the next refresh, if there is to be one, from now."""
        self._refresh_at = now + garp.master_refresh if garp.master_refresh else None

    def outranked(self, garp: Garp, now: float) -> None:
        """Plan what follows the batch that answered a lower master."""
        self._plan(garp.lower_prio_delay, garp.lower_prio_repeat, now)

    def _plan(self, delay: float, repeat: int, now: float) -> None:
        if delay and repeat:
            self._batch_at, self._batch_repeat = now + delay, repeat

    @property
    def deadline(self) -> float | None:
        """When the next announcement is due."""
        earliest = self._batch_at
        for due in (self._refresh_at, self._extra_at):
            if due is not None and (earliest is None or due < earliest):
                earliest = due
        return earliest

    def is_extra_due(self, garp: Garp, now: float) -> bool:
        """Whether addresses on other interfaces are to be announced now."""
        if self._extra_at is None or now < self._extra_at:
            return False
        self._extra_at = now + garp.extra_interval if garp.extra_interval else None
        return True

    def expire(self, garp: Garp, now: float) -> int:
        """How many rounds are due now."""
        rounds = 0
        if self._batch_at is not None and now >= self._batch_at:
            rounds, self._batch_at = self._batch_repeat, None
        if self._refresh_at is not None and now >= self._refresh_at:
            rounds = max(rounds, garp.master_refresh_repeat)
            self._refresh_at = now + garp.master_refresh
        return rounds
