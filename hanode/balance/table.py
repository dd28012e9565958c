"""What a virtual server wants the kernel to have (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from hanode.config.balance_model import RealServer, VirtualAddress, VirtualServer
from hanode.lvs import Destination, Endpoint, Fwmark, Identity, Method, Service

Weighted = Iterable[tuple[RealServer, int]]


def services(virtual: VirtualServer, weighted: Weighted) -> dict[Identity, Service]:
    """One service for each address or mark of C{virtual}, with these real servers."""
    listed = tuple(weighted)
    found: dict[Identity, Service] = {}
    for address in virtual.addresses:
        identity = identify(address, virtual.protocol)
        found[identity] = Service(
            identity,
            virtual.scheduler,
            virtual.flags,
            virtual.persistence,
            _granularity(virtual.granularity, identity),
            virtual.engine,
            virtual.one_packet,
            _destinations(identity, listed),
        )
    return found


def complete(virtual: VirtualServer) -> dict[Identity, Service]:
    """The same with all real servers, as if all were up: what may ever be asked for."""
    spare = () if virtual.sorry is None else (virtual.sorry,)
    every = (*virtual.real_servers, *spare)
    return services(virtual, ((each, each.weight) for each in every))


def identify(address: VirtualAddress, protocol: str) -> Identity:
    """What the kernel tells a service by."""
    if address.mark:
        return Fwmark(address.mark, address.family)
    return Endpoint(address.address, address.port, protocol)


def _granularity(length: int, identity: Identity) -> int:
    """In a group of both families, the whole address is the whole in both."""
    if identity.family == 4:
        return min(length, 32)
    return 128 if length == 32 else length


def _destinations(
    identity: Identity, weighted: tuple[tuple[RealServer, int], ...]
) -> tuple[Destination, ...]:
    """Those of the service's family; only a tunnel leads to the other one."""
    found: dict[object, Destination] = {}
    for real, weight in weighted:
        if real.address.version == identity.family or real.method == "TUN":
            each = _destination(identity, real, weight)
            found.setdefault(each.key, each)
    return tuple(found.values())


def _destination(identity: Identity, real: RealServer, weight: int) -> Destination:
    port = real.port
    if isinstance(identity, Endpoint) and (not port or real.method != "NAT"):
        port = identity.port  # the packet is not rewritten: nor is its port
    method = Method(real.method)
    if real.method == "TUN":
        method = Method("TUN", real.tunnel, real.tunnel_port, real.checksum)
    return Destination(real.address, port, weight, method, real.upper, real.lower)
