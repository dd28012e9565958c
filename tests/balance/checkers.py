"""Checkers, a balancer and a world for tests of the load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from hanode.config.balance_model import Check
from hanode.dataplanes.memory_balancer import MemoryBalancer
from hanode.interfaces import IBalancerKind, IChecker, IFactChecker
from hanode.result import Result


@dataclass
class FakeWorld:
    """What the load balancer takes of a world."""

    clock: Clock
    random: Random


def world() -> FakeWorld:
    return FakeWorld(Clock(), Random(1))


@implementer(IChecker)
class Prober:
    """Notes each probe; the test answers it."""

    keyword = "TCP_CHECK"
    words = None

    def __init__(self) -> None:
        self.asked: list[tuple[Check, Deferred[Result]]] = []
        self.cancelled: list[Check] = []

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        done: Deferred[Result] = Deferred(lambda _: self.cancelled.append(check))
        self.asked.append((check, done))
        return done

    def answer(self, result: Any) -> None:
        """All that was asked has this result."""
        asked, self.asked = self.asked, []
        for _, done in asked:
            done.callback(result)


@implementer(IFactChecker)
class Follower:
    """Well while the fact C{word} is "good"."""

    keyword = "WORD_CHECK"
    words = None

    def fact(self, check: Check) -> str:
        return "word"

    def judge(self, check: Check, value: Any) -> Result:
        return Result(value == "good", f"word is {value}")


@implementer(IBalancerKind)
@dataclass
class Kind:
    """Gives C{balancer}, or fails as the test wants."""

    balancer: Any
    keyword: str = "memory"
    rank: int | None = 1
    problem: str = ""
    failure: Exception | None = None

    def missing(self, namespace: str | None = None) -> str:
        return self.problem

    def make(self, reactor: Any, namespace: str | None = None) -> Any:
        if self.failure is not None:
            raise self.failure
        return self.balancer


class Moody(MemoryBalancer):
    """Fails in the methods that are named in C{failing}; C{calls} has all of them."""

    def __init__(self, *failing: str) -> None:
        super().__init__()
        self.failing, self.calls = set(failing), []

    def _note(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failing:
            raise OSError(name)

    def start(self) -> None:
        self._note("start")
        super().start()

    def stop(self, remove: bool) -> None:
        self._note(f"stop {remove}")
        calls = list(self.calls)
        super().stop(remove)
        self.calls = calls  # how it does that is its own affair

    def balance(self, table: Any) -> None:
        self._note("balance")
        super().balance(table)

    def flush(self) -> None:
        self._note("flush")
        super().flush()

    def timeouts(self, timeouts: Any) -> None:
        self._note("timeouts")
        super().timeouts(timeouts)

    def sync(self, daemons: Any) -> None:
        self._note("sync")
        super().sync(daemons)

    def refusal(self, service: Any) -> str:
        self._note("refusal")
        return super().refusal(service)

    def usages(self) -> Any:
        self._note("usages")
        return super().usages()
