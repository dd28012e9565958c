"""What nftables counts, as the usage of services and real servers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from hanode.config.scalars import IpAddress
from hanode.dataplanes.nftables_conntrack import Counts
from hanode.dataplanes.nftables_rules import destination_name, name_of
from hanode.lvs import Service, Table, Usage, Usages

#: packets and bytes of each counter
Counters = Mapping[str, tuple[int, int]]
Key = tuple[IpAddress, int]
_NONE = (0, 0)
_COUNTER = re.compile(r'counter "?([^"\s]+)"? \{\s+packets (\d+) bytes (\d+)')
#: seconds between two looks before rates are worked out anew
SHORTEST = 1.0


def read_counters(text: str) -> dict[str, tuple[int, int]]:
    """What C{nft list counters} says."""
    return {
        name: (int(packets), int(size))
        for name, packets, size in _COUNTER.findall(text)
    }


class Meter:
    """Usages with rates, which are means of the time since the last look.

    The packets of a service are the sum of those of its present real servers.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, Usage]] = {}

    def read(
        self, table: Table, counters: Counters, counts: Counts, now: float
    ) -> Usages:
        """The usages of C{table} at C{now} seconds."""
        before, self._last = self._last, {}
        return {
            identity: self._service(service, counters, counts, now, before)
            for identity, service in table.items()
        }

    def _service(
        self,
        service: Service,
        counters: Counters,
        counts: Counts,
        now: float,
        before: dict[str, tuple[float, Usage]],
    ) -> tuple[Usage, dict[Key, Usage]]:
        identity = service.identity
        parts: dict[Key, Usage] = {}
        for each in service.destinations:
            name = destination_name(identity, each)
            usage = _usage(name, counters, counts.get((identity, each.key), _NONE))
            parts[each.key] = self._rated(name, usage, now, before)
        whole = Usage(
            connections=counters.get(name_of(identity), _NONE)[0],
            packets_in=sum(each.packets_in for each in parts.values()),
            packets_out=sum(each.packets_out for each in parts.values()),
            bytes_in=sum(each.bytes_in for each in parts.values()),
            bytes_out=sum(each.bytes_out for each in parts.values()),
        )
        return self._rated(name_of(identity), whole, now, before), parts

    def _rated(
        self,
        name: str,
        usage: Usage,
        now: float,
        before: dict[str, tuple[float, Usage]],
    ) -> Usage:
        then, last = before.get(name, (now, usage))
        seconds = now - then
        if seconds < SHORTEST:
            # Asked twice in a moment: the rates of the last look still hold.
            self._last[name] = (then, last)
            return replace(
                usage,
                connection_rate=last.connection_rate,
                byte_rate_in=last.byte_rate_in,
                byte_rate_out=last.byte_rate_out,
            )
        rated = replace(
            usage,
            connection_rate=_rate(usage.connections, last.connections, seconds),
            byte_rate_in=_rate(usage.bytes_in, last.bytes_in, seconds),
            byte_rate_out=_rate(usage.bytes_out, last.bytes_out, seconds),
        )
        self._last[name] = (now, rated)
        return rated


def _usage(name: str, counters: Counters, connections: tuple[int, int]) -> Usage:
    arriving = counters.get(f"{name}/in", _NONE)
    leaving = counters.get(f"{name}/out", _NONE)
    return Usage(
        connections=counters.get(name, _NONE)[0],
        packets_in=arriving[0],
        packets_out=leaving[0],
        bytes_in=arriving[1],
        bytes_out=leaving[1],
        active=connections[0],
        inactive=connections[1],
    )


def _rate(now: int, then: int, seconds: float) -> int:
    return max(0, round((now - then) / seconds))  # below 0: the counters began anew
