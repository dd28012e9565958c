"""BFD control packets on the wire (RFC 5880, section 4).

::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                       My Discriminator                        |
    |                      Your Discriminator                       |
    |                    Desired Min TX Interval                    |
    |                   Required Min RX Interval                    |
    |                 Required Min Echo RX Interval                 |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |   Auth Type   |   Auth Len    |    Authentication Data...     |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

CONTROL_PORT = 3784  # RFC 5881, section 4
ECHO_PORT = 3785
MULTIHOP_PORT = 4784  # RFC 5883, section 5
MY_DISCRIMINATOR, YOUR_DISCRIMINATOR = 4, 8  # offsets of four bytes each


class State(IntEnum):
    """The state of a session (RFC 5880, section 4.1: Sta)."""

    ADMIN_DOWN = 0
    DOWN = 1
    INIT = 2
    UP = 3


class Diagnostic(IntEnum):
    """Why the session last left Up (RFC 5880, section 4.1: Diag)."""

    NONE = 0
    DETECTION_TIME_EXPIRED = 1
    ECHO_FAILED = 2
    NEIGHBOUR_SIGNALED_DOWN = 3
    FORWARDING_PLANE_RESET = 4
    PATH_DOWN = 5
    CONCATENATED_PATH_DOWN = 6
    ADMINISTRATIVELY_DOWN = 7
    REVERSE_CONCATENATED_PATH_DOWN = 8


class BadPacket(Exception):
    """A peer's bytes are not a packet we accept: C{reason} and C{value}."""

    def __init__(self, reason: str, value: object = None) -> None:
        super().__init__(reason, value)
        self.reason = reason
        self.value = value

    def __str__(self) -> str:
        return self.reason if self.value is None else f"{self.reason} ({self.value})"


@dataclass(frozen=True, slots=True)
class Control:
    """One control packet; intervals in microseconds.

    C{diagnostic} is a plain number, because a neighbour may know more of them.
    """

    state: State
    mine: int  # discriminators, 1 to 2**32 - 1; yours may be 0
    yours: int
    multiplier: int
    min_tx: int
    min_rx: int
    min_echo_rx: int = 0
    diagnostic: int = Diagnostic.NONE
    poll: bool = False
    final: bool = False
    independent: bool = False  # control plane independent, the C bit
    demand: bool = False
