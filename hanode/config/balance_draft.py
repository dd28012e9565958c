"""One virtual_server while it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hanode.config.balance_model import VirtualAddress
from hanode.config.findings import Findings
from hanode.config.tree import Block


@dataclass
class Draft:
    """One virtual_server while it is made: what names it, and its own words."""

    block: Block
    own: dict[str, Any]
    addresses: tuple[VirtualAddress, ...]
    group: str
    findings: Findings
    name: str = ""

    @property
    def marked(self) -> bool:
        """Whether it is one firewall mark, which any protocol may have."""
        return not self.group and bool(self.addresses[0].mark)

    def warning(self, word: str, message: str, remedy: str) -> None:
        """Warn about the statement that begins with C{word}, or about the whole."""
        where = self.block.last(word)
        self.findings.warning(where, f"Virtual server {self.name}: {message}", remedy)

    def dropped(self, message: str, remedy: str) -> None:
        """Say why it does not run."""
        self.findings.dropped(self.block, message, remedy)
