"""The rows of C{global_defs}: keepalived.conf(5), "Global definitions".

A field that starts with C{instance.} is the default of that field of every
C{vrrp_instance}, one with C{balance.} is of L{hanode.config.balance_model.BalanceDefs},
one with C{process.} of L{hanode.config.process_model.ProcessDefs}; the others are
those of L{hanode.config.model.GlobalDefs}.
"""

from __future__ import annotations

from dataclasses import replace

from hanode.config.absent_keywords import ABSENT_GLOBAL
from hanode.config.balance_keywords import BALANCE_GLOBAL
from hanode.config.dump_keywords import DUMP_GLOBAL
from hanode.config.model import MULTICAST_4, MULTICAST_6
from hanode.config.notify_keywords import NOTIFY_GLOBAL
from hanode.config.process_keywords import PROCESS_GLOBAL
from hanode.config.row import Keyword
from hanode.config.static_keywords import IPROUTE
from hanode.config.vmac_keywords import VIRTUAL_GLOBAL
from hanode.config.vrrp_keywords import INSTANCE

_LONGEST = 4294.967295  # seconds: 32 bits of microseconds

#: global keyword -> the keyword of an instance whose default it is
_DEFAULT_OF = {
    "vrrp_garp_master_delay": "garp_master_delay",
    "vrrp_garp_master_repeat": "garp_master_repeat",
    "vrrp_garp_master_refresh": "garp_master_refresh",
    "vrrp_garp_master_refresh_repeat": "garp_master_refresh_repeat",
    "vrrp_garp_lower_prio_delay": "garp_lower_prio_delay",
    "vrrp_garp_lower_prio_repeat": "garp_lower_prio_repeat",
    "vrrp_garp_extra_if": "garp_extra_if",
    "vrrp_vmac_garp_intvl": "vmac_garp_intvl",
    "vrrp_down_timer_adverts": "down_timer_adverts",
    "vrrp_lower_prio_no_advert": "lower_prio_no_advert",
    "vrrp_higher_prio_send_advert": "higher_prio_send_advert",
    "vrrp_owner_ignore_adverts": "owner_ignore_adverts",
    "vrrp_version": "version",
    "vrrp_check_unicast_src": "check_unicast_src",
    "vrrp_skip_check_adv_addr": "skip_check_adv_addr",
    "vrrp_strict": "strict_mode",
    "vrrp_notify_priority_changes": "notify_priority_changes",
    "v3_checksum_as_v2": "v3_checksum_as_v2",
    "smtp_alert_vrrp": "smtp_alert",
}

_OF_INSTANCE = {row.word: row for row in INSTANCE}

_DEFAULTS = tuple(
    replace(_OF_INSTANCE[word], word=name, field="instance." + _OF_INSTANCE[word].field)
    for name, word in _DEFAULT_OF.items()
)

_OWN = (
    Keyword("router_id", "router_id", "word"),
    Keyword("script_user", "script_user", "user"),
    Keyword("enable_script_security", "enable_script_security", "flag", default=False),
    Keyword("use_symlink_paths", "use_symlink_paths", "boolean", default=True),
    Keyword(
        "set_supplementary_groups", "set_supplementary_groups", "boolean", default=False
    ),
    Keyword(
        "vrrp_startup_delay",
        "startup_delay",
        "seconds",
        "s",
        0.001,
        _LONGEST,
        default=0.0,
    ),
    Keyword(
        "vrrp_delay_after_boot",
        "delay_after_boot",
        "seconds",
        "s",
        0.001,
        _LONGEST,
        default=0.0,
    ),
    Keyword("log_unknown_vrids", "log_unknown_vrids", "flag", default=False),
    Keyword("vrrp_rx_bufs_policy", "rx_bufs_policy", "receive buffer"),
    Keyword(
        "vrrp_rx_bufs_multiplier",
        "rx_bufs_multiplier",
        "integer",
        "times",
        1,
        4294967295,
        default=3,
    ),
    Keyword("default_interface", "default_interface", "word", default="eth0"),
    Keyword(
        "vrrp_mcast_group4",
        "multicast_4",
        "multicast",
        default=MULTICAST_4,
        family=4,
    ),
    Keyword(
        "vrrp_mcast_group6",
        "multicast_6",
        "multicast",
        default=MULTICAST_6,
        family=6,
    ),
    Keyword("vrrp_min_garp", "min_garp", "boolean", default=False),
    Keyword(
        "vrrp_garp_interval",
        "instance.garp.arp_interval",
        "seconds",
        "s",
        0.000001,
        _LONGEST,
        default=0.0,
    ),
    Keyword(
        "vrrp_gna_interval",
        "instance.garp.na_interval",
        "seconds",
        "s",
        0.000001,
        _LONGEST,
        default=0.0,
    ),
)

#: what the parser has already acted on, because it changes how lines are read
_PARSED = (
    Keyword("include_check", "include_check", "parsed"),
    Keyword("random_seed", "random_seed", "parsed"),
)

GLOBAL = (
    *_OWN,
    *_DEFAULTS,
    *NOTIFY_GLOBAL,
    *BALANCE_GLOBAL,
    *PROCESS_GLOBAL,
    *ABSENT_GLOBAL,
    *DUMP_GLOBAL,
    *VIRTUAL_GLOBAL,
    *IPROUTE,
    *_PARSED,
)
