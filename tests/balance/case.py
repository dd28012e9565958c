"""A load balancer with checkers and a kernel in memory, for tests."""

from __future__ import annotations

import re
from typing import Any

from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.service import BalanceService
from hanode.config.balance_model import BalanceDefs, VirtualServer
from hanode.config.model import Model
from hanode.events import ServerEvent
from hanode.facts import Facts
from hanode.result import Result
from tests.balance.checkers import Follower, Kind, Moody, Prober, world
from tests.balance.servers import (
    WELL,
    check,
    real,
)
from tests.balance.test_table import WEB


def checked(number: int, *more: Any, **words: Any) -> Any:
    """A real server with one check and whatever else."""
    return real(number, checks=(check(number), *more), **words)


def model(*virtuals: VirtualServer, **defs: Any) -> Model:
    return Model(
        virtual_servers={each.name: each for each in virtuals},
        balance=BalanceDefs(**defs),
    )


class Case(SynchronousTestCase):
    def start(self, wanted: Model, balancer: Moody | None = None) -> None:
        self.world = world()
        self.clock = self.world.clock
        self.facts = Facts(self.clock)
        self.prober, self.balancer = Prober(), balancer or Moody()
        self.told: list[ServerEvent] = []
        self.logged: list[str] = []
        self.service = BalanceService(
            self.world,
            self.facts,
            {"TCP_CHECK": self.prober, "WORD_CHECK": Follower()},
            {"memory": Kind(self.balancer)},
            self.told.append,
        )
        globalLogPublisher.addObserver(self.hear)
        self.addCleanup(globalLogPublisher.removeObserver, self.hear)
        self.service.configure(wanted)
        self.service.startService()

    def hear(self, event: Any) -> None:
        if event["log_namespace"].startswith("hanode.balance"):
            self.logged.append(formatEvent(event))

    def reload(self, wanted: Model) -> None:
        self.service.configure(wanted)
        self.clock.advance(0)

    def answer(self, *results: tuple[int, Result]) -> None:
        """All checks are made; those of the servers named have another result."""
        given, asked = dict(results), self.prober.asked
        self.prober.asked = []
        for each, done in asked:
            done.callback(given.get(each.target.address.packed[-1], WELL))
        self.clock.advance(0)

    def numbers(self) -> dict[int, int]:
        service = self.balancer.services[WEB]
        return {each.address.packed[-1]: each.weight for each in service.destinations}

    def lines(self, pattern: str) -> list[str]:
        return [each for each in self.logged if re.search(pattern, each)]
