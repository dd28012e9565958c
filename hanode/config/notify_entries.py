"""Readers of what is told to others: FIFOs, mail servers, lists of words."""

from __future__ import annotations

from collections.abc import Mapping

from hanode.config.entries import lines
from hanode.config.findings import Findings
from hanode.config.notify_model import SMTP_PORT, Fifo
from hanode.config.row import Keyword
from hanode.config.tree import Block
from hanode.config.values import Reader, integer_of, surplus


def fifo(keyword: Keyword, block: Block, findings: Findings) -> Fifo | None:
    """C{PATH [USER [GROUP]]}."""
    surplus(block, 3, findings)
    if not block.arguments:
        findings.missing(block, 1)
        return None
    path, *owner = (given.text for given in block.arguments[:3])
    if not path.startswith("/"):
        findings.warning(
            block.arguments[0],
            f"{keyword.word}: '{path}' is not an absolute path",
            "ignored; write the whole path",
        )
        return None
    user, group = (*owner, None, None)[:2]
    return Fifo(path, user, group)


def mail_server(
    keyword: Keyword, block: Block, findings: Findings
) -> tuple[str, int] | None:
    """C{HOST [PORT]}: a name or an address."""
    surplus(block, 2, findings)
    if not block.arguments:
        findings.missing(block, 1)
        return None
    port: int | None = SMTP_PORT
    if len(block.arguments) > 1:
        default = str(SMTP_PORT)
        port = integer_of(
            block.arguments[1], "the port", 1, 65535, findings, default=default
        )
    return block.arguments[0].text, port or SMTP_PORT


def words(keyword: Keyword, block: Block, findings: Findings) -> list[str]:
    """The words between the braces, any number on a line."""
    found = [word.text for line in lines(block, findings) for word in line.words]
    if block.children is not None and not found:
        findings.warning(
            block,
            f"Warning - empty {keyword.word} block",
            "no mail is sent; write addresses between the braces",
        )
    return found


READERS: Mapping[str, Reader] = {
    "fifo": fifo,
    "mail server": mail_server,
    "words": words,
}
