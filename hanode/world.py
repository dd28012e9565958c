"""The only door to the outside: time, chance, network, programs, kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import Random
from time import CLOCK_BOOTTIME, clock_gettime, monotonic, time
from typing import Any

from twisted.internet.interfaces import IReactorTime

from hanode.interfaces import IDataplane, INetwork, IProcesses


@dataclass(frozen=True)
class World:
    """Everything a service may touch. Real in production, rehearsed in tests.

    C{clock} is monotonic; C{wall} gives the seconds since 1970, as somebody set them.
    """

    clock: IReactorTime
    random: Random
    network: INetwork
    processes: IProcesses
    dataplane: IDataplane
    uptime: Callable[[], float] = lambda: inf  # seconds since the machine has booted
    wall: Callable[[], float] = time
    launcher: IProcesses | None = None  # for what is started often, if there is one


def uptime() -> float:
    """Seconds since this machine has booted, its sleep included."""
    return clock_gettime(CLOCK_BOOTTIME)


def make_monotonic(reactor: Any) -> None:
    """Let the reactor count monotonic seconds from now on.

    Twisted's reactor asks time.time: when somebody sets the clock back by an hour,
    every timer is an hour late, and no advertisement is sent. Timers that are
    already pending (of plug-ins of twistd, say) are moved to the new count.
    """
    offset = monotonic() - reactor.seconds()
    reactor.seconds = monotonic
    for call in reactor.getDelayedCalls():
        call.seconds = monotonic  # each call keeps its own way to ask for the time
        call.delay(offset)
