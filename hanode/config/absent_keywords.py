"""The rows of keepalived's words that hanode has no use for, or does not have.

Each says why, and where there is one, what to use instead.
"""

from __future__ import annotations

from hanode.config.row import Keyword


def needless(reason: str, *words: str) -> tuple[Keyword, ...]:
    """Rows of C{words} that change nothing, because of C{reason}."""
    return tuple(Keyword(word, "", "needless", title=reason) for word in words)


def _absent(instead: str, *words: str) -> tuple[Keyword, ...]:
    return tuple(Keyword(word, "", "absent", title=instead) for word in words)


_SNMP = "hanode does not speak SNMP: GET /metrics has the figures"
_DBUS = "hanode is not on D-Bus: GET /api/v1/events tells what changes"
_TIMER = "let cron or a systemd timer run hanode reload"

#: inside virtual_server and inside real_server
ABSENT_SERVER = _absent(_SNMP, "snmp_name")

#: inside vrrp_instance
ABSENT_INSTANCE = needless("there is no debug build of hanode", "debug")

#: inside global_defs
ABSENT_GLOBAL = (
    *_absent(
        _SNMP,
        "snmp_socket",
        "enable_traps",
        "enable_snmp_vrrp",
        "enable_snmp_keepalived",
        "enable_snmp_rfc",
        "enable_snmp_rfcv2",
        "enable_snmp_rfcv3",
        "enable_snmp_checker",
        "snmp_vs_stats_update_interval",
        "snmp_rs_stats_update_interval",
    ),
    *_absent(_DBUS, "enable_dbus", "dbus_service_name", "dbus_no_interface_name"),
    *_absent(_TIMER, "reload_time_file", "reload_repeat"),
    *_absent("hanode reload returns when the reload is done", "reload_file"),
    *_absent("hanode reload prints what has changed", "config_save_dir"),
    *needless(
        "a configuration is always checked before it replaces the old one",
        "reload_check_config",
    ),
    *needless("what was read stays in memory", "tmp_config_directory"),
    *needless(
        "each address of a virtual_server_group is a service of its own",
        "nftables_ipvs",
        "nftables_ipvs_priority",
        "nftables_ipvs_start_fwmark",
    ),
)
