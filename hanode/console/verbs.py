"""The short list of what an operator can tell the node.

A wish is a fact: C{admin:bfd:NAME} is "down" as long as the operator wants that session
to be AdminDown, C{admin:real:NAME} is "drain" as long as that real server is to get no
new connections. Whom it concerns watches it.
"""

from __future__ import annotations

from hanode.console.view import Watched

DOWN, UP = "down", "up"
DRAIN = "drain"


class Verbs:
    """What can be told to C{node}."""

    def __init__(self, node: Watched) -> None:
        self._node = node

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

    def _wish(self, fact: str, value: str | None) -> None:
        facts = self._node.facts
        if value is not None:
            facts.set(fact, value, "the operator's wish")
        elif facts.get(fact) is not None:
            # The watchers learn it by the value; afterwards there is no wish any more.
            facts.set(fact, UP, "the operator's wish")
            facts.forget(fact)
