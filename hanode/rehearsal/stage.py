"""The running lab: hosts, daemons, a client, and one loop that watches them all.

A story is a sequence of deeds and waits, so it is written as one: L{Stage.until} turns
the loop until something holds. Nothing waits by the clock alone.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from hanode.rehearsal.daemon import STATE, Daemon
from hanode.rehearsal.namespaces import Bridge, Host
from hanode.rehearsal.ping import Pinger
from hanode.rehearsal.plan import Card, Plan

INTERVAL = 0.005  # seconds between two pings


@dataclass(frozen=True)
class Mark:
    """Something that happened: C{who} is a node, "client", or "" for a deed of ours."""

    at: float
    who: str
    text: str


class Stage:
    """Everything that a story needs. Raises L{NotPermitted} when built in vain."""

    def __init__(self, plan: Plan, tell: Callable[[Mark], object]) -> None:
        self.plan = plan
        self.marks: list[Mark] = []
        self.states: dict[str, list[tuple[float, str]]] = {}  # of the watched instance
        self.absences: list[tuple[str, float, float | None]] = []  # who, from, until
        self._tell = tell
        self._selector = selectors.DefaultSelector()
        self._bridges: list[tuple[set[Card], Bridge]] = []
        self.hosts: dict[str, Host] = {}
        self.daemons: dict[str, Daemon] = {}
        self.pinger: Pinger | None = None
        self._macs: dict[str, str] = {}
        self.began = monotonic()

    def build(self) -> None:
        """Make the hosts and join them; start the client, but no daemon yet."""
        for number, wire in enumerate(self.plan.wires):
            self._bridges.append((wire, Bridge(f"lan{number}")))
        for member in self.plan.members:
            host = self.hosts[member.name] = Host(member.name)
            self.daemons[member.name] = Daemon(host, member.file, self._said)
            self.states[member.name] = [(self.began, "off")]
        for wire, bridge in self._bridges:
            for card in sorted(wire):
                name, interface = card
                addresses = self.plan.addresses.get(card, [])
                bridge.connect(self.hosts[name], interface, *addresses)
                self._macs[self.hosts[name].mac(interface)] = name
        client = self.hosts["client"] = Host("client")
        where = self.plan.target.device
        wire = self.plan.wire((self.plan.members[0].name, where))
        for cards, bridge in self._bridges:
            if cards is wire:
                bridge.connect(client, "eth0", *self.plan.client)
        self.pinger = Pinger(client, "eth0", self.plan.target.address, INTERVAL)
        self._selector.register(
            self.pinger.socket, selectors.EVENT_READ, self.pinger.receive
        )

    def close(self) -> None:
        """End every process and every network."""
        for daemon in self.daemons.values():
            daemon.ask_to_end()
        for daemon in self.daemons.values():
            daemon.end()
        if self.pinger is not None:
            self.pinger.close()
        self._selector.close()
        for host in self.hosts.values():
            host.close()
        for _, bridge in self._bridges:
            bridge.close()

    # -- deeds

    def start(self, name: str) -> None:
        """Start the daemon of C{name}."""
        daemon = self.daemons[name]
        descriptor = daemon.start()

        def read() -> None:
            if not daemon.read():
                self._selector.unregister(descriptor)
                self._state(name, "off")

        self._selector.register(descriptor, selectors.EVENT_READ, read)

    def stop(self, name: str) -> None:
        """Ask the daemon of C{name} to say goodbye; end it for good."""
        self.daemons[name].ask_to_end()
        self.until(lambda: not self.daemons[name].running, 3.0)
        self.until(lambda: self.states[name][-1][1] == "off", 0.2)
        self.daemons[name].end()

    def cut(self, name: str) -> None:
        """Take C{name} off every network; its own links stay up."""
        self._everywhere(name, Bridge.cut)
        self.absences.append((name, monotonic(), None))

    def join(self, name: str) -> None:
        """Bring C{name} back."""
        self._everywhere(name, Bridge.join)
        self.absences = [
            (who, since, monotonic() if who == name and until is None else until)
            for who, since, until in self.absences
        ]

    def note(self, who: str, text: str, at: float | None = None) -> None:
        """Put something on record, and tell it."""
        mark = Mark(monotonic() if at is None else at, who, text)
        self.marks.append(mark)
        self._tell(mark)

    # -- seeing

    def until(self, holds: Callable[[], bool], limit: float) -> bool:
        """Watch until C{holds()}, at most C{limit} seconds; tell whether it does."""
        end = monotonic() + limit
        while not holds():
            if monotonic() >= end:
                return False
            self._turn(end)
        return True

    def holder(self, seconds: float) -> str | None:
        """Who alone has answered for the last C{seconds}, without a gap."""
        assert self.pinger is not None
        mac = self.pinger.calm(seconds)
        return None if mac is None else self.node_of(mac)

    def masters(self) -> list[str]:
        """Who is master of the watched router, in their own view."""
        return [
            name for name, states in self.states.items() if states[-1][1] == "MASTER"
        ]

    def node_of(self, mac: str) -> str | None:
        """Whose card has this hardware address."""
        return self._macs.get(mac)

    # -- the loop

    def _turn(self, end: float) -> None:
        wait = end
        if self.pinger is not None:
            self.pinger.send()
            wait = min(end, self.pinger.due)
        for key, _ in self._selector.select(max(0.0, wait - monotonic())):
            key.data()

    def _said(self, daemon: Daemon, at: float, line: str) -> None:
        found = STATE.search(line)
        if found is None:
            return
        settings = self.plan.settings(daemon.name)
        if settings is not None and settings.name == found["name"]:
            self._state(daemon.name, found["state"], at)
        self.note(daemon.name, line[found.start() :], at)

    def _state(self, name: str, state: str, at: float | None = None) -> None:
        states = self.states[name]
        if states[-1][1] != state:
            states.append((monotonic() if at is None else at, state))

    def absent(self) -> set[str]:
        """Who is cut off now."""
        return {who for who, _, until in self.absences if until is None}

    def _everywhere(self, name: str, deed: Callable[[Bridge, Host], object]) -> None:
        for wire, bridge in self._bridges:
            if any(card[0] == name for card in wire):
                deed(bridge, self.hosts[name])
