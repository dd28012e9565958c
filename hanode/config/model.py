"""The configuration as values: frozen records that the rest of hanode reads.

Seconds are floats, addresses are L{ipaddress} objects, every default is filled in.
Nothing here knows how the words were written; that is L{hanode.config.build}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hanode.config.auth_model import Authentication as Authentication
from hanode.config.auth_model import AuthHmac
from hanode.config.balance_model import BalanceDefs, VirtualServer
from hanode.config.bfd_model import BfdInstance, BfdParameters, BfdUnsolicited
from hanode.config.dump_model import DumpDefs
from hanode.config.group_model import SyncGroup as SyncGroup
from hanode.config.link_model import LinkDefs
from hanode.config.notify_model import NotifyDefs, Release
from hanode.config.problems import Place
from hanode.config.process_model import ProcessDefs
from hanode.config.route_model import Route, Rule
from hanode.config.scalars import IpAddress as IpAddress
from hanode.config.scalars import Script as Script
from hanode.config.scalars import Secret as Secret
from hanode.config.static_model import GarpGroup, Statics
from hanode.config.track_model import Descriptions, Tracked
from hanode.config.vmac_model import FirewallDefs, Virtual

MULTICAST_4 = IPv4Address("224.0.0.18")  # RFC 9568, section 5.1.1.2
MULTICAST_6 = IPv6Address("ff02::12")  # RFC 9568, section 5.1.2.2


@dataclass(frozen=True)
class Address:
    """One address to hold: C{ADDR/PREFIX dev DEVICE ...} of virtual_ipaddress.

    C{flags} are words of the configuration: home, nodad, mngtmpaddr,
    noprefixroute, autojoin. C{nodad} is set for IPv6 unless C{-nodad} was given.
    C{preferred_lft} is None for "forever", else seconds. C{scope} is the number of
    rt_scopes. C{track} is False for no_track, C{group} the
    track_group of a static address.
    """

    address: IpAddress
    prefix: int
    device: str
    broadcast: IPv4Address | None = None
    label: str | None = None
    scope: int | None = None
    peer: IpAddress | None = None
    flags: frozenset[str] = frozenset()
    preferred_lft: int | None = None
    track: bool = True
    group: str = ""

    @property
    def is_host_only(self) -> bool:
        """Whether no other host can have it: it stays inside this one."""
        return self.address.is_loopback or self.device == "lo"

    @property
    def is_probed(self) -> bool:
        """Whether one may ask for it: duplicate address detection does that itself."""
        return self.address.version == 4 or "nodad" in self.flags

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix} dev {self.device}"


@dataclass(frozen=True)
class UnicastPeer:
    """One neighbour of a unicast instance, with the TTLs it may send with."""

    address: IpAddress
    min_ttl: int | None = None
    max_ttl: int | None = None


@dataclass(frozen=True)
class Garp:
    """Gratuitous ARP and unsolicited NA: how often, and how far apart (seconds).

    C{lower_prio_*} apply after a lower-priority advertisement reached a master.
    C{arp_interval} and C{na_interval} are the least gaps between two frames. Every
    C{extra_interval} addresses on other interfaces than the instance's are announced:
    on those with a virtual MAC, or with C{extra_all} on all.
    """

    master_delay: float = 5.0
    master_repeat: int = 5
    master_refresh: float = 0.0
    master_refresh_repeat: int = 1
    lower_prio_delay: float = 5.0
    lower_prio_repeat: int = 5
    arp_interval: float = 0.0
    na_interval: float = 0.0
    extra_interval: float = 0.0
    extra_all: bool = False


@dataclass(frozen=True)
class Notify:
    """The scripts of one instance; C{always} is the plain C{notify} keyword."""

    master: Script | None = None
    backup: Script | None = None
    fault: Script | None = None
    stop: Script | None = None
    deleted: Script | None = None
    master_rx_lower_pri: Script | None = None
    always: Script | None = None
    report_deleted: bool = False  # notify_deleted: DELETED instead of FAULT


@dataclass(frozen=True)
class VrrpInstance:
    """One virtual router (RFC 9568, section 6.1) as this node takes part in it."""

    name: str
    vrid: int  # 1..255
    interface: str
    family: int  # 4 or 6
    version: int = 2
    priority: int = 100  # 1..255; 255 is the address owner
    advert_int: float = 1.0  # seconds; v2 whole, v3 0.01..40.95
    state: str = "BACKUP"  # the wanted state at start: MASTER or BACKUP
    source: IpAddress | None = None  # None: the interface's own address
    multicast_group: IpAddress = MULTICAST_4
    unicast_peers: tuple[UnicastPeer, ...] = ()
    unicast_ttl: int = 255
    check_unicast_src: bool = False
    track_source: bool = False
    unicast_fault_no_peer: bool = False
    addresses: tuple[Address, ...] = ()
    excluded: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    track_groups: tuple[str, ...] = ()
    preempt: bool = True
    preempt_delay: float = 0.0
    down_timer_adverts: int = 3
    authentication: Authentication | None = None
    auth_hmac: AuthHmac | None = None
    checksum_as_v2: bool = False
    old_checksum: bool | None = None  # None: once a unicast peer sends it
    receive_buffer: int = 0  # octets; 0: as much as hanode asks for anyway
    garp: Garp = field(default_factory=Garp)
    lower_prio_no_advert: bool = False
    higher_prio_send_advert: bool = True
    owner_ignore_adverts: bool = False
    skip_check_adv_addr: bool = False
    promote_secondaries: bool = False
    strict: bool = False
    track_primary: bool = True
    linkbeat: bool = False  # linkbeat_use_polling: ask for the carrier
    track: tuple[Tracked, ...] = ()
    fast_failover: BfdParameters | None = None
    notify: Notify = field(default_factory=Notify)
    notify_priority_changes: bool = False
    smtp_alert: bool = False
    release: Release | None = None  # runs before the addresses go
    virtual: Virtual = field(default_factory=Virtual)
    vrf: str = ""  # where a unicast instance without interface sends
    accept: bool = True  # a master that is not the owner answers on its addresses
    timer_expired_backup: int = 0  # highest priority of others; 0 is off
    group: str = ""  # its vrrp_sync_group
    place: Place | None = field(default=None, compare=False, repr=False)

    @property
    def unicast(self) -> bool:
        """Whether advertisements go to peers instead of the multicast group."""
        return bool(self.unicast_peers)

    @property
    def device(self) -> str:
        """Where advertisements go through: a virtual link, the interface or a VRF."""
        return self.virtual.device or self.interface or self.vrf

    @property
    def authenticated_header(self) -> bool:
        """Whether advertisements go in an IP authentication header (auth_type AH)."""
        wanted = self.authentication
        return wanted is not None and wanted.type == "AH" and self.version == 2

    @property
    def all_addresses(self) -> tuple[Address, ...]:
        """What a master holds: the advertised addresses and the excluded ones."""
        return self.addresses + self.excluded

    @property
    def extra_addresses(self) -> tuple[Address, ...]:
        """What garp_extra_if is about: switches may forget where these are."""
        others = {link.name for link in self.virtual.others}
        own = {self.interface, self.virtual.device}
        return tuple(
            each
            for each in self.all_addresses
            if each.device in others or (self.garp.extra_all and each.device not in own)
        )


@dataclass(frozen=True)
class GlobalDefs:
    """global_defs: what concerns the node and not one instance."""

    router_id: str = ""
    script_user: str | None = None
    script_group: str | None = None
    enable_script_security: bool = False
    startup_delay: float = 0.0  # vrrp_startup_delay, seconds
    log_unknown_vrids: bool = False
    use_symlink_paths: bool = True  # scripts by their path as written
    set_supplementary_groups: bool = False
    notify: NotifyDefs = field(default_factory=NotifyDefs)
    firewall: FirewallDefs = field(default_factory=FirewallDefs)
    delay_after_boot: float = 0.0  # vrrp_delay_after_boot, seconds


@dataclass(frozen=True)
class NodeDefs:
    """The C{hanode} block, which only hanode has: how to look into the daemon.

    C{http} is a Twisted endpoint string, C{unix:PATH} unless the operator chose
    another; "" switches it off. C{socket} is the unix socket beside an endpoint of
    another kind, where the commands look; else "". C{http_token_file} is the path of
    the token that lets somebody write over TCP, "" for nobody. C{console} is one for
    ssh, off by default; the others are paths of files: the keys of those who may do
    everything and of those who may only look (authorized_keys of sshd(8), "" for none),
    and the host key.
    C{conflict_detection}: foreign hosts that answer for held addresses are noticed.
    """

    http: str = "unix:/run/hanode/hanode.sock"
    socket: str = ""
    http_token_file: str = ""
    console: str = ""
    console_keys: str = ""
    console_view_keys: str = ""
    conflict_detection: bool = True
    console_host_key: str = "/var/lib/hanode/ssh_host_ed25519_key"

    @classmethod
    def of(cls, suffix: str, **settings: Any) -> NodeDefs:
        """The record for a daemon whose files end in C{suffix}."""
        default = cls.http.replace(".sock", f"{suffix}.sock")
        http = settings.get("http", default)
        socket = "" if http == "" or http.startswith("unix:") else default
        return cls(**{"http": default, "socket": socket, **settings})


@dataclass(frozen=True)
class Model:
    """A whole configuration, ready to run."""

    global_defs: GlobalDefs = field(default_factory=GlobalDefs)
    instances: Mapping[str, VrrpInstance] = field(default_factory=dict)
    bfd_instances: Mapping[str, BfdInstance] = field(default_factory=dict)
    bfd_unsolicited: tuple[BfdUnsolicited, ...] = ()
    node: NodeDefs = field(default_factory=NodeDefs)
    virtual_servers: Mapping[str, VirtualServer] = field(default_factory=dict)
    balance: BalanceDefs = field(default_factory=BalanceDefs)
    process: ProcessDefs = field(default_factory=ProcessDefs)
    trackers: Descriptions = field(default_factory=dict)
    links: LinkDefs = field(default_factory=LinkDefs)
    groups: Mapping[str, SyncGroup] = field(default_factory=dict)
    statics: Statics = field(default_factory=Statics)
    garp_groups: tuple[GarpGroup, ...] = ()
    dumps: DumpDefs = field(default_factory=DumpDefs)
