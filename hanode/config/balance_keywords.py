"""The rows of the load balancer: keepalived.conf(5), "VIRTUAL SERVER(S)".

What a real server inherits from its virtual server has the same field in both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hanode.config.absent_keywords import ABSENT_SERVER
from hanode.config.balance_model import BalanceDefs, RealServer, VirtualServer
from hanode.config.checker_keywords import (
    ALPHA,
    DELAY_BEFORE_RETRY,
    DELAY_LOOP,
    LONGEST,
    MOST_TRIES,
    TIMEOUT,
    WARMUP,
)
from hanode.config.row import Keyword

MOST_WEIGHT = 2**31 - 1
SCHEDULERS = (  # ipvsadm(8)
    *("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh"),
    *("mh", "dh", "fo", "ovf", "sed", "nq", "twos"),
)
PERSISTENCE = 360  # seconds, where the file names none
LONGEST_PERSISTENCE = 2678400  # seconds: 31 days
_UINT = 4294967295
_VIRTUAL = VirtualServer.__dataclass_fields__
_REAL = RealServer.__dataclass_fields__
_DEFS = BalanceDefs()

BALANCE_ROOT = (
    Keyword("SSL", "tls", "private block", path=("SSL",)),
    Keyword("virtual_server_group", "groups", "block"),
    Keyword("virtual_server", "virtual_servers", "block"),
    Keyword("track_file", "files", "block"),
    Keyword("vrrp_track_file", "files", "block"),
)

_CHECKING = (
    DELAY_LOOP,
    Keyword("retry", "retry", "integer", low=1, high=MOST_TRIES),
    DELAY_BEFORE_RETRY,
    WARMUP,
    TIMEOUT,
    Keyword("virtualhost", "virtualhost", "word"),
    Keyword(
        "drain", "drain", "seconds", "s", 0, LONGEST, default=0.0, only_hanode=True
    ),
)

_SCHEDULER = Keyword(
    "lvs_sched",
    "scheduler",
    "choice",
    default=_VIRTUAL["scheduler"].default,
    choices=SCHEDULERS,
    title="lvs_scheduler",
    otherwise=" - ignoring",
)
_METHOD = Keyword("lvs_method", "method", "forwarding")

_SERVICE = (
    Keyword("ip_family", "ip_family", "choice", choices=("inet", "inet6")),
    replace(_SCHEDULER, word="lb_algo"),
    _SCHEDULER,
    replace(_METHOD, word="lb_kind"),
    _METHOD,
    Keyword("protocol", "protocol", "protocol", default="UDP"),
    Keyword("ops", "one_packet", "flag", default=False),
    Keyword("hashed", "hashed", "flag"),
    *(
        Keyword(word, f"flags.{word}", "flag")
        for word in (
            *("flag-1", "flag-2", "flag-3"),
            *("sh-port", "sh-fallback", "mh-port", "mh-fallback"),
        )
    ),
    Keyword(
        "persistence_timeout",
        "persistence",
        "integer or nothing",
        "s",
        1,
        LONGEST_PERSISTENCE,
        value=PERSISTENCE,
    ),
    Keyword("persistence_granularity", "granularity", "granularity"),
    Keyword("persistence_engine", "engine", "word"),
)

_QUORUM = (
    Keyword("quorum", "quorum", "integer", low=1, high=_UINT, default=1),
    Keyword("hysteresis", "hysteresis", "integer", low=0, high=_UINT, default=0),
    Keyword("quorum_up", "quorum_up", "script"),
    Keyword("quorum_down", "quorum_down", "script"),
    Keyword("alpha", "alpha", "flag", default=False),
    Keyword("omega", "omega", "flag", default=False),
    Keyword("ha_suspend", "ha_suspend", "flag", default=False),
    Keyword("smtp_alert", "smtp_alert", "boolean"),
    Keyword("sorry_server", "sorry", "server"),
    Keyword("sorry_server_inhibit", "sorry_inhibit", "flag", default=False),
    Keyword("sorry_server_lvs_method", "sorry_method", "forwarding"),
)

VIRTUAL_SERVER = (
    *_SERVICE,
    *_QUORUM,
    *_CHECKING,
    Keyword("weight", "weight", "integer", low=1, high=MOST_WEIGHT, default=1),
    Keyword("inhibit_on_failure", "inhibit", "flag", default=False),
    Keyword("real_server", "real_servers", "blocks"),
    *ABSENT_SERVER,
)

REAL_SERVER = (
    Keyword("weight", "weight", "integer", low=0, high=MOST_WEIGHT, default=1),
    _METHOD,
    Keyword("uthreshold", "upper", "integer", low=0, high=_UINT, default=0),
    Keyword("lthreshold", "lower", "integer", low=0, high=_UINT, default=0),
    Keyword("inhibit_on_failure", "inhibit", "boolean", default=False),
    Keyword("notify_up", "notify_up", "script"),
    Keyword("notify_down", "notify_down", "script"),
    ALPHA,
    *_CHECKING,
    Keyword("smtp_alert", "smtp_alert", "boolean"),
    *ABSENT_SERVER,
)

#: field of the rows above that a real server has from its virtual server
INHERITED = frozenset(row.field for row in (*_CHECKING, ALPHA)) | {
    "weight",
    "method",
    "inhibit",
}

SSL = (
    Keyword("password", "password", "secret"),
    Keyword("ca", "ca", "word"),
    Keyword("certificate", "certificate", "word"),
    Keyword("key", "key", "word"),
)

TRACK_FILE = (
    Keyword("file", "path", "word"),
    Keyword("weight", "weight", "file weight", low=-254, high=254, default=1),
    Keyword("init_file", "initial", "init file"),
)

_PREFIX = "balance."

#: global_defs; a field with this prefix is one of L{BalanceDefs}
BALANCE_GLOBAL = (
    Keyword(
        "lvs_timeouts", "balance.timeouts", "timeouts", "s", 0, LONGEST_PERSISTENCE
    ),
    Keyword("lvs_flush", "balance.flush", "flag", default=False),
    Keyword("lvs_flush_on_stop", "balance.flush_on_stop", "flush"),
    Keyword("lvs_flush_onstop", "balance.flush_on_stop", "flush"),
    Keyword("lvs_sync_daemon", "sync", "sync daemon"),
    Keyword("rs_init_notifies", "balance.init_notifies", "boolean", default=False),
    Keyword("checker_log_all_failures", "log_all_failures", "boolean", default=False),
    Keyword("smtp_alert_checker", "smtp_alert_checker", "boolean"),
)

#: the block hanode
BALANCE_NODE = (
    Keyword(
        "dataplane",
        "balance.dataplane",
        "word",
        default=_DEFS.dataplane,
        only_hanode=True,
    ),
    Keyword("wait_for_checks", "balance.wait", "flag", default=False, only_hanode=True),
    Keyword("keep_services", "balance.release", "flag", value="keep", only_hanode=True),
)


def of_balance(settings: dict[str, Any]) -> dict[str, Any]:
    """The fields of L{BalanceDefs} among C{settings}, which loses them."""
    fields = [field for field in settings if field.startswith(_PREFIX)]
    return {field.removeprefix(_PREFIX): settings.pop(field) for field in fields}
