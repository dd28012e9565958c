"""What the VRRP state machine asks for, as records: actions are performed in order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hanode.config.model import Address, IpAddress
from hanode.config.route_model import Route, Rule


class State(Enum):
    """RFC 9568, 6.3 calls MASTER "Active"; users know keepalived's names."""

    INIT = "INIT"
    BACKUP = "BACKUP"
    MASTER = "MASTER"
    FAULT = "FAULT"
    STOP = "STOP"


@dataclass(frozen=True)
class Advertise:
    """Send an advertisement with this priority now."""

    priority: int


@dataclass(frozen=True)
class Hold:
    """The node must hold exactly these (a whole set, never a delta)."""

    addresses: tuple[Address, ...]
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Announce:
    """Tell the neighbours who has these addresses, C{repeat} times."""

    addresses: tuple[Address, ...]
    repeat: int


@dataclass(frozen=True)
class Report:
    """The instance has entered C{state}."""

    state: State
    reason: str


@dataclass(frozen=True)
class Outranked:
    """As MASTER we heard a lower-priority master and asserted ourselves."""

    source: IpAddress


@dataclass(frozen=True)
class Reweighed:
    """The effective priority has changed."""


@dataclass(frozen=True)
class Swayed:
    """Whether a member of a sync group could be MASTER is to be weighed again."""


@dataclass(frozen=True)
class Farewell:
    """The master that a member of a sync group followed has said goodbye."""


@dataclass(frozen=True)
class Release:
    """Run the release script, and tell when it has ended."""


@dataclass(frozen=True)
class HandOver:
    """Another node takes over what we hold: announce and defend it no more."""


@dataclass(frozen=True)
class Say:
    """A line for the log; C{detail} lines are only for those who ask for them."""

    format: str
    fields: tuple[tuple[str, object], ...] = ()
    detail: bool = False


Action = (
    Advertise
    | Hold
    | Announce
    | Report
    | Outranked
    | HandOver
    | Reweighed
    | Swayed
    | Farewell
    | Release
    | Say
)
Actions = list[Action]


def say(format: str, detail: bool = False, **fields: object) -> Say:
    """A L{Say} with its fields given by name."""
    return Say(format, tuple(fields.items()), detail)
