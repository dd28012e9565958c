"""Whether a virtual server has its quorum (pure).

keepalived.conf(5), quorum and hysteresis: gained with a sum of weights of at least
quorum + hysteresis, lost below quorum - hysteresis, or with nothing at all.
"""

from __future__ import annotations


class Quorum:
    """C{up}: it is there. C{since} is the time of the last change."""

    __slots__ = ("up", "since", "reason")

    def __init__(self) -> None:
        self.up, self.since, self.reason = False, 0.0, "not started"

    def start(self, weight: int, quorum: int, hysteresis: int, *, now: float) -> None:
        """The state at the start, out of nowhere."""
        self.up = weight > 0 and weight >= quorum + hysteresis
        self.since = now
        state = "up" if self.up else "down"
        self.reason = f"Starting with quorum {state}"

    def weigh(self, weight: int, quorum: int, hysteresis: int, *, now: float) -> str:
        """The sum is C{weight} now. What there is to tell, "" for nothing new."""
        gain, loss = quorum + hysteresis, quorum - hysteresis
        if self.up and (weight < loss or weight == 0):
            reason = f"Lost quorum {quorum}-{hysteresis}={loss} > {weight}"
        elif not self.up and weight >= gain and weight > 0:
            reason = f"Gained quorum {quorum}+{hysteresis}={gain} <= {weight}"
        else:
            return ""
        self.up, self.since, self.reason = not self.up, now, reason
        return reason
