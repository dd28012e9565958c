"""How many processes there have to be, and for how long before it counts (pure)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """C{least} and C{most} processes, None for any number; delays in seconds.

    C{fork_delay} is for what more processes have brought about, C{terminate_delay} for
    what fewer have.
    """

    least: int = 1
    most: int | None = None
    fork_delay: float = 0.0
    terminate_delay: float = 0.0

    def met(self, count: int) -> bool:
        """Whether so many are right."""
        return self.least <= count and (self.most is None or count <= self.most)


class Quorum:
    """One group of processes; C{up} is None before the first count."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.up: bool | None = None
        self.count = 0
        self.deadline: float | None = None  # when a change will have lasted

    def counted(self, count: int, *, now: float) -> bool:
        """There are so many now; return whether C{up} has changed."""
        bounds, before = self.bounds, self.count
        self.count = count
        met = bounds.met(count)
        if self.up is None:
            self.up = met
            return True
        if met is self.up:
            self.deadline = None
            return False
        if self.deadline is None:
            more = count > before
            delay = bounds.fork_delay if more else bounds.terminate_delay
            self.deadline = now + delay
        return self.expire(now=now)

    def expire(self, *, now: float) -> bool:
        """Time has come; return whether C{up} has changed."""
        if self.deadline is None or now < self.deadline:
            return False
        self.deadline = None
        self.up = not self.up
        return True
