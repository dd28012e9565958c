"""What the kernel is to balance, as values: services and where they lead.

The names are those of ip_vs (linux/ip_vs.h, ipvsadm(8)). A L{Table} is always a whole;
who applies it finds the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hanode.config.scalars import IpAddress

MOST_WEIGHT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and port of a service; C{protocol} is TCP, UDP or SCTP.

    Port 0 is any port, which only a persistent service can have.
    """

    address: IpAddress
    port: int
    protocol: str

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.address.version

    def __str__(self) -> str:
        return f"[{self.address}]:{self.protocol.lower()}:{self.port}"


@dataclass(frozen=True, slots=True)
class Fwmark:
    """Packets with this firewall mark (not 0), of C{family} 4 or 6."""

    mark: int
    family: int = 4

    def __str__(self) -> str:
        return f"FWM {self.mark}"


Identity = Endpoint | Fwmark


@dataclass(frozen=True, slots=True)
class Method:
    """How packets get to a real server: C{kind} is NAT, DR or TUN.

    C{tunnel} is ipip, gre or gue; C{port} is gue's; C{checksum} is nocsum, csum or
    remcsum. They mean something for TUN only.
    """

    kind: str = "NAT"
    tunnel: str = "ipip"
    port: int = 0
    checksum: str = "nocsum"


@dataclass(frozen=True, slots=True)
class Destination:
    """One real server of a service; thresholds of 0 are none.

    C{weight} is 0 to 2**31-1; with 0 it gets no new connections.
    """

    address: IpAddress
    port: int
    weight: int = 1
    method: Method = Method()
    upper: int = 0  # connections; u_threshold
    lower: int = 0  # l_threshold

    @property
    def key(self) -> tuple[IpAddress, int]:
        """What the kernel tells destinations of one service apart by."""
        return self.address, self.port


@dataclass(frozen=True, slots=True)
class Service:
    """One virtual service with its destinations, in the order of the configuration.

    C{scheduler} is the kernel's name, e.g. C{wlc}. C{flags} are the scheduler's:
    flag-1, flag-2, flag-3. C{persistence} is in seconds, 0 for none;
    C{granularity} the prefix length by which clients are told apart (32 or 128).
    C{engine} is the persistence engine, e.g. C{sip}, "" for none. C{one_packet}:
    each UDP packet is scheduled by itself.
    """

    identity: Identity
    scheduler: str = "wlc"
    flags: frozenset[str] = frozenset()
    persistence: int = 0
    granularity: int = 32
    engine: str = ""
    one_packet: bool = False
    destinations: tuple[Destination, ...] = ()


Table = Mapping[Identity, Service]


@dataclass(frozen=True, slots=True)
class SyncDaemon:
    """The kernel's connection synchronisation: C{state} is master or backup.

    C{sync_id} is 0 to 255. C{group}, C{port}, C{ttl} and C{size} (bytes of one
    datagram) are None or 0 where the kernel's own choice holds.
    """

    state: str
    interface: str
    sync_id: int
    group: IpAddress | None = None
    port: int = 0
    ttl: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """lvs_timeouts in seconds; 0 leaves one as it is."""

    tcp: int = 0
    tcp_fin: int = 0
    udp: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What the kernel counts of a service or a destination.

    C{active} and C{inactive} connections are of destinations only. The rates are
    per second.
    """

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    connection_rate: int = 0
    byte_rate_in: int = 0
    byte_rate_out: int = 0
    active: int = 0
    inactive: int = 0


#: of each service, and of each destination by its key
Usages = Mapping[Identity, tuple[Usage, Mapping[tuple[IpAddress, int], Usage]]]
