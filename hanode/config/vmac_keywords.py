"""The rows of virtual MACs, ipvlan, VRF, accept mode and the firewall."""

from __future__ import annotations

from hanode.config.row import Keyword

_INT32 = 1 << 31
_IPTABLES = "hanode uses nftables: {word} is accepted and has no effect"

#: of vrrp_instance
VIRTUAL = (
    Keyword("use_vmac", "use_vmac", "vmac"),
    Keyword("use_vmac_addr", "use_vmac_addr", "flag", default=False),
    Keyword("vmac_xmit_base", "vmac_xmit_base", "flag", default=False),
    Keyword("use_ipvlan", "use_ipvlan", "ipvlan"),
    Keyword("vrf", "vrf", "word", default=""),
    Keyword("accept", "accept", "flag"),
    Keyword("no_accept", "accept", "flag", value=False),
)

#: of global_defs
VIRTUAL_GLOBAL = (
    Keyword("vmac_prefix", "vmac_prefix", "link prefix", default="vrrp"),
    Keyword("vmac_addr_prefix", "vmac_addr_prefix", "link prefix"),
    Keyword(
        "dynamic_interfaces",
        "dynamic_interfaces",
        "dynamic interfaces",
        choices=("allow_if_changes",),
    ),
    Keyword(
        "disable_local_igmp", "firewall.local_igmp", "flag", value=False, default=True
    ),
    Keyword("nftables", "firewall.table", "nftables table", default="hanode"),
    Keyword(
        "nftables_priority",
        "firewall.priority",
        "integer",
        low=-_INT32,
        high=_INT32 - 1,
        default=-1,
    ),
    Keyword("nftables_ifindex", "firewall.by_index", "flag", default=False),
    Keyword("nftables_counters", "firewall.counters", "flag", default=False),
    Keyword("vrrp_iptables", "vrrp_iptables", "nothing to do", title=_IPTABLES),
    Keyword("vrrp_ipsets", "vrrp_ipsets", "nothing to do", title=_IPTABLES),
)
