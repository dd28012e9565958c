"""What a set of configurations needs to run: hosts, wires, addresses.

Files are taken as they are. Interfaces of the same name are on the same wire, and so
are interfaces that instances of the same virtual router use. Each gets an address where
the file expects one: its unicast_src_ip, what its neighbours call it in their
unicast_peer, or a free address in the network of its virtual addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

from hanode.config.bfd_model import BfdParameters
from hanode.config.model import Address, IpAddress, Model, VrrpInstance
from hanode.node import interfaces

FALLBACK = ip_network("198.51.100.0/24")  # RFC 5737: where nothing else is said
Card = tuple[str, str]  # host, interface


@dataclass(frozen=True)
class Member:
    """One node: its name, its file, its configuration."""

    name: str
    file: str
    model: Model


@dataclass
class Plan:
    """Who is where. C{wires} are sets of cards; C{addresses} are like 10.0.0.1/24."""

    members: list[Member]
    wires: list[set[Card]]
    instance: str  # the name of the instance that is watched, on the first member
    target: Address  # the virtual address that the client asks
    addresses: dict[Card, list[str]] = field(default_factory=dict)
    client: list[str] = field(default_factory=list)

    def settings(self, name: str) -> VrrpInstance | None:
        """The watched virtual router as member C{name} takes part in it."""
        wanted = self.members[0].model.instances[self.instance]
        for member in self.members:
            if member.name == name:
                for each in member.model.instances.values():
                    if _same(each, wanted):
                        return each
        return None

    def watches(self, name: str) -> list[BfdParameters]:
        """The sessions by which C{name} learns of the loss of the watched master."""
        settings = self.settings(name)
        if settings is None:
            return []
        found = [settings.fast_failover] if settings.fast_failover else []
        model = next(each.model for each in self.members if each.name == name)
        for tracked in settings.track:
            if tracked.kind == "bfd" and tracked.weight:
                found.append(model.bfd_instances[tracked.name].parameters)
        return found

    def wire(self, card: Card) -> set[Card]:
        """The wire that C{card} is on. Raises L{LookupError}."""
        for each in self.wires:
            if card in each:
                return each
        raise LookupError(f"{card} is on no wire")

    def best(self, names: Iterable[str]) -> str | None:
        """Who ought to be master among C{names}: priority, then address."""
        ranked: list[tuple[int, bytes, str]] = []
        for name in names:
            settings = self.settings(name)
            if settings is not None:
                own = self.source(name, settings)
                packed = own.packed if own is not None else b""
                ranked.append((settings.priority, packed, name))
        return max(ranked)[2] if ranked else None

    def source(self, name: str, settings: VrrpInstance) -> IpAddress | None:
        """The address that a member's advertisements come from, if it is known."""
        if settings.source is not None:
            return settings.source
        for text in self.addresses.get((name, settings.interface), ()):
            address = ip_network(text, strict=False)
            if address.version == settings.family == 4:
                return type(settings.multicast_group)(text.split("/")[0])
        return None


class Unplayable(Exception):
    """The configurations give nothing to show; the text says why."""


def plan(members: Sequence[Member]) -> Plan:
    """Lay out the network for C{members}. Raises L{Unplayable}."""
    instance, target = _watched(members)
    wires = _wires(members)
    result = Plan(list(members), wires, instance, target)
    taken = {
        address.address
        for member in members
        for each in member.model.instances.values()
        for address in each.all_addresses
    }
    taken.update(
        peer.address
        for member in members
        for each in member.model.instances.values()
        for peer in each.unicast_peers
    )
    for member in members:
        for session in member.model.bfd_instances.values():
            taken.add(session.route.neighbour)
            if session.route.source is not None:
                taken.add(session.route.source)
    for wire in wires:
        for card in sorted(wire):
            member = next(each for each in members if each.name == card[0])
            result.addresses[card] = list(_addresses(member, card[1], members, taken))
    network = _network(target)
    if not target.address.is_link_local:
        result.client = [_free(network, taken)]
    return result


def _same(one: VrrpInstance, other: VrrpInstance) -> bool:
    """Whether two instances are the same virtual router."""
    return (one.vrid, one.family) == (other.vrid, other.family)


def _watched(members: Sequence[Member]) -> tuple[str, Address]:
    for each in members[0].model.instances.values():
        others = [
            one
            for member in members[1:]
            for one in member.model.instances.values()
            if _same(one, each)
        ]
        for address in each.all_addresses:
            if others and address.device != "lo":
                return each.name, address
    first = members[0].file
    raise Unplayable(
        f"no vrrp_instance of {first} has a virtual address, and its"
        " virtual_router_id also in another file"
    )


def _wires(members: Sequence[Member]) -> list[set[Card]]:
    """The sets of cards that share an Ethernet."""
    wires: list[set[Card]] = []

    def join(cards: set[Card]) -> None:
        touched = [wire for wire in wires if wire & cards]
        for wire in touched:
            wires.remove(wire)
        wires.append(cards.union(*touched))

    for member in members:
        for name in interfaces(member.model) - {"lo"}:
            join({(member.name, name)})
    names = {name for wire in wires for _, name in wire}
    for name in sorted(names):
        join({card for wire in wires for card in wire if card[1] == name})
    routers: dict[tuple[int, int], set[Card]] = {}
    for member in members:
        for each in member.model.instances.values():
            cards = routers.setdefault((each.vrid, each.family), set())
            if each.interface != "lo":
                cards.add((member.name, each.interface))
    for cards in routers.values():
        join(cards)
    return [wire for wire in wires if wire]


def _network(address: Address) -> str:
    """The network around a virtual address; a host prefix is widened."""
    prefix = address.prefix
    if prefix >= address.address.max_prefixlen - 1:
        prefix = 24 if address.address.version == 4 else 64
    return str(ip_network(f"{address.address}/{prefix}", strict=False))


def _free(network: str, taken: set[IpAddress]) -> str:
    parsed = ip_network(network)
    for each in parsed.hosts():
        if each not in taken:
            taken.add(each)
            return f"{each}/{parsed.prefixlen}"
    raise Unplayable(f"no free address in {network}")


def _addresses(
    member: Member, interface: str, members: Sequence[Member], taken: set[IpAddress]
) -> Iterator[str]:
    mine = [
        each
        for each in member.model.instances.values()
        if each.interface == interface
        or any(address.device == interface for address in each.all_addresses)
    ]
    networks: list[str] = []
    for each in mine:
        for address in each.all_addresses:
            around = _network(address)
            own = address.device == interface and not address.address.is_link_local
            if own and around not in networks:
                networks.append(around)
    given: set[IpAddress] = set()
    for each in mine:
        source = _source(member, each, members, given)
        if source is None or each.interface != interface or source in given:
            continue
        given.add(source)
        taken.add(source)
        around = next((one for one in networks if source in ip_network(one)), "")
        if around:
            networks.remove(around)
        default = 24 if source.version == 4 else 64
        yield f"{source}/{ip_network(around).prefixlen if around else default}"
    for network in networks:
        ours = _bfd_source(member, members, network)
        if ours is None or ours in given:
            yield _free(network, taken)
        else:
            yield f"{ours}/{ip_network(network).prefixlen}"
    families = {each.version for each in given}
    families.update(ip_network(network).version for network in networks)
    if 4 not in families and any(each.family == 4 for each in mine):
        yield _free(str(FALLBACK), taken)


def _source(
    member: Member,
    settings: VrrpInstance,
    members: Sequence[Member],
    given: set[IpAddress],
) -> IpAddress | None:
    """The address that the files expect this instance to send from."""
    if settings.source is not None:
        return settings.source
    if not settings.unicast:
        return None
    own = {peer.address for peer in settings.unicast_peers}
    sources: set[IpAddress] = set()
    named: list[IpAddress] = []
    for other in members:
        for each in other.model.instances.values():
            if other is not member and _same(each, settings):
                if each.source is not None:
                    sources.add(each.source)
                named.extend(peer.address for peer in each.unicast_peers)
    for address in named:
        if address not in own and address not in sources:
            return address
    return None


def _bfd_source(
    member: Member, members: Sequence[Member], network: str
) -> IpAddress | None:
    """The address in C{network} that the bfd_instances of the files expect here."""
    parsed = ip_network(network)
    routes = [each.route for each in member.model.bfd_instances.values()]
    for route in routes:
        if route.source is not None and route.source in parsed:
            return route.source
    others: set[IpAddress] = {route.neighbour for route in routes}
    named: list[IpAddress] = []
    for other in members:
        if other is not member:
            for each in other.model.bfd_instances.values():
                named.append(each.route.neighbour)
                if each.route.source is not None:
                    others.add(each.route.source)
    return next((each for each in named if each in parsed and each not in others), None)
