"""The words that keepalived knows and hanode does not have yet.

Facts about keepalived.conf(5) as of 2.4: block -> its words; a word that ends in
C{*} opens a block. They are named in warnings, and offered as the place where a
misplaced word belongs.
"""

from __future__ import annotations

from collections.abc import Mapping

Path = tuple[str, ...]

_CONNECT = """connect_ip connect_port bindto bind_port bind_if connect_timeout
    fwmark retry delay_before_retry warmup delay_loop alpha log_all_failures"""

#: The trackers are plug-ins, too, with the blocks that describe what they track.
_TRACKERS = "track_interface* track_script* track_file* track_process* track_bfd*"

_URL = """path digest status_code virtualhost regex regex_no_match regex_options
    regex_min_offset regex_max_offset regex_stack"""

_HTTP = """nb_get_retry virtualhost http_protocol enable_sni sni_name
    fast_recovery url*"""

_ROOT = "vrrp_script* vrrp_track_process*"


#: The checkers are plug-ins: what they read is their business, what keepalived has
#: is said here.
_REAL_SERVER = """MISC_CHECK* SMTP_CHECK* TCP_CHECK* PING_CHECK* UDP_CHECK*
    HTTP_GET* SSL_GET* DNS_CHECK* FILE_CHECK* BFD_CHECK*"""

_REAL: Path = ("virtual_server", "real_server")

_TEXT: Mapping[Path, str] = {
    (): _ROOT,
    ("vrrp_instance",): _TRACKERS,
    ("vrrp_sync_group",): _TRACKERS,
    ("vrrp_script",): "script interval timeout weight rise fall user init_fail",
    ("vrrp_track_process",): """process param_match weight quorum quorum_max delay
        terminate_delay fork_delay full_command""",
    _REAL: _REAL_SERVER,
    (*_REAL, "MISC_CHECK"): """retry delay_before_retry warmup delay_loop alpha
        log_all_failures misc_path misc_timeout misc_dynamic user""",
    (*_REAL, "SMTP_CHECK"): f"helo_name host* {_CONNECT}",
    (*_REAL, "SMTP_CHECK", "host"): _CONNECT,
    (*_REAL, "TCP_CHECK"): _CONNECT,
    (*_REAL, "PING_CHECK"): _CONNECT,
    (*_REAL, "UDP_CHECK"): f"""{_CONNECT} payload require_reply min_reply_length
        max_reply_length""",
    (*_REAL, "HTTP_GET"): f"{_CONNECT} {_HTTP}",
    (*_REAL, "HTTP_GET", "url"): _URL,
    (*_REAL, "SSL_GET"): f"{_CONNECT} {_HTTP} tls_compliant",
    (*_REAL, "SSL_GET", "url"): f"{_URL} tls_compliant",
    (*_REAL, "DNS_CHECK"): f"{_CONNECT} type name",
    (*_REAL, "FILE_CHECK"): "track_file weight",
    (*_REAL, "BFD_CHECK"): "name alpha",
}

#: block -> the words of keepalived inside it that are not supported yet
WORDS: Mapping[Path, frozenset[str]] = {
    path: frozenset(word.rstrip("*") for word in text.split())
    for path, text in _TEXT.items()
}

#: paths of the words above that open a block
BLOCKS: frozenset[Path] = frozenset(
    (*path, word.rstrip("*"))
    for path, text in _TEXT.items()
    for word in text.split()
    if word.endswith("*")
)

#: words that are no keywords of keepalived (any more), and what to write instead
REMOVED: Mapping[str, str] = {
    "lvs_id": "its name is router_id since keepalived 1.1",
    "nat_mask": "keepalived has no such keyword any more: delete the line",
    "state_file_location": "its name is state_dump_file",
    "stats_file_location": "its name is stats_dump_file",
    "json_file_location": "its name is json_dump_file",
}
