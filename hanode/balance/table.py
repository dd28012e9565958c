"""What a virtual server wants the kernel to have (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hanode.config.balance_model import RealServer, VirtualAddress, VirtualServer
from hanode.lvs import (
    Destination,
    Endpoint,
    Fwmark,
    Identity,
    Method,
    Service,
    Table,
)

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
            _granularity(virtual, identity),
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


def _granularity(virtual: VirtualServer, identity: Identity) -> int:
    """In a group of both families, a whole address is one in both."""
    length, family = virtual.granularity, virtual.addresses[0].family
    if identity.family == family:
        return length
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


def port_of(identity: Identity, real: RealServer) -> int:
    """The port that C{real} has below this service."""
    port = identity.port if isinstance(identity, Endpoint) else 0
    if real.method != "NAT":
        return port  # the packet is not rewritten: nor is its port
    return real.port or port


def _destination(identity: Identity, real: RealServer, weight: int) -> Destination:
    port = port_of(identity, real)
    method = Method(real.method)
    if real.method == "TUN":
        method = Method("TUN", real.tunnel, real.tunnel_port, real.checksum)
    return Destination(real.address, port, weight, method, real.upper, real.lower)


class WholeTable:
    """The services of all virtual servers; an unchanged one stays the same object.

    C{changed}: it is another one than was taken last.
    """

    def __init__(self) -> None:
        self._table: dict[Identity, Service] = {}
        self._owners: dict[Identity, str] = {}
        self._placed: dict[str, dict[Identity, Service]] = {}
        self.changed = True

    def place(self, owner: str, wanted: Mapping[Identity, Service]) -> None:
        """From now on the virtual server C{owner} wants exactly these services."""
        before = self._placed.pop(owner, {})
        after: dict[Identity, Service] = {}
        for identity, service in wanted.items():
            old = before.get(identity)
            after[identity] = service if old is None or old != service else old
            if self._table.get(identity) is not after[identity]:
                self._table[identity] = after[identity]
                self.changed = True
            self._owners[identity] = owner
        for identity in before:
            # A virtual server of another name may have taken it over meanwhile.
            if identity not in after and self._owners.get(identity) == owner:
                del self._table[identity], self._owners[identity]
                self.changed = True
        if after:
            self._placed[owner] = after

    def take(self) -> Table:
        """The table as it is now; it does not change any more."""
        self.changed = False
        return dict(self._table)
