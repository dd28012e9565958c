"""One virtual service as rules of nftables (nft(8)), and the frame that all share.

Everything is in one table, C{inet hanode_lvs}. A packet that opens a connection goes
through C{dispatch}, whose maps lead to the chain of its service; there a known client
goes to the chain of its real server, another one where the scheduler says. Later
packets are translated by connection tracking and meet only the counters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network

from hanode.config.scalars import IpAddress
from hanode.dataplanes.nftables_ring import ring
from hanode.lvs import Destination, Endpoint, Fwmark, Identity, Service

FAMILY, NAME = "inet", "hanode_lvs"
TABLE = f"{FAMILY} {NAME}"
#: clients that a real server of a persistent service can have at most
CLIENTS = 1 << 20
#: the same on every director and after every start, so that sh survives both
SEED = 0x68616E6F

PROTOCOLS = ("tcp", "udp", "sctp")
_WORDS = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
_BITS = {4: 32, 6: 128}
_SH_PORT = "flag-2"  # IP_VS_SVC_F_SCHED_SH_PORT

Elements = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Rules:
    """What one service needs, each by its name.

    C{chains} have their rules, C{sets} the type of their elements. C{elements} are
    those that the service puts into the shared maps: (map, key) and value.
    """

    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    counters: tuple[str, ...] = ()
    elements: Elements = field(default_factory=dict)


def name_of(identity: Identity) -> str:
    """The service's chain, e.g. C{tcp_192.0.2.10_80}; nft wants no colons."""
    if isinstance(identity, Fwmark):
        return f"fwmark_{identity.mark}_ipv{identity.family}"
    return f"{identity.protocol.lower()}_{_plain(identity.address)}_{identity.port}"


def destination_name(identity: Identity, destination: Destination) -> str:
    """The chain, counter and set of one real server of a service."""
    address = _plain(destination.address)
    return f"{name_of(identity)}/{address}_{destination.port}"


def rules_of(service: Service) -> Rules:
    """All that C{service} needs; it is one that nftables can do."""
    identity, name = service.identity, name_of(service.identity)
    open_ones = [each for each in service.destinations if each.weight > 0]
    chains = {}
    sets = {}
    for each in service.destinations:
        own = destination_name(identity, each)
        chains[own] = _destination_rules(service, each)
        if service.persistence and each.weight > 0:
            sets[own] = _WORDS[identity.family][1]
    chains[name] = _service_rules(service, open_ones)
    counters = [name]
    elements = {_entrance(identity): f"goto {name}"}
    for each in service.destinations:
        own = destination_name(identity, each)
        counters.append(own)
        if isinstance(identity, Fwmark):
            continue  # the mark is not on the packets that come back
        for direction in ("in", "out"):
            counters.append(f"{own}/{direction}")
            elements[_meter(identity, each, direction)] = f'"{own}/{direction}"'
    return Rules(chains, sets, tuple(counters), elements)


def _service_rules(service: Service, open_ones: list[Destination]) -> tuple[str, ...]:
    identity = service.identity
    names = [destination_name(identity, each) for each in open_ones]
    count = f"counter name {name_of(identity)}"
    if not names:
        # As ip_vs_leave() answers when no real server is left.
        return (count, "reject with icmpx port-unreachable")
    lines = [count]
    if service.persistence:
        lines += [f"{_client(service)} @{each} goto {each}" for each in names]
    lines.append(_schedule(service, open_ones, names))
    return tuple(lines)


def _schedule(service: Service, open_ones: list[Destination], names: list[str]) -> str:
    word = _WORDS[service.identity.family][0]
    weights = [each.weight for each in open_ones]
    if service.scheduler == "rr":
        weights = [1] * len(weights)
    total, runs = ring(weights, mixed=service.scheduler == "wrr")
    if len(names) == 1:
        return f"goto {names[0]}"
    if service.scheduler == "sh":
        port = " . th sport" if _SH_PORT in service.flags else ""
        pick = f"jhash {word} saddr{port} mod {total} seed {SEED:#x}"
    else:
        pick = f"numgen inc mod {total}"
    places = ", ".join(
        f"{first if first == last else f'{first}-{last}'} : goto {names[index]}"
        for first, last, index in runs
    )
    return f"{pick} vmap {{ {places} }}"


def _destination_rules(service: Service, destination: Destination) -> tuple[str, ...]:
    own = destination_name(service.identity, destination)
    lines = []
    if service.persistence and destination.weight > 0:
        # A rule of its own: when the set is full, it is this one that ends.
        timeout = f"timeout {service.persistence}s"
        lines.append(f"update @{own} {{ {_client(service)} {timeout} }}")
    lines.append(f"counter name {own}")
    word = _WORDS[service.identity.family][0]
    address = str(destination.address)
    if not destination.port:
        return (*lines, f"dnat {word} to {address}")
    if word == "ip6":
        address = f"[{address}]"
    if isinstance(service.identity, Endpoint):
        protocols: tuple[str, ...] = (service.identity.protocol.lower(),)
    else:
        protocols = PROTOCOLS
    to = f"dnat {word} to {address}:{destination.port}"
    return (*lines, *(f"meta l4proto {each} {to}" for each in protocols))


def _client(service: Service) -> str:
    """What a client is told apart by: its address, or that of its network."""
    family = service.identity.family
    word, bits = _WORDS[family][0], _BITS[family]
    length = service.granularity
    if length >= bits:
        return f"{word} saddr"
    zero = "0.0.0.0" if family == 4 else "::"
    return f"{word} saddr & {ip_network(f'{zero}/{length}').netmask}"


def _entrance(identity: Identity) -> tuple[str, str]:
    """The map that leads to the service, and its key there."""
    if isinstance(identity, Fwmark):
        return f"marks{identity.family}", str(identity.mark)
    protocol = identity.protocol.lower()
    if identity.port:
        key = f"{identity.address} . {protocol} . {identity.port}"
        return f"services{identity.family}", key
    return f"anyport{identity.family}", f"{identity.address} . {protocol}"


def _meter(
    identity: Endpoint, destination: Destination, direction: str
) -> tuple[str, str]:
    """The map that counts packets of a destination, and the key there."""
    front = f"{identity.address} . {identity.protocol.lower()}"
    if identity.port:
        key = f"{front} . {identity.port} . {destination.address}"
        port = destination.port or identity.port
        return f"{direction}{identity.family}", f"{key} . {port}"
    name = f"{direction}_anyport{identity.family}"
    return name, f"{front} . {destination.address}"


def _plain(address: IpAddress) -> str:
    return str(address).replace(":", "-")


_Counting = tuple[dict[str, str], list[str]]


def _counting(family: int, direction: str, address: str, port: str) -> _Counting:
    """The maps and rules that count one direction of one family."""
    word, kind = _WORDS[family]
    where, anyport = f"{direction}{family}", f"{direction}_anyport{family}"
    maps = {
        where: f"{kind} . inet_proto . inet_service . {kind} . inet_service : counter",
        anyport: f"{kind} . inet_proto . {kind} : counter",
    }
    front = f"ct original {word} daddr . meta l4proto"
    rules = [  # the protocol is named because nft must know the ports' size
        f"meta l4proto {each} counter name {front} . ct original proto-dst"
        f" . {word} {address} . th {port} map @{where} accept"
        for each in PROTOCOLS
    ]
    rules.append(f"counter name {front} . {word} {address} map @{anyport}")
    return maps, rules


def _frame() -> tuple[dict[str, str], dict[str, str], dict[str, tuple[str, ...]]]:
    """The maps with their types, the base chains, and the rules that never change."""
    maps: dict[str, str] = {}
    dispatch: list[str] = []
    inward: list[str] = []
    outward: list[str] = []
    listed = ", ".join(PROTOCOLS)
    for family, (word, kind) in _WORDS.items():
        maps[f"marks{family}"] = "mark : verdict"
        maps[f"services{family}"] = f"{kind} . inet_proto . inet_service : verdict"
        maps[f"anyport{family}"] = f"{kind} . inet_proto : verdict"
        dispatch += [
            f"meta nfproto ipv{family} meta l4proto {{ {listed} }}"
            f" meta mark vmap @marks{family}",
            f"{word} daddr . meta l4proto . th dport vmap @services{family}",
            f"{word} daddr . meta l4proto vmap @anyport{family}",
        ]
        sides = (("in", "daddr", "dport", inward), ("out", "saddr", "sport", outward))
        for direction, address, port, rules in sides:
            more, found = _counting(family, direction, address, port)
            maps |= more
            rules += found
    nat = "type nat hook {} priority -100; policy accept;"
    # Before the source of replies is translated back (priority 100).
    meter = "type filter hook {} priority 90; policy accept;"
    bases = {
        "prerouting": nat.format("prerouting"),
        "output": nat.format("output"),
        "postrouting": meter.format("postrouting"),
        "input": meter.format("input"),
        "dispatch": "",
        "traffic": "",
        "traffic_in": "",
        "traffic_out": "",
    }
    rules_of_bases = {
        "prerouting": ("jump dispatch",),
        "output": ("jump dispatch",),
        "postrouting": ("ct status dnat goto traffic",),
        "input": ("ct status dnat goto traffic",),
        "dispatch": tuple(dispatch),
        "traffic": (
            "ct direction original goto traffic_in",
            "ct direction reply goto traffic_out",
        ),
        "traffic_in": tuple(inward),
        "traffic_out": tuple(outward),
    }
    return maps, bases, rules_of_bases


MAPS, BASES, BASE_RULES = _frame()
