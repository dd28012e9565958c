"""How often the wheel turns when many sessions are Up."""

from __future__ import annotations

from collections import Counter

from hanode.bfd.line import Line

BUSY = 300  # packets a second, both ways; from then on the wheel reads the sockets
TURNS = 20  # of the wheel in the shortest interval
QUICKEST, SLOWEST = 0.001, 0.004  # seconds between two turns


class Pace:
    """What all sessions that are Up ask for together.

    With many packets the wheel reads them, and sends what is due, a few milliseconds'
    worth at a time: it costs half as much, and the jitter leaves room for it.
    """

    def __init__(self) -> None:
        self._packets = 0.0  # a second
        self._paces: Counter[float] = Counter()  # wishes of single sessions

    @property
    def busy(self) -> bool:
        """Whether it is worth while."""
        return self._packets > BUSY

    @property
    def seconds(self) -> float:
        """The time between two turns; 0 for turns only when something is due."""
        return min(self._paces) if self.busy and self._paces else 0.0

    def weigh(self, line: Line) -> bool:
        """C{line} may be in another state; tell whether it asks for something else."""
        load = (0.0, 0.0)
        if line.up:
            ours, theirs = line.session.interval, line.session.expected_interval
            wish = min(SLOWEST, max(QUICKEST, min(ours, theirs) / TURNS))
            load = (1 / ours + 1 / theirs, wish)
        if load == line.load:
            return False
        self.forget(line)
        line.load = load
        self._packets += load[0]
        if load[1]:
            self._paces[load[1]] += 1
        return True

    def forget(self, line: Line) -> None:
        """C{line} asks for nothing any more."""
        packets, wish = line.load
        line.load = (0.0, 0.0)
        self._packets -= packets
        if wish:
            self._paces[wish] -= 1
            if not self._paces[wish]:
                del self._paces[wish]
