"""A wire in memory: delay, jitter, loss, duplicates and cuts, all from one seed.

Interfaces of the same name are on the same wire. Each node plugs in as a
L{Station}, which is its L{INetwork}; multicast reaches all others that joined the
group, unicast reaches who owns the address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address
from random import Random

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from hanode.config.model import IpAddress
from hanode.interfaces import INetwork, IRawPort, Receiver


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
        self._ports: list[_Port] = []
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

    def attach(self, port: _Port) -> None:
        """A port was opened."""
        self._ports.append(port)

    def detach(self, port: _Port) -> None:
        """A port was closed."""
        if port in self._ports:
            self._ports.remove(port)

    def carry(self, sender: _Port, data: bytes, destination: IpAddress) -> None:
        """Bring a packet to everybody whom it concerns, or lose it."""
        due: dict[float, list[_Port]] = {}
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
        self, sender: _Port, ports: list[_Port], data: bytes, destination: IpAddress
    ) -> None:
        for port in ports:
            self.carried += 1
            if self.trace is not None:
                self.trace(sender.station.name, port.station.name, data)
            port.deliver(data, sender.address(destination), destination, sender.ttl)


@implementer(INetwork)
class Station:
    """One node on the wire; C{addresses} are its own, the first of a family first."""

    def __init__(self, lan: Lan, name: str, addresses: Sequence[IpAddress]) -> None:
        self.lan, self.name, self.addresses = lan, name, tuple(addresses)
        self.up = True
        self._ports: list[_Port] = []

    def raw(
        self,
        protocol: int,
        family: int,
        interface: str,
        receiver: Receiver,
        source: IpAddress | None = None,
        group: IpAddress | None = None,
        ttl: int = 255,
    ) -> IRawPort:
        """See L{INetwork.raw}."""
        port = _Port(self, protocol, family, interface, receiver, source, group, ttl)
        self._ports.append(port)
        self.lan.attach(port)
        return port

    def vanish(self) -> None:
        """Close every port at once, as the kernel does when a process is killed."""
        for port in tuple(self._ports):
            port.close()

    def closed(self, port: _Port) -> None:
        """A port of ours was closed."""
        if port in self._ports:
            self._ports.remove(port)


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
        self._wire = (protocol, family, interface)
        self._receiver, self._source, self._group = receiver, source, group
        self._open = True

    def send(self, data: bytes, destination: IpAddress) -> None:
        """See L{IRawPort.send}. Raises L{OSError} while the station's link is down."""
        if not self._open:
            raise OSError("the port is closed")
        if not self.station.up:
            raise OSError(f"sending to {destination}: Network is unreachable")
        self.station.lan.carry(self, data, destination)

    def close(self) -> None:
        """See L{IRawPort.close}."""
        self._open = False
        self.station.lan.detach(self)
        self.station.closed(self)

    def address(self, destination: IpAddress) -> IpAddress:
        """The source address of what is sent to C{destination}."""
        if self._source is not None:
            return self._source
        for each in self.station.addresses:
            if each.version == destination.version:
                return each
        return IPv4Address(0)

    def wants(self, sender: _Port, destination: IpAddress) -> bool:
        """Whether a packet of C{sender} is for this port."""
        if self.station is sender.station or self._wire != sender._wire:
            return False
        if destination.is_multicast:
            return self._group == destination
        if self._group is None and self._source is not None:
            return self._source == destination
        return destination in self.station.addresses

    def deliver(
        self, data: bytes, source: IpAddress, destination: IpAddress, ttl: int
    ) -> None:
        """Hand a packet that has arrived to the receiver."""
        if not self._open or not self.station.up:
            return
        try:
            self._receiver(data, source, destination, ttl)
        except Exception:
            self.log.failure(
                "{name}: the receiver of a packet from {source} failed",
                name=self.station.name,
                source=source,
            )
