"""VRRP advertisements on the wire: version 2 (RFC 3768), version 3 (RFC 9568).

::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |Version| Type  | Virtual Rtr ID|   Priority    | Address count |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |  2: Auth Type |  2: Adver Int |          Checksum             |
    |3: Rsvd |   3: Max Adver Int   |                               |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |  addresses, 4 or 16 bytes each; 2: eight bytes of auth data   |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Units of the wire (seconds in version 2, centiseconds in version 3) end here: an
L{Advert} speaks of seconds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from hanode.badpacket import BadPacket as BadPacket
from hanode.config.model import MULTICAST_4, IpAddress

PROTOCOL = 112  # RFC 9568, section 5.1.1.4
ADVERTISEMENT = 1  # section 5.2.2, the only type
AUTH_NONE, AUTH_PASS, AUTH_AH = 0, 1, 2  # RFC 2338, section 5.3.6
AUTH_LENGTH = 8
MOST_ADDRESSES = 255

_HEADER = struct.Struct("!BBBBHH")
_CLASSES: dict[int, type[IPv4Address] | type[IPv6Address]] = {
    4: IPv4Address,
    6: IPv6Address,
}


class Checksum(Enum):
    """What a checksum covers beside the message.

    PSEUDO: the pseudo header too (RFC 5798, 5.2.8; IPv6 always). PLAIN: the message
    alone (version 2; for IPv4 RFC 9568, 5.2.8). OLD_UNICAST: a pseudo header with
    the multicast group in a unicast packet, as keepalived up to 1.3.6 sent it.
    """

    PSEUDO = "with pseudo header"
    PLAIN = "without pseudo header"
    OLD_UNICAST = "with the multicast group in the pseudo header"


@dataclass(frozen=True)
class Advert:
    """One advertisement; C{interval} is in seconds, C{auth_data} has 0 or 8 bytes."""

    version: int
    vrid: int
    priority: int
    interval: float
    addresses: tuple[IpAddress, ...]
    auth_type: int = AUTH_NONE
    auth_data: bytes = b""


def encode(
    advert: Advert,
    source: IpAddress,
    destination: IpAddress,
    checksum: Checksum = Checksum.PSEUDO,
) -> bytes:
    """The bytes of C{advert} on its way from C{source} to C{destination}.

    Version 2 over IPv4 is always summed without a pseudo header, IPv6 always with.
    """
    if advert.version == 2:
        timing = advert.auth_type << 8 | round(advert.interval)
        tail = advert.auth_data.ljust(AUTH_LENGTH, b"\0")
    else:
        timing = round(advert.interval * 100) & 0x0FFF
        tail = b""
    body = b"".join(address.packed for address in advert.addresses) + tail
    head = (
        advert.version << 4 | ADVERTISEMENT,
        advert.vrid,
        advert.priority,
        len(advert.addresses),
        timing,
    )
    if source.version == 6:
        checksum = Checksum.PSEUDO
    elif advert.version == 2:
        checksum = Checksum.PLAIN
    covered = _covered(checksum, source, destination, _HEADER.size + len(body))
    total = internet_checksum(covered + _HEADER.pack(*head, 0) + body)
    return _HEADER.pack(*head, total) + body


def append(
    message: bytes, trailer: bytes, source: IpAddress, destination: IpAddress
) -> bytes:
    """The encoded C{message} with a C{trailer} of an extension behind it.

    Over IPv6 the checksum covers both: there it is that of the whole payload.
    """
    if source.version == 4 or not trailer:
        return message + trailer
    data = message[:6] + bytes(2) + message[8:] + trailer
    covered = _covered(Checksum.PSEUDO, source, destination, len(data))
    total = internet_checksum(covered + data)
    return data[:6] + total.to_bytes(2) + data[8:]


def length_of(advert: Advert, family: int) -> int:
    """The length of C{advert} on the wire, without what may stand behind it."""
    tail = AUTH_LENGTH if advert.version == 2 else 0
    return _HEADER.size + len(advert.addresses) * (4 if family == 4 else 16) + tail


def decode(
    data: bytes, source: IpAddress, destination: IpAddress
) -> tuple[Advert, Checksum]:
    """Read one advertisement, and tell which kind of checksum it carries.

    Bytes behind the message (padding, trailers of extensions) are left alone, but the
    checksum of IPv6 covers them too.

    Raises L{BadPacket} and nothing else.
    """
    if len(data) < _HEADER.size:
        raise BadPacket("too short", len(data))
    first, vrid, priority, count, timing, _ = _HEADER.unpack_from(data)
    version = first >> 4
    if version not in (2, 3):
        raise BadPacket("version", version)
    if first & 0x0F != ADVERTISEMENT:
        raise BadPacket("type", first & 0x0F)
    if vrid == 0:
        raise BadPacket("virtual router id", vrid)
    size = 4 if source.version == 4 else 16
    end = _HEADER.size + count * size
    length = end + (AUTH_LENGTH if version == 2 else 0)
    if len(data) < length:
        raise BadPacket("length", len(data))
    covered = data if size == 16 else data[:length]
    kind = _verify(version, covered, source, destination)
    addresses = _addresses(data[_HEADER.size : end], source.version)
    if version == 3:
        interval = (timing & 0x0FFF) / 100
        if not interval:
            raise BadPacket("advertisement interval", interval)
        return Advert(3, vrid, priority, interval, addresses), kind
    return Advert(
        2,
        vrid,
        priority,
        float(timing & 0xFF),
        addresses,
        timing >> 8,
        data[end:length],
    ), kind


@lru_cache(maxsize=256)  # a master says the same again and again
def _addresses(packed: bytes, family: int) -> tuple[IpAddress, ...]:
    make, size = _CLASSES[family], 4 if family == 4 else 16
    return tuple(make(packed[at : at + size]) for at in range(0, len(packed), size))


def _verify(
    version: int, message: bytes, source: IpAddress, destination: IpAddress
) -> Checksum:
    if source.version == 6:
        kinds: tuple[Checksum, ...] = (Checksum.PSEUDO,)
    elif version == 2:
        kinds = (Checksum.PLAIN,)
    elif destination.is_multicast:
        kinds = (Checksum.PSEUDO, Checksum.PLAIN)
    else:
        kinds = (Checksum.PSEUDO, Checksum.PLAIN, Checksum.OLD_UNICAST)
    for kind in kinds:
        covered = _covered(kind, source, destination, len(message))
        if internet_checksum(covered + message) == 0:
            return kind
    raise BadPacket("checksum", int.from_bytes(message[6:8]))


def _covered(
    kind: Checksum, source: IpAddress, destination: IpAddress, length: int
) -> bytes:
    """The pseudo header (RFC 768; RFC 8200, section 8.1), if the kind has one."""
    if kind is Checksum.PLAIN:
        return b""
    if kind is Checksum.OLD_UNICAST:
        destination = MULTICAST_4
    if source.version == 4:
        tail = struct.pack("!BBH", 0, PROTOCOL, length)
    else:
        tail = struct.pack("!IHBB", length, 0, 0, PROTOCOL)
    return source.packed + destination.packed + tail


def internet_checksum(data: bytes) -> int:
    """The ones' complement sum of RFC 1071; 0 over data with a right checksum."""
    if len(data) % 2:
        data += b"\0"
    # 65536 is 1 modulo 65535, so the whole number modulo 65535 is the folded sum.
    total = int.from_bytes(data) % 0xFFFF
    if total == 0 and any(data):
        return 0
    return 0xFFFF - total
