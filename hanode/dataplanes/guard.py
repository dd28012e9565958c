"""Whether a foreign host answers for one address that we hold (RFC 5227), without I/O.

The address is in use from the first moment on: nothing waits for a probe. After a while
of rest, in which the old master's last words are no news, three probes ask for others,
and one every minute asks again. Who claims the address is asked once more a second
later, and only if he claims it again it is a conflict. We defend the address by
announcing it, at most every DEFEND_INTERVAL (section 2.4 (b)).
"""

from __future__ import annotations

from dataclasses import dataclass

PROBES, PROBE_GAP = 3, 1.5  # section 1.1: PROBE_NUM, and between PROBE_MIN and _MAX
AGAIN = 60.0  # seconds between probes when all is quiet
CONFIRM = 1.0  # seconds until somebody who claims the address is asked again
ANSWER = 1.0  # seconds that he has to answer
UNANSWERED = 3  # probes after which a conflict is over
DEFEND_INTERVAL = 10.0  # section 1.1


@dataclass(frozen=True)
class Probe:
    """Ask who has the address."""


@dataclass(frozen=True)
class Defend:
    """Announce the address once."""


@dataclass(frozen=True)
class Conflict:
    """The host with this MAC address has our address, too; b"": it is over."""

    mac: bytes


Act = Probe | Defend | Conflict


class Guard:
    """The watch over one address.

    @param now: the time, in seconds, when it began.
    @param spread: seconds, for that not all addresses are asked for at once.
    """

    def __init__(self, now: float, spread: float) -> None:
        self.mac = b""  # of the host that is in conflict with us
        self._suspect = b""
        self._asked: float | None = None  # when the suspect was asked again
        self._left, self._silent = PROBES, 0
        self._spread = spread
        self._defended = -DEFEND_INTERVAL
        self.deadline = now + spread

    def seen(self, mac: bytes, *, now: float) -> list[Act]:
        """A host with this MAC address, which is none of ours, claims the address."""
        acts: list[Act] = []
        if now >= self._defended + DEFEND_INTERVAL:
            self._defended = now
            acts.append(Defend())
        if self.mac:
            self._silent = 0
            if mac != self.mac:
                self.mac = mac
                acts.append(Conflict(mac))
            return acts
        if self._suspect and self._asked is not None:
            self.mac, self._suspect, self._asked, self._silent = mac, b"", None, 0
            self.deadline = now + PROBE_GAP
            return [*acts, Conflict(mac)]
        if not self._suspect:
            self._suspect = mac
            self.deadline = now + CONFIRM
        return acts

    def expire(self, *, now: float) -> list[Act]:
        """The deadline has come."""
        if self.mac:
            return self._watch(now)
        if self._suspect and self._asked is None:
            self._asked = now
            self.deadline = now + ANSWER
            return [Probe()]
        # Whoever was suspected has not answered: he was leaving.
        self._suspect, self._asked = b"", None
        self._left = max(0, self._left - 1)
        self.deadline = now + (PROBE_GAP if self._left else AGAIN + self._spread)
        return [Probe()]

    def _watch(self, now: float) -> list[Act]:
        self._silent += 1
        if self._silent > UNANSWERED:
            self.mac, self._silent = b"", 0
            self.deadline = now + AGAIN + self._spread
            return [Conflict(b"")]
        self.deadline = now + PROBE_GAP
        return [Probe()]
