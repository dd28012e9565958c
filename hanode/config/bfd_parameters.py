"""The settings of a BFD session as written -> BfdParameters.

Used wherever BFD is spoken: bfd_instance, bfd_unsolicited and fast_failover. A
session whose authentication cannot be used is refused: it must not run without.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hanode.config.bfd_entries import TYPES
from hanode.config.bfd_model import (
    AuthType,
    BfdAuthentication,
    BfdKey,
    BfdParameters,
)
from hanode.config.draft import Draft, Written
from hanode.config.entries import Entry

FAST = BfdParameters(multiplier=3)  # fast_failover without further words

_AS_WRITTEN = (
    "min_tx",
    "min_rx",
    "idle_tx",
    "multiplier",
    "passive",
    "demand",
    "echo_tx",
    "echo_rx",
)

_SHA1 = (AuthType.KEYED_SHA1, AuthType.METICULOUS_SHA1)


def parameters(written: Written, base: BfdParameters) -> BfdParameters | None:
    """C{base} with what is C{written}; None when it must not run (and said why)."""
    own = written.own
    secured = None
    if "authentication" in own:
        secured = _authentication(written, own["authentication"])
        if secured is None:
            return None
    settings = {field: own[field] for field in _AS_WRITTEN if field in own}
    return replace(base, **settings, authentication=secured)


def fast_failover(draft: Draft) -> BfdParameters | None:
    """What the instance wants of a BFD session with its master, if it wants one."""
    own = draft.own.get("fast_failover")
    if own is None:
        return None
    written = Written(draft.name, draft.block, own, draft.findings)
    return parameters(written, FAST)


def longest(type: AuthType) -> int:
    """Octets of the longest secret (RFC 5880, sections 4.2 to 4.4)."""
    return 20 if type in _SHA1 else 16


def _authentication(
    written: Written, settings: dict[str, Any]
) -> BfdAuthentication | None:
    """The type and the keys, None when either cannot be used."""
    types: list[AuthType | None] = settings.get("types", [])
    keys: list[Entry[BfdKey] | None] = settings.get("keys", [])
    for given, what, remedy in (
        (types, "type", f"write type and one of {', '.join(TYPES)}"),
        (keys, "key", "write key ID SECRET, ID a number from 0 to 255"),
    ):
        if not given:
            written.dropped(
                f"authentication without a {what}: BFD would run unauthenticated",
                remedy,
            )
            return None
    type = types[-1]
    usable = [entry for entry in keys if entry is not None]
    if type is None or len(usable) < len(keys) or not _fit(written, type, usable):
        return None
    return BfdAuthentication(type, tuple(entry.value for entry in usable))


def _fit(written: Written, type: AuthType, keys: list[Entry[BfdKey]]) -> bool:
    """Whether each key has an ID of its own, and a secret that C{type} can carry."""
    private = written.findings.private()
    limit = longest(type)
    seen: set[int] = set()
    for entry in keys:
        octets = entry.value.secret.encode("utf-8", "surrogateescape")
        if entry.value.id in seen:
            private.dropped(
                entry.place,
                f"key {entry.value.id} is there twice",
                "give each key its own ID",
            )
            return False
        if len(octets) > limit:
            private.dropped(
                entry.place,
                f"the secret of key {entry.value.id} has more than {limit} octets, "
                f"the most that {type.name.lower()} carries",
                "shorten it on both ends",
            )
            return False
        seen.add(entry.value.id)
    return True
