"""What a receiver must verify of an advertisement (RFC 9568, section 7.1).

The codec has already checked what can be told from the bytes alone; here they are
held against one instance's settings.
"""

from __future__ import annotations

from hmac import compare_digest

from hanode.config.model import IpAddress, VrrpInstance
from hanode.vrrp.packet import (
    AUTH_LENGTH,
    AUTH_NONE,
    AUTH_PASS,
    Advert,
    BadPacket,
)

TTL = 255  # section 5.1.1.3: a packet from farther away than one hop is dropped


def password(settings: VrrpInstance) -> bytes:
    """The eight bytes of authentication data that C{settings} send and expect."""
    if settings.authentication is None or settings.version != 2:
        return b""
    secret = settings.authentication.secret.encode("utf-8", "surrogateescape")
    return secret[:AUTH_LENGTH].ljust(AUTH_LENGTH, b"\0")


def verify(
    advert: Advert,
    settings: VrrpInstance,
    source: IpAddress,
    destination: IpAddress,
    ttl: int,
) -> None:
    """Accept the advertisement in silence.

    Raises L{BadPacket} with the reason when this instance must discard it.
    """
    _verify_path(settings, source, destination, ttl)
    if advert.version != settings.version:
        raise BadPacket("version", advert.version)
    if settings.version == 2:
        _verify_version_2(advert, settings)


def _verify_path(
    settings: VrrpInstance, source: IpAddress, destination: IpAddress, ttl: int
) -> None:
    if destination.is_multicast == settings.unicast:
        kind = "multicast" if destination.is_multicast else "unicast"
        mode = "unicast" if settings.unicast else "multicast"
        raise BadPacket(f"{kind} packet on {mode} instance")
    if not settings.unicast:
        if ttl != TTL:
            raise BadPacket("ttl", ttl)
        return
    peer = next((p for p in settings.unicast_peers if p.address == source), None)
    if peer is None:
        if settings.check_unicast_src:
            raise BadPacket("source is no unicast peer", source)
        return
    low = 0 if peer.min_ttl is None else peer.min_ttl
    high = 255 if peer.max_ttl is None else peer.max_ttl
    if not low <= ttl <= high:
        raise BadPacket("ttl", ttl)


def _verify_version_2(advert: Advert, settings: VrrpInstance) -> None:
    expected = password(settings)
    if advert.auth_type != (AUTH_PASS if expected else AUTH_NONE):
        raise BadPacket("authentication type", advert.auth_type)
    if expected and not compare_digest(advert.auth_data, expected):
        raise BadPacket("authentication data")  # never show what was received
    # RFC 3768, section 7.1: the interval must be the one configured here.
    if advert.interval != settings.advert_int:
        raise BadPacket("advertisement interval", advert.interval)
