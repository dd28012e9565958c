"""The rows of static_* blocks, track_group and garp_group: keepalived.conf(5)."""

from __future__ import annotations

from hanode.config.row import Keyword

_LONGEST = 4294.967295  # seconds: 32 bits of microseconds

STATIC_ROOT = (
    Keyword("static_ipaddress", "addresses", "static addresses"),
    Keyword("static_routes", "routes", "lines"),
    Keyword("static_rules", "rules", "lines"),
    Keyword("track_group", "track_groups", "block"),
    Keyword("garp_group", "garp_groups", "block"),
)

TRACK_GROUP = (Keyword("group", "members", "all words"),)

GARP_GROUP = (
    Keyword("garp_interval", "arp_interval", "seconds", "s", 0, _LONGEST),
    Keyword("gna_interval", "na_interval", "seconds", "s", 0, _LONGEST),
    Keyword("interface", "interface", "word"),
    Keyword("interfaces", "interfaces", "all words"),
)

IPROUTE = (
    Keyword("iproute_usr_dir", "iproute_usr", "word", default="/usr/share/iproute2"),
    Keyword("iproute_etc_dir", "iproute_etc", "word", default="/etc/iproute2"),
)
