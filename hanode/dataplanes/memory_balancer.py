"""A balancer that remembers: for tests, for stories on one clock, for a dry run.

It passes the tests of the real one (tests/dataplanes/balancer_contract.py). What other
people do to the kernel is done with the methods under "the world".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.scalars import IpAddress
from hanode.interfaces import IBalancer, IBalancerKind
from hanode.lvs import (
    Identity,
    Service,
    SyncDaemon,
    Table,
    Timeouts,
    Usage,
    Usages,
)

Key = tuple[IpAddress, int]
Counted = tuple[Usage, Mapping[Key, Usage]]
NOTHING = Usage()


@implementer(IBalancer)
class MemoryBalancer:
    """A kernel in memory.

    C{services} is what it has, ours and those of others, in the order in which they
    came; C{tables} every table that was wanted, with the time of it (0 without a
    C{clock}); C{daemons} and C{limits} are the synchronisation daemons and the
    timeouts that hold. C{refused} are identities that this kernel will not have.
    """

    log = Logger()
    keyword = "memory"

    def __init__(self, clock: IReactorTime | None = None) -> None:
        self._clock = clock
        self._open = False
        self._wanted: Table = {}
        self._counted: dict[tuple[Identity, Key | None], Usage] = {}
        self.services: dict[Identity, Service] = {}
        self.tables: list[tuple[float, Table]] = []
        self.daemons: tuple[SyncDaemon, ...] = ()
        self.limits = Timeouts()
        self.refused: dict[Identity, str] = {}

    # -- IBalancer

    def refusal(self, service: Service) -> str:
        """See L{IBalancer.refusal}: what C{refused} says of its identity."""
        return self.refused.get(service.identity, "")

    def start(self) -> None:
        """See L{IBalancer.start}."""
        self._open = True
        self._settle(())

    def stop(self, remove: bool) -> None:
        """See L{IBalancer.stop}."""
        if not self._open:
            return
        if remove:
            self.balance({})
            self.sync(())
        self._open = False

    def balance(self, table: Table) -> None:
        """See L{IBalancer.balance}; before the start it is only noted."""
        before, self._wanted = self._wanted, dict(table)
        now = 0.0 if self._clock is None else self._clock.seconds()
        self.tables.append((now, self._wanted))
        if self._open:
            self._settle([each for each in before if each not in table])

    def flush(self) -> None:
        """See L{IBalancer.flush}; what was wanted is forgotten with the rest."""
        self._wanted = {}
        self.services.clear()

    def usages(self) -> Deferred[Usages]:
        """See L{IBalancer.usages}: zeros, or what L{count} said."""
        found = {
            identity: self.services[identity]
            for identity in self._wanted
            if identity in self.services
        }
        return succeed(_Counts(found, self._counted))

    def timeouts(self, timeouts: Timeouts) -> None:
        """See L{IBalancer.timeouts}."""
        self.limits = Timeouts(
            timeouts.tcp or self.limits.tcp,
            timeouts.tcp_fin or self.limits.tcp_fin,
            timeouts.udp or self.limits.udp,
        )

    def sync(self, daemons: Sequence[SyncDaemon]) -> None:
        """See L{IBalancer.sync}."""
        self.daemons = tuple(daemons)

    # -- the world

    def someone_sets(self, service: Service) -> None:
        """Another program adds a service, or changes one of ours: not for long."""
        self.services[service.identity] = service
        self._repair()

    def someone_removes(self, *identities: Identity) -> None:
        """Another program deletes services; without a name it deletes them all."""
        for identity in identities or tuple(self.services):
            self.services.pop(identity, None)
        self._repair()

    def count(
        self, identity: Identity, usage: Usage, destination: Key | None = None
    ) -> None:
        """From now on the kernel counts so much of a service or a destination."""
        self._counted[identity, destination] = usage

    # -- inside

    def _repair(self) -> None:
        if self._open:
            for identity in self._settle(()):
                self.log.warn(
                    "{service} was changed by someone else: put back",
                    service=str(identity),
                )

    def _settle(self, gone: Sequence[Identity]) -> list[Identity]:
        """Make the kernel as it is wanted; return what differed."""
        for identity in gone:
            self.services.pop(identity, None)
        differed = []
        for identity, service in self._wanted.items():
            present = self.services.get(identity)
            if identity in self.refused or present is service:
                continue
            if present is None or _plain(present) != _plain(service):
                differed.append(identity)
            self.services[identity] = service
        return differed


class _Counts(Mapping[Identity, Counted]):
    """What C{counted} says of C{services}, reckoned for each when it is asked for:
    all of thousands at once would hold up the reactor."""

    def __init__(
        self,
        services: Mapping[Identity, Service],
        counted: Mapping[tuple[Identity, Key | None], Usage],
    ) -> None:
        self._services, self._counted = services, dict(counted)
        self._reckoned: dict[Identity, Counted] = {}

    def __getitem__(self, identity: Identity) -> Counted:
        if identity not in self._reckoned:
            keys = [each.key for each in self._services[identity].destinations]
            below = {key: self._of(identity, key) for key in keys}
            self._reckoned[identity] = self._of(identity, None), below
        return self._reckoned[identity]

    def __contains__(self, identity: object) -> bool:
        return identity in self._services

    def __iter__(self) -> Iterator[Identity]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)

    def _of(self, identity: Identity, key: Key | None) -> Usage:
        return self._counted.get((identity, key), NOTHING)


def _plain(service: Service) -> Service:
    """The service with its destinations in an order of their own."""
    ordered = sorted(
        service.destinations, key=lambda each: (str(each.key[0]), each.key[1])
    )
    return replace(service, destinations=tuple(ordered))


@implementer(IPlugin, IBalancerKind)
class MemoryBalancerKind:
    """The plug-in."""

    keyword = "memory"
    rank = None

    def missing(self, namespace: str | None = None) -> str:
        """See L{IBalancerKind.missing}: memory is everywhere."""
        return ""

    def make(self, reactor: Any, namespace: str | None = None) -> MemoryBalancer:
        """See L{IBalancerKind.make}."""
        return MemoryBalancer(reactor)


memoryBalancer = MemoryBalancerKind()
