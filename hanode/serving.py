"""What the facts of the load balancer say: C{real:VS/RS} and C{virtual:VS}."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RealServing:
    """One real server of one virtual server.

    C{up}: all its checks are up. C{weight} is the one that it has while it is up.
    C{since}, in seconds of the reactor's clock, is when C{up} last changed, and
    C{reason} why. C{drain} is "", draining or drained.
    """

    up: bool
    weight: int
    reason: str
    since: float
    drain: str = ""


@dataclass(frozen=True, slots=True)
class VirtualServing:
    """One virtual server.

    C{up}: it has its quorum. C{weight} is the sum over its C{alive} real servers, of
    which there are C{servers} in all. C{sorry}: the sorry server stands in for them.
    C{suspended}: nothing is checked, because no address is local. C{since} and
    C{reason} are of C{up}.
    """

    up: bool
    weight: int
    alive: int
    servers: int
    sorry: bool
    suspended: bool
    reason: str
    since: float
