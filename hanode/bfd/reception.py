"""The UDP ports that BFD listens on, opened as sessions come and closed as they go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from hanode.bfd.packet import CONTROL_PORT, MULTIHOP_PORT, YOUR_DISCRIMINATOR
from hanode.config.bfd_model import SINGLE_HOP_TTL, BfdRoute
from hanode.interfaces import Datagram, INetwork, IUdpListener

REOPEN = 1.0  # seconds until a port that could not be opened is tried again


@dataclass(frozen=True)
class Entrance:
    """What sessions have in common that share a port."""

    family: int
    device: str
    multihop: bool = False

    @classmethod
    def of(cls, route: BfdRoute) -> Entrance:
        """The entrance for the packets of C{route}."""
        return cls(route.neighbour.version, route.device, route.multihop)

    @property
    def unbound(self) -> Entrance:
        """The same port, bound to no interface."""
        return replace(self, device="")

    def leads_to(self, route: BfdRoute) -> bool:
        """Whether packets of C{route} may come in here.

        Where a port is open for an interface, it gets that interface's packets of
        the sessions that are bound to none, too.
        """
        return Entrance.of(route) in (self, self.unbound)


@dataclass
class _Port:
    """An entrance that somebody wants, open or not yet."""

    users: dict[object, int] = field(default_factory=dict)  # with their least TTL
    listener: IUdpListener | None = None
    problem: str = ""


class Reception:
    """All open ports of one node.

    @param known: called with a list of the bytes of packets for sessions.
    @param stranger: called with an L{Entrance} and a L{Datagram}: packets that name
        no session, and all those of multihop entrances.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        network: INetwork,
        known: Callable[[list[bytes]], object],
        stranger: Callable[[Entrance, Datagram], object],
    ) -> None:
        self._clock, self._network = clock, network
        self._known, self._stranger = known, stranger
        self._ports: dict[Entrance, _Port] = {}
        self._resting = False
        self._retry: IDelayedCall | None = None

    def join(self, entrance: Entrance, user: object, least_ttl: int) -> None:
        """C{user} expects packets there, with at least this TTL."""
        port = self._ports.setdefault(entrance, _Port())
        port.users[user] = least_ttl
        if port.listener is None:
            self._open(entrance, port)
        self._filter(entrance)

    def leave(self, entrance: Entrance, user: object) -> None:
        """C{user} expects nothing any more; the last one closes the port."""
        port = self._ports.get(entrance)
        if port is None or user not in port.users:
            return
        del port.users[user]
        if not port.users:
            del self._ports[entrance]
            self._close(port)
        self._filter(entrance)

    def drain(self) -> None:
        """Read everything that waits.

        A port is asked three times at most, so that a flood cannot keep us. For packets
        that name a session that is more than the buffer holds: what arrived before
        we began has been read. Of others a part may be left for the next turn.
        """
        for port in tuple(self._ports.values()):
            for _ in range(3):
                if port.listener is None or port.listener.drain():
                    break

    def rest(self, resting: bool) -> None:
        """While C{resting} the reactor is not woken by packets: L{drain} reads them."""
        if resting != self._resting:
            self._resting = resting
            for port in self._ports.values():
                if port.listener is not None:
                    port.listener.rest(resting)

    def reopen(self, device: str) -> None:
        """The interface C{device} is another one now: bind to that."""
        for entrance, port in self._ports.items():
            if entrance.device == device:
                self._close(port)
                self._open(entrance, port)

    def close(self) -> None:
        """Close everything."""
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        for port in self._ports.values():
            self._close(port)
        self._ports.clear()

    def _open(self, entrance: Entrance, port: _Port) -> None:
        def stranger(datagram: Datagram) -> None:
            self._stranger(entrance, datagram)

        try:
            port.listener = self._network.listen(
                MULTIHOP_PORT if entrance.multihop else CONTROL_PORT,
                entrance.family,
                entrance.device,
                self._known,
                stranger,
                mark=-1 if entrance.multihop else YOUR_DISCRIMINATOR,
                ttl=self._least_ttl(entrance),
            )
        except OSError as problem:
            self._cannot_open(port, problem)
            return
        port.problem = ""
        port.listener.rest(self._resting)

    def _least_ttl(self, entrance: Entrance) -> int:
        """What those who expect packets there need, sessions bound to none included."""
        ports = (self._ports.get(entrance), self._ports.get(entrance.unbound))
        needs = [ttl for port in ports if port for ttl in port.users.values()]
        return min(needs, default=SINGLE_HOP_TTL)

    def _filter(self, changed: Entrance) -> None:
        """Tell the kernel what is to be dropped now that C{changed} has other users."""
        for entrance, port in self._ports.items():
            if changed in (entrance, entrance.unbound) and port.listener is not None:
                port.listener.least_ttl(self._least_ttl(entrance))

    def _cannot_open(self, port: _Port, problem: OSError) -> None:
        text = str(problem)
        if text != port.problem:
            port.problem = text
            self.log.error("cannot listen for BFD: {problem}", problem=problem)
        if self._retry is None or not self._retry.active():
            self._retry = self._clock.callLater(REOPEN, self._open_rest)

    def _open_rest(self) -> None:
        for entrance, port in tuple(self._ports.items()):
            if port.listener is None:
                self._open(entrance, port)

    def _close(self, port: _Port) -> None:
        if port.listener is not None:
            port.listener.close()
            port.listener = None
