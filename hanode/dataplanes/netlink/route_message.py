"""Routes as rtnetlink messages (rtnetlink(7), linux/rtnetlink.h, linux/lwtunnel.h).

struct and not pyroute2, for the reason that L{hanode.dataplanes.netlink.message}
gives; pyroute2 is the referee in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from socket import AF_INET, AF_INET6
from struct import Struct
from typing import NamedTuple

from hanode.config.route_model import Encapsulation, Hop, Route
from hanode.dataplanes.netlink.message import (
    NLM_F_CREATE,
    NLM_F_DUMP,
    NLM_F_EXCL,
    NLM_F_REQUEST,
    BadMessage,
    Buffer,
    attribute,
    attributes,
    message,
)

RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
NLM_F_REPLACE, NLM_F_APPEND = 0x100, 0x800

RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC = 1, 2, 4, 5, 6, 7
RTA_METRICS, RTA_MULTIPATH, RTA_FLOW, RTA_TABLE, RTA_VIA = 8, 9, 11, 15, 18
RTA_PREF, RTA_ENCAP_TYPE, RTA_ENCAP, RTA_EXPIRES, RTA_TTL_PROPAGATE = 20, 21, 22, 23, 26
RTNH_F_ONLINK = 4
NLA_F_NESTED = 0x8000
RT_TABLE_COMPAT = 252  # where the number does not fit the octet
IP6_PRIORITY = 1024  # what the kernel gives an IPv6 route without a metric

KINDS = {
    "unicast": 1,
    "local": 2,
    "broadcast": 3,
    "anycast": 4,
    "multicast": 5,
    "blackhole": 6,
    "unreachable": 7,
    "prohibit": 8,
    "throw": 9,
    "nat": 10,
    "xresolve": 11,
}
_HOPLESS = frozenset({6, 7, 8, 9})  # they lead nowhere
METRICS = {
    "mtu": 2,
    "window": 3,
    "rtt": 4,
    "rttvar": 5,
    "ssthresh": 6,
    "cwnd": 7,
    "advmss": 8,
    "reordering": 9,
    "hoplimit": 10,
    "initcwnd": 11,
    "features": 12,
    "rto_min": 13,
    "initrwnd": 14,
    "quickack": 15,
    "congctl": 16,
    "fastopen_no_cookie": 17,
}
_LOCK = 1  # RTAX_LOCK
_PLACES = {"prepend": 0, "append": NLM_F_APPEND, "add": NLM_F_EXCL}
_ENCAPSULATIONS = {"ip": 2, "ip6": 4}  # LWTUNNEL_ENCAP_*

_ROUTE = Struct("=BBBBBBBBI")
_HOP = Struct("=HBBi")  # length, flags, weight - 1, interface index
_NUMBER = Struct("=I")
_FAMILIES = {4: AF_INET, 6: AF_INET6}

Indices = Mapping[str, int]
#: index (0: any), gateway, weight
StoredHop = tuple[int, bytes, int]
Place = tuple[int, int, bytes, int, bytes, int, int, int]


class StoredRoute(NamedTuple):
    """A route as the kernel has it, without what only TCP cares about.

    C{place} is where it stands: family, table, destination and its length, source
    network and its length, TOS, priority. Of several routes in one place the first
    one is used.
    """

    place: Place
    kind: int
    protocol: int
    scope: int
    source: bytes
    hops: tuple[StoredHop, ...]


def place_of(route: Route) -> Place:
    """Where C{route} stands among all routes."""
    six = route.version == 6
    source = route.source_network
    return (
        _FAMILIES[route.version],
        route.table,
        _network(route.destination.network_address.packed, route.destination.prefixlen),
        route.destination.prefixlen,
        b"" if source is None else source.network_address.packed,
        0 if source is None else source.prefixlen,
        0 if six else route.tos,
        route.metric or (IP6_PRIORITY if six else 0),
    )


def is_same(stored: StoredRoute, route: Route, indices: Indices) -> bool:
    """Whether C{stored} is what the kernel makes of C{route}.

    An interface that the route does not name may be any.
    """
    if stored.place != place_of(route) or stored.protocol != route.protocol:
        return False
    if stored.kind != KINDS[route.kind]:
        return False
    source = b"" if route.source is None else route.source.packed
    if stored.source != source or (route.version == 4 and stored.scope != route.scope):
        return False
    if stored.kind in _HOPLESS:
        return True
    wanted = sorted(_stored_hop(hop, indices, len(route.hops)) for hop in route.hops)
    if len(wanted) != len(stored.hops):
        return False
    there = sorted((gateway, weight, index) for index, gateway, weight in stored.hops)
    return all(
        (gateway, weight) == theirs[:2] and index in (0, theirs[2])
        for (gateway, weight, index), theirs in zip(wanted, there, strict=True)
    )


def add_route(route: Route, indices: Indices) -> bytes:
    """RTM_NEWROUTE for C{route}; C{indices} has every interface that it names."""
    flags = NLM_F_REQUEST | NLM_F_CREATE | _PLACES[route.place]
    return message(RTM_NEWROUTE, flags, _body(route, indices))


def remove_route(route: Route, indices: Indices) -> bytes:
    """RTM_DELROUTE for C{route}, and for no other one in its place."""
    return message(RTM_DELROUTE, NLM_F_REQUEST, _body(route, indices))


def remove_stored(stored: StoredRoute) -> bytes:
    """RTM_DELROUTE for a route as the kernel has it."""
    return message(RTM_DELROUTE, NLM_F_REQUEST, _stored_body(stored))


def add_stored(stored: StoredRoute) -> bytes:
    """RTM_NEWROUTE for a route as the kernel had it."""
    flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_APPEND
    return message(RTM_NEWROUTE, flags, _stored_body(stored))


def _stored_body(stored: StoredRoute) -> bytes:
    family, table, network, length, source, source_length, tos, priority = stored.place
    fixed = _ROUTE.pack(
        family,
        length,
        source_length,
        tos,
        table if table < 256 else RT_TABLE_COMPAT,
        stored.protocol,
        stored.scope,
        stored.kind,
        0,
    )
    parts = [attribute(RTA_TABLE, _NUMBER.pack(table))]
    parts += [attribute(RTA_DST, network)] if length else []
    parts += [attribute(RTA_SRC, source)] if source_length else []
    parts += [attribute(RTA_PRIORITY, _NUMBER.pack(priority))] if priority else []
    parts += [attribute(RTA_PREFSRC, stored.source)] if stored.source else []
    if len(stored.hops) == 1 and stored.kind not in _HOPLESS:
        index, gateway, _ = stored.hops[0]
        parts.append(attribute(RTA_OIF, _NUMBER.pack(index)))
        parts += [_gateway(gateway, family)] if gateway else []
    elif stored.kind not in _HOPLESS:
        hops = b"".join(_raw_hop(hop, family) for hop in stored.hops)
        parts += [attribute(RTA_MULTIPATH, hops)] if hops else []
    return fixed + b"".join(parts)


def dump_routes_request(version: int, protocol: int) -> bytes:
    """Ask for the routes of one family and protocol.

    A kernel before 4.20 gives those of all protocols.
    """
    fixed = _ROUTE.pack(_FAMILIES[version], 0, 0, 0, 0, protocol, 0, 0, 0)
    return message(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, fixed)


def parse_route(data: Buffer, start: int, end: int) -> StoredRoute:
    """Read the body of RTM_NEWROUTE or RTM_DELROUTE. Raises L{BadMessage}."""
    if end - start < _ROUTE.size:
        raise BadMessage(f"route message of {end - start} bytes")
    unpacked = _ROUTE.unpack_from(data, start)
    family, length, source_length, tos, table, protocol, scope, kind, _ = unpacked
    found = attributes(data, start + _ROUTE.size, end)

    def raw(kind: int) -> bytes:
        begin, stop = found.get(kind, (0, 0))
        return bytes(data[begin:stop])

    def number(kind: int, default: int) -> int:
        value = raw(kind)
        return default if len(value) != 4 else int(_NUMBER.unpack(value)[0])

    size = 16 if family == AF_INET6 else 4
    place = (
        family,
        number(RTA_TABLE, table),
        raw(RTA_DST) or bytes(size),
        length,
        raw(RTA_SRC),
        source_length,
        tos,
        number(RTA_PRIORITY, 0),
    )
    hops: tuple[StoredHop, ...] = ()
    if RTA_MULTIPATH in found:
        hops = tuple(_parse_hops(data, *found[RTA_MULTIPATH]))
    elif RTA_OIF in found:
        gateway = raw(RTA_GATEWAY) or raw(RTA_VIA)[2:]
        hops = ((number(RTA_OIF, 0), gateway, 1),)
    source = raw(RTA_PREFSRC)
    return StoredRoute(place, kind, protocol, scope, source, hops)


def _parse_hops(data: Buffer, start: int, end: int) -> list[StoredHop]:
    hops = []
    while start + _HOP.size <= end:
        length, _, weight, index = _HOP.unpack_from(data, start)
        if length < _HOP.size or start + length > end:
            raise BadMessage(f"next hop of {length} bytes in {end - start}")
        found = attributes(data, start + _HOP.size, start + length)
        begin, stop = found.get(RTA_GATEWAY, (0, 0))
        if RTA_VIA in found:
            begin, stop = found[RTA_VIA][0] + 2, found[RTA_VIA][1]
        hops.append((index, bytes(data[begin:stop]), weight + 1))
        start += length + 3 & ~3
    return hops


def _body(route: Route, indices: Indices) -> bytes:
    source = route.source_network
    alone = route.hops[0] if len(route.hops) == 1 else None
    fixed = _ROUTE.pack(
        _FAMILIES[route.version],
        route.destination.prefixlen,
        0 if source is None else source.prefixlen,
        route.tos,
        route.table if route.table < 256 else RT_TABLE_COMPAT,
        route.protocol,
        route.scope,
        KINDS[route.kind],
        RTNH_F_ONLINK if alone is not None and alone.onlink else 0,
    )
    return fixed + b"".join((*_attributes(route), *_hops(route, indices)))


def _attributes(route: Route) -> Iterator[bytes]:
    source = route.source_network
    yield attribute(RTA_TABLE, _NUMBER.pack(route.table))
    if route.destination.prefixlen:
        yield attribute(RTA_DST, route.destination.network_address.packed)
    if source is not None and source.prefixlen:
        yield attribute(RTA_SRC, source.network_address.packed)
    if route.metric:
        yield attribute(RTA_PRIORITY, _NUMBER.pack(route.metric))
    if route.source is not None:
        yield attribute(RTA_PREFSRC, route.source.packed)
    if route.metrics:
        yield attribute(RTA_METRICS | NLA_F_NESTED, _metrics(route))
    if route.preference is not None:
        yield attribute(RTA_PREF, bytes((route.preference,)))
    if route.expires is not None:
        yield attribute(RTA_EXPIRES, _NUMBER.pack(route.expires))
    if route.ttl_propagate is not None:
        yield attribute(RTA_TTL_PROPAGATE, bytes((route.ttl_propagate,)))


def _hops(route: Route, indices: Indices) -> list[bytes]:
    family = _FAMILIES[route.version]
    if not route.hops:
        return []
    if len(route.hops) == 1:
        return _single(route.hops[0], family, indices)
    hops = b"".join(_one_of_many(hop, family, indices) for hop in route.hops)
    return [attribute(RTA_MULTIPATH, hops)]


def _single(hop: Hop, family: int, indices: Indices) -> list[bytes]:
    parts = []
    if hop.gateway is not None:
        parts.append(_gateway(hop.gateway.packed, family))
    if hop.device:
        parts.append(attribute(RTA_OIF, _NUMBER.pack(indices[hop.device])))
    if hop.realm:
        parts.append(attribute(RTA_FLOW, _NUMBER.pack(hop.realm)))
    return parts + _encapsulation(hop.encapsulation)


def _one_of_many(hop: Hop, family: int, indices: Indices) -> bytes:
    parts = b""
    if hop.gateway is not None:
        parts += _gateway(hop.gateway.packed, family)
    if hop.realm:
        parts += attribute(RTA_FLOW, _NUMBER.pack(hop.realm))
    parts += b"".join(_encapsulation(hop.encapsulation))
    flags = RTNH_F_ONLINK if hop.onlink else 0
    index = indices[hop.device] if hop.device else 0
    return _HOP.pack(_HOP.size + len(parts), flags, hop.weight - 1, index) + parts


def _raw_hop(hop: StoredHop, family: int) -> bytes:
    index, gateway, weight = hop
    parts = _gateway(gateway, family) if gateway else b""
    return _HOP.pack(_HOP.size + len(parts), 0, weight - 1, index) + parts


def _gateway(packed: bytes, family: int) -> bytes:
    """The gateway; RTA_VIA where it is of the other family (RFC 5549)."""
    own = AF_INET if len(packed) == 4 else AF_INET6
    if own == family:
        return attribute(RTA_GATEWAY, packed)
    return attribute(RTA_VIA, own.to_bytes(2, "little") + packed)


def _metrics(route: Route) -> bytes:
    parts = []
    locked = sum(1 << METRICS[word] for word in route.locked)
    if locked:
        parts.append(attribute(_LOCK, _NUMBER.pack(locked)))
    for word, value in route.metrics:
        if isinstance(value, str):
            parts.append(attribute(METRICS[word], value.encode() + b"\0"))
        else:
            parts.append(attribute(METRICS[word], _NUMBER.pack(value)))
    return b"".join(parts)


def _encapsulation(wanted: Encapsulation | None) -> list[bytes]:
    """LWTUNNEL_IP_* and LWTUNNEL_IP6_*: the numbers are the same for both."""
    if wanted is None:
        return []
    parts: list[bytes] = []
    if wanted.identifier is not None:
        parts.append(attribute(1, wanted.identifier.to_bytes(8, "big")))
    for number, address in ((2, wanted.destination), (3, wanted.source)):
        if address is not None:
            parts.append(attribute(number, address.packed))
    for number, octet in ((4, wanted.ttl), (5, wanted.tos)):
        if octet is not None:
            parts.append(attribute(number, bytes((octet,))))
    if wanted.flags is not None:
        parts.append(attribute(6, wanted.flags.to_bytes(2, "big")))
    kind = _ENCAPSULATIONS[wanted.kind].to_bytes(2, "little")
    return [
        attribute(RTA_ENCAP_TYPE, kind),
        attribute(RTA_ENCAP | NLA_F_NESTED, b"".join(parts)),
    ]


def _stored_hop(hop: Hop, indices: Indices, count: int) -> tuple[bytes, int, int]:
    gateway = b"" if hop.gateway is None else hop.gateway.packed
    index = indices.get(hop.device, -1) if hop.device else 0
    return gateway, hop.weight if count > 1 else 1, index


def _network(packed: bytes, length: int) -> bytes:
    return packed if length else bytes(len(packed))
