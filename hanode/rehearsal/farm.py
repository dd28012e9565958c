"""Real servers that are only rehearsed: they work until somebody breaks them.

Whatever checker the configuration names, its probe asks here and nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from hanode.config.balance_model import Check
from hanode.config.checker_words import CheckerWords
from hanode.config.scalars import IpAddress
from hanode.dataplanes.memory_balancer import MemoryBalancer
from hanode.interfaces import IBalancerKind, IChecker
from hanode.node import installed_checkers
from hanode.result import Result

ROUND_TRIP = 0.001  # seconds that a probe takes
WELL = Result(True, "success", seconds=ROUND_TRIP)
BROKEN = Result(False, "refused", seconds=ROUND_TRIP)
Server = tuple[IpAddress, int]


@implementer(IChecker)
@dataclass(frozen=True)
class RehearsedChecker:
    """Stands in for the plug-in of the same keyword."""

    keyword: str
    words: CheckerWords
    farm: Farm

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        """See L{IChecker.probe}."""
        done: Deferred[Result] = Deferred(lambda _: call.cancel())
        call = world.clock.callLater(ROUND_TRIP, self._answer, done, check)
        self.farm.probes.append((self.farm.clock.seconds(), check))
        return done

    def _answer(self, done: Deferred[Result], check: Check) -> None:
        server = (check.target.address, check.target.port)
        done.callback(self.farm.results.get(server, WELL))


class Farm:
    """The servers by address and port; C{results} has what is found of some.

    C{probes} lists every probe with its time.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.results: dict[Server, Result] = {}
        self.probes: list[tuple[float, Check]] = []

    def set(self, address: str, port: int, result: Result) -> None:
        """From now on a probe of this server has this result."""
        self.results[ip_address(address), port] = result

    def break_(self, address: str, port: int) -> None:
        """The server refuses from now on."""
        self.set(address, port, BROKEN)

    def mend(self, address: str, port: int) -> None:
        """It works again."""
        self.set(address, port, WELL)

    def checkers(self) -> dict[str, Any]:
        """All installed checkers; those that would look outside ask us."""
        return {
            keyword: RehearsedChecker(keyword, each.words, self)
            if IChecker.providedBy(each)
            else each
            for keyword, each in installed_checkers().items()
        }


@implementer(IBalancerKind)
@dataclass(frozen=True)
class RehearsedKind:
    """Gives the node the kernel in memory of its box."""

    keyword: str
    balancer: MemoryBalancer
    rank = 0

    def missing(self, namespace: str | None = None) -> str:
        """See L{IBalancerKind.missing}."""
        return ""

    def make(self, reactor: Any, namespace: str | None = None) -> MemoryBalancer:
        """See L{IBalancerKind.make}."""
        return self.balancer


def balancers(balancer: MemoryBalancer) -> Mapping[str, RehearsedKind]:
    """Whatever dataplane the configuration names, it is C{balancer}."""
    names = ("memory", "ipvs", "nftables")
    return {name: RehearsedKind(name, balancer) for name in names}
