"""Fast failover: a session with whoever is master of one virtual router.

The instance says who that is in the fact C{master:NAME}; what BFD finds out about the
path there is the fact C{fast_failover:NAME}, which the instance watches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hanode.bfd.line import Line
from hanode.config.bfd_model import BfdParameters, BfdRoute
from hanode.config.model import IpAddress, VrrpInstance
from hanode.facts import Facts
from hanode.path import Path


class Sessions(Protocol):
    """What a pursuit asks of the BFD service."""

    def want(self, route: BfdRoute, parameters: BfdParameters, owner: str) -> Line:
        """Have a session on C{route}."""

    def release(self, line: Line, owner: str) -> None:
        """C{owner} needs the session no more."""

    def path(self, line: Line) -> Path:
        """The path to the line's neighbour as it is now."""


class Pursuit:
    """One instance with C{fast_failover}: follows its master."""

    def __init__(
        self, instance: VrrpInstance, sessions: Sessions, facts: Facts
    ) -> None:
        self.instance = instance
        self.line: Line | None = None
        self._sessions, self._facts = sessions, facts
        self.owner = f"fast_failover {instance.name}"
        self._fact = f"fast_failover:{instance.name}"
        self._unwatch: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to follow."""
        name = f"master:{self.instance.name}"
        self._unwatch = self._facts.watch(name, self._new_master)

    def stop(self) -> None:
        """Let go of the session."""
        if self._unwatch is not None:
            self._unwatch()
        self._let_go()

    def tell(self, path: Path, reason: str) -> None:
        """The path of our line has changed."""
        self._facts.set(self._fact, path, reason)

    def _new_master(self, fact: str, master: IpAddress | None) -> None:
        if self.line is not None and self.line.route.neighbour == master:
            return
        self._let_go()
        parameters = self.instance.fast_failover
        if master is None or parameters is None:
            return
        source, device = self.instance.source, self.instance.interface
        if master.is_link_local and not device:
            return
        route = BfdRoute(master, source, device)
        self.line = self._sessions.want(route, parameters, self.owner)
        self.tell(self._sessions.path(self.line), "a new master to follow")

    def _let_go(self) -> None:
        line, self.line = self.line, None
        if line is not None:
            self._facts.forget(self._fact)
            self._sessions.release(line, self.owner)
