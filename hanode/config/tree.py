"""What the parser makes of a file: words in statements, statements in blocks."""

from __future__ import annotations

from dataclasses import dataclass, field

from hanode.config.problems import Place


@dataclass(frozen=True)
class Word:
    """One word with its place; C{quoted} when it stood in double quotes."""

    text: str
    place: Place
    quoted: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Block:
    """One statement: its words, and what stands in braces behind it.

    C{children} is None for a plain line, a tuple (perhaps empty) for a block.
    C{raw} is the statement as written, after comments and parameters, for the
    keywords whose arguments are split again by the quoted-string rules.
    """

    words: tuple[Word, ...]
    children: tuple[Block, ...] | None = None
    raw: str = ""
    end: Place | None = field(default=None, compare=False)

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
