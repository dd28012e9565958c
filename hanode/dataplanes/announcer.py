"""Tells the neighbours where an address is now, at the pace that was asked for."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.config.model import Address
from hanode.config.static_model import GarpGroup
from hanode.dataplanes.frames import Frames, Sender
from hanode.dataplanes.sysctl import is_forwarding

Parcel = tuple[Address, bytes]
LATER = 0.1  # seconds between the first round of an announcement and the others
ROUTER_FOR = 1.0  # seconds for which an answer about forwarding is good


@dataclass(frozen=True)
class Pace:
    """Gaps in seconds, 0 for none: between two ARP frames, two advertisements."""

    arp_interval: float = 0.0
    na_interval: float = 0.0


@dataclass
class _Queue:
    """The frames of one interface (or garp_group) and family, sent one by one."""

    parcels: deque[tuple[Parcel, float]] = field(default_factory=deque)
    free: float = 0.0  # when the next one may go, seconds of the clock
    call: IDelayedCall | None = None


def open_packet() -> socket.socket:
    """A packet socket that sends on any interface and receives nothing (packet(7))."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    opened.setblocking(False)
    return opened


class Announcer:
    """Sends gratuitous ARP and neighbour advertisements on one packet socket.

    @param mac_of: the MAC address of the interface of that name, empty when it is not
        up or has none.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        mac_of: Callable[[str], bytes],
        opener: Callable[[], Any] = open_packet,
    ) -> None:
        self._reactor = reactor
        self._mac_of = mac_of
        self._opener = opener
        self._port: Any = None
        self._routers: dict[str, tuple[float, bool]] = {}
        self._frames = Frames()
        self._groups: dict[str, GarpGroup] = {}
        self._queues: dict[tuple[str, int], _Queue] = {}
        self._rounds: list[tuple[list[Parcel], int]] = []
        self._next_rounds: IDelayedCall | None = None

    def open(self) -> None:
        """Open the socket."""
        self._port = self._opener()

    def close(self) -> None:
        """Send nothing more."""
        for queue in self._queues.values():
            _cancel(queue.call)
        self._queues.clear()
        self._rounds.clear()
        _cancel(self._next_rounds)
        if self._port is not None:
            self._port.close()
            self._port = None

    def announce(
        self,
        addresses: Sequence[Address],
        repeat: int = 1,
        arp_interval: float = 0.0,
        na_interval: float = 0.0,
    ) -> None:
        """See L{hanode.interfaces.IDataplane.announce}.

        The first round goes out before this returns. The further ones follow L{LATER}:
        other instances may be taking over at the same moment, and their addresses
        come before our repetitions.
        """
        if self._port is None or repeat < 1:
            return
        own = Pace(arp_interval, na_interval)
        parcels = self._parcels(addresses)
        gaps = [self._gap(parcel, own) for parcel in parcels]
        prompt = [each for each, gap in zip(parcels, gaps, strict=True) if not gap]
        self._send(prompt)
        if prompt and repeat > 1:
            self._rounds.append((prompt, repeat - 1))
            if self._next_rounds is None:
                self._next_rounds = self._reactor.callLater(LATER, self._repeat)
        paced = [each for each in zip(parcels, gaps, strict=True) if each[1]]
        for parcel, gap in paced * repeat:
            self._enqueue(parcel, gap)

    def share_pace(self, groups: Sequence[GarpGroup]) -> None:
        """See L{hanode.interfaces.IDataplane.share_pace}."""
        self._groups = {name: each for each in groups for name in each.interfaces}

    def _gap(self, parcel: Parcel, own: Pace) -> float:
        """Seconds after a frame until the next one of its queue."""
        address = parcel[0]
        pace: GarpGroup | Pace = self._groups.get(address.device, own)
        four = address.address.version == 4
        return pace.arp_interval if four else pace.na_interval

    def forget(self, addresses: Sequence[Address]) -> None:
        """These are ours no more: what waits to announce them is not sent."""
        pending = self._queues or self._rounds
        if not addresses or not pending:
            return
        gone = set(addresses)
        self._rounds = [
            ([each for each in parcels if each[0] not in gone], count)
            for parcels, count in self._rounds
        ]
        for queue in self._queues.values():
            queue.parcels = deque(
                each for each in queue.parcels if each[0][0] not in gone
            )

    def _parcels(self, addresses: Sequence[Address]) -> list[Parcel]:
        senders: dict[tuple[str, int], Sender | None] = {}
        parcels = []
        for address in addresses:
            family = address.address.version
            place = (address.device, family)
            if place not in senders:
                senders[place] = self._sender(address.device, family)
            sender = senders[place]
            if sender is not None:
                frame = self._frames.announcement(sender, address.address)
                parcels.append((address, frame))
        return parcels

    def _sender(self, device: str, family: int) -> Sender | None:
        mac = self._mac_of(device)
        if len(mac) != 6:
            self.log.debug("nothing to announce on {device}: down", device=device)
            return None
        return Sender(mac, family == 6 and self._is_router(device))

    def _is_router(self, device: str) -> bool:
        now = self._reactor.seconds()
        until, router = self._routers.get(device, (0.0, False))
        if now >= until:  # hundreds of instances may announce in the same moment
            router = is_forwarding(device)
            self._routers[device] = (now + ROUTER_FOR, router)
        return router

    def _repeat(self) -> None:
        self._next_rounds = None
        rounds, self._rounds = self._rounds, []
        for parcels, repeat in rounds:
            self._send(parcels * repeat)

    def _send(self, parcels: Sequence[Parcel]) -> None:
        sendto = self._port.sendto
        for address, frame in parcels:
            try:
                sendto(frame, (address.device, 0))
            except OSError as error:
                # A full queue or an interface that has just gone: it is repeated.
                self.log.debug(
                    "cannot announce {address}: {error}",
                    address=str(address),
                    error=error,
                )

    def _enqueue(self, parcel: Parcel, interval: float) -> None:
        address = parcel[0]
        group = self._groups.get(address.device)
        shared = address.device if group is None else ",".join(sorted(group.interfaces))
        place = (shared, address.address.version)
        queue = self._queues.setdefault(place, _Queue())
        queue.parcels.append((parcel, interval))
        if queue.call is None:
            self._next(queue)

    def _next(self, queue: _Queue) -> None:
        queue.call = None
        while queue.parcels:
            wait = queue.free - self._reactor.seconds()
            if wait > 0:
                queue.call = self._reactor.callLater(wait, self._next, queue)
                return
            parcel, interval = queue.parcels.popleft()
            queue.free = self._reactor.seconds() + interval
            self._send([parcel])


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
