"""The rows about processes: keepalived.conf(5), C{global_defs} and the top level.

keepalived is several processes, hanode is one: what is said of any of them is said of
that one. The fields are those of L{hanode.config.process_model.ProcessDefs}.
"""

from __future__ import annotations

from hanode.config.absent_keywords import needless
from hanode.config.row import Keyword

PREFIX = "process."
_MOST = 4294967295
_OF = ("vrrp", "checker", "bfd")

#: statements of the top level that stand without a block
PROCESS_ROOT = (
    Keyword("instance", "process.instance", "file name"),
    Keyword("net_namespace", "process.namespace", "file name"),
    Keyword("net_namespace_ipvs", "balance.namespace", "file name or nothing"),
    Keyword(
        "namespace_with_ipsets",
        "",
        "needless",
        title="hanode uses nftables and no ipsets",
    ),
    Keyword(
        "use_pid_dir",
        "",
        "needless",
        title="the file of the process id is what --pidfile says",
    ),
    Keyword(
        "child_wait_time",
        "",
        "needless",
        title="there are no child processes to wait for",
    ),
)

#: the words of the top level that are no blocks
ALONE = frozenset(row.word for row in PROCESS_ROOT)


def _scheduling(process: str) -> tuple[Keyword, ...]:
    return (
        Keyword(f"{process}_priority", "process.nice", "integer", low=-20, high=19),
        Keyword(f"{process}_no_swap", "process.no_swap", "flag", default=False),
        Keyword(
            f"{process}_rt_priority",
            "process.round_robin",
            "integer",
            low=1,
            high=99,
        ),
        Keyword(f"{process}_cpu_affinity", "process.cpus", "processors"),
        *(
            Keyword(f"{process}_{word}", "process.rttime", "integer", "us", 1, _MOST)
            for word in ("rlimit_rttime", "rlimit_rtime")
        ),
    )


#: inside global_defs
PROCESS_GLOBAL = (
    *(row for process in _OF for row in _scheduling(process)),
    Keyword("process_name", "process.name", "word"),
    Keyword("umask", "process.umask", "umask"),
    *needless(
        "hanode is one process: process_name names it",
        "process_names",
        "vrrp_process_name",
        "checker_process_name",
        "lvs_process_name",
        "bfd_process_name",
    ),
    *needless(
        "hanode runs at nice -15 by itself; vrrp_rt_priority asks for more",
        "max_auto_priority",
        "min_auto_priority_delay",
    ),
    *needless(
        "hanode sizes the buffers of its netlink sockets, and reads all anew when"
        " one overflows",
        *(
            f"{owner}_netlink_{what}_rcv_bufs{force}"
            for owner in ("vrrp", "lvs")
            for what in ("cmd", "monitor")
            for force in ("", "_force")
        ),
        "process_monitor_rcv_bufs",
        "process_monitor_rcv_bufs_force",
    ),
)
