"""The BFD part of the model.

Intervals are whole microseconds here, as they are on the wire (RFC 5880, section 4.1):
the exactness of what two ends agree on is lost in floats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network

from hanode.config.problems import Place
from hanode.config.scalars import IpAddress, Secret

MICRO = 1e-6  # seconds
SINGLE_HOP_TTL = 255  # RFC 5881, section 5


class AuthType(IntEnum):
    """How packets are authenticated (RFC 5880, section 4.1: Auth Type)."""

    SIMPLE = 1
    KEYED_MD5 = 2
    METICULOUS_MD5 = 3
    KEYED_SHA1 = 4
    METICULOUS_SHA1 = 5


@dataclass(frozen=True)
class BfdKey:
    """One key: C{id} 0..255; C{secret} of 1..16 octets, with SHA1 up to 20."""

    id: int
    secret: Secret


@dataclass(frozen=True)
class BfdAuthentication:
    """All keys are accepted; the first one is sent with (RFC 5880, section 6.7)."""

    type: AuthType
    keys: tuple[BfdKey, ...]


@dataclass(frozen=True)
class BfdParameters:
    """How a session behaves; all intervals are in microseconds.

    C{min_tx} and C{idle_tx}: Desired Min TX Interval while Up and while not Up
    (the latter at least 1 s, RFC 5880, section 6.8.3). C{min_rx}: Required Min RX
    Interval, 0 asks the neighbour for silence. C{demand}: gap between two polls in
    demand mode, 0 for asynchronous mode. C{echo_tx}: the gap wanted between our own
    echo packets, 0 for none. C{echo_rx}: Required Min Echo RX Interval, 0 when
    echo packets of the neighbour are not sent back.
    """

    min_tx: int = 10_000
    min_rx: int = 10_000
    idle_tx: int = 1_000_000
    multiplier: int = 5  # 1..255
    passive: bool = False
    demand: int = 0
    echo_tx: int = 0
    echo_rx: int = 0
    authentication: BfdAuthentication | None = None

    @property
    def interval(self) -> float:
        """Seconds between two packets, while Up, when both ends want the same."""
        return max(self.min_tx, self.min_rx) * MICRO


@dataclass(frozen=True)
class BfdRoute:
    """Between which two ends a session runs, and how its packets travel.

    C{source} None leaves the choice to the kernel. C{device} is the interface or the
    VRF that the sockets are bound to, "" for none. C{ttl} is what packets are sent
    with; received ones must still have C{least_ttl} (RFC 5881, section 5; RFC 5883,
    section 5 for C{multihop}, which is UDP port 4784 instead of 3784).
    """

    neighbour: IpAddress
    source: IpAddress | None = None
    device: str = ""
    multihop: bool = False
    ttl: int = SINGLE_HOP_TTL
    least_ttl: int = SINGLE_HOP_TTL


@dataclass(frozen=True)
class BfdInstance:
    """One C{bfd_instance}: a session that is always wanted.

    C{weight} and C{reverse} are the defaults of track_bfd. C{vrrp} and C{checker}
    tell whom it concerns: both unless one of them was named.
    """

    name: str
    route: BfdRoute
    parameters: BfdParameters = field(default_factory=BfdParameters)
    weight: int = 0
    reverse: bool = False
    vrrp: bool = True
    checker: bool = True
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class BfdUnsolicited:
    """One C{bfd_unsolicited INTERFACE}: passive sessions with whoever asks (RFC 9468).

    C{allow} are the networks from which sessions are accepted, empty for those that
    the interface itself is in. C{limit} is the most sessions at once.
    """

    device: str
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    limit: int = 16
    parameters: BfdParameters = field(default_factory=BfdParameters)
    place: Place | None = field(default=None, compare=False, repr=False)
