"""What there is to see of a node, as plain data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from hanode.console.plain import plain
from hanode.console.timeline import Timeline
from hanode.facts import Fact, Facts
from hanode.lvs import Usages

EVENTS = 200  # that are told at once


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


class Balance(Protocol):
    """The load balancer's service."""

    async def usages(self) -> Usages:
        """What the kernel counts."""

    def describe_each(self, usages: Usages) -> Iterable[dict[str, Any]]:
        """The virtual servers, one after the other."""

    def describe_one(self, name: str, usages: Usages) -> dict[str, Any] | None:
        """The virtual server of that name; None when there is no such server."""

    def describe_all(self) -> dict[str, Any]:
        """What concerns all of them; C{dataplane}: what balances."""

    def names(self) -> list[str]:
        """The names of all virtual servers."""

    def real_names(self) -> list[str]:
        """The names of all real servers, as VS/RS."""


class Watched(Protocol):
    """The node, as far as the console looks at it."""

    @property
    def facts(self) -> Facts:
        """The board of facts."""

    @property
    def bfd(self) -> Sessions:
        """The BFD service."""

    @property
    def balance(self) -> Balance:
        """The load balancer's service."""

    def instances(self) -> Sequence[Described]:
        """The VRRP services, in the order of the configuration."""

    def groups(self) -> Sequence[Described]:
        """The sync groups, in the order of the configuration."""


class View:
    """Each method gives one page of C{node}; C{seconds} is the clock of its facts,
    C{wall} the time of day."""

    def __init__(
        self, node: Watched, seconds: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._node, self._seconds = node, seconds
        self.times = Timeline(seconds, wall)

    @property
    def board(self) -> Facts:
        """The board of facts."""
        return self._node.facts

    def events(self) -> dict[str, Any]:
        """What has happened, oldest first; C{id} is what the stream calls the last."""
        latest = self.times.latest(self.board.events, EVENTS)
        return {"id": self.board.count, "events": latest}

    def bfd(self) -> Iterator[str]:
        """The BFD sessions, and how often the process was held up: JSON in pieces.

        Thousands of sessions at once would hold up their packets.
        """
        bfd = self._node.bfd
        return _pieces("sessions", bfd.describe_each(), bfd.describe_all)

    async def lvs(self) -> Iterator[str]:
        """The virtual servers with their real servers, as JSON in pieces."""
        balance = self._node.balance
        found = balance.describe_each(await balance.usages())
        return _pieces("virtual_servers", found, balance.describe_all)

    async def virtual_server(self, name: str) -> dict[str, Any] | None:
        """One virtual server; None when there is no such one."""
        balance = self._node.balance
        found = balance.describe_one(name, await balance.usages())
        described: dict[str, Any] | None = plain(found)
        return described

    def virtual_server_names(self) -> list[str]:
        """The names of all virtual servers."""
        return self._node.balance.names()

    def lateness(self) -> dict[str, Any]:
        """How late our own BFD packets were; cheap, whatever the number of sessions."""
        return self._node.bfd.lateness.describe()

    def session(self, name: str) -> dict[str, Any] | None:
        """One BFD session; None when there is no such session."""
        described: dict[str, Any] | None = plain(self._node.bfd.describe_one(name))
        return described

    def vrrp(self) -> dict[str, Any]:
        """The VRRP instances and the sync groups."""
        facts = self._node.facts.snapshot()
        return {
            "instances": self._dated("vrrp", self._node.instances(), facts),
            "groups": self._dated("group", self._node.groups(), facts),
        }

    def _dated(
        self, kind: str, found: Iterable[Described], facts: Mapping[str, Fact]
    ) -> list[dict[str, Any]]:
        """Each with how long it has been in its state, and why."""
        now, dated = self._seconds(), []
        for each in found:
            described = plain(each.describe())
            fact = facts.get(f"{kind}:{described['name']}")
            described["since"] = None if fact is None else now - fact.since
            described["reason"] = None if fact is None else fact.why
            dated.append(described)
        return dated

    def facts(self) -> dict[str, Any]:
        """The board of facts; C{since} is how many seconds ago each one changed."""
        now = self._seconds()
        return {
            "facts": [
                {**plain(fact), "since": now - fact.since}
                for _, fact in sorted(self._node.facts.snapshot().items())
            ]
        }


def _pieces(
    name: str,
    records: Iterable[dict[str, Any]],
    rest: Callable[[], dict[str, Any]],
) -> Iterator[str]:
    """JSON in pieces: an object with the list C{name}, and what C{rest} gives then."""
    start = before = f'{{"{name}": ['
    for each in records:
        yield before + json.dumps(plain(each), allow_nan=False)
        before = ", "
    more = json.dumps(plain(rest()), allow_nan=False)
    end = f"], {more[1:]}" if more != "{}" else "]}"
    yield start + end if before == start else end
