"""Base priority and what is tracked -> effective priority, or fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hanode.config.track_model import Share, Tracked

OWNER = 255  # RFC 9568, section 5.2.4
LOWEST, HIGHEST = 1, 254


def skew_time(priority: int, unit: float) -> float:
    """Skew time in seconds for an interval of C{unit} seconds (RFC 9568, 6.1)."""
    return (256 - priority) / 256 * unit


@dataclass(frozen=True)
class Standing:
    """What the trackers make of an instance: its priority, and why it may not run.

    C{pending} names what is not known yet and would be a fault or not.
    """

    priority: int
    faults: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


def standing(base: int, shares: Iterable[tuple[Tracked, Share]]) -> Standing:
    """Add up the shares of all that is tracked, given the C{base} priority.

    The sum is kept within 1 and 254; an address owner stays at 255.
    """
    total = base
    faults: list[str] = []
    pending: list[str] = []
    for tracked, share in shares:
        total += share.points
        if share.fault:
            faults.append(share.fault)
        if share.pending:
            pending.append(str(tracked))
    total = OWNER if base == OWNER else min(HIGHEST, max(LOWEST, total))
    return Standing(total, tuple(faults), tuple(pending))
