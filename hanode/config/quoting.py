"""The arguments of a command: quotes and escapes, split in two stages.

Keywords such as notify_master or script are split again from their raw text.
Stage 1 isolates COMMAND USER GROUP, stage 2 makes the arguments of COMMAND. No shell
is involved: nothing is expanded.
"""

from __future__ import annotations

import re

_BLANK = " \t\r\n\f\v"
_LETTERS = {
    "a": "\a",
    "b": "\b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_ESCAPE = re.compile(
    r"(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9A-Fa-f]{1,2})|c(?P<control>.)|(?P<other>.)",
    re.DOTALL,
)


class QuotingError(Exception):
    """The text cannot be split; C{offset} counts characters from 0."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def split(raw: str) -> tuple[str, ...]:
    """Stage 1: words without their quotes; a backslash and its partner are kept.

    Quotes of either kind may begin and end within a word; the other kind is an
    ordinary character between them. Raises L{QuotingError}.
    """
    return _split(raw, escapes=False)


def split_escaped(command: str) -> tuple[str, ...]:
    """Stage 2: the arguments of a command, with the escapes resolved.

    Escapes work inside and outside of both kinds of quotes: C{\\a \\b \\E \\f \\n \\r
    \\t \\v}, one to three octal digits, C{\\xHH}, C{\\cC} for a control character; any
    other character stands for itself. Bytes from 0x80 are kept as surrogates,
    which is how the operating system takes them. Raises L{QuotingError}.
    """
    return _split(command, escapes=True)


def _split(text: str, escapes: bool) -> tuple[str, ...]:
    words: list[str] = []
    word: list[str] | None = None  # an empty list is a word that began
    quote, opened, at = "", 0, 0
    while at < len(text):
        character = text[at]
        at += 1
        if not quote and character in _BLANK:
            if word is not None:
                words.append("".join(word))
            word = None
            continue
        word = [] if word is None else word
        if character == "\\":
            value, at = _escaped(text, at, escapes)
            word.append(value)
        elif character == quote:
            quote = ""
        elif not quote and character in "\"'":
            quote, opened = character, at - 1
        else:
            word.append(character)
    if quote:
        raise QuotingError(f"String '{text}': missing terminating {quote}", opened)
    if word is not None:
        words.append("".join(word))
    return tuple(words)


def _escaped(text: str, at: int, escapes: bool) -> tuple[str, int]:
    """What the backslash before C{at} makes, and where the text goes on."""
    match = _ESCAPE.match(text, at)
    if match is None:
        raise QuotingError("Missing escape char at end", at - 1)
    if not escapes:
        return text[at - 1 : at + 1], at + 1
    if match["other"] is not None:
        return _LETTERS.get(match["other"], match["other"]), match.end()
    if match["octal"] is not None:
        code = int(match["octal"], 8) & 0xFF
    elif match["hex"] is not None:
        code = int(match["hex"], 16)
    else:
        code = ord(match["control"]) & 0x1F
    if code == 0:
        raise QuotingError("An argument cannot contain a NUL character", at - 1)
    return chr(code if code < 0x80 else 0xDC00 + code), match.end()
