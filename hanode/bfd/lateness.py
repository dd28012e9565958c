"""How late our own packets are, as a distribution."""

from __future__ import annotations

from typing import Any

TURNS = 20  # of the wheel in the shortest interval
QUICKEST, SLOWEST = 0.002, 0.004  # seconds between two turns
_STEP = 1e-4  # seconds of one bucket
_BUCKETS = 2000  # the last one takes everything from 0.2 s on


def turn_time(interval: float) -> float:
    """The time between two turns that serves an interval, both in seconds.

    It is also how late a packet of that interval may usually be.
    """
    return min(SLOWEST, max(QUICKEST, interval / TURNS))


class Lateness:
    """Counts of how late packets left, in steps of a tenth of a millisecond."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.worst = 0.0

    def note(self, seconds: float) -> None:
        """A packet left C{seconds} after it was due."""
        if seconds > self.worst:
            self.worst = seconds
        bucket = int(seconds * 10_000)
        self._counts[bucket if 0 <= bucket < _BUCKETS else _BUCKETS - 1] += 1

    def quantile(self, part: float) -> float:
        """The lateness in seconds that C{part} (0 to 1) of the packets do not exceed.

        It is exact to a tenth of a millisecond, and the worst for the last bucket.
        """
        wanted, total = part * sum(self._counts), 0
        for bucket, count in enumerate(self._counts):
            total += count
            if total and total >= wanted:
                last = bucket == _BUCKETS - 1
                return self.worst if last else min(self.worst, (bucket + 1) * _STEP)
        return 0.0

    def describe(self) -> dict[str, Any]:
        """What there is to see from outside, in seconds.

        C{buckets}: by a limit that they do not reach (the last one: any), how many
        packets. Who looks twice can tell what was between.
        """
        counts = enumerate(self._counts)
        return {
            "p999": self.quantile(0.999),
            "worst": self.worst,
            "buckets": {f"{(n + 1) * _STEP:.4f}": each for n, each in counts if each},
        }
