"""How often the wheel turns when many sessions are Up."""

from __future__ import annotations

from collections import Counter

from hanode.bfd.lateness import turn_time
from hanode.bfd.line import Line

BUSY = 300  # packets a second, both ways; from then on the wheel reads the sockets
SLICES = 5  # of packets that must be looked at, in the shortest interval
SHORTEST, LONGEST = 0.002, 0.02  # seconds of such a slice


class Pace:
    """What all sessions that are Up ask for together.

    With many packets the wheel reads them, and sends what is due, a few milliseconds'
    worth at a time: it costs half as much, and the jitter leaves room for it.
    """

    def __init__(self) -> None:
        self._packets = 0.0  # a second
        self._intervals: Counter[float] = Counter()  # the shorter one of each session

    @property
    def busy(self) -> bool:
        """Whether it is worth while."""
        return self._packets > BUSY

    @property
    def seconds(self) -> float:
        """The time between two turns; 0 for turns only when something is due."""
        return turn_time(min(self._intervals)) if self.busy else 0.0

    @property
    def slice(self) -> float:
        """Seconds of a turn that may go to packets that must be looked at.

        What is due must not wait for long; but what waits in the queue must not
        either, or sessions that come Up are lost again before they are attended to.
        """
        shortest = min(self._intervals, default=0.025)
        return min(LONGEST, max(SHORTEST, shortest / SLICES))

    def weigh(self, line: Line) -> bool:
        """C{line} may be in another state; tell whether it asks for something else."""
        load = (0.0, 0.0)
        if line.up:
            ours, theirs = line.session.interval, line.session.expected_interval
            load = (1 / ours + 1 / theirs, min(ours, theirs))
        if load == line.load:
            return False
        self.forget(line)
        line.load = load
        self._packets += load[0]
        if load[1]:
            self._intervals[load[1]] += 1
        return True

    def forget(self, line: Line) -> None:
        """C{line} asks for nothing any more."""
        packets, interval = line.load
        line.load = (0.0, 0.0)
        self._packets -= packets
        if interval:
            self._intervals[interval] -= 1
            if not self._intervals[interval]:
                del self._intervals[interval]
