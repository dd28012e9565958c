"""Reader of notify scripts: C{"COMMAND ARGUMENTS" [USER [[:]GROUP]]}.

The statement is split again by the quoted-string rules: once to find the command,
the user and the group, and once more inside the command, with escapes, for argv.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hanode.config.findings import Findings
from hanode.config.model import Script
from hanode.config.quoting import QuotingError, split, split_escaped
from hanode.config.row import Keyword
from hanode.config.tree import Block


def script(keyword: Keyword, block: Block, findings: Findings) -> Script | None:
    """The command with its user; None (and a problem) when there is none."""
    words: list[str] = []

    def read() -> tuple[str, ...]:
        words.extend(_words(block))
        return split_escaped(words[0])

    argv = argv_of(keyword, block, findings, read)
    if argv is None:
        return None
    user = words[1] or None if len(words) > 1 else None
    return Script(argv, user, _group(words, block, findings))


def argv_of(
    keyword: Keyword,
    block: Block,
    findings: Findings,
    read: Callable[[], tuple[str, ...]],
) -> tuple[str, ...] | None:
    """The command that C{read()} splits; None (and a problem) when it is none."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    try:
        argv = read()
    except QuotingError as error:
        findings.warning(
            block.arguments[0],
            error.message,
            f"{keyword.word} is ignored until its quotes are mended",
        )
        return None
    if not argv or not argv[0]:
        findings.warning(
            block.arguments[0],
            f"{keyword.word}: the command is empty",
            "write the path of a script",
        )
        return None
    return argv


def _words(block: Block) -> tuple[str, ...]:
    """COMMAND, USER and GROUP: from the text as written, else from the words."""
    if block.raw:
        return split(block.raw)[1:] or ("",)
    return tuple(word.text for word in block.arguments)


def script_or_nothing(
    keyword: Keyword, block: Block, findings: Findings
) -> Script | bool | None:
    """As L{script}; True when the keyword stands alone."""
    return script(keyword, block, findings) if block.arguments else True


def _group(words: Sequence[str], block: Block, findings: Findings) -> str | None:
    """The third word; a colon before it asks for the user's other groups too."""
    if len(words) < 3:
        return None
    if len(words) > 3:
        findings.warning(
            block,
            f"{block.keyword} has surplus words from '{words[3]}' on",
            "put a command with arguments in double quotes",
        )
    return words[2] or None
