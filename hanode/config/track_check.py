"""Reads C{track_check [NAME] { CHECKER { ... } [weight N] }}: a checker as a tracker.

keepalived has nothing like it. What stands in the checker's block is what stands in it
inside a real_server; it needs connect_ip, because there is no server around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hanode.config import blocks
from hanode.config.balance_checks import CHECKS, Checked, Site, complete
from hanode.config.balance_model import ANY, Check
from hanode.config.checker_words import CheckerWords
from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.track_model import Description
from hanode.config.tracker_words import MOST
from hanode.config.tree import Block
from hanode.config.values import surplus

KIND = "check"
PATH = ("vrrp_instance", "track_check")
#: what a checker does not say: as often as a script is run
SETTINGS: Mapping[str, Any] = {"delay_loop": 1.0, "warmup": 0.0}
#: the port of who names none
PORTS = {"HTTP_GET": 80, "SSL_GET": 443, "SMTP_CHECK": 25, "DNS_CHECK": 53}
_WEIGHT = Keyword("weight", "weight", "signed weight", low=-MOST, high=MOST)


def inline(block: Block, site: Site) -> Description | None:
    """What is checked and how much it counts; None when it cannot be checked."""
    findings = site.findings
    surplus(block, 1, findings)
    own = blocks.settings(blocks.body(block, findings), PATH, findings, _table(site))
    found = [
        (site.checkers[field.removeprefix(CHECKS)], each)
        for field, blocks_of_it in own.items()
        if field.startswith(CHECKS)
        for each in blocks_of_it
    ]
    if len(found) != 1:
        findings.warning(
            block,
            f"track_check with {len(found) or 'no'} checkers - ignoring",
            "write one checker into each: a block like TCP_CHECK { connect_ip ... }",
        )
        return None
    check = _check(*found[0], site)
    if check is None:
        return None
    weight, reverse = own.get("weight", (0, False))
    name = block.arguments[0].text if block.arguments else _name(check)
    return Description(KIND, name, weight, reverse, check, block.keyword.place)


def _table(site: Site) -> dict[str, Keyword]:
    rows = {word: row for word, row in site.real.items() if word in site.checkers}
    return {**rows, _WEIGHT.word: _WEIGHT}


def _check(words: CheckerWords, block: Block, site: Site) -> Check | None:
    port = PORTS.get(words.keyword, 0)
    server = Checked("track_check", ANY, port, 1, SETTINGS)
    for check, nowhere in complete([block], words, server, site):
        if not words.connects:
            return check
        if nowhere:
            _complain(block, words, site.findings, "connect_ip ADDRESS")
        elif words.port and not check.target.port:
            _complain(block, words, site.findings, "connect_port PORT")
        else:
            return check
    return None


def _complain(
    block: Block, words: CheckerWords, findings: Findings, missing: str
) -> None:
    findings.warning(
        block,
        f"{words.keyword} in track_check has no {missing.split()[0]} - ignoring",
        f"add {missing}: there is no real_server that it could be taken from",
    )


def _name(check: Check) -> str:
    target = check.target
    if target.address == ANY:
        return check.keyword
    address = f"[{target.address}]" if target.address.version == 6 else target.address
    port = f":{target.port}" if target.port else ""
    return f"{check.keyword} {address}{port}"
