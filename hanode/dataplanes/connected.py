"""The connected networks of the addresses that are held, kept in the kernel.

With an address the kernel sets a route to its network, and C{ip route flush} takes that
route and leaves the address: nobody on the network can be answered any more. Such a
route is put back as it was.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

from twisted.logger import Logger

from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.losses import Losses
from hanode.dataplanes.netlink.message import Buffer, Key
from hanode.dataplanes.netlink.route_message import (
    RTM_DELROUTE,
    RTM_NEWROUTE,
    Place,
    StoredRoute,
    add_stored,
    parse_route,
)
from hanode.dataplanes.netlink.socket import Requests
from hanode.dataplanes.wanted import Wanted

RTPROT_KERNEL = 2
PROTOCOL = 5  # where its octet is in the message
KNOWN = 256  # routes whose losses are remembered


class Connected:
    """Looks after the routes that the kernel itself set for held addresses."""

    log = Logger()

    def __init__(self, reactor: Any, kernel: Kernel, wanted: Wanted) -> None:
        self._reactor, self._kernel, self._wanted = reactor, kernel, wanted
        self._taken: set[tuple[int, bytes]] = set()
        self._gone: dict[Place, StoredRoute] = {}
        self._losses: dict[Place, Losses] = {}

    def received(self, kind: int, data: Buffer, start: int, end: int) -> None:
        """A message of the kernel; only what happens to connected routes matters."""
        if kind not in (RTM_DELROUTE, RTM_NEWROUTE):
            return
        if data[start + PROTOCOL] != RTPROT_KERNEL:
            return
        route = parse_route(data, start, end)
        if kind == RTM_NEWROUTE:
            self._gone.pop(route.place, None)
        elif len(route.hops) == 1 and not route.hops[0][1]:
            self._gone[route.place] = route

    def removed(self, key: Key) -> None:
        """An address was removed, and its routes with it: the kernel is right."""
        self._taken.add((key[0], key[1]))

    def drained(self, requests: Requests) -> None:
        """Put back those whose address is still there."""
        gone, self._gone = self._gone, {}
        taken, self._taken = self._taken, set()
        back = [route for route in gone.values() if self._is_needed(route, taken)]
        for route in back:
            self._say(route)
        if back:
            adding = [add_stored(route) for route in back]
            requests.send(adding, [(None, True)] * len(adding))

    def _is_needed(self, route: StoredRoute, taken: set[tuple[int, bytes]]) -> bool:
        """Whether a held address is inside, and what the route came from is there."""
        index = route.hops[0][0]
        link = self._kernel.links.get(index)
        if link is None or not self._kernel.is_up(link.name):
            return False
        network = ip_network((route.place[2], route.place[3]))
        present = self._kernel.addresses.get(index, {})
        if route.source and not any(key[1] == route.source for key in present):
            return False
        if any(at == index and ip_address(each) in network for at, each in taken):
            return False
        held = any(
            slot.holders and slot.key in present and slot.address.address in network
            for slot in self._wanted.on(link.name)
            if "noprefixroute" not in slot.address.flags
        )
        return held and self._is_patient(route.place)

    def _is_patient(self, place: Place) -> bool:
        """Whether it is not taken that often that we had better stop."""
        if len(self._losses) > KNOWN:
            self._losses.clear()
        losses = self._losses.setdefault(place, Losses())
        return not losses.add(self._reactor.seconds())

    def _say(self, route: StoredRoute) -> None:
        link = self._kernel.links[route.hops[0][0]]
        self.log.warn(
            "the connected route {network} dev {device} was removed by someone else:"
            " put back",
            network=str(ip_network((route.place[2], route.place[3]))),
            device=link.name,
        )
