"""IPVS over generic netlink as bytes: services, destinations, daemons, counters.

Numbers and layouts are from linux/ip_vs.h. Addresses, ports and IPv4 netmasks are in
network order, an IPv6 "netmask" is a prefix length, all other numbers are in the
order of the machine. pyroute2 is the referee in the tests where it reads rightly.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP
from struct import Struct
from sys import byteorder

from hanode.config.scalars import IpAddress
from hanode.dataplanes.netlink.generic import GENERIC
from hanode.dataplanes.netlink.message import BadMessage, attribute, attributes
from hanode.lvs import (
    Destination,
    Endpoint,
    Fwmark,
    Identity,
    Method,
    Service,
    SyncDaemon,
    Timeouts,
    Usage,
)

FAMILY = "IPVS"
NEW_SERVICE, SET_SERVICE, DEL_SERVICE, GET_SERVICE = 1, 2, 3, 4
NEW_DEST, SET_DEST, DEL_DEST, GET_DEST = 5, 6, 7, 8
NEW_DAEMON, DEL_DAEMON, GET_DAEMON = 9, 10, 11
SET_CONFIG = 12
GET_INFO, FLUSH = 15, 17

NESTED = 0x8000  # NLA_F_NESTED
_SERVICE, _DEST, _DAEMON = 1 | NESTED, 2 | NESTED, 3 | NESTED
_TIMEOUT_TCP, _TIMEOUT_TCP_FIN, _TIMEOUT_UDP = 4, 5, 6

_SVC_AF, _SVC_PROTOCOL, _SVC_ADDR, _SVC_PORT, _SVC_FWMARK = 1, 2, 3, 4, 5
_SVC_SCHED, _SVC_FLAGS, _SVC_TIMEOUT, _SVC_NETMASK = 6, 7, 8, 9
_SVC_STATS, _SVC_PE, _SVC_STATS64 = 10, 11, 12

_DEST_ADDR, _DEST_PORT, _DEST_FWD, _DEST_WEIGHT = 1, 2, 3, 4
_DEST_UPPER, _DEST_LOWER, _DEST_ACTIVE, _DEST_INACTIVE = 5, 6, 7, 8
_DEST_STATS, _DEST_AF, _DEST_STATS64 = 10, 11, 12
_DEST_TUN_TYPE, _DEST_TUN_PORT, _DEST_TUN_FLAGS = 13, 14, 15

_DAEMON_STATE, _DAEMON_IFN, _DAEMON_ID, _DAEMON_MAXLEN = 1, 2, 3, 4
_DAEMON_GROUP, _DAEMON_GROUP6, _DAEMON_PORT, _DAEMON_TTL = 5, 6, 7, 8

PERSISTENT, ONE_PACKET = 0x1, 0x4
FLAGS = {"flag-1": 0x8, "flag-2": 0x10, "flag-3": 0x20}
SETTABLE = PERSISTENT | ONE_PACKET | sum(FLAGS.values())

FAMILIES = {4: AF_INET, 6: AF_INET6}
PROTOCOLS = {"TCP": IPPROTO_TCP, "UDP": IPPROTO_UDP, "SCTP": IPPROTO_SCTP}
PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}
METHODS = {"NAT": 0, "LOCAL": 1, "TUN": 2, "DR": 3, "BYPASS": 4}
METHOD_NAMES = {number: name for name, number in METHODS.items()}
METHOD_MASK = 0x7
TUNNELS = {"ipip": 0, "gue": 1, "gre": 2}
TUNNEL_NAMES = {number: name for name, number in TUNNELS.items()}
CHECKSUMS = {"nocsum": 0, "csum": 1, "remcsum": 2}
CHECKSUM_NAMES = {number: name for name, number in CHECKSUMS.items()}
STATES = {"master": 1, "backup": 2}
STATE_NAMES = {number: name for name, number in STATES.items()}

_BYTE, _SHORT, _NUMBER = Struct("=B"), Struct("=H"), Struct("=I")
_PORT, _TWO = Struct("!H"), Struct("=II")

Found = dict[int, tuple[int, int]]


# -- what we ask


def service_key(identity: Identity) -> bytes:
    """The part of a request that names the service."""
    return attribute(_SERVICE, _identity(identity))


def service_body(service: Service) -> bytes:
    """NEW_SERVICE and SET_SERVICE: the service with all its settings."""
    flags = sum(FLAGS[each] for each in service.flags if each in FLAGS)
    flags |= PERSISTENT if service.persistence else 0
    flags |= ONE_PACKET if service.one_packet else 0
    fields = (
        _identity(service.identity)
        + attribute(_SVC_SCHED, service.scheduler.encode() + b"\0")
        + attribute(_SVC_FLAGS, _TWO.pack(flags, SETTABLE))
        + attribute(_SVC_TIMEOUT, _NUMBER.pack(service.persistence))
        + attribute(_SVC_NETMASK, _netmask(service))
    )
    if service.engine:
        fields += attribute(_SVC_PE, service.engine.encode() + b"\0")
    return attribute(_SERVICE, fields)


def destination_key(service: bytes, destination: Destination) -> bytes:
    """DEL_DEST: C{service} is what L{service_key} gave."""
    return service + attribute(_DEST, _place(destination))


def destination_body(service: bytes, destination: Destination) -> bytes:
    """NEW_DEST and SET_DEST: C{service} is what L{service_key} gave."""
    method, pack = destination.method, _NUMBER.pack
    fields = (
        _place(destination)
        + attribute(_DEST_FWD, pack(METHODS[method.kind]))
        + attribute(_DEST_WEIGHT, pack(destination.weight))
        + attribute(_DEST_UPPER, pack(destination.upper))
        + attribute(_DEST_LOWER, pack(destination.lower))
    )
    if method.kind == "TUN":
        fields += (
            attribute(_DEST_TUN_TYPE, _BYTE.pack(TUNNELS[method.tunnel]))
            + attribute(_DEST_TUN_PORT, _PORT.pack(method.port))
            + attribute(_DEST_TUN_FLAGS, _SHORT.pack(CHECKSUMS[method.checksum]))
        )
    return service + attribute(_DEST, fields)


def daemon_body(daemon: SyncDaemon) -> bytes:
    """NEW_DAEMON and DEL_DAEMON; what is 0 or None is left to the kernel."""
    fields = (
        attribute(_DAEMON_STATE, _NUMBER.pack(STATES[daemon.state]))
        + attribute(_DAEMON_IFN, daemon.interface.encode() + b"\0")
        + attribute(_DAEMON_ID, _NUMBER.pack(daemon.sync_id))
    )
    if daemon.size:
        fields += attribute(_DAEMON_MAXLEN, _SHORT.pack(daemon.size))
    if daemon.group is not None:
        ipv4 = daemon.group.version == 4
        kind = _DAEMON_GROUP if ipv4 else _DAEMON_GROUP6
        fields += attribute(kind, daemon.group.packed)
    if daemon.port:
        fields += attribute(_DAEMON_PORT, _SHORT.pack(daemon.port))
    if daemon.ttl:
        fields += attribute(_DAEMON_TTL, _BYTE.pack(daemon.ttl))
    return attribute(_DAEMON, fields)


def timeouts_body(timeouts: Timeouts) -> bytes:
    """SET_CONFIG: those that are not 0."""
    given = (
        (_TIMEOUT_TCP, timeouts.tcp),
        (_TIMEOUT_TCP_FIN, timeouts.tcp_fin),
        (_TIMEOUT_UDP, timeouts.udp),
    )
    return b"".join(
        attribute(kind, _NUMBER.pack(value)) for kind, value in given if value
    )


def _identity(identity: Identity) -> bytes:
    fields = attribute(_SVC_AF, _SHORT.pack(FAMILIES[identity.family]))
    if isinstance(identity, Fwmark):
        return fields + attribute(_SVC_FWMARK, _NUMBER.pack(identity.mark))
    return (
        fields
        + attribute(_SVC_PROTOCOL, _SHORT.pack(PROTOCOLS[identity.protocol]))
        + attribute(_SVC_ADDR, identity.address.packed.ljust(16, b"\0"))
        + attribute(_SVC_PORT, _PORT.pack(identity.port))
    )


def _netmask(service: Service) -> bytes:
    if service.identity.family == 6:
        return _NUMBER.pack(service.granularity)
    mask = 0xFFFFFFFF << 32 - service.granularity & 0xFFFFFFFF
    return mask.to_bytes(4, "big")


def _place(destination: Destination) -> bytes:
    address = destination.address
    return (
        attribute(_DEST_ADDR, address.packed.ljust(16, b"\0"))
        + attribute(_DEST_PORT, _PORT.pack(destination.port))
        + attribute(_DEST_AF, _SHORT.pack(FAMILIES[address.version]))
    )


# -- what the kernel says; C{body} begins with the generic header


def read_service(body: bytes) -> Service:
    """The service of GET_SERVICE, without destinations. Raises L{BadMessage}.

    Where nothing is persistent its granularity says nothing, and is the default.
    """
    found = _inside(body, _SERVICE)
    try:
        return _read_service(body, found)
    except (KeyError, ValueError) as reason:
        raise BadMessage(f"service that cannot be read: {reason!r}") from reason


def _read_service(body: bytes, found: Found) -> Service:
    family = _integer(body, found[_SVC_AF])
    identity: Identity
    if _SVC_FWMARK in found:
        mark = _integer(body, found[_SVC_FWMARK])
        identity = Fwmark(mark, 4 if family == AF_INET else 6)
    else:
        number = _integer(body, found[_SVC_PROTOCOL])
        address = _address(body, found[_SVC_ADDR], family)
        port = _port(body, found[_SVC_PORT])
        identity = Endpoint(address, port, PROTOCOL_NAMES.get(number, str(number)))
    flags = _integer(body, found[_SVC_FLAGS])
    persistence, granularity = 0, 32 if family == AF_INET else 128
    if flags & PERSISTENT:
        persistence = _integer(body, found[_SVC_TIMEOUT])
        granularity = _integer(body, found[_SVC_NETMASK])
        if family == AF_INET:
            granularity = granularity.bit_count()
    return Service(
        identity,
        _text(body, found[_SVC_SCHED]),
        frozenset(name for name, bit in FLAGS.items() if flags & bit),
        persistence,
        granularity,
        _text(body, found.get(_SVC_PE, (0, 0))),
        bool(flags & ONE_PACKET),
    )


def read_destination(body: bytes, family: int) -> Destination:
    """The destination of GET_DEST; C{family} (4 or 6) is that of its service.

    Raises L{BadMessage}.
    """
    found = _inside(body, _DEST)
    try:
        # Without the attribute (before Linux 3.18) it is the family of the service.
        number = _integer(body, found.get(_DEST_AF))
        return Destination(
            _address(body, found[_DEST_ADDR], number or FAMILIES[family]),
            _port(body, found[_DEST_PORT]),
            _integer(body, found[_DEST_WEIGHT]),
            _method(body, found),
            _integer(body, found[_DEST_UPPER]),
            _integer(body, found[_DEST_LOWER]),
        )
    except (KeyError, ValueError) as reason:
        raise BadMessage(f"destination that cannot be read: {reason!r}") from reason


def _method(body: bytes, found: Found) -> Method:
    kind = _integer(body, found[_DEST_FWD]) & METHOD_MASK
    if kind != METHODS["TUN"] or _DEST_TUN_TYPE not in found:
        return _known_method(kind, 0, 0, 0)
    return _known_method(
        kind,
        _integer(body, found[_DEST_TUN_TYPE]),
        _port(body, found[_DEST_TUN_PORT]),
        _integer(body, found[_DEST_TUN_FLAGS]),
    )


@lru_cache
def _known_method(kind: int, tunnel: int, port: int, checksum: int) -> Method:
    return Method(
        METHOD_NAMES.get(kind, str(kind)),
        TUNNEL_NAMES.get(tunnel, str(tunnel)),
        port,
        CHECKSUM_NAMES.get(checksum, str(checksum)),
    )


def read_service_usage(body: bytes) -> Usage:
    """The counters of GET_SERVICE. Raises L{BadMessage}."""
    found = _inside(body, _SERVICE)
    return _usage(body, found.get(_SVC_STATS64) or found.get(_SVC_STATS))


def read_destination_usage(body: bytes) -> Usage:
    """The counters and connections of GET_DEST. Raises L{BadMessage}."""
    found = _inside(body, _DEST)
    return replace(
        _usage(body, found.get(_DEST_STATS64) or found.get(_DEST_STATS)),
        active=_integer(body, found.get(_DEST_ACTIVE)),
        inactive=_integer(body, found.get(_DEST_INACTIVE)),
    )


def _usage(body: bytes, where: tuple[int, int] | None) -> Usage:
    # IPVS_STATS_ATTR_*: 7 and 8 are packets per second.
    found = attributes(body, *(where or (0, 0)))
    kinds = (1, 2, 3, 4, 5, 6, 9, 10)
    return Usage(*(_integer(body, found.get(kind)) for kind in kinds))


def read_daemon(body: bytes) -> SyncDaemon:
    """The daemon of GET_DAEMON. Raises L{BadMessage}."""
    found = _inside(body, _DAEMON)
    try:
        group: IpAddress | None = None
        if _DAEMON_GROUP in found:
            group = _address(body, found[_DAEMON_GROUP], AF_INET)
        elif _DAEMON_GROUP6 in found:
            group = _address(body, found[_DAEMON_GROUP6], AF_INET6)
        state = _integer(body, found[_DAEMON_STATE])
        return SyncDaemon(
            STATE_NAMES.get(state, str(state)),
            _text(body, found[_DAEMON_IFN]),
            _integer(body, found[_DAEMON_ID]),
            group,
            _integer(body, found.get(_DAEMON_PORT)),
            _integer(body, found.get(_DAEMON_TTL)),
            _integer(body, found.get(_DAEMON_MAXLEN)),
        )
    except (KeyError, ValueError) as reason:
        raise BadMessage(f"daemon that cannot be read: {reason!r}") from reason


def _inside(body: bytes, kind: int) -> Found:
    outer = attributes(body, GENERIC.size, len(body))
    start, end = outer.get(kind & ~NESTED, (0, 0))
    return attributes(body, start, end)


def _address(body: bytes, where: tuple[int, int], family: int) -> IpAddress:
    start, _ = where
    if family == AF_INET:
        return IPv4Address(body[start : start + 4])
    return IPv6Address(body[start : start + 16])


def _integer(body: bytes, where: tuple[int, int] | None) -> int:
    start, end = where or (0, 0)
    return int.from_bytes(body[start:end], byteorder)


def _port(body: bytes, where: tuple[int, int]) -> int:
    start, _ = where
    return body[start] << 8 | body[start + 1]


def _text(body: bytes, where: tuple[int, int]) -> str:
    start, end = where
    return body[start:end].rstrip(b"\0").decode("latin-1")
