"""How many connections each real server has, and the end of those that lost theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from hanode.dataplanes.nftables_conntrack import (
    Connection,
    Counts,
    Owners,
    Walk,
    cut,
    is_lost,
)
from hanode.lvs import Identity, Service, Table


class Connections:
    """The tracked connections of our services.

    @param walk: how to read them, and C{forget} how to end some, for tests.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        walk: Callable[..., Any] = Walk,
        forget: Callable[[Any, list[Connection]], object] = cut,
    ) -> None:
        self._reactor, self._make, self._forget = reactor, walk, forget
        self._walks: set[Any] = set()
        self._told = False

    def close(self) -> None:
        """Look no further."""
        for each in tuple(self._walks):
            each.close()
        self._walks.clear()

    def count(self, table: Table) -> Deferred[Counts]:
        """Established TCP connections and all others, of each destination that has any.

        Fires with nothing when the kernel does not tell.
        """
        counts: Counts = {}
        owners = Owners(table)

        def found(connection: Connection) -> None:
            place = owners.find(connection)
            if place is not None:
                active, inactive = counts.get(place, (0, 0))
                if connection.established:
                    counts[place] = active + 1, inactive
                else:
                    counts[place] = active, inactive + 1

        return self._walk(found).addCallback(lambda _: counts)

    def cut(self, before: Table | None, now: Table) -> None:
        """End the connections whose real server was removed.

        C{before} None: nobody knows what there was; those of C{now} are looked at.
        """
        if before is not None and not _anything_gone(before, now):
            return
        # The older one wins: what a mark leads to is known by its real servers only.
        both: dict[Identity, Service] = {**now, **(before or {})}
        owners = Owners(both)
        lost: list[Connection] = []

        def found(connection: Connection) -> None:
            if is_lost(connection, owners, now):
                lost.append(connection)

        def ended(_: object) -> None:
            if lost:
                self._forget(self._reactor, lost)
                self.log.info(
                    "{count} connections to removed real servers are cut",
                    count=len(lost),
                )

        self._walk(found).addCallback(ended).addErrback(self._failed)

    def _walk(self, found: Callable[[Connection], object]) -> Deferred[Any]:
        try:
            walk = self._make(self._reactor, found)
        except OSError:
            return self._failed(Failure())
        self._walks.add(walk)

        def over(result: Any) -> Any:
            self._walks.discard(walk)
            return result

        done: Deferred[Any] = walk.done
        return done.addBoth(over).addErrback(self._failed)

    def _failed(self, failure: Failure) -> Deferred[Any]:
        failure.trap(OSError)
        if not self._told:
            self._told = True
            self.log.warn(
                "cannot read the tracked connections ({error}; module"
                " nf_conntrack_netlink): they are not counted, nor cut when a real"
                " server is removed",
                error=failure.value,
            )
        return succeed(None)


def _anything_gone(before: Table, now: Table) -> bool:
    for identity, service in before.items():
        other = now.get(identity)
        if other is service:
            continue
        if other is None:
            return True
        left = {each.key for each in other.destinations}
        if any(each.key not in left for each in service.destinations):
            return True
    return False
