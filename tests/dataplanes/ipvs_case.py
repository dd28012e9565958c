"""A balancer on a kernel in memory, for the tests of IPVS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.ipvs import IpvsBalancer
from hanode.dataplanes.ipvs_watch import EVERY
from hanode.lvs import Destination, Endpoint, Service
from hanode.processes import Exit
from tests.dataplanes.ipvs_in_memory import IpvsInMemory
from tests.dataplanes.ipvs_save import saved


def many(services: int, each: int) -> dict[Any, Service]:
    """So many services with so many destinations each."""
    found = {}
    for number in range(services):
        identity = Endpoint(ip_address("192.0.2.0") + number, 80, "TCP")
        first = ip_address("10.0.0.0") + number * each
        below = tuple(Destination(first + other, 80) for other in range(each))
        found[identity] = Service(identity, "rr", destinations=below)
    return found


def tick(clock: Clock, seconds: Any) -> float:
    """The time, which goes on whenever one looks at it."""
    clock.rightNow += 0.003
    found: float = seconds()
    return found


class Programs:
    """Processes that end as they are told to."""

    def __init__(self) -> None:
        self.ran: list[Sequence[str]] = []
        self.end: Deferred[Exit] = Deferred()

    def run(
        self,
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Exit]:
        self.ran.append(argv)
        return self.end


class Memory(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.programs = Programs()
        self.balancer = IpvsBalancer(
            self.clock,
            IpvsInMemory,  # type: ignore[arg-type]
            self.programs,
        )
        self.ipvs: Any = self.balancer._kernel
        self.log: list[str] = []
        globalLogPublisher.addObserver(self._note)
        self.addCleanup(globalLogPublisher.removeObserver, self._note)

    def _note(self, event: Any) -> None:
        if event["log_namespace"].startswith("hanode."):
            self.log.append(event["log_format"].format(**event))

    def settle(self) -> None:
        self.clock.advance(EVERY)

    def holds(self, *services: Service) -> None:
        self.assertEqual(saved(self.ipvs.services_.values()), saved(services))
