"""What a receiver must verify of an advertisement (RFC 9568, section 7.1).

The codec has already checked what can be told from the bytes alone; here they are
held against one instance's settings.
"""

from __future__ import annotations

from collections.abc import Callable

from hanode.config.model import IpAddress, VrrpInstance
from hanode.vrrp.arrival import Arrival
from hanode.vrrp.packet import BadPacket

TTL = 255  # section 5.1.1.3: a packet from farther away than one hop is dropped


def verify(
    arrival: Arrival,
    settings: VrrpInstance,
    prove: Callable[[Arrival], BadPacket | None],
) -> BadPacket | None:
    """Accept the advertisement; return what C{prove} has to remark about it.

    @param prove: checks who sent it, and may raise L{BadPacket} itself.

    Raises L{BadPacket} with the reason when this instance must discard it.
    """
    advert = arrival.advert
    _verify_path(settings, arrival.source, arrival.destination, arrival.ttl)
    if advert.version != settings.version:
        raise BadPacket("version", advert.version)
    remark = prove(arrival)
    # RFC 3768, section 7.1: the interval must be the one configured here.
    if advert.version == 2 and advert.interval != settings.advert_int:
        raise BadPacket("advertisement interval", advert.interval)
    return remark


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
