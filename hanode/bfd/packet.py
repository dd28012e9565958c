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

What the authentication section holds is the business of
L{hanode.bfd.authentication}; here it is bytes that fit into the packet or do not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import IntEnum

from hanode.badpacket import BadPacket as BadPacket

CONTROL_PORT = 3784  # RFC 5881, section 4
ECHO_PORT = 3785
MULTIHOP_PORT = 4784  # RFC 5883, section 5
MY_DISCRIMINATOR, YOUR_DISCRIMINATOR = 4, 8  # offsets of four bytes each
VERSION = 1
LENGTH = 24  # without authentication
LEAST_SECTION = 2  # Auth Type and Auth Len
MOST_SECTION = 255 - LENGTH

_CONTROL = struct.Struct("!BBBBIIIII")
_VERSION_BITS = VERSION << 5
_DIAGNOSTICS = 0x1F
# The low six bits of the second byte.
_POLL, _FINAL, _INDEPENDENT = 0x20, 0x10, 0x08
_AUTHENTICATED, _DEMAND, _MULTIPOINT = 0x04, 0x02, 0x01


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


_STATES = tuple(State)  # faster than State(number)


def encode(control: Control, authentication: bytes = b"") -> bytes:
    """The bytes of C{control}; C{authentication} is the whole section, or nothing.

    Raises L{ValueError} when a field does not fit, when the section's length is not
    what it says, or when poll and final are both set (section 6.5).
    """
    flags = (
        control.state << 6
        | (_POLL if control.poll else 0)
        | (_FINAL if control.final else 0)
        | (_INDEPENDENT if control.independent else 0)
        | (_DEMAND if control.demand else 0)
    )
    if authentication:
        _check_section(authentication)
        flags |= _AUTHENTICATED
    if not 0 <= control.diagnostic <= _DIAGNOSTICS:
        raise ValueError(f"no diagnostic: {control.diagnostic}")
    if not control.multiplier or not control.mine:
        raise ValueError("multiplier and own discriminator may not be 0")
    if control.poll and control.final:
        raise ValueError("poll and final exclude each other")
    try:
        head = _CONTROL.pack(
            _VERSION_BITS | control.diagnostic,
            flags,
            control.multiplier,
            LENGTH + len(authentication),
            control.mine,
            control.yours,
            control.min_tx,
            control.min_rx,
            control.min_echo_rx,
        )
    except struct.error as problem:
        raise ValueError(f"{control} does not fit: {problem}") from problem
    return head + authentication


def _check_section(authentication: bytes) -> None:
    size = len(authentication)
    if not LEAST_SECTION <= size <= MOST_SECTION or authentication[1] != size:
        raise ValueError(f"no authentication section of {size} bytes")


def decode(data: bytes) -> tuple[Control, bytes]:
    """Read one control packet, and cut out its authentication section (or C{b""}).

    These are the discards of section 6.8.6, in its order, that need nothing but the
    packet. Bytes behind Length are left alone. Raises L{BadPacket} and nothing else.
    """
    if len(data) < LENGTH:
        # Whatever Length says, it is too small or more than there is.
        raise BadPacket("too short", len(data))
    first, flags, multiplier, length, mine, yours, tx, rx, echo = _CONTROL.unpack_from(
        data
    )
    if first & ~_DIAGNOSTICS != _VERSION_BITS:
        raise BadPacket("version", first >> 5)
    authenticated = flags & _AUTHENTICATED
    if length < (LENGTH + LEAST_SECTION if authenticated else LENGTH):
        raise BadPacket("length", length)
    if length > len(data):
        raise BadPacket("length beyond the payload", length)
    if not multiplier:
        raise BadPacket("detect multiplier", multiplier)
    if flags & _MULTIPOINT:
        raise BadPacket("multipoint")
    if not mine:
        raise BadPacket("my discriminator", mine)
    state = _STATES[flags >> 6]
    if not yours and state > State.DOWN:
        raise BadPacket("your discriminator", yours)
    control = Control(
        state,
        mine,
        yours,
        multiplier,
        tx,
        rx,
        echo,
        first & _DIAGNOSTICS,
        flags & _POLL != 0,
        flags & _FINAL != 0,
        flags & _INDEPENDENT != 0,
        flags & _DEMAND != 0,
    )
    return control, _section(data, length) if authenticated else b""


def _section(data: bytes, length: int) -> bytes:
    """The section as long as its Auth Len says, within the packet (section 4.1)."""
    size = data[LENGTH + 1]
    if not LEAST_SECTION <= size <= length - LENGTH:
        raise BadPacket("authentication length", size)
    return bytes(data[LENGTH : LENGTH + size])


def contents(control: Control) -> Control:
    """What must be told: everything but the P and F bits."""
    return replace(control, poll=False, final=False)
