"""The connected networks of the addresses that are held, kept in the kernel.

With an address the kernel sets a route to its network, and C{ip route flush} takes that
route and leaves the address: nobody on the network can be answered any more. Such a
route is put back as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.config.model import Address
from hanode.config.route_model import IpNetwork
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.losses import BREATH, Losses
from hanode.dataplanes.netlink.message import Buffer
from hanode.dataplanes.netlink.route_message import (
    RTM_DELROUTE,
    Place,
    StoredRoute,
    add_stored,
    dump_routes_request,
    parse_route,
)
from hanode.dataplanes.netlink.socket import Requests, ask
from hanode.dataplanes.wanted import Wanted

RTPROT_KERNEL, UNICAST = 2, 1  # RTN_UNICAST
PROTOCOL = 5  # where its octet is in the message
KNOWN = 256  # routes whose losses are remembered


class Connected:
    """Looks after the routes that the kernel itself set for held addresses."""

    log = Logger()

    def __init__(self, reactor: Any, kernel: Kernel, wanted: Wanted) -> None:
        self._reactor, self._kernel, self._wanted = reactor, kernel, wanted
        self._waiting: list[IDelayedCall] = []
        self._gone: dict[Place, StoredRoute] = {}
        self._losses: dict[Place, Losses] = {}

    def received(self, kind: int, data: Buffer, start: int, end: int) -> None:
        """A message of the kernel; only the removal of a connected route matters."""
        if kind != RTM_DELROUTE or data[start + PROTOCOL] != RTPROT_KERNEL:
            return
        route = parse_route(data, start, end)
        if route.kind == UNICAST and len(route.hops) == 1 and not route.hops[0][1]:
            self._gone[route.place] = route

    def drained(self, requests: Requests) -> None:
        """Put back those whose address is still there."""
        gone, self._gone = self._gone, {}
        if gone:
            self._put_back(gone.values(), requests, again=False)

    def stop(self) -> None:
        """Put nothing back any more."""
        for call in self._waiting:
            if call.active():
                call.cancel()
        self._waiting.clear()

    def _put_back(
        self, gone: Iterable[StoredRoute], requests: Requests, again: bool
    ) -> None:
        """C{again}: their loss has been counted, and the wait for it is over."""
        needed = [route for route in gone if self._is_needed(route)]
        # With an address that was put back its route has come back, too.
        try:
            present = {route.place for route in _present(needed)}
        except OSError as error:
            self.log.error("cannot read routes from the kernel: {error}", error=error)
            return
        missing = [route for route in needed if route.place not in present]
        back = [route for route in missing if again or not self._wait(route, requests)]
        if back:
            adding = [add_stored(route) for route in back]
            requests.send(adding, [(None, True)] * len(adding))

    def _wait(self, route: StoredRoute, requests: Requests) -> bool:
        """Count its loss, and say so; tell whether it is put back later than now."""
        if len(self._losses) > KNOWN:
            self._losses.clear()
        losses = self._losses.setdefault(route.place, Losses(breath=BREATH))
        pause = losses.add(self._reactor.seconds())
        if not losses.pause:
            self._say(route)
        if pause:
            self._waiting = [each for each in self._waiting if each.active()]
            call = self._reactor.callLater(
                pause, self._put_back, [route], requests, again=True
            )
            self._waiting.append(call)
        return bool(pause)

    def _is_needed(self, route: StoredRoute) -> bool:
        """Whether a held address is inside, and what the route came from is there."""
        index = route.hops[0][0]
        link = self._kernel.links.get(index)
        if link is None or not self._kernel.is_up(link.name):
            return False
        network = ip_network((route.place[2], route.place[3]))
        present = self._kernel.addresses.get(index, {})
        if route.source and not any(key[1] == route.source for key in present):
            return False
        return any(
            slot.holders and slot.key in present and _is_inside(slot.address, network)
            for slot in self._wanted.on(link.name)
            if "noprefixroute" not in slot.address.flags
        )

    def _say(self, route: StoredRoute) -> None:
        link = self._kernel.links[route.hops[0][0]]
        self.log.warn(
            "the connected route {network} dev {device} was removed by someone else:"
            " put back",
            network=str(ip_network((route.place[2], route.place[3]))),
            device=link.name,
        )


def _is_inside(address: Address, network: IpNetwork) -> bool:
    """Whether an address needs a network: IPv6 needs that of its links, too."""
    same = address.address.version == network.version
    return same and (address.address in network or network.is_link_local)


def _present(routes: list[StoredRoute]) -> Iterator[StoredRoute]:
    """All routes that the kernel itself has set, of the families of these."""
    for version in {4 if len(route.place[2]) == 4 else 6 for route in routes}:
        for body in ask(dump_routes_request(version, RTPROT_KERNEL)):
            yield parse_route(body, 0, len(body))
