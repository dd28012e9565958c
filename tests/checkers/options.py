"""What a checker makes of its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hanode.config import blocks, checker_keywords
from hanode.config.checker_words import Surroundings
from hanode.config.draft import Written
from hanode.config.findings import Findings
from hanode.config.tree import Block
from tests.config.reading import said, tree


@dataclass(frozen=True)
class Found:
    """The options, all settings, and what was said."""

    options: Any
    own: dict[str, Any]
    said: list[str]


def read(plugin: Any, text: str, **around: Any) -> Found:
    """Read the inside of a checker's block."""
    findings = Findings()
    children = tree(text) if text else ()
    path = ("virtual_server", "real_server", plugin.keyword)
    own = blocks.settings(
        children, path, findings, checker_keywords.table(plugin.words)
    )
    block = tree(f"{plugin.keyword} {{\n}}")[0]
    written = Written("", Block(block.words, tuple(children)), own, findings)
    given: dict[str, Any] = {
        "virtualhost": "",
        "weight": 1,
        "bfds": frozenset(),
        "files": frozenset(),
        "tls": {},
    }
    surroundings = Surroundings(**{**given, **around})
    options = plugin.words.options(written, surroundings)
    return Found(options, own, said(findings.problems))
