"""Statements become a tree of blocks; no keyword is known here.

Only include_check and random_seed in global_defs are followed, because they change
how the lines after them are read.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from hanode.config import source
from hanode.config.lexer import Lexer
from hanode.config.line import Line
from hanode.config.problems import Problem, Severity, secret
from hanode.config.tree import Block, Word

MAX_DEPTH = 50  # of blocks in blocks; keepalived's deepest is five


def parse(
    paths: Sequence[str],
    *,
    config_id: str,
    environ: Mapping[str, str],
    random: Random,
    read: source.Read = source.read_file,
) -> tuple[tuple[Block, ...], list[Problem]]:
    """Read files, each path perhaps a pattern, and everything that they include.

    C{read} gives the bytes of a file or raises OSError; which files there are is
    always looked up on disk. Nothing is raised, all is in the problems.
    """
    lexer = Lexer(config_id=config_id, environ=environ, random=random, read=read)
    return _Parser(lexer).parse(lexer.files(paths))


def parse_text(
    text: str,
    name: str = "<text>",
    *,
    config_id: str = "",
    environ: Mapping[str, str] | None = None,
    random: Random | None = None,
) -> tuple[tuple[Block, ...], list[Problem]]:
    """Read a text as if it stood in the file C{name}."""
    lexer = Lexer(
        config_id=config_id, environ=environ or {}, random=random or Random(0)
    )
    return _Parser(lexer).parse(lexer.text(text, name))


class _Parser:
    """Puts statements into the innermost open block.

    C{open} are the blocks whose closing brace is still to come, C{levels} the
    statements on each level, the file's own first.
    """

    def __init__(self, lexer: Lexer) -> None:
        self._lexer = lexer
        self._report = lexer.report
        self._open: list[Block] = []
        self._levels: list[list[Block]] = [[]]
        self._openable = False  # the last thing was a statement
        self._too_deep = 0  # blocks open beyond MAX_DEPTH

    def parse(self, pieces: Iterable[Line]) -> tuple[tuple[Block, ...], list[Problem]]:
        """Take all statements and braces."""
        # A tree has no cycles; looking for some in a million new records takes as
        # long as all the rest.
        collecting = gc.isenabled()
        gc.disable()
        try:
            for piece in pieces:
                if piece.text == "{":
                    self._begin(piece)
                elif piece.text == "}":
                    self._end(piece)
                else:
                    self._statement(piece)
        finally:
            if collecting:
                gc.enable()
        self._finish()
        return tuple(self._levels[0]), self._report.problems

    def _statement(self, piece: Line) -> None:
        text = piece.text
        words: tuple[Word, ...] | Line = piece
        if '"' in text:  # else there is a word for certain
            words = piece.words()
        self._openable = bool(words)
        if words and not self._too_deep:
            block = Block(words, None, text)
            self._levels[-1].append(block)
            if (
                len(self._open) == 1
                and text.startswith(_PERHAPS)  # else it is not split before its turn
                and block.keyword.text in _FOLLOWED
            ):
                self._follow(block)

    def _begin(self, piece: Line) -> None:
        if not self._openable:
            self._report.warn(piece.place(), "Unexpected '{' - ignoring")
        elif self._too_deep or len(self._open) == MAX_DEPTH:
            if not self._too_deep:
                message = f"Blocks are nested more than {MAX_DEPTH} deep - ignoring"
                self._report.add(Severity.DROPPED, piece.place(), message)
            self._too_deep += 1
        else:
            self._open.append(self._levels[-1][-1])
            self._levels.append([])
        self._openable = False

    def _end(self, piece: Line) -> None:
        self._openable = False
        if self._too_deep:
            self._too_deep -= 1
        elif self._open:
            self._close(piece)
        else:
            self._report.add(Severity.DROPPED, piece.place(), "Extra '}' found")

    def _close(self, brace: Line | None) -> None:
        self._open.pop().close(tuple(self._levels.pop()), brace)

    def _finish(self) -> None:
        """Close what is still open at the end of the last file."""
        missing = len(self._open) + self._too_deep
        if missing:
            opened = [f"'{_shown(b)}' at {b.keyword.place}" for b in self._open]
            self._report.add(
                Severity.DROPPED,
                self._open[0].keyword.place,
                f"There are {missing} missing '}}'s or extra '{{'s",
                f"not closed: {', '.join(opened[:5])}",
            )
        while self._open:
            self._close(None)

    def _follow(self, block: Block) -> None:
        """Let a statement of global_defs change how the next lines are read."""
        if self._open[0].keyword.text != "global_defs":
            return
        if block.keyword.text == "random_seed":
            for word in block.arguments[:1]:
                if word.text.isascii() and word.text.isdecimal():
                    self._lexer.parameters.random = Random(int(word.text[:18]))
            return
        stack = self._lexer.stack
        for word in block.arguments:
            if word.text.lstrip("+-") not in ("", *source.POLICY_WORDS):
                message = f"Unknown include_check option '{word}'"
                known = ", ".join(source.POLICY_WORDS)
                self._report.warn(word.place, message, f"one of {known}")
                return
        words = [word.text for word in block.arguments]
        stack.policy = source.change_policy(stack.policy, words)


def _shown(block: Block) -> str:
    """The statement as written, without what may be a password."""
    return block.keyword.text if secret(block.raw) else block.raw


_FOLLOWED = ("include_check", "random_seed")
_PERHAPS = (*_FOLLOWED, '"')
