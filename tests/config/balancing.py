"""What the tests of load balancing share: own checkers, text in, servers out."""

from __future__ import annotations

from collections.abc import Hashable

from hanode.config.balance_model import VirtualServer
from hanode.config.build import build
from hanode.config.checker_words import CheckerWords, Surroundings, nothing
from hanode.config.draft import Written
from hanode.config.model import Model
from hanode.config.row import Keyword
from tests.config.reading import said, tree


def asked(written: Written, around: Surroundings) -> Hashable | None:
    """What was written and what was around; None without a path."""
    if "path" not in written.own:
        written.warning("no path", "add path")
        return None
    written.own.update(written.own.pop("host", {}))
    return (
        written.own["path"],
        around.virtualhost,
        around.weight,
        around.bfds,
        around.files,
        tuple(around.tls.items()),
        around.global_defs.router_id,
    )


CHECKERS = {
    each.keyword: each
    for each in (
        CheckerWords("TCP_CHECK", (), nothing),
        CheckerWords(
            "ASK_CHECK",
            (
                Keyword("path", "path", "word"),
                Keyword(
                    "host",
                    "host",
                    "block",
                    path=("virtual_server", "real_server", "ASK_CHECK", "host"),
                    inside=(
                        Keyword("connect_port", "connect_port", "integer", high=9),
                    ),
                ),
            ),
            asked,
            retry=3,
            delay_before_retry=None,
            port=False,
        ),
        CheckerWords(
            "BFD_CHECK",
            (Keyword("alpha", "alpha", "boolean"),),
            nothing,
            connects=False,
            scheduled=False,
        ),
    )
}

BASIC = "lvs_sched rr\nlvs_method NAT\nprotocol TCP\n"
REAL = "real_server 192.0.2.7 80 {\n}\n"


def model(text: str) -> tuple[Model, list[str]]:
    """The model of C{text} with these checkers, and what is said."""
    found, problems = build(tree(text), CHECKERS)
    return found, said(problems)


def servers(text: str) -> tuple[list[VirtualServer], list[str]]:
    """The virtual servers of C{text}, and what is said."""
    found, problems = model(text)
    return list(found.virtual_servers.values()), problems


def virtual(lines: str, name: str = "192.0.2.1 80", real: str = REAL) -> VirtualServer:
    """A virtual server that must be accepted without a word."""
    found, problems = servers(f"virtual_server {name} {{\n{BASIC}{lines}\n{real}}}\n")
    assert problems == [], problems
    return found[0]


def doubtful(
    lines: str, name: str = "192.0.2.1 80", real: str = REAL, basic: str = BASIC
) -> tuple[VirtualServer, list[str]]:
    """A virtual server, and what is said about it; C{lines} begin on line 5."""
    found, problems = servers(f"virtual_server {name} {{\n{basic}{lines}\n{real}}}\n")
    return found[0], problems
