"""Routes, said to the kernel: what L{hanode.dataplanes.kept} needs to know of them."""

from __future__ import annotations

from collections.abc import Iterable

from hanode.config.route_model import KEEPALIVED, Route
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import Buffer
from hanode.dataplanes.netlink.route_message import (
    NLM_F_REPLACE,
    RTM_DELROUTE,
    RTM_NEWROUTE,
    StoredRoute,
    add_route,
    dump_routes_request,
    is_same,
    parse_route,
    place_of,
    remove_route,
    remove_stored,
)
from hanode.dataplanes.netlink.socket import ask


class Routes:
    """The form of routes."""

    noun = "route"
    groups = ()  # they are listened to anyway, see L{hanode.dataplanes.connected}

    def devices(self, record: Route) -> tuple[str, ...]:
        """See L{hanode.dataplanes.form.Form}."""
        return record.devices

    def track(self, record: Route) -> bool:
        """See L{hanode.dataplanes.form.Form}."""
        return record.track

    def add(self, record: Route, kernel: Kernel) -> list[bytes]:
        """See L{hanode.dataplanes.form.Form}.

        Of an IPv6 route with several next hops some may be there still, and the kernel
        refuses the whole then.
        """
        adding = [add_route(record, kernel.indices)]
        if record.version == 6 and len(record.hops) > 1:
            adding.insert(0, remove_route(record, kernel.indices))
        return adding

    def remove(self, record: Route, kernel: Kernel) -> bytes:
        """See L{hanode.dataplanes.form.Form}."""
        return remove_route(record, kernel.indices)

    def remove_stored(self, stored: StoredRoute) -> bytes:
        """See L{hanode.dataplanes.form.Form}."""
        return remove_stored(stored)

    def read(self, records: Iterable[Route]) -> list[StoredRoute]:
        """See L{hanode.dataplanes.form.Form}."""
        kinds = {(record.version, record.protocol) for record in records}
        kinds |= {(version, KEEPALIVED) for version, _ in kinds}
        found = []
        for version, protocol in sorted(kinds):
            for body in ask(dump_routes_request(version, protocol)):
                stored = parse_route(body, 0, len(body))
                if stored.protocol == protocol:
                    found.append(stored)
        return found

    def is_same(self, stored: StoredRoute, record: Route, kernel: Kernel) -> bool:
        """See L{hanode.dataplanes.form.Form}."""
        return is_same(stored, record, kernel.indices)

    def is_alike(self, stored: StoredRoute, record: Route) -> bool:
        """See L{hanode.dataplanes.form.Form}."""
        ours = stored.protocol in (KEEPALIVED, record.protocol)
        return ours and stored.place == place_of(record)

    def concerns(self, kind: int, data: Buffer, start: int, end: int) -> bool:
        """See L{hanode.dataplanes.form.Form}.

        C{ip route replace} is told as a new route with NLM_F_REPLACE in its header.
        """
        if kind == RTM_DELROUTE:
            return True
        flags = int.from_bytes(data[start - 10 : start - 8], "little")
        return kind == RTM_NEWROUTE and bool(flags & NLM_F_REPLACE)
