"""Sockets that instances share, and who gets which advertisement.

A packet is read and decoded once, however many instances run on an interface, and
handed to those that have its virtual router id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.logger import Logger

from hanode.config.model import IpAddress, VrrpInstance
from hanode.interfaces import INetwork, IRawPort
from hanode.vrrp import ah
from hanode.vrrp.arrival import Arrival
from hanode.vrrp.packet import PROTOCOL, BadPacket, decode, length_of


@dataclass(frozen=True)
class Route:
    """What makes two instances share a socket."""

    interface: str
    family: int
    source: IpAddress
    group: IpAddress | None
    ttl: int
    index: int = 0  # a new interface of the same name is another one
    protocol: int = PROTOCOL


def route(settings: VrrpInstance, source: IpAddress, index: int = 0) -> Route:
    """The way that the advertisements of C{settings} take."""
    group = None if settings.unicast else settings.multicast_group
    ttl = settings.unicast_ttl if settings.unicast else 255
    protocol = ah.PROTOCOL if settings.authenticated_header else PROTOCOL
    return Route(settings.device, settings.family, source, group, ttl, index, protocol)


class Listener(Protocol):
    """An instance, as its wire sees it."""

    def expects(self, source: IpAddress) -> bool:
        """Whether C{source} is a neighbour that the listener was configured with."""

    def received(self, arrival: Arrival) -> None:
        """A well-formed advertisement with the listener's virtual router id."""

    def rejected(self, problem: BadPacket, source: IpAddress) -> None:
        """A packet that seems to be meant for the listener, but is not well formed."""


class Wire:
    """One open socket with its listeners by virtual router id."""

    def __init__(self, network: INetwork, way: Route, unknown: Callable[..., None]):
        self.route = way
        self._unknown = unknown
        self._listeners: dict[int, list[Listener]] = {}
        self._port: IRawPort = network.raw(
            way.protocol,
            way.family,
            way.interface,
            self._packet,
            source=way.source,
            group=way.group,
            ttl=way.ttl,
            header=way.protocol == ah.PROTOCOL,
        )

    def join(self, vrid: int, listener: Listener) -> None:
        """From now on C{listener} gets what carries C{vrid}."""
        self._listeners.setdefault(vrid, []).append(listener)

    def leave(self, vrid: int, listener: Listener) -> bool:
        """The listener has gone; tell whether it was the last one."""
        self._listeners[vrid].remove(listener)
        if not self._listeners[vrid]:
            del self._listeners[vrid]
        return not self._listeners

    def send(self, data: bytes, destination: IpAddress) -> None:
        """Send now. Raises L{OSError} when the kernel refuses."""
        self._port.send(data, destination)

    def enlarge(self, size: int) -> None:
        """Have room for C{size} bytes that nobody has read yet."""
        self._port.enlarge(size)

    def close(self) -> None:
        """Give the socket back."""
        self._port.close()

    def _packet(
        self, data: bytes, source: IpAddress, destination: IpAddress, ttl: int
    ) -> None:
        envelope = None
        if self.route.protocol == ah.PROTOCOL:
            whole, data = data, data[ah.IP_LENGTH + ah.LENGTH :]
        listeners = self._meant(data, source)
        if not listeners:
            return
        try:
            if self.route.protocol == ah.PROTOCOL:
                envelope = ah.unwrap(whole, destination.is_multicast)
            advert, checksum = decode(data, source, destination)
        except BadPacket as problem:
            for listener in listeners:
                listener.rejected(problem, source)
            return
        end = length_of(advert, self.route.family)
        trailer, data = data[end:], data[:end]
        arrival = Arrival(
            advert, checksum, source, destination, ttl, data, trailer, envelope
        )
        for listener in listeners:
            listener.received(arrival)

    def _meant(self, data: bytes, source: IpAddress) -> Sequence[Listener]:
        """Whom a packet concerns, by the virtual router id in it."""
        listeners = self._listeners.get(data[1]) if len(data) > 1 else None
        if listeners is None:
            self._unknown(self.route.interface, data[1:2], source)
            return ()
        if len(listeners) > 1:  # the same id twice: unicast, with other neighbours
            return [each for each in listeners if each.expects(source)]
        return tuple(listeners)


class Wires:
    """The open sockets of one node."""

    log = Logger()

    def __init__(self, network: INetwork) -> None:
        self._network = network
        self._open: dict[Route, Wire] = {}
        self._reported: set[tuple[str, bytes, IpAddress]] = set()
        self.log_unknown_vrids = False
        self.unknown: Counter[str] = Counter()  # packets by interface

    def join(self, way: Route, vrid: int, listener: Listener) -> Wire:
        """The wire of C{way}, opened if need be.

        Raises L{OSError} when its socket cannot be opened.
        """
        wire = self._open.get(way)
        if wire is None:
            wire = self._open[way] = Wire(self._network, way, self._unknown)
        wire.join(vrid, listener)
        return wire

    def leave(self, wire: Wire, vrid: int, listener: Listener) -> None:
        """The listener has gone; the last one closes the socket."""
        if wire.leave(vrid, listener):
            del self._open[wire.route]
            wire.close()

    def _unknown(self, interface: str, vrid: bytes, source: IpAddress) -> None:
        self.unknown[interface] += 1
        key = (interface, vrid, source)
        if not self.log_unknown_vrids or key in self._reported:
            return
        if len(self._reported) < 1000:  # a flood must not fill memory or the log
            self._reported.add(key)
            self.log.info(
                "Unknown VRID({vrid}) received on interface({interface})"
                " from {source}. ignoring...",
                vrid=vrid[0] if vrid else "none",
                interface=interface,
                source=source,
            )
