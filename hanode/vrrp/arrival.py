"""One packet that has arrived, taken apart once for all who may want it."""

from __future__ import annotations

from dataclasses import dataclass

from hanode.config.model import IpAddress
from hanode.vrrp.ah import Envelope
from hanode.vrrp.packet import Advert, Checksum


@dataclass(frozen=True, slots=True)
class Arrival:
    """A well-formed advertisement and all that is needed to judge it.

    C{message} are the bytes of the C{advert} itself, C{trailer} what stands behind
    them. C{envelope} is there when it came in an IP authentication header.
    """

    advert: Advert
    checksum: Checksum
    source: IpAddress
    destination: IpAddress
    ttl: int
    message: bytes
    trailer: bytes = b""
    envelope: Envelope | None = None
