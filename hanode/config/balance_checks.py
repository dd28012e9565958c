"""The checkers of a real server: from words to L{Check}, equal ones shared.

What a checker does not say it has from its real server, that from its virtual server,
and what nobody says is the checker's own default.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hanode.config import blocks, checker_keywords
from hanode.config.balance_keywords import REAL_SERVER
from hanode.config.balance_model import Check, Schedule, Target
from hanode.config.checker_words import Checkers, CheckerWords, Surroundings
from hanode.config.draft import Written
from hanode.config.findings import Findings
from hanode.config.model import GlobalDefs
from hanode.config.row import Keyword
from hanode.config.scalars import IpAddress
from hanode.config.tree import Block
from hanode.config.values import surplus

REAL_PATH = ("virtual_server", "real_server")
CHECKS = "check "  # in front of the keyword: the field of a checker's blocks

_Record = TypeVar("_Record", bound=Hashable)


@dataclass
class Site:
    """What all virtual servers of one configuration share.

    C{smtp_alert} is smtp_alert_checker, None where it is not there. C{real} are the
    words inside a real_server, those of the checkers among them; C{known} has what
    L{hanode.config.balance_real} has made already.
    """

    checkers: Checkers
    findings: Findings
    bfds: frozenset[str] = frozenset()
    file_weights: Mapping[str, int] = field(default_factory=dict)
    tls: Mapping[str, str] = field(default_factory=dict)
    global_defs: GlobalDefs = field(default_factory=GlobalDefs)
    smtp_alert: bool | None = None
    log_all_failures: bool = False

    def __post_init__(self) -> None:
        found = [
            Keyword(word, f"{CHECKS}{word}", "blocks", path=(*REAL_PATH, word))
            for word in self.checkers
        ]
        self.real = {row.word: row for row in (*REAL_SERVER, *found)}
        self.tables = {
            word: checker_keywords.table(words) for word, words in self.checkers.items()
        }
        self.files = frozenset(self.file_weights)
        self.known: dict[Hashable, dict[Hashable, Any]] = {}
        self._records: dict[Hashable, Any] = {}

    def shared(self, record: _Record) -> _Record:
        """The one object for all records that equal C{record}."""
        one: _Record = self._records.setdefault(record, record)
        return one


@dataclass(frozen=True)
class Checked:
    """The real server that is checked: how it is called, and what it was given.

    C{settings} are its own and those of its virtual server.
    """

    name: str
    address: IpAddress
    port: int
    weight: int
    settings: Mapping[str, Any]


def complete(
    found: list[Block], words: CheckerWords, server: Checked, site: Site
) -> list[tuple[Check, bool]]:
    """The checks of one keyword's blocks, and whether they go to the server itself."""
    return [
        check
        for block in found
        if (check := _complete(block, words, server, site)) is not None
    ]


def _complete(
    block: Block, words: CheckerWords, server: Checked, site: Site
) -> tuple[Check, bool] | None:
    keyword = words.keyword
    findings = site.findings.about(f"{keyword} of {server.name}")
    surplus(block, 0, findings)
    own = blocks.settings(
        blocks.body(block, findings),
        (*REAL_PATH, keyword),
        findings,
        site.tables[keyword],
    )
    written = Written(server.name, block, own, findings)
    around = Surroundings(
        server.settings.get("virtualhost", ""),
        server.weight,
        site.bfds,
        site.files,
        site.tls,
        site.global_defs,
        site.file_weights,
    )
    options = words.options(written, around)
    if options is None:
        return None
    target = _target(written, words, server)
    schedule = site.shared(_schedule(own, words, server, site))
    check = site.shared(Check(keyword, options, target, schedule))
    return check, "connect_ip" not in own


def _target(written: Written, words: CheckerWords, server: Checked) -> Target:
    own = written.own
    if not words.connects:
        return Target(server.address, server.port)
    address = own.get("connect_ip", server.address)
    port = own.get("connect_port", server.port) if words.port else 0
    if words.port and not port:
        written.warning(
            "no port to connect to", "add connect_port, or a port of the real server"
        )
    source = own.get("bindto")
    if source is not None and source.version != address.version:
        written.warning(
            f"bindto {source} and {address} are of different families - ignoring",
            f"write an IPv{address.version} address",
        )
        source = None
    return Target(
        address,
        port,
        source,
        own.get("bind_port", 0),
        own.get("bind_if", ""),
        own.get("fwmark", 0),
        own.get("connect_timeout", server.settings.get("connect_timeout", 5.0)),
    )


def _schedule(
    own: Mapping[str, Any], words: CheckerWords, server: Checked, site: Site
) -> Schedule:
    given = server.settings
    alpha = own.get("alpha", given.get("alpha", False))
    if not words.scheduled:
        return Schedule(alpha=alpha, log_all_failures=site.log_all_failures)
    delay_loop = own.get("delay_loop", given.get("delay_loop", 60.0))
    pause = words.delay_before_retry
    return Schedule(
        delay_loop,
        own.get("retry", given.get("retry", words.retry)),
        own.get(
            "delay_before_retry",
            given.get("delay_before_retry", delay_loop if pause is None else pause),
        ),
        own.get("warmup", given.get("warmup", delay_loop)),
        alpha,
        own.get("log_all_failures", site.log_all_failures),
    )
