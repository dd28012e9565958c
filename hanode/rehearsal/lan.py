"""A wire in memory: delay, jitter, loss, duplicates and cuts, all from one seed.

Interfaces of the same name are on the same wire. Each node plugs in as a
L{Station}, which is its L{INetwork}; multicast reaches all others that joined the
group, unicast reaches who owns the address.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address
from random import Random
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from hanode.config.model import IpAddress
from hanode.interfaces import (
    Datagram,
    IEchoPort,
    INetwork,
    IRawPort,
    IUdpListener,
    IUdpSender,
    Receiver,
)
from hanode.rehearsal.datagrams import (
    EchoPort,
    Listener,
    Mirror,
    Sender,
    Wire,
    failure,
)


class Plug(Protocol):
    """What can send to the wire, or be delivered to."""

    @property
    def station(self) -> Station:
        """Whose it is."""

    @property
    def wire(self) -> Wire:
        """What it has in common with those that it can hear."""

    @property
    def ttl(self) -> int:
        """TTL of what it sends."""

    def wants(self, sender: Plug, destination: IpAddress) -> bool:
        """Whether a packet of C{sender} is for it."""

    def deliver(self, data: bytes, sender: Plug, destination: IpAddress) -> None:
        """A packet has arrived."""


class _Closing(Plug, Protocol):
    def close(self) -> None: ...


class Lan:
    """The wire between the stations of one rehearsal.

    C{delay} and C{jitter} are seconds; a packet takes C{delay} plus a random part of
    C{jitter}, so that a jitter above the gap of two packets reorders them. C{loss}
    and C{duplicate} are probabilities, for each receiver by itself.
    """

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        delay: float = 0.0002,
        jitter: float = 0.0,
        loss: float = 0.0,
        duplicate: float = 0.0,
    ) -> None:
        self.clock, self.random = clock, random
        self.delay, self.jitter = delay, jitter
        self.loss, self.duplicate = loss, duplicate
        self.carried = self.lost = 0  # packets, counted for each receiver
        self.trace: Callable[[str, str, bytes], object] | None = None
        self.stations: list[Station] = []
        self._ports: list[Plug] = []
        self._deaf: set[tuple[str, str]] = set()

    def cut(self, sender: str, receiver: str) -> None:
        """Let nothing of C{sender} reach C{receiver}; the other way stays open."""
        self._deaf.add((sender, receiver))

    def split(self, *sides: Iterable[str]) -> None:
        """Let the stations of each side hear only their own side."""
        groups = [set(side) for side in sides]
        for side in groups:
            for other in groups:
                if other is not side:
                    self._deaf.update((a, b) for a in side for b in other)

    def heal(self) -> None:
        """End all cuts."""
        self._deaf.clear()

    def hears(self, receiver: str, sender: str) -> bool:
        """Whether C{receiver} gets what C{sender} sends."""
        return (sender, receiver) not in self._deaf

    def attach(self, port: Plug) -> None:
        """A port was opened."""
        self._ports.append(port)

    def detach(self, port: Plug) -> None:
        """A port was closed."""
        if port in self._ports:
            self._ports.remove(port)

    def carry(self, sender: Plug, data: bytes, destination: IpAddress) -> None:
        """Bring a packet to everybody whom it concerns, or lose it."""
        due: dict[float, list[Plug]] = {}
        for port in self._ports:
            if not port.wants(sender, destination):
                continue
            deaf = not self.hears(port.station.name, sender.station.name)
            if deaf or (self.loss and self.random.random() < self.loss):
                self.lost += 1
                continue
            copies = 1
            if self.duplicate and self.random.random() < self.duplicate:
                copies = 2
            for _ in range(copies):
                late = self.jitter and self.random.uniform(0.0, self.jitter)
                due.setdefault(self.delay + late, []).append(port)
        for delay, ports in due.items():  # those at one time share one timer
            self.clock.callLater(delay, self._deliver, sender, ports, data, destination)

    def _deliver(
        self, sender: Plug, ports: list[Plug], data: bytes, destination: IpAddress
    ) -> None:
        for port in ports:
            self.carried += 1
            if self.trace is not None:
                self.trace(sender.station.name, port.station.name, data)
            port.deliver(data, sender, destination)


@implementer(INetwork)
class Station:
    """One node on the wire; C{addresses} are its own, the first of a family first.

    C{forwards} tells whether its kernel forwards, so that it turns BFD's echo packets
    whoever listens. C{below} has the interface of each virtual one.
    """

    def __init__(self, lan: Lan, name: str, addresses: Sequence[IpAddress]) -> None:
        self.lan, self.name, self.addresses = lan, name, tuple(addresses)
        self.up = True
        self.forwards = False
        self.below: dict[str, str] = {}
        self._ports: list[_Closing] = []
        self._senders: dict[int, Sender] = {}  # by source port; they hear nothing
        lan.stations.append(self)
        lan.attach(Mirror(self))

    def raw(
        self,
        protocol: int,
        family: int,
        interface: str,
        receiver: Receiver,
        source: IpAddress | None = None,
        group: IpAddress | None = None,
        ttl: int = 255,
        header: bool = False,
    ) -> IRawPort:
        """See L{INetwork.raw}. A whole packet is brought as it is."""
        wire = self.below.get(interface, interface)
        port = _Port(self, protocol, family, wire, receiver, source, group, ttl)
        self._opened(port)
        return port

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
        where = port, family, device
        listener = Listener(self, where, known, strangers, mark, ttl)
        if any(each.device == device for each in self._listeners(listener.wire)):
            subject = f"UDP port {port} (IPv{family})"
            raise failure(
                errno.EADDRINUSE, f"{subject} on {device}" if device else subject
            )
        self._opened(listener)
        return listener

    def sender(
        self,
        destination: IpAddress,
        port: int,
        source: IpAddress | None = None,
        device: str = "",
        ttl: int = 255,
    ) -> IUdpSender:
        """See L{INetwork.sender}. A sender of no device is on every wire."""
        sender = Sender(self, destination, port, source, device, ttl)
        self._senders[sender.port] = sender
        return sender

    def echo(
        self,
        family: int,
        device: str,
        returned: Callable[[bytes], object],
        reflect: bool = False,
    ) -> IEchoPort:
        """See L{INetwork.echo}."""
        port = EchoPort(self, family, device, returned, reflect)
        self._opened(port)
        return port

    def listener(self, sender: Plug) -> Listener | None:
        """Which of our listeners gets what C{sender} sends to us, if any.

        That of its device before that of no device.
        """
        device = sender.device if isinstance(sender, Sender) else ""
        found = [
            each
            for each in self._listeners(sender.wire)
            if not device or each.device in ("", device)
        ]
        return max(found, key=lambda each: each.device != "", default=None)

    def closed_to(self, sender: Plug, destination: IpAddress) -> bool:
        """Whether we would tell C{sender} that nobody listens at C{destination}."""
        return (
            self is not sender.station
            and self.up
            and destination in self.addresses
            and self.lan.hears(self.name, sender.station.name)
            and self.lan.hears(sender.station.name, self.name)
            and self.listener(sender) is None
        )

    def turns(self, wire: Wire) -> bool:
        """Whether we send back the echo packets that arrive on C{wire}."""
        return self.forwards or any(
            isinstance(each, EchoPort) and each.reflect and each.wire == wire
            for each in self._ports
        )

    def free_port(self, first: int, last: int) -> int:
        """A random UDP port that no sender of ours has."""
        while (port := self.lan.random.randint(first, last)) in self._senders:
            continue
        return port

    def vanish(self) -> None:
        """Close every port at once, as the kernel does when a process is killed."""
        for port in (*self._ports, *self._senders.values()):
            port.close()

    def closed(self, port: _Closing) -> None:
        """A port of ours was closed."""
        if isinstance(port, Sender):
            self._senders.pop(port.port, None)
        elif port in self._ports:
            self.lan.detach(port)
            self._ports.remove(port)

    def _opened(self, port: _Closing) -> None:
        self._ports.append(port)
        self.lan.attach(port)

    def _listeners(self, wire: Wire) -> list[Listener]:
        return [
            each
            for each in self._ports
            if isinstance(each, Listener) and each.wire == wire
        ]


@implementer(IRawPort)
class _Port:
    log = Logger()

    def __init__(
        self,
        station: Station,
        protocol: int,
        family: int,
        interface: str,
        receiver: Receiver,
        source: IpAddress | None,
        group: IpAddress | None,
        ttl: int,
    ) -> None:
        self.station, self.ttl = station, ttl
        self.wire: Wire = (protocol, family, interface)
        self._receiver, self._source, self._group = receiver, source, group
        self._open = True

    def send(self, data: bytes, destination: IpAddress) -> None:
        """See L{IRawPort.send}. Raises L{OSError} while the station's link is down."""
        if not self._open:
            raise OSError("the port is closed")
        if not self.station.up:
            raise OSError(f"sending to {destination}: Network is unreachable")
        self.station.lan.carry(self, data, destination)

    def enlarge(self, size: int) -> None:
        """See L{IRawPort.enlarge}: there is room for everything."""

    def close(self) -> None:
        """See L{IRawPort.close}."""
        self._open = False
        self.station.closed(self)

    def address(self, destination: IpAddress) -> IpAddress:
        """The source address of what is sent to C{destination}."""
        if self._source is not None:
            return self._source
        for each in self.station.addresses:
            if each.version == destination.version:
                return each
        return IPv4Address(0)

    def wants(self, sender: Plug, destination: IpAddress) -> bool:
        """Whether a packet of C{sender} is for this port."""
        if self.station is sender.station or self.wire != sender.wire:
            return False
        if destination.is_multicast:
            return self._group == destination
        if self._group is None and self._source is not None:
            return self._source == destination
        return destination in self.station.addresses

    def deliver(self, data: bytes, sender: Plug, destination: IpAddress) -> None:
        """Hand a packet that has arrived to the receiver."""
        if not self._open or not self.station.up or not isinstance(sender, _Port):
            return
        source = sender.address(destination)
        try:
            self._receiver(data, source, destination, sender.ttl)
        except Exception:
            self.log.failure(
                "{name}: the receiver of a packet from {source} failed",
                name=self.station.name,
                source=source,
            )
