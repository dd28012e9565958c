"""The echo function (RFC 5880, sections 6.4, 6.8.5, 6.8.8 and 6.8.9), without I/O.

What an echo packet contains is the sender's own affair. Ours carries the
discriminator, a number, and eight random bytes of its session, so that nobody else
can pretend that they came back.
"""

from __future__ import annotations

import struct
from math import inf
from random import Random

from hanode.config.bfd_model import MICRO

_PAYLOAD = struct.Struct("!IIQ")  # discriminator, number, token


def encode(discriminator: int, number: int, token: int) -> bytes:
    """The payload of an echo packet."""
    return _PAYLOAD.pack(discriminator, number, token)


def decode(payload: bytes) -> tuple[int, int, int] | None:
    """Discriminator, number and token; None when it is not one of ours."""
    if len(payload) < _PAYLOAD.size:
        return None
    discriminator, number, token = _PAYLOAD.unpack_from(payload)
    return discriminator, number, token


class EchoFunction:
    """When to send echo packets, and when their absence means a failure.

    C{tx} is the gap wanted between two of them in microseconds, 0 for none;
    C{multiplier} as many lost in a row are a failure.
    """

    def __init__(self, tx: int, multiplier: int, random: Random) -> None:
        self.tx, self.multiplier = tx, multiplier
        self._random = random.random
        self._permitted = 0  # the neighbour's Required Min Echo RX Interval
        self.send_at = inf
        self._sent = -inf  # when the last one was
        self._answered = inf  # when one came back last, or the first was sent
        self._paced = (inf, multiplier)  # what the timers were set for
        self.number = 0  # of the one sent last
        self.returned_count = 0

    @property
    def active(self) -> bool:
        """Section 6.8.9: only while Up, and only if the neighbour permits it."""
        return self.tx > 0 and self._permitted > 0

    @property
    def interval(self) -> float:
        """The longest gap between two echo packets in seconds; inf for none."""
        return max(self.tx, self._permitted) * MICRO if self.active else inf

    @property
    def expiry(self) -> float:
        """When the path counts as broken unless a packet comes back before."""
        return self._answered + self.multiplier * self.interval

    @property
    def deadline(self) -> float:
        """When something is due; inf for never."""
        return min(self.send_at, self.expiry)

    def permit(self, interval: int, now: float) -> None:
        """The neighbour takes echo packets this many microseconds apart; 0 for none.

        To be called after C{tx} or C{multiplier} have changed, too.
        """
        self._permitted = interval
        paced, self._paced = self._paced, (self.interval, self.multiplier)
        if paced == self._paced:
            return
        if not self.active:
            self.send_at = self._answered = inf
            return
        self.send_at = max(now, self._sent + self._gap())
        if self._answered < inf:
            self._answered = now  # what was rarer until now is not missed

    def sent(self, now: float) -> int:
        """One is sent now; its number."""
        self._sent = now
        if self._answered == inf:
            self._answered = now
        self.send_at = now + self._gap()
        self.number = (self.number + 1) & 0xFFFFFFFF
        return self.number

    def _gap(self) -> float:
        """Section 6.8.9: the interval with its jitter.

        With a multiplier of 1 it keeps as far from the expiry as section 6.8.7 demands
        of control packets.
        """
        spread = 0.15 if self.multiplier == 1 else 0.25
        return self.interval * (0.75 + spread * self._random())

    def returned(self, number: int, now: float) -> None:
        """One has come back."""
        age = (self.number - number) & 0xFFFFFFFF
        if self._answered < inf and age <= self.multiplier:
            self.returned_count += 1
            self._answered = now

    def pardon(self, now: float) -> None:
        """We could not listen for a while: count what is missing from now on."""
        if self._answered < now:
            self._answered = now
