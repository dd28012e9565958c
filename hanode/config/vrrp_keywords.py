"""The rows of C{vrrp_instance}: keepalived.conf(5), "VRRP instance(s)".

The fields are those of L{hanode.config.model.VrrpInstance}.
"""

from __future__ import annotations

from hanode.config.absent_keywords import ABSENT_INSTANCE
from hanode.config.row import Keyword
from hanode.config.vmac_keywords import VIRTUAL

_UINT = 4294967295
_DELAY = 4294  # seconds: what fits 32 bits of microseconds

_IDENTITY = (
    Keyword("interface", "interface", "word"),
    Keyword("virtual_router_id", "vrid", "integer", low=1, high=255, strict=True),
    Keyword("version", "version", "integer", low=2, high=3, strict=True),
    Keyword("native_ipv6", "native_ipv6", "flag", default=False),
    Keyword(
        "state",
        "state",
        "choice",
        choices=("MASTER", "BACKUP"),
        fallback="BACKUP",
        otherwise=", defaulting to BACKUP",
    ),
    Keyword(
        "priority",
        "priority",
        "integer",
        low=1,
        high=255,
        strict=True,
        fallback=100,
    ),
    Keyword("nopreempt", "preempt", "flag", value=False, default=True),
    Keyword("preempt", "preempt", "flag", default=True),
    Keyword("preempt_delay", "preempt_delay", "seconds", "s", 0, 1000, default=0.0),
    Keyword("strict_mode", "strict", "boolean", default=False),
)

_TIMERS = (
    Keyword("advert_int", "advert_int", "seconds", "s", 0.01, 255, default=1.0),
    Keyword(
        "down_timer_adverts",
        "down_timer_adverts",
        "integer",
        "intervals",
        1,
        100,
        default=3,
    ),
    Keyword(
        "timer_expired_backup",
        "timer_expired_backup",
        "integer or nothing",
        "priority",
        1,
        254,
        default=0,
        value=254,
    ),
    Keyword(
        "thread_timer_expired",
        "timer_expired_backup",
        "integer or nothing",
        "priority",
        1,
        254,
        value=254,
        title="timer_expired_backup",
    ),
)

_GARP = (
    Keyword(
        "garp_master_delay",
        "garp.master_delay",
        "whole seconds",
        "s",
        0,
        _DELAY,
        default=5.0,
    ),
    Keyword(
        "garp_master_repeat",
        "garp.master_repeat",
        "integer",
        "frames",
        0,
        _UINT,
        default=5,
        zero_means=1,
    ),
    Keyword(
        "garp_master_refresh",
        "garp.master_refresh",
        "whole seconds",
        "s",
        0,
        _UINT,
        default=0.0,
    ),
    Keyword(
        "garp_master_refresh_repeat",
        "garp.master_refresh_repeat",
        "integer",
        "frames",
        0,
        _UINT,
        default=1,
        zero_means=1,
    ),
    Keyword(
        "garp_lower_prio_delay",
        "garp.lower_prio_delay",
        "whole seconds",
        "s",
        0,
        _DELAY,
    ),
    Keyword(
        "garp_lower_prio_repeat",
        "garp.lower_prio_repeat",
        "integer",
        "frames",
        0,
        2147483647,
    ),
)

_EXTRA = (
    Keyword("garp_extra_if", "garp.extra", "extra", "s", 0, 86400),
    Keyword("vmac_garp_intvl", "garp.extra", "extra", "s", 0, 86400),
)

_UNICAST = (
    Keyword("unicast_src_ip", "source", "address"),
    Keyword("mcast_src_ip", "source", "address"),
    Keyword("mcast_dst_ip", "multicast_group", "multicast"),
    Keyword("unicast_peer", "unicast_peers", "peers"),
    Keyword(
        "unicast_ttl",
        "unicast_ttl",
        "integer",
        "hops",
        0,
        255,
        default=255,
        strict=True,
    ),
    Keyword("check_unicast_src", "check_unicast_src", "flag", default=False),
    Keyword("unicast_fault_no_peer", "unicast_fault_no_peer", "flag", default=False),
    Keyword("track_src_ip", "track_source", "flag", default=False),
)

_ADDRESSES = (
    Keyword("virtual_ipaddress", "addresses", "addresses"),
    Keyword("virtual_ipaddress_excluded", "excluded", "addresses"),
    Keyword("virtual_routes", "routes", "lines"),
    Keyword("virtual_rules", "rules", "lines"),
    Keyword("no_virtual_ipaddress", "no_addresses", "flag", default=False),
    Keyword("promote_secondaries", "promote_secondaries", "flag", default=False),
)

_PACKETS = (
    Keyword(
        "authentication",
        "authentication",
        "private block",
        path=("vrrp_instance", "authentication"),
    ),
    Keyword(
        "auth_hmac",
        "auth_hmac",
        "private block",
        path=("vrrp_instance", "auth_hmac"),
    ),
    Keyword("old_unicast_checksum", "old_checksum", "never"),
    Keyword(
        "kernel_rx_buf_size",
        "receive_buffer",
        "integer",
        "bytes",
        1,
        2147483647,
    ),
    Keyword("v3_checksum_as_v2", "checksum_as_v2", "boolean", default=False),
    Keyword("skip_check_adv_addr", "skip_check_adv_addr", "boolean", default=False),
    Keyword("lower_prio_no_advert", "lower_prio_no_advert", "boolean", default=False),
    Keyword(
        "higher_prio_send_advert",
        "higher_prio_send_advert",
        "boolean",
        default=True,
    ),
    Keyword("owner_ignore_adverts", "owner_ignore_adverts", "boolean", default=False),
)

_TRACKING = (
    Keyword(
        "fast_failover",
        "fast_failover",
        "optional block",
        path=("vrrp_instance", "fast_failover"),
        only_hanode=True,
    ),
    Keyword("linkbeat_use_polling", "linkbeat", "flag", default=False),
    Keyword("dont_track_primary", "track_primary", "flag", value=False, default=True),
)

_NOTIFY = (
    Keyword("notify", "notify.always", "script"),
    Keyword("notify_master", "notify.master", "script"),
    Keyword("notify_backup", "notify.backup", "script"),
    Keyword("notify_fault", "notify.fault", "script"),
    Keyword("notify_stop", "notify.stop", "script"),
    Keyword("notify_deleted", "notify.deleted", "script or nothing"),
    Keyword("notify_master_rx_lower_pri", "notify.master_rx_lower_pri", "script"),
    Keyword(
        "notify_priority_changes", "notify_priority_changes", "boolean", default=False
    ),
    Keyword("smtp_alert", "smtp_alert", "boolean", default=False),
    Keyword("release_script", "release.script", "script", only_hanode=True),
    Keyword(
        "release_timeout",
        "release.timeout",
        "seconds",
        "s",
        0.1,
        60,
        default=5.0,
        only_hanode=True,
    ),
)

INSTANCE = (
    *_IDENTITY,
    *_TIMERS,
    *_GARP,
    *_EXTRA,
    *_UNICAST,
    *_ADDRESSES,
    *_PACKETS,
    *_TRACKING,
    *_NOTIFY,
    *VIRTUAL,
    *ABSENT_INSTANCE,
    Keyword("lvs_sync_daemon_interface", "", "sync interface"),
)

AUTHENTICATION = (
    Keyword(
        "auth_type",
        "type",
        "choice",
        choices=("PASS", "AH"),
        title="authentication type",
        fallback="unknown",
    ),
    Keyword("auth_pass", "secret", "password"),
)

AUTH_HMAC = (
    Keyword("key", "keys", "hmac key"),
    Keyword("active_key", "active", "integer", low=1, high=255, strict=True),
    Keyword("time_window", "window", "integer", "s", 1, 300),
    Keyword(
        "anti_replay",
        "anti_replay",
        "choice",
        choices=("time", "monotonic"),
        title="anti_replay",
        otherwise=", defaulting to time",
        fallback="time",
    ),
    Keyword(
        "mode",
        "mode",
        "choice",
        choices=("enforce", "permissive", "receive-only"),
        title="auth_hmac mode",
        fallback="unknown",
    ),
)
