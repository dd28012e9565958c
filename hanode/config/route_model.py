"""Routes and policy rules as values: ip-route(8), ip-rule(8), keepalived.conf(5)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from hanode.config.scalars import IpAddress

IpNetwork = IPv4Network | IPv6Network

KEEPALIVED = 18  # protocol number: linux/rtnetlink.h, RTPROT_KEEPALIVED
MAIN = 254  # the routing table "main"
NO_LIMIT = -1  # suppress_prefixlength and suppress_ifgroup that were not given


@dataclass(frozen=True)
class Encapsulation:
    """C{encap ip|ip6}: packets of the route travel inside others (lwtunnel).

    C{source} and C{destination} are the outer addresses; the others are None where
    they were not given.
    """

    kind: str  # ip or ip6
    identifier: int | None = None
    destination: IpAddress | None = None
    source: IpAddress | None = None
    tos: int | None = None
    ttl: int | None = None
    flags: int | None = None


@dataclass(frozen=True)
class Hop:
    """One next hop: C{gateway} None is a directly connected network.

    C{device} is "" where the kernel is to find it. C{weight} is 1..256. C{realm} is
    source and destination realm as C{source << 16 | destination}.
    """

    gateway: IpAddress | None = None
    device: str = ""
    weight: int = 1
    onlink: bool = False
    realm: int = 0
    encapsulation: Encapsulation | None = None

    def __str__(self) -> str:
        words = [f"via {self.gateway}"] if self.gateway is not None else []
        words += [f"dev {self.device}"] if self.device else []
        words += [f"weight {self.weight}"] if self.weight != 1 else []
        return " ".join(words)


@dataclass(frozen=True)
class Route:
    """One route: C{TYPE PREFIX via GATEWAY dev DEVICE ...} of virtual_routes.

    C{metrics} are pairs of word and value in the kernel's units: rtt in eighths of a
    millisecond, rttvar in quarters, rto_min in milliseconds, congctl as text. C{locked}
    are the words that path MTU discovery and TCP must not change. C{place} is where it
    goes among routes like it: add (nowhere if there is one), prepend or append.
    C{metric} 0 leaves it to the kernel. C{group} is a track_group, "" for none.
    """

    destination: IpNetwork
    kind: str = "unicast"
    hops: tuple[Hop, ...] = ()
    table: int = MAIN
    metric: int = 0
    tos: int = 0
    scope: int = 0
    protocol: int = KEEPALIVED
    source: IpAddress | None = None
    source_network: IpNetwork | None = None  # IPv6 only
    metrics: tuple[tuple[str, int | str], ...] = ()
    locked: frozenset[str] = frozenset()
    preference: int | None = None  # IPv6 only: RFC 4191
    expires: int | None = None  # IPv6 only: seconds
    ttl_propagate: int | None = None
    place: str = "prepend"
    track: bool = True
    group: str = ""

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.destination.version

    @property
    def devices(self) -> tuple[str, ...]:
        """The interfaces that it names."""
        return tuple(hop.device for hop in self.hops if hop.device)

    def __str__(self) -> str:
        words = [] if self.kind == "unicast" else [self.kind]
        default = self.destination.prefixlen == 0
        words.append("default" if default else str(self.destination))
        if self.version == 6 and default:
            words.insert(0, "inet6")
        if len(self.hops) > 1:
            words += [f"nexthop {hop}" for hop in self.hops]
        else:
            words += [str(hop) for hop in self.hops if str(hop)]
        words += [f"table {self.table}"] if self.table != MAIN else []
        words += [f"metric {self.metric}"] if self.metric else []
        return " ".join(words)


@dataclass(frozen=True)
class Rule:
    """One policy rule: what it matches, and what is done then.

    C{action} is table, goto, nop, blackhole, unreachable or prohibit; C{target} the
    table (0 with l3mdev) or the preference that goto leads to. The ranges are
    (first, last).
    """

    version: int
    preference: int
    action: str = "table"
    target: int = 0
    inverted: bool = False
    source: IpNetwork | None = None
    destination: IpNetwork | None = None
    tos: int = 0
    mark: tuple[int, int] | None = None  # value, mask
    realm: int = 0
    suppress_prefix: int = NO_LIMIT
    suppress_group: int = NO_LIMIT
    incoming: str = ""
    outgoing: str = ""
    tunnel: int = 0
    users: tuple[int, int] | None = None
    l3mdev: bool = False
    protocol: int = KEEPALIVED
    ip_protocol: int = 0
    source_ports: tuple[int, int] | None = None
    destination_ports: tuple[int, int] | None = None
    track: bool = True
    group: str = ""

    def __str__(self) -> str:
        words = [f"{self.preference}:"]
        words += ["not"] if self.inverted else []
        words.append(f"from {self.source or 'all'}")
        words += [f"to {self.destination}"] if self.destination else []
        if self.mark is not None:
            words.append(f"fwmark {self.mark[0]:#x}/{self.mark[1]:#x}")
        words += [f"iif {self.incoming}"] if self.incoming else []
        words += [f"oif {self.outgoing}"] if self.outgoing else []
        if self.l3mdev:
            words.append("l3mdev")
        else:
            words.append(self.action)
            words += [str(self.target)] if self.target else []
        return " ".join(words)
