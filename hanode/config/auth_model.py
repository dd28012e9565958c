"""The authentication part of the model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hanode.config.scalars import Secret


@dataclass(frozen=True)
class Authentication:
    """VRRPv2 authentication (RFC 2338, section 5.3.6): C{type} is PASS or AH."""

    type: str
    secret: Secret


class HmacMode(Enum):
    """What is done without a proof, from the first step of a roll-out to the last.

    RECEIVE_ONLY sends none, and drops nothing. PERMISSIVE sends one, and drops what
    has a wrong one. ENFORCE sends one, and drops whatever has no right one.
    """

    RECEIVE_ONLY = "receive-only"
    PERMISSIVE = "permissive"
    ENFORCE = "enforce"


class AntiReplay(Enum):
    """TIME: a packet must be new and be of now. MONOTONIC: it must be new."""

    TIME = "time"
    MONOTONIC = "monotonic"


@dataclass(frozen=True)
class HmacKey:
    """One key of auth_hmac: C{id} 1..255; C{secret} has 32..64 octets, in hex."""

    id: int
    secret: Secret

    @property
    def octets(self) -> bytes:
        """The key as the digest needs it."""
        return bytes.fromhex(self.secret)


@dataclass(frozen=True)
class AuthHmac:
    """All C{keys} are accepted; that with the id C{active} is sent with.

    C{window} is the difference of clocks that is borne, in seconds.
    """

    keys: tuple[HmacKey, ...]
    active: int
    window: float
    anti_replay: AntiReplay = AntiReplay.TIME
    mode: HmacMode = HmacMode.ENFORCE
