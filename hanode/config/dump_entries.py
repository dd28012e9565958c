"""Readers of what is said about the files that signals ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hanode.config.dump_keywords import PREFIX
from hanode.config.dump_model import DumpDefs
from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.tree import Block
from hanode.config.values import Reader, argument


def absolute_path(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """A file, or with a "/" at its end a directory; the daemon's own one is no place
    to count from."""
    word = argument(block, findings)
    if word is None:
        return None
    if not word.text.startswith("/") or "\0" in word.text:
        findings.warning(
            word,
            f"{block.keyword}: '{word}' is no absolute path",
            "ignored; begin it with '/'",
        )
        return None
    return word.text


def of_dumps(settings: Mapping[str, Any]) -> DumpDefs:
    """The record of the fields that C{settings} name."""
    return DumpDefs(
        **{
            field.removeprefix(PREFIX): value
            for field, value in settings.items()
            if field.startswith(PREFIX)
        }
    )


READERS: Mapping[str, Reader] = {"absolute path": absolute_path}
