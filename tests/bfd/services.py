"""The BFD service of one node on a network that remembers, at 1000 s."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.line import Line
from hanode.bfd.packet import Control, State
from hanode.bfd.service import BfdService
from hanode.config.model import IpAddress
from hanode.facts import Fact, Facts
from hanode.path import Path
from tests.bfd.logs import Logs
from tests.bfd.networks import Neighbour, Network, instance, model, world


class ServiceTestCase(SynchronousTestCase):
    """A service that is running, with no session."""

    def setUp(self) -> None:
        """Start it."""
        self.clock, self.network = Clock(), Network()
        self.clock.advance(1000)
        self.facts = Facts(self.clock)
        self.service = BfdService(world(self.clock, self.network), self.facts)
        self.logs = Logs(self)
        self.service.startService()

    def configure(self, *entries: Any) -> None:
        """Run this configuration."""
        self.service.configure(model(*entries))

    def line(self, name: str = "peer") -> Line:
        """The session of that name."""
        line = self.service.table.named(name)
        assert line is not None, self.service.names()
        return line

    def up(self, *entries: Any, **neighbour: Any) -> Neighbour:
        """Run this configuration, or one bfd_instance; its neighbour comes Up."""
        self.configure(*(entries or (instance(),)))
        peer = Neighbour(self.network, **neighbour)
        peer.come_up()
        self.network.packets()
        return peer

    def path(self, name: str = "peer", kind: str = "bfd") -> Path | None:
        """The fact about a session."""
        found: Path | None = self.facts.get(f"{kind}:{name}")
        return found

    def state(self, name: str = "peer") -> str | None:
        """The state that the fact tells."""
        path = self.path(name)
        return None if path is None else path.state

    def changes(self, prefix: str) -> list[Fact]:
        """All that was set of these facts, in order; forget it."""
        found = [each for each in self.facts.events if each.name.startswith(prefix)]
        self.facts.events.clear()
        return found

    def run_for(self, seconds: float, *speaking: tuple[Neighbour, bytes]) -> None:
        """Let time pass; each neighbour repeats its packet every 40 ms."""
        end, spoken = self.clock.seconds() + seconds, self.clock.seconds()
        while True:
            due = [end, spoken + 0.04] if speaking else [end]
            if self.clock.calls:
                due.append(self.clock.calls[0].getTime())
            self.clock.rightNow = max(self.clock.rightNow, min(due))
            if speaking and self.clock.rightNow >= spoken + 0.04:
                spoken = self.clock.rightNow
                for neighbour, data in speaking:
                    neighbour.put(data)
            self.clock.advance(0)
            if self.clock.rightNow >= end:
                break

    def said(self, to: IpAddress | None = None) -> list[State]:
        """The states that were told since the last time."""
        return [each.state for each in self.network.packets(to)]

    def told(self, to: IpAddress | None = None) -> Control:
        """What was told last."""
        return self.network.packets(to)[-1]

    def described(self, name: str = "peer") -> dict[str, Any]:
        """What is shown of a session."""
        sessions = list(self.service.describe_each())
        found: dict[str, Any] = next(e for e in sessions if e["name"] == name)
        return found

    def left(self) -> tuple[Any, ...]:
        """All that could be left over when nothing should be."""
        service = self.service
        wheel = [
            item
            for items in service._wheel._slots.values()
            for item in items
            if item.slot >= 0
        ]
        return (
            list(service.table),
            dict(service.table.expected),
            self.network.open(),
            list(self.network.senders),
            list(self.network.echoes),
            wheel,
            dict(service._pace._intervals),
            dict(service._fading._calls),
            [each for each in self.facts.snapshot() if each.startswith("bfd:")],
        )


NOTHING_LEFT: tuple[Any, ...] = ([], {}, [], [], [], [], {}, {}, [])
