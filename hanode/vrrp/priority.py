"""Base priority and what is tracked -> effective priority, or fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hanode.config.model import TrackedBfd, TrackedInterface, VrrpInstance

OWNER = 255  # RFC 9568, section 5.2.4
LOWEST, HIGHEST = 1, 254


def skew_time(priority: int, unit: float) -> float:
    """Skew time in seconds for an interval of C{unit} seconds (RFC 9568, 6.1)."""
    return (256 - priority) / 256 * unit


@dataclass(frozen=True)
class Standing:
    """What the trackers make of an instance: its priority, and why it may not run."""

    priority: int
    faults: tuple[str, ...] = ()


def standing(
    settings: VrrpInstance,
    is_up: Callable[[str], bool],
    bfd_up: Callable[[str], bool],
) -> Standing:
    """Add up the weights of C{settings} given which interfaces and sessions are up.

    What is tracked without weight is a fault while it is down (with C{reverse}:
    while it is up). A positive weight counts while up, a negative one while down;
    C{reverse} turns its sign round. The sum is kept within 1 and 254; an address owner
    stays at 255.
    """
    total, faults = settings.priority, []
    everything: list[tuple[str, TrackedInterface | TrackedBfd, bool]] = [
        ("interface", each, is_up(each.name)) for each in settings.track_interfaces
    ]
    everything += [("bfd", each, bfd_up(each.name)) for each in settings.track_bfds]
    for kind, tracked, up in everything:
        if tracked.weight == 0:
            if up == tracked.reverse:
                faults.append(f"{kind} {tracked.name} {'up' if up else 'down'}")
        elif (tracked.weight > 0) == up:
            total += -tracked.weight if tracked.reverse else tracked.weight
    if settings.priority == OWNER:
        return Standing(OWNER, tuple(faults))
    return Standing(min(HIGHEST, max(LOWEST, total)), tuple(faults))
