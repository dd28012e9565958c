"""How often an address was taken from us, and how long to wait before the next try."""

from __future__ import annotations

from collections import deque

MANY, WINDOW = 10, 10.0  # so often in so many seconds is put back at once
PAUSE, LONGEST = 1.0, 30.0  # seconds


class Losses:
    """The record of one address.

    Whoever removes an address again and again means it, or is a program that fights
    with us; either way a busy loop helps nobody.
    """

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MANY + 1)
        self.pause = 0.0  # the last one, seconds

    def add(self, now: float) -> float:
        """One more loss at C{now}; return for how long to wait, in seconds."""
        quiet = now - self._times[-1] if self._times else WINDOW
        self._times.append(now)
        if self.pause:
            calm = quiet > self.pause + WINDOW
            self.pause = 0.0 if calm else min(LONGEST, self.pause * 2)
        elif len(self._times) > MANY and now - self._times[0] <= WINDOW:
            self.pause = PAUSE
        return self.pause

    def clear(self) -> None:
        """Begin anew."""
        self._times.clear()
        self.pause = 0.0
