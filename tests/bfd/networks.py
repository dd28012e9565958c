"""A network that remembers, and fails when it is told to; a neighbour played by hand.

Nothing is carried: tests put packets into listeners and look at what senders sent. A
listener queues while it rests, or while the whole process is held up.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from random import Random
from typing import Any

from twisted.internet.task import Clock
from zope.interface import implementer

from hanode.bfd.packet import Control, State, decode, encode
from hanode.config.bfd_model import (
    BfdInstance,
    BfdParameters,
    BfdRoute,
    BfdUnsolicited,
)
from hanode.config.model import IpAddress, Model, VrrpInstance
from hanode.dataplanes.memory import MemoryDataplane
from hanode.interfaces import (
    Datagram,
    IEchoPort,
    INetwork,
    IRawPort,
    IUdpListener,
    IUdpSender,
)
from hanode.world import World

Where = tuple[int, int, str]  # port, family, device
FAST = BfdParameters(min_tx=50_000, min_rx=50_000, multiplier=3)
US, NEIGHBOUR, OTHER = map(ip_address, ("10.0.0.1", "10.0.0.2", "10.0.0.3"))
US6, NEIGHBOUR6 = map(ip_address, ("fe80::1", "fe80::2"))


def problem(number: int) -> OSError:
    """The error that the kernel would give."""
    return OSError(number, os.strerror(number))


@implementer(IUdpListener)
class Listener:
    """An open port; C{rounds} are how often more waits than one reading takes."""

    def __init__(
        self,
        network: Network,
        where: Where,
        known: Callable[[list[bytes]], object],
        strangers: Callable[[Datagram], object],
        mark: int,
        ttl: int,
    ) -> None:
        self.where, self.mark, self.ttl = where, mark, ttl
        self._network, self._known, self._strangers = network, known, strangers
        self.resting = False
        self.rounds = 0
        self.drains = 0
        self._queue: list[Datagram] = []

    def put(self, datagram: Datagram) -> None:
        """A packet arrives."""
        assert self in self._network.listeners, "the port is closed"
        if datagram.ttl < self.ttl:
            return
        self._queue.append(datagram)
        if not self.resting and not self._network.held_up:
            self._read()

    def drain(self) -> bool:
        """See L{IUdpListener.drain}."""
        self.drains += 1
        self._read()
        if self.rounds:
            self.rounds -= 1
            return False
        return True

    def rest(self, resting: bool) -> None:
        """See L{IUdpListener.rest}."""
        self.resting = resting

    def least_ttl(self, ttl: int) -> None:
        """See L{IUdpListener.least_ttl}."""
        self.ttl = ttl

    def close(self) -> None:
        """See L{IUdpListener.close}."""
        self._network.listeners.remove(self)
        self._network.log.append(("closed", *self.where))

    def _read(self) -> None:
        queue, self._queue = self._queue, []
        known = [each.data for each in queue if self._is_known(each)]
        if known:
            self._known(known)
        for each in queue:
            if not self._is_known(each) and self in self._network.listeners:
                self._strangers(each)

    def _is_known(self, datagram: Datagram) -> bool:
        mark = datagram.data[self.mark : self.mark + 4] if self.mark >= 0 else b""
        return datagram.ttl == 255 and len(mark) == 4 and any(mark)


@implementer(IUdpSender)
class Sender:
    """A socket that remembers; C{problems} are what the next sends raise."""

    def __init__(
        self, network: Network, where: tuple[Any, ...], source: IpAddress | None
    ) -> None:
        self.where = where
        self.sent: list[bytes] = []
        self.problems = [] if network.cursed is None else [network.cursed]
        self._network = network
        default = US if where[0].version == 4 else US6
        self.source: IpAddress = source or default
        self.port = 49152 + len(network.senders)

    def send(self, data: bytes) -> int:
        """See L{IUdpSender.send}."""
        assert self in self._network.senders, "the socket is closed"
        if self.problems:
            raise self.problems.pop(0)
        self.sent.append(data)
        self._network.sent.append((self.where[0], data))
        return len(data)

    def close(self) -> None:
        """See L{IUdpSender.close}."""
        self._network.senders.remove(self)


@implementer(IEchoPort)
class EchoPort:
    """An echo port that remembers what was sent."""

    def __init__(
        self,
        network: Network,
        where: tuple[int, str],
        returned: Callable[[bytes], object],
        reflect: bool,
    ) -> None:
        self.where, self.returned, self.reflect = where, returned, reflect
        self.sent: list[tuple[bytes, IpAddress, IpAddress]] = []
        self.problem: OSError | None = None
        self.waiting: list[bytes] = []  # came back, and was not read yet
        self._network = network

    def send(self, data: bytes, source: IpAddress, neighbour: IpAddress) -> None:
        """See L{IEchoPort.send}."""
        assert self in self._network.echoes, "the port is closed"
        if self.problem is not None:
            raise self.problem
        self.sent.append((data, source, neighbour))

    def drain(self) -> None:
        """See L{IEchoPort.drain}."""
        waiting, self.waiting = self.waiting, []
        for payload in waiting:
            self.returned(payload)

    def close(self) -> None:
        """See L{IEchoPort.close}."""
        self._network.echoes.remove(self)


@implementer(INetwork)
class Network:
    """What is open, and what was done; C{deaf} and C{mute} are why opening fails.

    C{cursed} is what the first packet of a new socket raises.
    """

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.senders: list[Sender] = []
        self.echoes: list[EchoPort] = []
        self.sent: list[tuple[IpAddress, bytes]] = []
        self.log: list[tuple[Any, ...]] = []  # of listeners
        self.deaf: OSError | None = None
        self.mute: OSError | None = None
        self.cursed: OSError | None = None
        self.echoless: OSError | None = None
        self.held_up = False
        self.tries = 0  # to open a sender

    def raw(self, *args: Any, **named: Any) -> IRawPort:
        """Nobody asks for that here."""
        raise AssertionError("BFD has no raw sockets")

    def listen(
        self,
        port: int,
        family: int,
        device: str,
        known: Callable[[list[bytes]], object],
        strangers: Callable[[Datagram], object],
        mark: int = -1,
        ttl: int = 255,
    ) -> IUdpListener:
        """See L{INetwork.listen}."""
        where = (port, family, device)
        if self.deaf is not None:
            self.log.append(("refused", *where))
            raise self.deaf
        self.log.append(("open", *where))
        listener = Listener(self, where, known, strangers, mark, ttl)
        self.listeners.append(listener)
        return listener

    def sender(
        self,
        destination: IpAddress,
        port: int,
        source: IpAddress | None = None,
        device: str = "",
        ttl: int = 255,
    ) -> IUdpSender:
        """See L{INetwork.sender}."""
        self.tries += 1
        if self.mute is not None:
            raise self.mute
        sender = Sender(self, (destination, port, device, ttl), source)
        self.senders.append(sender)
        return sender

    def echo(
        self,
        family: int,
        device: str,
        returned: Callable[[bytes], object],
        reflect: bool = False,
    ) -> IEchoPort:
        """See L{INetwork.echo}."""
        if self.echoless is not None:
            raise self.echoless
        port = EchoPort(self, (family, device), returned, reflect)
        self.echoes.append(port)
        return port

    # -- what tests ask

    def packets(self, destination: IpAddress | None = None) -> list[Control]:
        """All that was sent there, or anywhere, since the last time; forget it."""
        found = [data for to, data in self.sent if destination in (None, to)]
        self.sent = [each for each in self.sent if destination not in (None, each[0])]
        return [decode(data)[0] for data in found]

    def listener(self, port: int = 3784, family: int = 4, device: str = "") -> Listener:
        """The open port there."""
        return next(e for e in self.listeners if e.where == (port, family, device))

    def open(self) -> list[Where]:
        """The ports that are open."""
        return sorted(each.where for each in self.listeners)

    def nothing(self) -> bool:
        """Whether nothing at all is open."""
        return not (self.listeners or self.senders or self.echoes)


def world(clock: Clock, network: INetwork, seed: int = 4711) -> World:
    """A world with that network."""
    nothing: Any = None
    return World(clock, Random(seed), network, nothing, MemoryDataplane())


def instance(name: str = "peer", **changes: Any) -> BfdInstance:
    """A bfd_instance with the neighbour; C{changes} are of its route or of itself."""
    route = BfdRoute(NEIGHBOUR)
    for key in tuple(changes):
        if key in BfdRoute.__dataclass_fields__:
            route = replace(route, **{key: changes.pop(key)})
    return BfdInstance(name, route, **{"parameters": FAST, **changes})


def model(
    *entries: BfdInstance | BfdUnsolicited | VrrpInstance,
) -> Model:
    """A configuration of these."""
    return Model(
        instances={e.name: e for e in entries if isinstance(e, VrrpInstance)},
        bfd_instances={e.name: e for e in entries if isinstance(e, BfdInstance)},
        bfd_unsolicited=tuple(e for e in entries if isinstance(e, BfdUnsolicited)),
    )


@dataclass
class Neighbour:
    """The other end of one session, played by hand; C{yours} is our discriminator."""

    network: Network
    address: IpAddress = NEIGHBOUR
    port: int = 3784
    device: str = ""
    ttl: int = 255
    us: IpAddress = US
    mine: int = 0xB
    yours: int = 0
    says: dict[str, Any] = field(
        default_factory=lambda: {"multiplier": 3, "min_tx": 50_000, "min_rx": 50_000}
    )

    def say(self, state: State, **changes: Any) -> bytes:
        """Send a packet; the bytes of it."""
        ends = {"mine": self.mine, "yours": self.yours}
        data = encode(Control(state, **{**ends, **self.says, **changes}))
        self.put(data)
        return data

    def put(self, data: bytes) -> None:
        """Send these bytes."""
        listener = self.network.listener(self.port, self.address.version, self.device)
        device = self.device or "eth0"
        origin = (self.address, 50_000, self.us, self.ttl, device)
        listener.put(Datagram(data, *origin))

    def learn(self) -> Control:
        """Hear what we sent last; the packet."""
        control = self.network.packets(self.address)[-1]
        self.yours = control.mine
        return control

    def come_up(self) -> bytes:
        """Bring the session Up and answer its poll; the bytes of a steady packet."""
        if not self.yours:
            self.say(State.DOWN)
            self.learn()
        self.say(State.INIT)
        self.say(State.UP, final=True)
        return self.say(State.UP)


NO_ROUTE = problem(errno.ENETUNREACH)
