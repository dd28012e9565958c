"""N whole nodes on one clock and one wire in memory: hours in a moment.

    cluster = Cluster([text_a, text_b], seed=4711, loss=0.2)
    cluster.run(10)
    cluster.cut("n1")
    cluster.run(10)
    cluster.holders("192.0.2.10")  # ["n2"]

The same seed gives the same story. The clock jumps from event to event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address, ip_address
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock
from zope.interface import implementer

from hanode.config.build import build
from hanode.config.check import check
from hanode.config.model import IpAddress, Model
from hanode.config.parser import parse_text
from hanode.config.problems import Severity, worst
from hanode.dataplanes.memory import MemoryDataplane
from hanode.dataplanes.memory_balancer import MemoryBalancer
from hanode.interfaces import IProcesses
from hanode.link import Link
from hanode.node import Node, interfaces
from hanode.processes import Exit
from hanode.reading import checker_words, tracker_words
from hanode.rehearsal.farm import Farm, balancers
from hanode.rehearsal.lan import Lan, Station
from hanode.world import World

EPOCH = 1_800_000_000.0  # what a wall clock shows at first, in seconds since 1970
LEAST_STEP = 1e-9  # seconds; two events nearer than this happen in one step


class SteppingClock(Clock):
    """A clock that jumps to the next thing that is due."""

    def next(self) -> float | None:
        """When the next call is due; None for never."""
        # Twisted's Clock keeps its calls in the order of their time.
        return self.calls[0].getTime() if self.calls else None


@implementer(IReactorTime)
class PrivateClock:
    """The clock as one process sees it: what is pending there ends with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: list[IDelayedCall] = []

    def seconds(self) -> float:
        """See L{IReactorTime.seconds}."""
        return self._clock.seconds()

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> IDelayedCall:
        """See L{IReactorTime.callLater}."""
        if len(self._calls) > 100:
            self._calls = [each for each in self._calls if each.active()]
        call: IDelayedCall = self._clock.callLater(delay, callable, *args, **kwargs)
        self._calls.append(call)
        return call

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """See L{IReactorTime.getDelayedCalls}."""
        return [each for each in self._calls if each.active()]

    def halt(self) -> None:
        """The process is gone."""
        for call in self.getDelayedCalls():
            call.cancel()


@implementer(IProcesses)
@dataclass
class NoProcesses:
    """Notes the commands of one node; each ends at once, nothing is run.

    C{statuses} are the exit statuses by path; others succeed.
    """

    ran: list[tuple[float, tuple[str, ...]]]
    clock: Clock
    statuses: dict[str, int] = field(default_factory=dict)

    def run(
        self,
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Any]:
        """See L{IProcesses.run}."""
        self.ran.append((self.clock.seconds(), tuple(argv)))
        return succeed(Exit(self.statuses.get(argv[0], 0)))


@dataclass
class Box:
    """One machine: C{node} is None while nothing runs on it."""

    name: str
    model: Model
    station: Station
    dataplane: MemoryDataplane
    processes: NoProcesses
    clock: PrivateClock
    links: list[Link]
    balancer: MemoryBalancer
    node: Node | None = None
    wrong: float = 0.0  # seconds by which somebody has set the clock ahead


class Cluster:
    """C{sources} are models, or texts in the words of keepalived.conf.

    Nodes are called n1, n2 and so on; n1 has 10.255.0.1 and fe80::1 on every interface
    that it names, n2 has 10.255.0.2 and fe80::2. Further arguments are L{Lan}'s.
    C{farm} has the real servers that are checked; each box has a C{balancer}.
    Everything has started when it is made; C{run} lets time pass.
    """

    def __init__(
        self, sources: Sequence[Model | str], seed: int = 0, **wire: float
    ) -> None:
        self.clock = SteppingClock()
        self.random = Random(seed)
        self.lan = Lan(self.clock, self.random, **wire)
        self.farm = Farm(self.clock)
        self.watchers: list[Callable[[Cluster], object]] = []
        self.boxes: dict[str, Box] = {}
        for number, source in enumerate(sources, 1):
            self._build(number, parse(source) if isinstance(source, str) else source)
        for name in self.boxes:
            self.start(name)

    # -- time

    def run(self, seconds: float) -> None:
        """Let time pass; after each event, every one of C{watchers} is called."""
        end = self.clock.seconds() + seconds
        while (due := self.clock.next()) is not None and due <= end:
            self.clock.advance(max(due - self.clock.seconds(), LEAST_STEP))
            for watcher in self.watchers:
                watcher(self)
        self.clock.advance(max(0.0, end - self.clock.seconds()))

    # -- deeds

    def cut(self, *names: str) -> None:
        """Split the wire: C{names} on one side, all others on the other."""
        self.lan.split(names, set(self.boxes) - set(names))

    def heal(self) -> None:
        """Join what was cut."""
        self.lan.heal()

    def unplug(self, name: str) -> None:
        """Pull the cable of a node: its interfaces go down."""
        self._carrier(name, False)

    def plug(self, name: str) -> None:
        """Put the cable back."""
        self._carrier(name, True)

    def script(self, name: str, path: str, status: int) -> None:
        """From now on the command C{path} ends so whenever the node runs it."""
        self.boxes[name].processes.statuses[path] = status

    def kill(self, name: str) -> None:
        """End a node without a goodbye; its kernel keeps the addresses."""
        box = self.boxes[name]
        box.station.vanish()
        if box.node is not None:
            box.clock.halt()
            box.node = None
            kernel = box.balancer.services
            box.balancer = MemoryBalancer(self.clock)
            box.balancer.services = kernel
            old, box.dataplane = box.dataplane, MemoryDataplane(self.clock)
            box.dataplane.announced = old.announced
            for link in box.links:
                box.dataplane.set_link(link)
                box.dataplane.addresses[link.name] = old.addresses[link.name]

    def stop(self, name: str) -> None:
        """Stop a node in the orderly way."""
        box = self.boxes[name]
        if box.node is not None:
            box.node.stopService()
            box.node = None

    def start(self, name: str) -> None:
        """Start a node where none runs; its kernel has what it had."""
        box = self.boxes[name]
        if box.node is None:
            box.clock = PrivateClock(self.clock)
            world = World(
                box.clock,
                self.random,
                box.station,
                box.processes,
                box.dataplane,
                wall=lambda: EPOCH + self.clock.seconds() + box.wrong,
            )
            box.node = Node(
                box.model,
                world,
                checkers=self.farm.checkers(),
                balancers=balancers(box.balancer),
            )
            box.node.startService()

    def set_clock(self, name: str, wrong: float) -> None:
        """Set the wall clock of a node: C{wrong} seconds ahead of the right time."""
        self.boxes[name].wrong = wrong

    def reload(self, name: str, source: Model | str) -> None:
        """Give a node another configuration, as SIGHUP does."""
        box = self.boxes[name]
        box.model = parse(source) if isinstance(source, str) else source
        box.station.below = _below(box.model)
        if box.node is not None:
            box.node.reload(box.model)

    # -- seeing

    def holders(self, address: str | IpAddress) -> list[str]:
        """The nodes whose kernel has C{address}, dead ones included."""
        wanted = ip_address(address) if isinstance(address, str) else address
        return [
            box.name
            for box in self.boxes.values()
            if any(
                wanted == one
                for present in box.dataplane.addresses.values()
                for one, _ in present
            )
        ]

    def state(self, name: str, instance: str) -> Any:
        """The fact C{vrrp:INSTANCE} of a node; None when it does not run."""
        node = self.boxes[name].node
        return None if node is None else node.facts.get(f"vrrp:{instance}")

    def masters(self, instance: str) -> list[str]:
        """The nodes that run and say they are master of C{instance}."""
        return [name for name in self.boxes if self.state(name, instance) == "MASTER"]

    # -- inside

    def _build(self, number: int, model: Model) -> None:
        own: tuple[IpAddress, ...] = (
            ip_address(f"10.255.{number >> 8}.{number & 255}"),
            IPv6Address(f"fe80::{number:x}"),
        )
        sources = {each.source for each in model.instances.values()} - {None}
        extra = tuple(each for each in sources if each is not None and each not in own)
        name = f"n{number}"
        dataplane = MemoryDataplane(self.clock)
        links = []
        for index, interface in enumerate(
            sorted(interfaces(model) - set(_below(model))), 2
        ):
            mac = bytes((2, 0, 0, number >> 8, number & 255, index))
            link = Link(interface, index, True, mac, 1500, own + extra)
            links.append(link)
            dataplane.set_link(link)
        station = Station(self.lan, name, own + extra)
        station.below = _below(model)
        clock = PrivateClock(self.clock)
        processes = NoProcesses([], self.clock)
        balancer = MemoryBalancer(self.clock)
        self.boxes[name] = Box(
            name, model, station, dataplane, processes, clock, links, balancer
        )

    def _carrier(self, name: str, up: bool) -> None:
        box = self.boxes[name]
        box.station.up = up
        box.links = [replace(link, up=up) for link in box.links]
        for link in box.links:
            box.dataplane.set_link(link)


def _below(model: Model) -> dict[str, str]:
    """The virtual links of a model, each with the interface that it sits on."""
    links = [each for one in model.instances.values() for each in one.virtual.links]
    return {each.name: each.parent for each in links}


def parse(text: str) -> Model:
    """The model of a text. Raises L{ValueError} when hanode would not run it."""
    tree, problems = parse_text(text, "rehearsal.conf")
    model, found = build(tree, checker_words(), tracker_words())
    problems += [*found, *check(model)]
    if worst(problems) in (Severity.ERROR, Severity.DROPPED):
        raise ValueError("\n".join(str(each) for each in problems))
    return model
