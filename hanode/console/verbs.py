"""The short list of what an operator can tell the node.

A wish is a fact: C{admin:bfd:NAME} is "down" as long as the operator wants that session
to be AdminDown, C{admin:real:NAME} is "drain" as long as that real server is to get no
new connections. Whom it concerns watches it.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred

from hanode.console.plain import plain
from hanode.console.view import Watched

DOWN, UP = "down", "up"
DRAIN = "drain"


class Reloader(Protocol):
    """Takes new configurations; see L{hanode.reload.Reloading}."""

    def reload(self) -> Deferred[Any]:
        """Read the configuration again, and run it unless it is broken."""

    def compare(self, path: str | None = None) -> Deferred[Any]:
        """What a reload would do."""


class Verbs:
    """What can be told to C{node}."""

    def __init__(self, node: Watched, reloader: Reloader) -> None:
        self._node, self._reloader = node, reloader

    async def reload(self) -> dict[str, Any]:
        """Reload, and tell what came of it: refused, problems, difference, changes."""
        told: dict[str, Any] = plain(await self._reloader.reload())
        return told

    async def compare(self, path: str | None = None) -> dict[str, Any]:
        """The same for a reload that is not done, of another file if one is named."""
        told: dict[str, Any] = plain(await self._reloader.compare(path))
        return told

    def bfd_names(self) -> list[str]:
        """The names that L{bfd_admin} knows, sorted."""
        return sorted(self._node.bfd.names())

    def bfd_admin(self, name: str, up: bool) -> None:
        """Want session C{name} to be AdminDown, or (C{up}) to run again.

        Raises L{LookupError} when there is no such session.
        """
        if name not in self.bfd_names():
            raise LookupError(name)
        self._wish(f"admin:bfd:{name}", None if up else DOWN)

    def real_names(self) -> list[str]:
        """The names that L{drain} knows: VS/RS, and RS for it everywhere."""
        names = self._node.balance.real_names()
        return sorted({*names, *(name.rpartition("/")[2] for name in names)})

    def drain(self, name: str, wanted: bool) -> None:
        """Let a real server get no new connections, or (not C{wanted}) again.

        Raises L{LookupError} when there is no such server.
        """
        if name not in self.real_names():
            raise LookupError(name)
        self._wish(f"admin:real:{name}", DRAIN if wanted else None)

    def instance_names(self) -> list[str]:
        """The names that L{send_away} knows, sorted."""
        return sorted(each.name for each in self._node.instances())

    def send_away(self, name: str, wanted: bool) -> list[str]:
        """Let another node be master of VRRP instance C{name}, or take it back.

        The members of its sync group go with it. Raises L{LookupError} when there is no
        such instance.

        @return: the names of all that are concerned.
        """
        if name not in self.instance_names():
            raise LookupError(name)
        groups = [each.describe()["members"] for each in self._node.groups()]
        names = next((each for each in groups if name in each), [name])
        for each in names:
            self._wish(f"admin:vrrp:{each}", DRAIN if wanted else None)
        return list(names)

    def _wish(self, fact: str, value: str | None) -> None:
        facts = self._node.facts
        if value is not None:
            facts.set(fact, value, "the operator's wish")
        elif facts.get(fact) is not None:
            # The watchers learn it by the value; afterwards there is no wish any more.
            facts.set(fact, UP, "the operator's wish")
            facts.forget(fact)
