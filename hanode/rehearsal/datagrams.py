"""UDP and BFD's echo on the wire in memory: what a L{Station} opens of them.

They split, filter, rest and refuse as the kernel's sockets do; the tests that say so
are run against both.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.logger import Logger
from zope.interface import implementer

from hanode.config.model import IpAddress
from hanode.interfaces import Datagram, IEchoPort, IUdpListener, IUdpSender
from hanode.sender import FIRST_PORT, LAST_PORT

if TYPE_CHECKING:
    from hanode.rehearsal.lan import Plug, Station

LARGEST = 512  # bytes that a listener reads of a packet
Wire = tuple[object, ...]


def failure(number: int, subject: str) -> OSError:
    """The error that the kernel gives, with what it is about."""
    return OSError(number, f"{subject}: {os.strerror(number)}")


def source_for(station: Station, destination: IpAddress) -> IpAddress | None:
    """The address from which the kernel of C{station} sends to C{destination}."""
    same = [each for each in station.addresses if each.version == destination.version]
    local = destination.is_link_local
    return next((each for each in same if each.is_link_local == local), None) or next(
        iter(same), None
    )


@implementer(IUdpListener)
class Listener:
    """An open UDP port of one station."""

    log = Logger()
    ttl = 0  # of what it sends: nothing

    def __init__(
        self,
        station: Station,
        where: tuple[int, int, str],
        known: Callable[[list[bytes]], object],
        strangers: Callable[[Datagram], object],
        mark: int,
        ttl: int,
    ) -> None:
        self.station = station
        port, family, self.device = where
        self.wire: Wire = ("udp", port, family)
        self._known, self._strangers = known, strangers
        self._mark, self._least_ttl = mark, ttl
        self._marked: list[bytes] = []
        self._others: list[Datagram] = []
        self._open, self._resting = True, False

    def drain(self) -> bool:
        """See L{IUdpListener.drain}; nothing is ever left."""
        marked, self._marked = self._marked, []
        if marked:
            self._hand_over(self._known, marked)
        while self._open and self._others:
            self._hand_over(self._strangers, self._others.pop(0))
        return True

    def rest(self, resting: bool) -> None:
        """See L{IUdpListener.rest}."""
        if self._open and self._resting and not resting:
            self.station.lan.clock.callLater(0.0, self._wake)
        self._resting = resting

    def least_ttl(self, ttl: int) -> None:
        """See L{IUdpListener.least_ttl}."""
        self._least_ttl = ttl

    def close(self) -> None:
        """See L{IUdpListener.close}."""
        self._open = False
        self._marked, self._others = [], []
        self.station.closed(self)

    def wants(self, sender: Plug, destination: IpAddress) -> bool:
        """Whether a packet of C{sender} is for this port."""
        if self.wire != sender.wire or self.station is sender.station:
            return False
        if destination not in self.station.addresses:
            return False
        return self.station.listener(sender) is self

    def deliver(self, data: bytes, sender: Plug, destination: IpAddress) -> None:
        """Take a packet that has arrived."""
        if not self._open or not self.station.up or sender.ttl < self._least_ttl:
            return
        assert isinstance(sender, Sender)
        mark = data[self._mark : self._mark + 4] if self._mark >= 0 else b""
        if sender.ttl == 255 and len(mark) == 4 and any(mark):
            self._marked.append(data[:LARGEST])
        else:
            device = sender.device or self.device
            origin = sender.source, sender.port, destination, sender.ttl, device
            self._others.append(Datagram(data[:LARGEST], *origin))
        self._wake()

    def _wake(self) -> None:
        if not self._resting:
            self.drain()

    def _hand_over(self, receiver: Callable[..., object], received: object) -> None:
        try:
            receiver(received)
        except Exception:
            self.log.failure(
                "{name}: a receiver of UDP packets failed", name=self.station.name
            )


@implementer(IUdpSender)
class Sender:
    """A UDP socket of one station, connected to one destination."""

    def __init__(
        self,
        station: Station,
        destination: IpAddress,
        port: int,
        source: IpAddress | None,
        device: str,
        ttl: int,
    ) -> None:
        self.station, self.device, self.ttl = station, device, ttl
        self.wire: Wire = ("udp", port, destination.version)
        self._destination = destination
        self._subject = f"UDP to {destination} port {port}"
        if device:
            self._subject += f" on {device}"
        found = source_for(station, destination) if source is None else source
        if source is not None and source not in station.addresses:
            raise failure(errno.EADDRNOTAVAIL, self._subject)
        if found is None or not station.up:
            raise failure(errno.ENETUNREACH, self._subject)
        if destination.is_link_local and not device:
            raise failure(errno.EINVAL, self._subject)
        self.source: IpAddress = found
        self.port = station.free_port(FIRST_PORT, LAST_PORT)
        self._open, self._refused = True, False

    def send(self, data: bytes) -> None:
        """See L{IUdpSender.send}."""
        if not self._open:
            raise failure(errno.EBADF, self._subject)
        if self._refused:
            self._refused = False
            raise failure(errno.ECONNREFUSED, self._subject)
        if not self.station.up:
            raise failure(errno.ENETUNREACH, self._subject)
        lan, there = self.station.lan, self._destination
        lan.carry(self, data, there)
        if any(each.closed_to(self, there) for each in lan.stations):
            lan.clock.callLater(2 * lan.delay, self._refuse)

    def _refuse(self) -> None:
        self._refused = True

    def close(self) -> None:
        """See L{IUdpSender.close}."""
        if self._open:
            self._open = False
            self.station.closed(self)

    def wants(self, sender: Plug, destination: IpAddress) -> bool:
        """Nothing is received."""
        return False

    def deliver(self, data: bytes, sender: Plug, destination: IpAddress) -> None:
        """Nothing is received."""


@implementer(IEchoPort)
class EchoPort:
    """BFD's echo port on one interface of one station."""

    log = Logger()
    ttl = 255

    def __init__(
        self,
        station: Station,
        family: int,
        device: str,
        returned: Callable[[bytes], object],
        reflect: bool,
    ) -> None:
        self.station, self.reflect = station, reflect
        self.wire: Wire = ("echo", family, device)
        self._returned = returned
        self._sources: set[IpAddress] = set()
        self._open = True

    def send(self, data: bytes, source: IpAddress, neighbour: IpAddress) -> None:
        """See L{IEchoPort.send}."""
        if not self._open:
            raise failure(errno.EBADF, f"echo to {neighbour}")
        if not self.station.up:
            raise failure(errno.ENETDOWN, f"echo to {neighbour}")
        lan = self.station.lan
        if not any(neighbour in each.addresses for each in lan.stations):
            raise failure(errno.EHOSTUNREACH, f"echo to {neighbour}")
        self._sources.add(source)
        lan.carry(_Outward(self, source), data, neighbour)

    def drain(self) -> None:
        """See L{IEchoPort.drain}: nothing ever waits."""

    def close(self) -> None:
        """See L{IEchoPort.close}."""
        self._open = False
        self.station.closed(self)

    def wants(self, sender: Plug, destination: IpAddress) -> bool:
        """Whether it is an echo packet of ours that comes back."""
        return (
            isinstance(sender, Mirror)
            and sender.wire == self.wire
            and destination in self._sources
            and destination in self.station.addresses
        )

    def deliver(self, data: bytes, sender: Plug, destination: IpAddress) -> None:
        """Tell that it came back."""
        if not self._open or not self.station.up:
            return
        try:
            self._returned(data)
        except Exception:
            self.log.failure(
                "{name}: the receiver of an echo failed", name=self.station.name
            )


class _Outward:
    """An echo packet on its way to the neighbour."""

    ttl = 255

    def __init__(self, port: EchoPort, source: IpAddress) -> None:
        self.station, self.wire, self.source = port.station, port.wire, source

    def wants(self, sender: Plug, destination: IpAddress) -> bool:
        """It receives nothing."""
        return False

    def deliver(self, data: bytes, sender: Plug, destination: IpAddress) -> None:
        """It receives nothing."""


class Mirror:
    """What sends echo packets back: the kernel of a station, or its echo ports."""

    ttl = 254

    def __init__(self, station: Station, wire: Wire = ()) -> None:
        self.station, self.wire = station, wire

    def wants(self, sender: Plug, destination: IpAddress) -> bool:
        """Whether it is an echo packet that this station has to turn."""
        return (
            isinstance(sender, _Outward)
            and sender.station is not self.station
            and destination in self.station.addresses
            and self.station.turns(sender.wire)
        )

    def deliver(self, data: bytes, sender: Plug, destination: IpAddress) -> None:
        """Send it back to where it came from."""
        if self.station.up and isinstance(sender, _Outward):
            lan = self.station.lan
            lan.carry(Mirror(self.station, sender.wire), data, sender.source)
