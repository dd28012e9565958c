"""One table: where a word stands -> what it means, or how to correct it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from hanode.config import future
from hanode.config.balance_keywords import (
    BALANCE_ROOT,
    REAL_SERVER,
    SSL,
    TRACK_FILE,
    VIRTUAL_SERVER,
)
from hanode.config.bfd_keywords import (
    BFD,
    BFD_AUTHENTICATION,
    FAST_FAILOVER,
    UNSOLICITED,
)
from hanode.config.future import Path
from hanode.config.global_keywords import GLOBAL
from hanode.config.group_keywords import GROUP
from hanode.config.link_keywords import LINK_ROOT
from hanode.config.node_keywords import NODE
from hanode.config.notify_keywords import MAIL
from hanode.config.process_keywords import PROCESS_ROOT
from hanode.config.row import Keyword
from hanode.config.static_keywords import GARP_GROUP, STATIC_ROOT, TRACK_GROUP
from hanode.config.vrrp_keywords import AUTH_HMAC, AUTHENTICATION, INSTANCE

_ROOT = (
    Keyword("global_defs", "global_defs", "block"),
    Keyword("vrrp_instance", "instances", "block"),
    Keyword("vrrp_sync_group", "groups", "block"),
    Keyword("bfd_instance", "bfd_instances", "block"),
    Keyword("bfd_unsolicited", "bfd_unsolicited", "block", only_hanode=True),
    Keyword("hanode", "node", "block", only_hanode=True),
    *BALANCE_ROOT,
    *PROCESS_ROOT,
    *LINK_ROOT,
    *STATIC_ROOT,
)

#: block -> word -> row, for every keyword that hanode acts on
SUPPORTED: Mapping[Path, Mapping[str, Keyword]] = {
    path: {row.word: row for row in rows}
    for path, rows in {
        (): _ROOT,
        ("global_defs",): GLOBAL,
        ("vrrp_instance",): INSTANCE,
        ("vrrp_instance", "authentication"): AUTHENTICATION,
        ("vrrp_instance", "auth_hmac"): AUTH_HMAC,
        ("vrrp_instance", "fast_failover"): FAST_FAILOVER,
        ("vrrp_sync_group",): GROUP,
        ("bfd_instance",): BFD,
        ("bfd_instance", "authentication"): BFD_AUTHENTICATION,
        ("bfd_unsolicited",): UNSOLICITED,
        ("hanode",): NODE,
        ("hanode", "mail"): MAIL,
        ("SSL",): SSL,
        ("track_group",): TRACK_GROUP,
        ("garp_group",): GARP_GROUP,
        ("track_file",): TRACK_FILE,
        ("vrrp_track_file",): TRACK_FILE,
        ("virtual_server",): VIRTUAL_SERVER,
        ("virtual_server", "real_server"): REAL_SERVER,
    }.items()
}

#: block -> every word that keepalived or hanode has there
KNOWN: Mapping[Path, frozenset[str]] = {
    path: future.WORDS.get(path, frozenset()) | SUPPORTED.get(path, {}).keys()
    for path in (*future.WORDS, *SUPPORTED)
}

_ENOUGH = 3  # places named in one remedy

#: block -> what a word in it was meant to be that nobody knows
_MEANT: Mapping[Path, str] = {
    ("vrrp_sync_group",): "the members' names belong inside group { ... }",
}

_HOMES: dict[str, list[Path]] = {}
for _path in KNOWN:
    for _word in KNOWN[_path]:
        _HOMES.setdefault(_word, []).append(_path)


def homes(word: str) -> tuple[Path, ...]:
    """The blocks in which C{word} is a keyword, the outermost first."""
    return tuple(sorted(_HOMES.get(word, ()), key=lambda path: (len(path), path)))


def remedy(path: Path, word: str, table: Mapping[str, Keyword] = {}) -> str:
    """What an unknown C{word} inside the block C{path} was probably meant to be.

    C{table} has the rows of that block.
    """
    if word in future.REMOVED:
        return future.REMOVED[word]
    places = homes(word)
    if places:
        where = " or ".join(
            f"in {' / '.join(place)}" if place else "at the top level"
            for place in places[:_ENOUGH]
        )
        return f"'{word}' belongs {where}"
    close = get_close_matches(
        word, sorted(KNOWN.get(path, frozenset()) | table.keys()), n=1, cutoff=0.7
    )
    if close:
        return f"did you mean '{close[0]}'?"
    nothing = "keepalived has no such keyword: remove it"
    return offer(word, table) or _MEANT.get(path, nothing)


def offer(word: str, table: Mapping[str, Keyword]) -> str:
    """The checkers of C{table}, when C{word} looks like one; else ""."""
    there = [each for each in table if each.isupper()] if word.isupper() else []
    return f"the checkers here are {', '.join(there)}" if there else ""
