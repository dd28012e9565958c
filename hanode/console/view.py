"""What there is to see of a node, as plain data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from hanode.console.plain import plain
from hanode.facts import Facts


class Described(Protocol):
    """A service that can say how it stands."""

    def describe(self) -> dict[str, Any]:
        """All there is to see of it."""


class Sessions(Protocol):
    """The BFD service."""

    @property
    def lateness(self) -> Described:
        """How late our own packets were."""

    def describe_each(self) -> Iterable[dict[str, Any]]:
        """The sessions, one after the other."""

    def describe_one(self, name: str) -> dict[str, Any] | None:
        """The session of that name; None when there is no such session."""

    def describe_all(self) -> dict[str, Any]:
        """What concerns all of them; C{stalls}: how the process was held up."""

    def names(self) -> Iterable[str]:
        """The names of all sessions."""


class Watched(Protocol):
    """The node, as far as the console looks at it."""

    @property
    def facts(self) -> Facts:
        """The board of facts."""

    @property
    def bfd(self) -> Sessions:
        """The BFD service."""

    def instances(self) -> Sequence[Described]:
        """The VRRP services, in the order of the configuration."""


class View:
    """Each method gives one page of C{node}; C{seconds} is the clock of its facts."""

    def __init__(self, node: Watched, seconds: Callable[[], float]) -> None:
        self._node, self._seconds = node, seconds

    def bfd(self) -> Iterator[str]:
        """The BFD sessions, and how often the process was held up: JSON in pieces.

        Thousands of sessions at once would hold up their packets.
        """
        before = '{"sessions": ['
        for session in self._node.bfd.describe_each():
            yield before + json.dumps(plain(session), allow_nan=False)
            before = ", "
        rest = json.dumps(plain(self._node.bfd.describe_all()), allow_nan=False)
        start = '{"sessions": [' if before != ", " else ""
        yield f"{start}]" + (f", {rest[1:]}" if len(rest) > len("{}") else "}")

    def lateness(self) -> dict[str, Any]:
        """How late our own BFD packets were; cheap, whatever the number of sessions."""
        return self._node.bfd.lateness.describe()

    def session(self, name: str) -> dict[str, Any] | None:
        """One BFD session; None when there is no such session."""
        described: dict[str, Any] | None = plain(self._node.bfd.describe_one(name))
        return described

    def vrrp(self) -> dict[str, Any]:
        """The VRRP instances, each with how long it has been in its state, and why."""
        facts, now = self._node.facts.snapshot(), self._seconds()
        instances = []
        for service in self._node.instances():
            described = plain(service.describe())
            fact = facts.get(f"vrrp:{described['name']}")
            described["since"] = None if fact is None else now - fact.since
            described["reason"] = None if fact is None else fact.why
            instances.append(described)
        return {"instances": instances}

    def facts(self) -> dict[str, Any]:
        """The board of facts; C{since} is how many seconds ago each one changed."""
        now = self._seconds()
        return {
            "facts": [
                {**plain(fact), "since": now - fact.since}
                for _, fact in sorted(self._node.facts.snapshot().items())
            ]
        }
