"""Policy rules as rtnetlink messages (rtnetlink(7), linux/fib_rules.h)."""

from __future__ import annotations

from socket import AF_INET, AF_INET6
from struct import Struct
from typing import NamedTuple

from hanode.config.route_model import NO_LIMIT, Rule
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

RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34

FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY = 1, 2, 3, 4, 6
FRA_FWMARK, FRA_FLOW, FRA_TUN_ID = 10, 11, 12
FRA_SUPPRESS_IFGROUP, FRA_SUPPRESS_PREFIXLEN, FRA_TABLE = 13, 14, 15
FRA_FWMASK, FRA_OIFNAME, FRA_L3MDEV, FRA_UID_RANGE = 16, 17, 19, 20
FRA_PROTOCOL, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE = 21, 22, 23, 24
FIB_RULE_INVERT = 2
ACTIONS = {
    "table": 1,
    "goto": 2,
    "nop": 3,
    "blackhole": 6,
    "unreachable": 7,
    "prohibit": 8,
}
RT_TABLE_COMPAT = 252

_RULE = Struct("=BBBBBBBBI")  # family, lengths, tos, table, two reserved, action, flags
_NUMBER = Struct("=I")
_USERS = Struct("=II")
_PORTS = Struct("=HH")
_FAMILIES = {4: AF_INET, 6: AF_INET6}
_ALL = 0xFFFFFFFF
#: what the kernel says of a rule although nobody set it
_UNSET = frozenset(
    {
        (FRA_SUPPRESS_PREFIXLEN, b"\xff\xff\xff\xff"),
        (FRA_SUPPRESS_IFGROUP, b"\xff\xff\xff\xff"),
        (FRA_L3MDEV, b"\0"),
        (FRA_TABLE, bytes(4)),
        (FRA_FWMARK, bytes(4)),
    }
)
_MEANT = frozenset(
    {
        FRA_DST,
        FRA_SRC,
        FRA_IIFNAME,
        FRA_GOTO,
        FRA_PRIORITY,
        FRA_FWMARK,
        FRA_FLOW,
        FRA_TUN_ID,
        FRA_SUPPRESS_IFGROUP,
        FRA_SUPPRESS_PREFIXLEN,
        FRA_TABLE,
        FRA_FWMASK,
        FRA_OIFNAME,
        FRA_L3MDEV,
        FRA_UID_RANGE,
        FRA_PROTOCOL,
        FRA_IP_PROTO,
        FRA_SPORT_RANGE,
        FRA_DPORT_RANGE,
    }
)


class StoredRule(NamedTuple):
    """A rule as the kernel has it: its header, and what its attributes say."""

    family: int
    lengths: tuple[int, int]  # of destination and source
    tos: int
    action: int
    inverted: bool
    values: frozenset[tuple[int, bytes]]

    @property
    def priority(self) -> int:
        """Its preference."""
        return self._number(FRA_PRIORITY)

    @property
    def protocol(self) -> int:
        """Who set it."""
        return dict(self.values).get(FRA_PROTOCOL, b"\0")[0]

    def _number(self, kind: int) -> int:
        return int(_NUMBER.unpack(dict(self.values).get(kind, bytes(4)))[0])


def add_rule(rule: Rule) -> bytes:
    """RTM_NEWRULE for C{rule}."""
    flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL
    return message(RTM_NEWRULE, flags, _body(rule))


def remove_rule(rule: Rule) -> bytes:
    """RTM_DELRULE for C{rule}."""
    return message(RTM_DELRULE, NLM_F_REQUEST, _body(rule))


def remove_stored(stored: StoredRule) -> bytes:
    """RTM_DELRULE for a rule as the kernel has it."""
    flags = FIB_RULE_INVERT if stored.inverted else 0
    table = dict(stored.values).get(FRA_TABLE, bytes(4))
    (number,) = _NUMBER.unpack(table)
    fixed = _RULE.pack(
        stored.family,
        *stored.lengths,
        stored.tos,
        number if number < 256 else RT_TABLE_COMPAT,
        0,
        0,
        stored.action,
        flags,
    )
    body = fixed + b"".join(attribute(*each) for each in sorted(stored.values))
    return message(RTM_DELRULE, NLM_F_REQUEST, body)


def dump_rules_request(version: int) -> bytes:
    """Ask for all rules of one family."""
    fixed = _RULE.pack(_FAMILIES[version], 0, 0, 0, 0, 0, 0, 0, 0)
    return message(RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP, fixed)


def stored_of(rule: Rule) -> StoredRule:
    """What the kernel makes of C{rule}."""
    return StoredRule(
        _FAMILIES[rule.version],
        (_length(rule.destination), _length(rule.source)),
        rule.tos,
        ACTIONS[rule.action],
        rule.inverted,
        frozenset(_values(rule)) - _UNSET,
    )


def parse_rule(data: Buffer, start: int, end: int) -> StoredRule:
    """Read the body of RTM_NEWRULE or RTM_DELRULE. Raises L{BadMessage}."""
    if end - start < _RULE.size:
        raise BadMessage(f"rule message of {end - start} bytes")
    unpacked = _RULE.unpack_from(data, start)
    family, to_length, from_length, tos, _, _, _, action, flags = unpacked
    found = attributes(data, start + _RULE.size, end)
    values = {
        (kind, bytes(data[begin:stop]))
        for kind, (begin, stop) in found.items()
        if kind in _MEANT
    }
    return StoredRule(
        family,
        (to_length, from_length),
        tos,
        action,
        bool(flags & FIB_RULE_INVERT),
        frozenset(values) - _UNSET,
    )


def _body(rule: Rule) -> bytes:
    table = rule.target if rule.action == "table" else 0
    fixed = _RULE.pack(
        _FAMILIES[rule.version],
        _length(rule.destination),
        _length(rule.source),
        rule.tos,
        table if table < 256 else RT_TABLE_COMPAT,
        0,
        0,
        ACTIONS[rule.action],
        FIB_RULE_INVERT if rule.inverted else 0,
    )
    values = [each for each in _values(rule) if each not in _UNSET]
    return fixed + b"".join(attribute(*each) for each in values)


def _length(network: object) -> int:
    return 0 if network is None else int(getattr(network, "prefixlen", 0))


def _values(rule: Rule) -> list[tuple[int, bytes]]:
    values = [
        (FRA_PRIORITY, _NUMBER.pack(rule.preference)),
        (FRA_PROTOCOL, bytes((rule.protocol,))),
        (FRA_SUPPRESS_PREFIXLEN, _limit(rule.suppress_prefix)),
        (FRA_SUPPRESS_IFGROUP, _limit(rule.suppress_group)),
    ]
    for kind, network in ((FRA_DST, rule.destination), (FRA_SRC, rule.source)):
        if network is not None and network.prefixlen:
            values.append((kind, network.network_address.packed))
    for kind, name in ((FRA_IIFNAME, rule.incoming), (FRA_OIFNAME, rule.outgoing)):
        if name:
            values.append((kind, name.encode() + b"\0"))
    if rule.action == "table":
        values.append((FRA_TABLE, _NUMBER.pack(rule.target)))
    elif rule.action == "goto":
        values.append((FRA_GOTO, _NUMBER.pack(rule.target)))
    if rule.mark is not None:
        values.append((FRA_FWMARK, _NUMBER.pack(rule.mark[0])))
        values.append((FRA_FWMASK, _NUMBER.pack(rule.mark[1])))
    return values + _rarer_values(rule)


def _rarer_values(rule: Rule) -> list[tuple[int, bytes]]:
    values = []
    if rule.realm:
        values.append((FRA_FLOW, _NUMBER.pack(rule.realm)))
    if rule.tunnel:
        values.append((FRA_TUN_ID, rule.tunnel.to_bytes(8, "big")))
    if rule.l3mdev:
        values.append((FRA_L3MDEV, b"\1"))
    if rule.users is not None:
        values.append((FRA_UID_RANGE, _USERS.pack(*rule.users)))
    if rule.ip_protocol:
        values.append((FRA_IP_PROTO, bytes((rule.ip_protocol,))))
    for kind, ports in (
        (FRA_SPORT_RANGE, rule.source_ports),
        (FRA_DPORT_RANGE, rule.destination_ports),
    ):
        if ports is not None:
            values.append((kind, _PORTS.pack(*ports)))
    return values


def _limit(number: int) -> bytes:
    return _NUMBER.pack(_ALL if number == NO_LIMIT else number)
