"""How promptly the reactor comes round: its lag, its stalls, and who held it up.

A beat is due ten times a second. What comes late is counted; when no beat comes for
longer than C{STALL}, the kernel's alarm (setitimer(2)) looks at what is running just
then, so that the log can name the line that held up everything else.
"""

from __future__ import annotations

import gc
import signal
from bisect import bisect_left
from time import monotonic
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

BEAT = 0.1  # seconds
STALL = 0.1  # seconds of lag that are worth a line in the log
QUIET = 10.0  # seconds between two such lines, unless it is the longest so far
#: upper bounds of the distribution, in seconds
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
POLLING = "twisted/internet/epollreactor.py"  # there nothing of ours is running
UNSEEN = "something that was over before it was seen"
ASLEEP = "nothing of ours: the process or the machine stood still"


class Distribution:
    """Counts of durations in seconds, by L{BOUNDS}."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.total = self.worst = 0.0

    def note(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
        self.worst = max(self.worst, seconds)

    def describe(self) -> dict[str, Any]:
        """Counts up to each bound, as histograms of Prometheus have them."""
        so_far, buckets = 0, []
        for bound, count in zip((*BOUNDS, None), self._counts, strict=True):
            so_far += count
            buckets.append([bound, so_far])
        return {
            "count": so_far,
            "sum": self.total,
            "worst": self.worst,
            "buckets": buckets,
        }


class Pulse(Service):
    """Beats as long as it runs; on the reactor's own thread."""

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._call: IDelayedCall | None = None
        self._due = 0.0
        self._culprit = ""
        self._told = -QUIET
        self._collection = 0.0  # when the present garbage collection began
        self._before: Any = None
        self.lag, self.collections = Distribution(), Distribution()
        self.stalls, self.longest, self.held_by = 0, 0.0, ""

    def startService(self) -> None:
        """Begin to beat once the reactor runs."""
        super().startService()
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> None:
        """No more beats, and no alarm."""
        super().stopService()
        if self._call is None:
            return
        self._call.cancel()
        self._call = None
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        gc.callbacks.remove(self._collected)

    def describe(self) -> dict[str, Any]:
        """What there is to see from outside; seconds."""
        return {
            "lag": self.lag.describe(),
            "stalls": self.stalls,
            "longest": self.longest,
            "held_by": self.held_by,
            "garbage_collections": self.collections.describe(),
        }

    def _begin(self) -> None:
        if not self.running or self._call is not None:
            return
        self._before = signal.signal(signal.SIGALRM, self._rings)
        # Calls of the kernel that it interrupts go on by themselves.
        signal.siginterrupt(signal.SIGALRM, False)
        gc.callbacks.append(self._collected)
        self._next()

    def _next(self) -> None:
        self._culprit = ""
        self._due = self._reactor.seconds() + BEAT
        self._call = self._reactor.callLater(BEAT, self._beat)
        signal.setitimer(signal.ITIMER_REAL, BEAT + STALL)

    def _beat(self) -> None:
        late = max(0.0, self._reactor.seconds() - self._due)
        self.lag.note(late)
        if late >= STALL:
            self._stalled(late)
        self._next()

    def _stalled(self, seconds: float) -> None:
        self.stalls += 1
        culprit = self._culprit or UNSEEN
        longest = seconds > self.longest
        if longest:
            self.longest, self.held_by = seconds, culprit
        if longest or self._reactor.seconds() - self._told >= QUIET:
            self._told = self._reactor.seconds()
            self.log.warn(
                "Everything was held up for {seconds:.3f} s by {culprit}",
                seconds=seconds,
                culprit=culprit,
            )

    def _rings(self, number: int, frame: FrameType | None) -> None:
        self._culprit = culprit(frame)

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        now = monotonic()
        if phase == "start":
            self._collection = now
        else:
            self.collections.note(now - self._collection)


def culprit(frame: FrameType | None) -> str:
    """What runs in C{frame}: its innermost line of ours, and where that has led."""
    if frame is None or frame.f_code.co_filename.endswith(POLLING):
        return ASLEEP
    innermost, ours = frame, frame
    while not ours.f_code.co_filename.count("/hanode/"):
        if ours.f_back is None:
            return _place(innermost)
        ours = ours.f_back
    if ours is innermost:
        return _place(ours)
    return f"{_place(ours)}, in {_place(innermost)}"


def _place(frame: FrameType) -> str:
    code = frame.f_code
    file = "/".join(code.co_filename.split("/")[-3:])
    return f"{file}:{frame.f_lineno} ({code.co_qualname})"
