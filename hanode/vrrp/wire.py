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
        self._latest: dict[int, tuple[bytes, Arrival]] = {}  # by virtual router id
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
            self._latest.pop(vrid, None)
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
        authenticated = self.route.protocol == ah.PROTOCOL
        inner = data[ah.IP_LENGTH + ah.LENGTH :] if authenticated else data
        listeners = self._meant(inner, source)
        if not listeners:
            return
        try:
            arrival = (
                self._unwrapped(data, source, destination, ttl)
                if authenticated
                else self._plain(data, source, destination, ttl)
            )
        except BadPacket as problem:
            for listener in listeners:
                listener.rejected(problem, source)
            return
        for listener in listeners:
            listener.received(arrival)

    def _unwrapped(
        self, data: bytes, source: IpAddress, destination: IpAddress, ttl: int
    ) -> Arrival:
        envelope = ah.unwrap(data, destination.is_multicast)
        inner = data[ah.IP_LENGTH + ah.LENGTH :]
        return _taken_apart(inner, source, destination, ttl, envelope)

    def _plain(
        self, data: bytes, source: IpAddress, destination: IpAddress, ttl: int
    ) -> Arrival:
        """A master says the same again and again: then it is the same arrival."""
        vrid = data[1]
        before, arrival = self._latest.get(vrid, (b"", None))
        if arrival is not None and before == data:
            known = (arrival.source, arrival.destination, arrival.ttl)
            if known == (source, destination, ttl):
                return arrival
        arrival = _taken_apart(data, source, destination, ttl)
        self._latest[vrid] = data, arrival
        return arrival

    def _meant(self, data: bytes, source: IpAddress) -> Sequence[Listener]:
        """Whom a packet concerns, by the virtual router id in it."""
        listeners = self._listeners.get(data[1]) if len(data) > 1 else None
        if listeners is None:
            self._unknown(self.route.interface, data[1:2], source)
            return ()
        if len(listeners) > 1:  # the same id twice: unicast, with other neighbours
            return [each for each in listeners if each.expects(source)]
        return tuple(listeners)


def _taken_apart(
    data: bytes,
    source: IpAddress,
    destination: IpAddress,
    ttl: int,
    envelope: ah.Envelope | None = None,
) -> Arrival:
    """The advertisement in C{data}; raises L{BadPacket}."""
    advert, checksum = decode(data, source, destination)
    end = length_of(advert, source.version)
    message, trailer = data[:end], data[end:]
    return Arrival(
        advert, checksum, source, destination, ttl, message, trailer, envelope
    )


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
