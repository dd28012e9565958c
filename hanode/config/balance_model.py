"""The load balancer's part of the model: virtual servers, real servers, their checks.

keepalived.conf(5), "VIRTUAL SERVER(S)". All that is inherited (a checker from its real
server, that from its virtual server) is filled in already; equal checks are one object.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from hanode.config.problems import Place
from hanode.config.scalars import IpAddress, Script

ANY = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a probe goes, and from where.

    C{bind_address} None and C{bind_port} 0 leave the choice to the kernel;
    C{device} is an interface, "" for any; C{mark} is the firewall mark of the
    packets, 0 for none; C{timeout} is in seconds: connect_timeout.
    """

    address: IpAddress
    port: int = 0
    bind_address: IpAddress | None = None
    bind_port: int = 0
    device: str = ""
    mark: int = 0
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a check is made, and what its results mean; all times in seconds.

    C{alpha}: the server counts as failed until the first success. C{retry}: so many
    failures more, C{delay_before_retry} apart, before it counts. C{warmup}: the
    first check comes 1 s plus a random part of this after the start.
    """

    delay_loop: float = 60.0
    retry: int = 1
    delay_before_retry: float = 1.0
    warmup: float = 60.0
    alpha: bool = False
    log_all_failures: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One checker of a real server.

    C{keyword} names the plug-in, e.g. C{TCP_CHECK}; C{options} is the record that
    the plug-in made of its own words. Two equal checks are made once.
    """

    keyword: str
    options: Hashable
    target: Target
    schedule: Schedule = Schedule()


@dataclass(frozen=True, slots=True)
class RealServer:
    """One C{real_server}, or a C{sorry_server}.

    C{method} is NAT, DR or TUN, C{tunnel} (ipip, gre, gue), C{tunnel_port} and
    C{checksum} are as in L{hanode.lvs.Method}. C{inhibit}: when it fails, it stays
    with weight 0. C{drain}: seconds for which it keeps its connections, with weight
    0, when it is to be removed; 0 removes it at once.
    """

    address: IpAddress
    port: int
    weight: int = 1
    method: str = "NAT"
    tunnel: str = "ipip"
    tunnel_port: int = 0
    checksum: str = "nocsum"
    upper: int = 0
    lower: int = 0
    inhibit: bool = False
    drain: float = 0.0
    notify_up: Script | None = None
    notify_down: Script | None = None
    checks: tuple[Check, ...] = ()
    smtp_alert: bool = True
    place: Place | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}"


@dataclass(frozen=True, slots=True)
class VirtualAddress:
    """One address or mark of a virtual server: C{mark} is 0 for an address."""

    address: IPv4Address | IPv6Address = ANY
    port: int = 0
    mark: int = 0
    family: int = 4


@dataclass(frozen=True)
class VirtualServer:
    """One C{virtual_server}; C{name} is how the log and the page call it.

    C{addresses} has one entry, or all of a group (C{group} is then its name), ranges
    expanded. C{persistence} is in seconds, 0 for none. C{granularity} is a prefix
    length. C{quorum} and C{hysteresis} are sums of weights. C{omega}: what goes
    down because we stop is told too. C{ha_suspend}: no checks while none of the
    addresses is local.
    """

    name: str
    addresses: tuple[VirtualAddress, ...]
    group: str = ""
    protocol: str = "UDP"  # TCP, UDP, SCTP
    scheduler: str = "wlc"
    flags: frozenset[str] = frozenset()
    one_packet: bool = False
    persistence: int = 0
    granularity: int = 32
    engine: str = ""
    quorum: int = 1
    hysteresis: int = 0
    quorum_up: Script | None = None
    quorum_down: Script | None = None
    alpha: bool = False
    omega: bool = False
    ha_suspend: bool = False
    smtp_alert: bool = True
    sorry: RealServer | None = None
    sorry_inhibit: bool = False
    real_servers: tuple[RealServer, ...] = ()
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class SyncDefs:
    """C{lvs_sync_daemon}: which vrrp_instance decides, "" for both daemons always."""

    interface: str
    instance: str = ""
    sync_id: int = 0
    group: IpAddress | None = None
    port: int = 0
    ttl: int = 0
    size: int = 0


@dataclass(frozen=True)
class TrackedFile:
    """One C{track_file}: a number in a file, times C{weight} where that is named."""

    name: str
    path: str
    weight: int = 1
    initial: int | None = None  # init_file: what is written when it is not there
    overwrite: bool = False  # init_file overwrite


@dataclass(frozen=True)
class BalanceDefs:
    """What concerns all virtual servers.

    C{dataplane} is auto or a plug-in's keyword. C{timeouts} are tcp, tcpfin and udp
    in seconds, 0 leaves one alone. C{flush}: forget all services of others at the
    start; C{flush_on_stop}: at the end, "VS" for ours only, "all", "" not at all.
    C{wait}: no real server is used before its first success, whatever alpha says.
    C{init_notifies}: tell of servers that are up at the start, too. C{release}: what
    becomes of our services when we end: C{remove}, or C{keep}. C{namespace}: the
    network namespace of IPVS, "" for where it was started, None for the daemon's own.
    """

    dataplane: str = "auto"
    sync: SyncDefs | None = None
    timeouts: tuple[int, int, int] = (0, 0, 0)
    flush: bool = False
    flush_on_stop: str = ""
    wait: bool = False
    init_notifies: bool = False
    release: str = "remove"
    namespace: str | None = None
