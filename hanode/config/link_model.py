"""How the state of interfaces is found out, and when a change of it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MII, ETHTOOL, IOCTL = "MII", "ETHTOOL", "IOCTL"


@dataclass(frozen=True)
class Debounce:
    """How long an interface has to be down, or up, before that counts; seconds."""

    down: float = 0.0
    up: float = 0.0


@dataclass(frozen=True)
class LinkDefs:
    """C{delays}: by interface. C{polled}: interface -> how its carrier is asked for.

    That is MII, ETHTOOL or IOCTL; "" for the first of them that it has.
    """

    delays: Mapping[str, Debounce] = field(default_factory=dict)
    polled: Mapping[str, str] = field(default_factory=dict)
