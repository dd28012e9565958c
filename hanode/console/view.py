"""What there is to see of a node, as plain data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from hanode.console import families
from hanode.console.families import Sample
from hanode.console.pieces import pieces
from hanode.console.plain import plain
from hanode.console.timeline import Timeline
from hanode.console.why import why
from hanode.facts import Facts
from hanode.lvs import Usages

EVENTS = 200  # that are told at once
MENTIONED = 10  # of a kind, where there may be thousands
#: steps of the distribution of BFD's lateness in the metrics, in seconds
BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.1999)


class Described(Protocol):
    """A service that can say how it stands."""

    def describe(self) -> dict[str, Any]:
        """All there is to see of it."""


class Named(Described, Protocol):
    """One that has a name besides."""

    @property
    def name(self) -> Any:
        """Its name in the configuration."""


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

    @property
    def statics(self) -> Described:
        """What is held whatever the instances do."""

    def instances(self) -> Sequence[Named]:
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
        self._wall, self._began = wall, seconds()
        self.times = Timeline(seconds, wall)
        self.pulse: Described | None = None  # how promptly the reactor comes round

    @property
    def board(self) -> Facts:
        """The board of facts."""
        return self._node.facts

    def events(self) -> dict[str, Any]:
        """What has happened, oldest first; C{id} is what the stream calls the last."""
        latest = self.times.latest(self.board, EVENTS)
        return {"id": self.board.count, "events": latest}

    def bfd(self) -> Iterator[str]:
        """The BFD sessions, and how often the process was held up: JSON in pieces.

        Thousands of sessions at once would hold up their packets.
        """
        bfd = self._node.bfd
        return pieces({"sessions": bfd.describe_each()}, bfd.describe_all)

    async def lvs(self) -> Iterator[str]:
        """The virtual servers with their real servers, as JSON in pieces."""
        balance = self._node.balance
        found = balance.describe_each(await balance.usages())
        return pieces({"virtual_servers": found}, balance.describe_all)

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

    async def samples(self) -> Iterator[Sample]:
        """Everything that is measured; each step takes little time."""
        usages = await self._node.balance.usages()
        return self._samples(usages)

    def _samples(self, usages: Usages) -> Iterator[Sample]:
        node, wall = self._node, self._wall()
        for each in self.instances():
            yield from families.of_instance(each, wall)
        for group in node.groups():
            yield from families.of_group(plain(group.describe()))
        for session in node.bfd.describe_each():
            yield from families.of_session(plain(session), wall)
        yield from families.of_lateness(self.lateness(), BOUNDS)
        for server in node.balance.describe_each(usages):
            yield from families.of_virtual_server(server)
        if self.pulse is not None:
            yield from families.of_reactor(self.pulse.describe())

    def reactor(self) -> dict[str, Any]:
        """How promptly the reactor comes round, and who held it up."""
        return {} if self.pulse is None else self.pulse.describe()

    def status(self) -> dict[str, Any]:
        """This node in one screen."""
        return {**self.vrrp(), **self._rest()}

    def status_pieces(self) -> Iterator[str]:
        """The same as JSON in pieces; cheap, however many sessions and servers."""
        return pieces(self._lists(), self._rest)

    def _rest(self) -> dict[str, Any]:
        """What there is to say about the node beside its instances."""
        node, facts = self._node, self._node.facts
        names = node.balance.names()
        found = [(name, facts.get(f"virtual:{name}")) for name in names]
        down = [name for name, serving in found if serving is None or not serving.up]
        return {
            "host": os.uname().nodename,
            "pid": os.getpid(),
            "uptime": self._seconds() - self._began,
            "bfd": node.bfd.describe_all().get("states", {}),
            "virtual_servers": {"count": len(names), "down": down[:MENTIONED]},
            "static": plain(node.statics.describe()),
            "reactor": self.reactor(),
            "events": self.times.latest(self.board, MENTIONED),
        }

    def why(self, name: str) -> str | None:
        """Why that instance is in its state; None when there is no such instance."""
        instance = self.instance(name)
        if instance is None:
            return None
        groups = [plain(group.describe()) for group in self._node.groups()]
        return why(instance, groups)

    def readiness(self) -> list[str]:
        """Why this node is not ready yet; nothing when it is."""
        return [
            f"VRRP instance {each.name} has not begun"
            for each in self._node.instances()
            if self._state(each) == "INIT"
        ]

    def _state(self, service: Named) -> str:
        """Its state, from its fact: cheap; INIT when there is none yet."""
        return str(self.board.get(f"vrrp:{service.name}", "INIT"))

    def vrrp(self) -> dict[str, Any]:
        """The VRRP instances and the sync groups."""
        return {name: list(found) for name, found in self._lists().items()}

    def vrrp_pieces(self) -> Iterator[str]:
        """The same as JSON in pieces."""
        return pieces(self._lists())

    def _lists(self) -> dict[str, Iterator[dict[str, Any]]]:
        return {
            "instances": self.instances(),
            "groups": self._dated("group", self._node.groups()),
        }

    def instance(self, name: str) -> dict[str, Any] | None:
        """One VRRP instance; None when there is no such instance."""
        found = [each for each in self._node.instances() if each.name == name]
        return next(self._dated("vrrp", found), None)

    def instances(self) -> Iterator[dict[str, Any]]:
        """The VRRP instances, one after the other."""
        return self._dated("vrrp", self._node.instances())

    def _dated(self, kind: str, found: Iterable[Described]) -> Iterator[dict[str, Any]]:
        """Each with how long it has been in its state, and why."""
        for each in found:
            described: dict[str, Any] = plain(each.describe())
            fact = self._node.facts.find(f"{kind}:{described['name']}")
            described["since"] = None if fact is None else self.times.age(fact)
            described["reason"] = None if fact is None else fact.why
            yield described

    def facts(self) -> dict[str, Any]:
        """The board of facts; C{since} is how many seconds ago each one changed."""
        return {"facts": list(self._facts())}

    def facts_pieces(self) -> Iterator[str]:
        """The same as JSON in pieces."""
        return pieces({"facts": self._facts()})

    def _facts(self) -> Iterator[dict[str, Any]]:
        facts = self._node.facts.snapshot()
        for name in sorted(facts):
            fact = facts[name]
            yield {**plain(fact), "since": self._seconds() - fact.since}
