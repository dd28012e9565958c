"""The IP authentication header around a version 2 advertisement (RFC 2338, 5.3.6.3).

::

    +---------------+---------------+-------------------------------+
    | Next Hdr 112  | Length 4      |          reserved, 0          |
    +---------------+---------------+-------------------------------+
    |     security parameters index: the sender's IPv4 address      |
    +---------------------------------------------------------------+
    |                        sequence number                        |
    +---------------------------------------------------------------+
    |     integrity check value: 96 bits of HMAC-MD5 (RFC 2403)     |
    +---------------------------------------------------------------+

RFC 2402 section 3.3.3 says what the check value covers: the packet, with zeros for
itself and for the fields of the IP header that routers may change. Measured with
keepalived 2.2.7, and done here: the TTL is such a field in a unicast packet only; in a
multicast packet, which no router may pass on, it is covered as it is. The IP
identification is covered, so whoever sends must write the IP header himself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hmac import compare_digest, digest

from hanode.badpacket import BadPacket
from hanode.config.model import IpAddress
from hanode.vrrp.packet import PROTOCOL as VRRP
from hanode.vrrp.packet import internet_checksum

PROTOCOL = 51  # RFC 2402, section 2
IP_LENGTH, LENGTH, CHECK_LENGTH = 20, 24, 12
PRECEDENCE = 0xC0  # internetwork control, as in every other advertisement
_WORDS = LENGTH // 4 - 2  # section 2.2 counts in words, minus two
_SEQUENCES = 1 << 32

_IP = struct.Struct("!BBHHHBBH4s4s")
_AH = struct.Struct("!BBH4sI12s")
_CHECK_AT = IP_LENGTH + LENGTH - CHECK_LENGTH


@dataclass(frozen=True, slots=True)
class Envelope:
    """A received packet: its C{payload}, and what is needed to believe it."""

    payload: bytes
    sequence: int
    check: bytes
    packet: bytes
    multicast: bool


def seal(
    payload: bytes,
    source: IpAddress,
    destination: IpAddress,
    ttl: int,
    sequence: int,
    key: bytes,
) -> bytes:
    """The whole IPv4 packet that brings C{payload} from C{source} to C{destination}."""
    address = source.packed
    identification = 1 + sequence % 0xFFFF  # the kernel would replace a 0
    length = IP_LENGTH + LENGTH + len(payload)
    fields = (0x45, PRECEDENCE, length, identification, 0, ttl, PROTOCOL)
    header = _IP.pack(*fields, 0, address, destination.packed)
    header = _IP.pack(*fields, internet_checksum(header), address, destination.packed)
    front = _AH.pack(VRRP, _WORDS, 0, address, sequence, bytes(CHECK_LENGTH))
    packet = header + front + payload
    check = _reckon(packet, key, destination.is_multicast)
    return packet[:_CHECK_AT] + check + payload


def unwrap(packet: bytes, multicast: bool) -> Envelope:
    """Take a received packet, IPv4 header included, apart; nothing is proved by that.

    C{multicast} tells whether its destination is a group. Raises L{BadPacket}.
    """
    if len(packet) < IP_LENGTH + LENGTH:
        raise BadPacket("too short", len(packet))
    if packet[0] != 0x45:
        raise BadPacket("options in the IP header", packet[0] & 15)
    following, words, _, index, sequence, check = _AH.unpack_from(packet, IP_LENGTH)
    if following != VRRP:
        raise BadPacket("authenticated protocol", following)
    if words != _WORDS:
        raise BadPacket("authentication header length", words)
    if index != packet[12:16]:
        raise BadPacket("security parameters index", index.hex())
    payload = packet[IP_LENGTH + LENGTH :]
    return Envelope(payload, sequence, check, packet, multicast)


def verify(envelope: Envelope, key: bytes) -> None:
    """Believe the envelope, or raise L{BadPacket}."""
    expected = _reckon(envelope.packet, key, envelope.multicast)
    if not compare_digest(envelope.check, expected):
        raise BadPacket("authentication data")


def _reckon(packet: bytes, key: bytes, multicast: bool) -> bytes:
    """The check value of a whole packet; what may change counts as zero."""
    ttl = packet[8:9] if multicast else b"\0"
    covered = (
        packet[:1],
        b"\0",  # type of service
        packet[2:6],
        b"\0\0",  # flags and fragment offset
        ttl,
        packet[9:10],
        b"\0\0",  # checksum
        packet[12:_CHECK_AT],
        bytes(CHECK_LENGTH),
        packet[IP_LENGTH + LENGTH :],
    )
    return digest(key, b"".join(covered), "md5")[:CHECK_LENGTH]


class Sequence:
    """The sequence number that all routers of one virtual router share.

    As with keepalived, whoever becomes master goes on counting where the master before
    stopped. So an instance must hear before it speaks, and does not start as MASTER.
    C{last} is the number sent or believed last, None before the first one.
    """

    def __init__(self) -> None:
        self.last: int | None = None

    def following(self) -> int:
        """The number of the packet that is sent now."""
        self.last = 1 if self.last is None else (self.last + 1) % _SEQUENCES
        return self.last

    def verify(self, number: int) -> None:
        """Raise L{BadPacket} when C{number} is not newer than what was seen.

        Of two numbers the one that is less than half a round ahead is the newer one,
        so that nobody is locked out when the count begins again.
        """
        if self.last is None:
            return
        if not 0 < (number - self.last) % _SEQUENCES < _SEQUENCES // 2:
            raise BadPacket("sequence number already processed", number)

    def believe(self, number: int) -> None:
        """A packet with C{number} has proved to be genuine."""
        self.last = number
