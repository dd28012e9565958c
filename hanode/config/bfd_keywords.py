"""The rows of C{bfd_instance} and of what hanode adds to it.

keepalived.conf(5), "BFD CONFIGURATION". The fields are those of
L{hanode.config.bfd_model.BfdParameters}, or are put together by
L{hanode.config.bfd_instances}. Defaults here are in the unit that is written,
milliseconds; the model has microseconds.
"""

from __future__ import annotations

from dataclasses import replace

from hanode.config.row import Keyword

_LONGEST = 4294967  # milliseconds: 32 bits of microseconds
_POLLS = 1_000_000  # microseconds between two polls in demand mode

_MIN_RX = Keyword(
    "min_rx", "min_rx", "milliseconds", "ms", 1, _LONGEST, default=10.0, strict=True
)
_MIN_TX = Keyword(
    "min_tx", "min_tx", "milliseconds", "ms", 1, _LONGEST, default=10.0, strict=True
)
_MULTIPLIER = Keyword(
    "multiplier",
    "multiplier",
    "integer",
    "packets",
    1,
    255,
    default=5,
    strict=True,
)
_ECHO_RX = Keyword(
    "echo_rx", "echo_rx", "milliseconds", "ms", 1, _LONGEST, only_hanode=True
)
_AUTHENTICATION = Keyword(
    "authentication",
    "authentication",
    "private block",
    path=("bfd_instance", "authentication"),
    only_hanode=True,
)

_KEEPALIVED = (
    Keyword("neighbor_ip", "neighbour", "address"),
    Keyword("neighbour_ip", "neighbour", "address"),
    Keyword("source_ip", "source", "address"),
    _MIN_RX,
    _MIN_TX,
    Keyword(
        "idle_tx",
        "idle_tx",
        "milliseconds",
        "ms",
        1000,
        _LONGEST,
        default=1000.0,
        strict=True,
    ),
    _MULTIPLIER,
    Keyword("passive", "passive", "flag", default=False),
    Keyword("ttl", "ttl", "integer", "hops", 1, 255, default=255, strict=True),
    Keyword("hoplimit", "ttl", "integer", "hops", 1, 255, default=255, strict=True),
    Keyword("max_hops", "max_hops", "integer", "hops", -1, 255, strict=True),
    Keyword("multihop", "multihop", "boolean", default=False),
    Keyword("weight", "weight", "bfd weight", "", -253, 253),
    Keyword("vrrp", "vrrp", "flag"),
    Keyword("checker", "checker", "flag"),
)

_HANODE = (
    Keyword("interface", "interface", "word", only_hanode=True),
    Keyword("vrf", "vrf", "word", only_hanode=True),
    Keyword(
        "min_ttl",
        "least_ttl",
        "integer",
        "hops",
        0,
        255,
        strict=True,
        only_hanode=True,
    ),
    Keyword(
        "demand",
        "demand",
        "milliseconds or nothing",
        "ms",
        1,
        _LONGEST,
        value=_POLLS,
        only_hanode=True,
    ),
    Keyword("echo_tx", "echo_tx", "milliseconds", "ms", 1, _LONGEST, only_hanode=True),
    _ECHO_RX,
    _AUTHENTICATION,
)

BFD = (*_KEEPALIVED, *_HANODE)

BFD_AUTHENTICATION = (
    Keyword("type", "types", "bfd authentication type", only_hanode=True),
    Keyword("key", "keys", "bfd key", only_hanode=True),
)


def _ours(*rows: Keyword) -> tuple[Keyword, ...]:
    """The rows as they are in a block that only hanode has."""
    return tuple(replace(row, only_hanode=True) for row in rows)


FAST_FAILOVER = _ours(
    _MIN_RX, _MIN_TX, replace(_MULTIPLIER, default=3), _AUTHENTICATION
)

UNSOLICITED = _ours(
    Keyword("allow", "allow", "networks"),
    Keyword("limit", "limit", "integer", "sessions", 1, 4000, default=16, strict=True),
    _MIN_RX,
    _MIN_TX,
    _MULTIPLIER,
    _ECHO_RX,
    _AUTHENTICATION,
)
