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
from hanode.config.future import Path
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
    words inside a real_server, those of the checkers among them.
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
        self._records: dict[Hashable, Any] = {}
        self._schedules: dict[tuple[Any, ...], Schedule] = {}
        self._settings: dict[Hashable, blocks.Settings] = {}

    def shared(self, record: _Record) -> _Record:
        """The one object for all records that equal C{record}."""
        one: _Record = self._records.setdefault(record, record)
        return one

    def schedule(self, fields: tuple[Any, ...]) -> Schedule:
        """The one schedule with these fields."""
        found = self._schedules.get(fields)
        if found is None:
            found = self._schedules[fields] = Schedule(*fields)
        return found

    def settings(
        self, block: Block, path: Path, table: Mapping[str, Keyword], view: Findings
    ) -> blocks.Settings:
        """What the statements inside say; what said the same before is not read again.

        Thousands of servers have the same few lines. Lines with braces are left to
        the caller when they are a field of C{CHECKS}, and nothing that somebody has
        complained about is taken from before: each place is told.
        """
        lines = block.children
        key = None if lines is None else self._key(path, lines)
        known = self._settings.get(key) if key is not None else None
        if known is None:
            problems = len(view.problems)
            found = blocks.settings(blocks.body(block, view), path, view, table)
            if key is not None and len(view.problems) == problems:
                self._settings[key] = {
                    field: value
                    for field, value in found.items()
                    if not field.startswith(CHECKS)
                }
            return found
        found = dict(known)
        for line in lines or ():
            if line.children is not None:
                found.setdefault(CHECKS + line.words[0].text, []).append(line)
        return found

    def _key(self, path: Path, lines: tuple[Block, ...]) -> Hashable | None:
        """What the settings depend on; None where only reading them tells."""
        key: list[str] = [*path]
        for line in lines:
            if line.children is None:
                key.append(line.raw)
            elif line.raw in self.checkers and path == REAL_PATH:
                key.append(CHECKS)
            else:
                return None
        return tuple(key) if "" not in key else None


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
) -> list[Check]:
    """The checks that blocks of one keyword ask for."""
    return [
        check
        for block in found
        if (check := _complete(block, words, server, site)) is not None
    ]


def _complete(
    block: Block, words: CheckerWords, server: Checked, site: Site
) -> Check | None:
    keyword = words.keyword
    findings = site.findings.about(f"{keyword} of {server.name}")
    surplus(block, 0, findings)
    own = site.settings(block, (*REAL_PATH, keyword), site.tables[keyword], findings)
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
    schedule = site.schedule(_schedule(own, words, server, site))
    return site.shared(Check(keyword, options, target, schedule))


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
) -> tuple[Any, ...]:
    """The fields of L{Schedule}."""
    given = server.settings
    alpha = own.get("alpha", given.get("alpha", False))
    if not words.scheduled:
        plain = Schedule()
        return (
            plain.delay_loop,
            plain.retry,
            plain.delay_before_retry,
            plain.warmup,
            alpha,
            site.log_all_failures,
        )
    delay_loop = own.get("delay_loop", given.get("delay_loop", 60.0))
    pause = words.delay_before_retry
    return (
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
