"""Tells the neighbours where an address is now, at the pace that was asked for."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from hanode.config.model import Address
from hanode.dataplanes.frames import Frames, Sender
from hanode.dataplanes.sysctl import is_forwarding
from hanode.link import Link

Parcel = tuple[Address, bytes]


@dataclass
class _Queue:
    """The frames of one interface and family that go out one by one."""

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

    scapy, which builds them, is imported in a thread once the reactor runs; what is to
    be announced before that is done, is announced then.

    @param link_of: the present L{Link} of an interface name, or None.
    @param load: returns a Deferred of a L{Frames}.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        link_of: Callable[[str], Link | None],
        load: Callable[[Any], Deferred[Frames]] | None = None,
        opener: Callable[[], Any] = open_packet,
    ) -> None:
        self._reactor = reactor
        self._link_of = link_of
        self._load = load or load_in_thread
        self._opener = opener
        self._port: Any = None
        self._frames: Frames | None = None
        self._early: list[tuple[list[Address], int, float, float]] = []
        self._queues: dict[tuple[str, int], _Queue] = {}
        self._rounds: list[IDelayedCall] = []

    def open(self) -> None:
        """Open the socket and begin to load what builds frames."""
        self._port = self._opener()
        self._load(self._reactor).addCallbacks(self._loaded, self._not_loaded)

    def close(self) -> None:
        """Send nothing more."""
        self._early.clear()
        for queue in self._queues.values():
            _cancel(queue.call)
        self._queues.clear()
        for call in self._rounds:
            _cancel(call)
        self._rounds.clear()
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

        The first round goes out before this returns. The further ones wait until the
        reactor has done what else is due: another instance may be taking over at the
        same moment, and its addresses come before our repetitions.
        """
        if self._port is None or repeat < 1:
            return
        if self._frames is None:
            self._early.append((list(addresses), repeat, arp_interval, na_interval))
            return
        intervals = {4: arp_interval, 6: na_interval}
        parcels = self._parcels(self._frames, addresses)
        prompt = [each for each in parcels if not intervals[each[0].address.version]]
        self._send(prompt)
        if prompt and repeat > 1:
            call = self._reactor.callLater(0, self._repeat, prompt, repeat - 1)
            self._rounds = [each for each in self._rounds if each.active()] + [call]
        paced = [each for each in parcels if intervals[each[0].address.version]]
        for parcel in paced * repeat:
            self._enqueue(parcel, intervals[parcel[0].address.version])

    def forget(self, addresses: Sequence[Address]) -> None:
        """These are ours no more: what waits to announce them is not sent."""
        if not self._early and not self._queues:
            return
        gone = set(addresses)
        for waiting in self._early:
            waiting[0][:] = [each for each in waiting[0] if each not in gone]
        for queue in self._queues.values():
            queue.parcels = deque(
                each for each in queue.parcels if each[0][0] not in gone
            )

    def _loaded(self, frames: Frames) -> None:
        self._frames = frames
        early, self._early = self._early, []
        for addresses, repeat, arp_interval, na_interval in early:
            self.announce(addresses, repeat, arp_interval, na_interval)

    def _not_loaded(self, failure: Failure) -> None:
        self.log.error(
            "cannot announce addresses to the neighbours: {reason}",
            reason=failure.getErrorMessage(),
        )
        self.close()

    def _parcels(self, frames: Frames, addresses: Sequence[Address]) -> list[Parcel]:
        senders: dict[tuple[str, int], Sender | None] = {}
        parcels = []
        for address in addresses:
            family = address.address.version
            place = (address.device, family)
            if place not in senders:
                senders[place] = self._sender(address.device, family)
            sender = senders[place]
            if sender is not None:
                parcels.append((address, frames.announcement(sender, address.address)))
        return parcels

    def _sender(self, device: str, family: int) -> Sender | None:
        link = self._link_of(device)
        if link is None or not link.up or len(link.mac) != 6:
            self.log.debug("nothing to announce on {device}: down", device=device)
            return None
        return Sender(link.mac, family == 6 and is_forwarding(device))

    def _repeat(self, parcels: list[Parcel], repeat: int) -> None:
        for _ in range(repeat):
            self._send(parcels)

    def _send(self, parcels: Sequence[Parcel]) -> None:
        sendto = self._port.sendto
        for address, frame in parcels:
            try:
                sendto(frame, (address.device, 0))
            except OSError as error:
                # A full queue or an interface that has just gone: it is repeated.
                self.log.debug(
                    "cannot announce {address}: {error}", address=address, error=error
                )

    def _enqueue(self, parcel: Parcel, interval: float) -> None:
        place = (parcel[0].device, parcel[0].address.version)
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


def load_in_thread(reactor: Any) -> Deferred[Frames]:
    """Make a L{Frames} without holding up the reactor."""
    loading: Deferred[Frames] = Deferred()

    def begin() -> None:
        made = deferToThreadPool(reactor, reactor.getThreadPool(), Frames)
        made.chainDeferred(loading)

    reactor.callWhenRunning(begin)
    return loading


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
