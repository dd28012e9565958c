"""How an instance proves who it is: C{authentication} and C{auth_hmac} as written.

An instance whose authentication cannot be used does not run: it must not run without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hanode.config.auth_model import (
    AntiReplay,
    Authentication,
    AuthHmac,
    HmacKey,
    HmacMode,
)
from hanode.config.draft import Draft
from hanode.config.entries import Entry

_LEAST_WINDOW, _INTERVALS = 5.0, 3  # the default of time_window, in seconds and adverts
_UNAUTHENTICATED = "the instance would run unauthenticated"
#: what stands for an C{auth_type} or C{mode} that nobody knows
UNKNOWN = "unknown"
#: octets that an authentication takes of every packet
TRAILER, HEADER = 28, 24


def octets(draft: Draft) -> int:
    """How much of each packet the authentication of C{draft} takes."""
    if "auth_hmac" in draft.own:
        return TRAILER
    written = draft.own.get("authentication", {})
    return HEADER if written.get("type") == "AH" else 0


def authentication(draft: Draft, version: int) -> Authentication | None:
    """The secret of VRRP version 2, None without one."""
    written = draft.own.get("authentication")
    if written is None:
        return None
    if "auth_hmac" in draft.own:
        draft.warning(
            "auth_hmac excludes authentication. Ignoring authentication.",
            "remove the authentication block",
        )
        return None
    if version != 2:
        draft.warning(
            "VRRP version 3 does not support authentication. Ignoring.",
            "remove the authentication block, or use auth_hmac",
        )
        return None
    if "type" not in written or not written.get("secret"):
        what = "password given" if "type" in written else "auth_type PASS"
        draft.warning(
            f"Authentication specified but no {what}. Ignoring",
            "write auth_type PASS and auth_pass",
        )
        return None
    return Authentication(written["type"], written["secret"])


def wanted_state(
    draft: Draft, found: Authentication | None, state: str, priority: int
) -> str:
    """C{state}, but BACKUP with AH: who has not heard the others cannot count on."""
    if found is None or found.type != "AH" or state != "MASTER":
        return state
    draft.warning(
        "Initial state master is incompatible with AH authentication - clearing",
        f"write state BACKUP; priority {priority} makes it master all the same",
    )
    return "BACKUP"


def refused(draft: Draft, family: int, version: int) -> bool:
    """Whether the instance must not run; the reason is among the findings then."""
    written = draft.own.get("authentication", {})
    if "auth_hmac" in draft.own:
        return _hmac_refused(draft, draft.own["auth_hmac"])
    if version != 2:
        return False  # which has no such block, and says so
    if written.get("type") == UNKNOWN:
        draft.dropped(
            f"authentication of an unknown type: {_UNAUTHENTICATED}",
            "write auth_type PASS or AH, or remove the authentication block",
        )
    elif written.get("type") != "AH":
        return False
    elif family == 6:
        draft.dropped(
            f"auth_type AH does not exist for IPv6: {_UNAUTHENTICATED}",
            "use auth_hmac on every node, or remove the authentication block",
        )
    elif not written.get("secret"):
        draft.dropped(
            f"auth_type AH without auth_pass: {_UNAUTHENTICATED}",
            "write auth_pass PASSWORD, the same on every node",
        )
    else:
        return False
    return True


def auth_hmac(draft: Draft, advert_int: float) -> AuthHmac | None:
    """The settings of the block; L{refused} has said that they can be used."""
    written = draft.own.get("auth_hmac")
    if written is None:
        return None
    mode = HmacMode(written.get("mode", HmacMode.ENFORCE.value))
    if draft.strict and mode is not HmacMode.ENFORCE:
        draft.warning(
            f"auth_hmac mode {mode.value} is incompatible with strict mode - resetting",
            "using enforce: remove strict mode until all nodes have auth_hmac",
        )
        mode = HmacMode.ENFORCE
    default = max(_INTERVALS * advert_int, _LEAST_WINDOW)
    return AuthHmac(
        tuple(entry.value for entry in written["keys"]),
        written["active"],
        float(written.get("window", default)),
        AntiReplay(written.get("anti_replay", AntiReplay.TIME.value)),
        mode,
    )


def _hmac_refused(draft: Draft, written: dict[str, Any]) -> bool:
    keys: Sequence[Entry[HmacKey] | None] = written.get("keys", ())
    if not keys:
        draft.dropped(
            f"auth_hmac without a key: {_UNAUTHENTICATED}",
            "write key ID hex:DIGITS, the same on every node",
        )
        return True
    if None in keys:
        draft.dropped(
            f"auth_hmac with an unusable key: {_UNAUTHENTICATED}",
            "mend the key, or remove the auth_hmac block on every node",
        )
        return True
    ids = [entry.value.id for entry in keys if entry is not None]
    for id in ids:
        if ids.count(id) > 1:
            draft.dropped(
                f"auth_hmac: key {id} is there twice: {_UNAUTHENTICATED}",
                "give each key its own ID",
            )
            return True
    if written.get("mode") == UNKNOWN:
        # Any mode would be a guess, and a wrong one makes two masters in a roll-out.
        draft.dropped(
            "auth_hmac in an unknown mode: who understands whom is not known",
            "write mode enforce, permissive or receive-only",
        )
        return True
    if written.get("active") not in ids:
        draft.dropped(
            f"auth_hmac: active_key is none of the keys: {_UNAUTHENTICATED}",
            f"write active_key and one of {', '.join(map(str, ids))}",
        )
        return True
    return False
