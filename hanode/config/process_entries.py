"""Readers of what is said about the process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hanode.config.findings import Findings
from hanode.config.process_keywords import PREFIX
from hanode.config.process_model import ProcessDefs
from hanode.config.row import Keyword
from hanode.config.tree import Block
from hanode.config.values import Reader, argument, integer_of

_LONGEST = 64  # characters of a name that becomes a part of file names
_MOST_CPUS = 8191
_NAME = re.compile(r"[A-Za-z0-9][\w.@:+-]*\Z", re.ASCII)
_BITS = re.compile(r"I?([RWX])(USR|GRP|OTH)\Z|I?RWX([UGO])\Z")
_SHIFTS = {"USR": 6, "GRP": 3, "OTH": 0, "U": 6, "G": 3, "O": 0}
_VALUES = {"R": 4, "W": 2, "X": 1}


def file_name(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """One word that may be a part of a file's name."""
    word = argument(block, findings)
    if word is None:
        return None
    if len(word.text) > _LONGEST or not _NAME.match(word.text):
        findings.warning(
            word,
            f"{block.keyword}: '{word}' cannot be part of a file name",
            "ignored; write letters, digits, '.', '-' and '_'",
        )
        return None
    return word.text


def file_name_or_nothing(
    keyword: Keyword, block: Block, findings: Findings
) -> str | None:
    """The same; "" when the keyword stands alone."""
    return file_name(keyword, block, findings) if block.arguments else ""


def needless(keyword: Keyword, block: Block, findings: Findings) -> None:
    """A word that one process with its own ways has no use for: say why."""
    findings.warning(block, f"{block.keyword}: no effect: {keyword.title}")


def absent(keyword: Keyword, block: Block, findings: Findings) -> None:
    """A word of keepalived that hanode does not have: say what there is instead."""
    findings.warning(block, f"{block.keyword}: not supported: {keyword.title}")


def processors(
    keyword: Keyword, block: Block, findings: Findings
) -> tuple[int, ...] | None:
    """C{CPU_ID ...}: one that is none voids the list, as with keepalived."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    found = [
        integer_of(word, block.keyword.text, 0, _MOST_CPUS, findings)
        for word in block.arguments
    ]
    numbers = tuple(each for each in found if each is not None)
    return numbers if len(numbers) == len(found) else None


def umask(keyword: Keyword, block: Block, findings: Findings) -> int | None:
    """A number (octal with a leading 0), or the bits of stat.h joined with C{|}."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    text = "".join(word.text for word in block.arguments)
    mask = _number(text)
    if mask is None:
        mask = _bits(text.split("|"))
    if mask is None or not 0 <= mask <= 0o777:
        findings.warning(
            block.arguments[0],
            f"umask '{text}' is no mask",
            "ignored; write 0177, or IRWXG|IRWXO",
        )
        return None
    return mask


def _number(text: str) -> int | None:
    if not text.isascii() or not re.fullmatch(
        r"0[xX][0-9a-fA-F]{1,4}|[0-9]{1,6}", text
    ):
        return None
    try:
        if text[:2] in ("0x", "0X"):
            return int(text, 16)
        return int(text, 8 if text.startswith("0") else 10)
    except ValueError:
        return None  # 8 and 9 in an octal number


def _bits(names: Iterable[str]) -> int | None:
    mask = 0
    for name in names:
        match = _BITS.match(name.strip().removeprefix("S_"))
        if match is None:
            return None
        bit, who, all_of = match.groups()
        mask |= (_VALUES[bit] if bit else 7) << _SHIFTS[who or all_of]
    return mask


def of_process(settings: Mapping[str, Any]) -> ProcessDefs:
    """The record of the fields that C{settings} name."""
    return ProcessDefs(
        **{
            field.removeprefix(PREFIX): value
            for field, value in settings.items()
            if field.startswith(PREFIX)
        }
    )


READERS: Mapping[str, Reader] = {
    "file name": file_name,
    "file name or nothing": file_name_or_nothing,
    "needless": needless,
    "absent": absent,
    "processors": processors,
    "umask": umask,
}
