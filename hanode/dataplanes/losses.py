"""How often something was taken from us, and how long to wait before the next try."""

from __future__ import annotations

from collections import deque

MANY, WINDOW = 10, 10.0  # so often in so many seconds is put back at once
PAUSE, LONGEST = 1.0, 30.0  # seconds
BREATH, ROUND = 0.02, 0.1  # seconds: so long after a loss less than so long ago


class Losses:
    """The record of one address, or of one virtual service.

    C{many} losses in C{window} seconds are made good at once. Whoever removes it
    again and again means it, or is a program that fights with us; either way a busy
    loop helps nobody. C{breath}: seconds to wait when it is lost again at once, since
    C{ip route flush} goes on until it finds nothing any more: it is best to let it.
    """

    def __init__(
        self, many: int = MANY, window: float = WINDOW, breath: float = 0.0
    ) -> None:
        self._many, self._window, self._breath = many, window, breath
        self._times: deque[float] = deque(maxlen=many + 1)
        self.pause = 0.0  # the last one, seconds

    def add(self, now: float) -> float:
        """One more loss at C{now}; return for how long to wait, in seconds."""
        quiet = now - self._times[-1] if self._times else self._window
        self._times.append(now)
        if self.pause:
            calm = quiet > self.pause + self._window
            self.pause = 0.0 if calm else min(LONGEST, self.pause * 2)
        elif len(self._times) > self._many and now - self._times[0] <= self._window:
            self.pause = PAUSE
        if not self.pause and quiet < ROUND:
            return self._breath
        return self.pause

    def clear(self) -> None:
        """Begin anew."""
        self._times.clear()
        self.pause = 0.0
