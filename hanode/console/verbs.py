"""The short list of what an operator can tell the node.

A wish is a fact: C{admin:bfd:NAME} is "down" as long as the operator wants that session
to be AdminDown. Whom it concerns watches it.
"""

from __future__ import annotations

from hanode.console.view import Watched

DOWN, UP = "down", "up"


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
        fact, facts = f"admin:bfd:{name}", self._node.facts
        if not up:
            facts.set(fact, DOWN, "the operator's wish")
        elif facts.get(fact) is not None:
            # The watchers learn it by the value; afterwards there is no wish any more.
            facts.set(fact, UP, "the operator's wish")
            facts.forget(fact)
