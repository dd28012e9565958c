"""What the parser makes of a file: words in statements, statements in blocks."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from hanode.config.problems import Place


class Word(NamedTuple):
    """One word with its place; C{quoted} when it stood in double quotes."""

    text: str
    place: Place
    quoted: bool = False

    def __str__(self) -> str:
        return self.text


class Statement(Protocol):
    """What was written, before it is split: a line, or a part of one."""

    def words(self) -> tuple[Word, ...]:
        """Its words."""

    def place(self) -> Place:
        """Where it stands."""


class Block:
    """One statement: its words, and what stands in braces behind it.

    C{children} is None for a plain line, a tuple (perhaps empty) for a block.
    C{raw} is the statement as written, after comments and parameters, for the
    keywords whose arguments are split again by the quoted-string rules. Treat it as
    frozen once it is closed; C{words} and C{end} are made of a L{Statement} when
    somebody asks.
    """

    __slots__ = ("_words", "children", "raw", "_end")

    def __init__(
        self,
        words: tuple[Word, ...] | Statement,
        children: tuple[Block, ...] | None = None,
        raw: str = "",
        end: Statement | None = None,
    ) -> None:
        self._words = words
        self.children = children
        self.raw = raw
        self._end = end

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Block):
            return NotImplemented
        return (self.words, self.children, self.raw) == (
            other.words,
            other.children,
            other.raw,
        )

    def __repr__(self) -> str:
        return f"Block({self.words!r}, {self.children!r}, {self.raw!r})"

    @property
    def words(self) -> tuple[Word, ...]:
        """All words, the keyword first."""
        words = self._words
        if not isinstance(words, tuple):
            words = self._words = words.words()
        return words

    @property
    def end(self) -> Place | None:
        """Where its closing brace stands."""
        return None if self._end is None else self._end.place()

    def close(self, children: tuple[Block, ...], end: Statement | None = None) -> None:
        """For the parser: this is what stands in its braces."""
        self.children, self._end = children, end

    @property
    def keyword(self) -> Word:
        """The first word."""
        return self.words[0]

    @property
    def arguments(self) -> tuple[Word, ...]:
        """The words behind the keyword."""
        return self.words[1:]

    def last(self, word: str) -> Block:
        """The last statement inside that begins with C{word}, itself without one."""
        for child in reversed(self.children or ()):
            if child.words and child.words[0].text == word:
                return child
        return self
