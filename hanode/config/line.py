"""One line of text that still knows where each of its characters was written.

Comments are cut, escapes are removed and values are put in before a line is split
into words; a word of the result must nevertheless be underlined in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from hanode.config.problems import Place
from hanode.config.tree import Word

BLANKS = " \t\r\f\v"

WORD = re.compile(r'"[^"]*"|[^ \t\r\f\v"]+|"')
_PLAIN_WORD = re.compile(r"[^ \t\r\f\v]+")
BRACE = re.compile(r'"[^"]*"?|[{}]')
_MARK = re.compile(r'"[^"]*"?|\\.|[#!]|(?<![^ \t\r\f\v{}"])//', re.DOTALL)
_CONTINUED = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")


class Origin(Enum):
    """How a character came into the line."""

    WRITTEN = "written"
    ESCAPED = "escaped"  # the # of \\#, or the ! of \\!
    VALUE = "value"  # out of a parameter


class Span(NamedTuple):
    """The columns C{start} to C{end} (exclusive) of the file's line."""

    start: int
    end: int
    origin: Origin


class Finding(Enum):
    """What can be odd about a comment, a quote or the end of a line."""

    QUOTE = "quote"
    SLASHES = "slashes"
    VALUE = "value"


Report = Callable[[Finding, "Line", int], None]


class Line:
    """A part of a physical line, perhaps with values put in; treat it as frozen.

    C{spans} is None when C{text} stands in C{source} as it is, from column C{first}.
    """

    __slots__ = ("text", "file", "number", "source", "first", "spans")

    def __init__(
        self,
        text: str,
        file: str,
        number: int,
        source: str,
        first: int = 1,
        spans: list[Span] | None = None,
    ) -> None:
        self.text = text
        self.file = file
        self.number = number
        self.source = source
        self.first = first
        self.spans = spans

    def _with(self, text: str, first: int, spans: list[Span] | None) -> Line:
        return Line(text, self.file, self.number, self.source, first, spans)

    def _written(self) -> list[Span]:
        """One span for each character."""
        if self.spans is not None:
            return self.spans
        columns = range(self.first, self.first + len(self.text))
        return [Span(at, at + 1, Origin.WRITTEN) for at in columns]

    def origin(self, at: int) -> Origin:
        """How the character at C{at} came into the line."""
        return Origin.WRITTEN if self.spans is None else self.spans[at].origin

    def cut(self, start: int, stop: int | None = None) -> Line:
        """The characters from C{start} to before C{stop}."""
        spans = None if self.spans is None else self.spans[start:stop]
        return self._with(self.text[start:stop], self.first + start, spans)

    def strip(self) -> Line:
        """The line without blanks at both ends."""
        text = self.text.rstrip(BLANKS)
        start = len(text) - len(text.lstrip(BLANKS))
        if start == 0 and len(text) == len(self.text):
            return self
        return self.cut(start, len(text))

    def without(self, start: int, stop: int) -> Line:
        """The line with the characters from C{start} to before C{stop} left out."""
        spans = self._written()
        text = self.text[:start] + self.text[stop:]
        return self._with(text, self.first, spans[:start] + spans[stop:])

    def replaced(self, start: int, stop: int, value: str) -> Line:
        """The line with C{value} in place of a parameter's use."""
        spans = self._written()
        columns = self.columns(start, stop)
        put = [Span(*columns, Origin.VALUE)] * len(value)
        text = self.text[:start] + value + self.text[stop:]
        return self._with(text, self.first, spans[:start] + put + spans[stop:])

    def standing_for(self, start: int, stop: int, text: str) -> Line:
        """A whole further line that the use from C{start} to C{stop} gave."""
        columns = self.columns(start, stop)
        return self._with(text, self.first, [Span(*columns, Origin.VALUE)] * len(text))

    def columns(self, start: int, stop: int) -> tuple[int, int]:
        """The first column and the one behind the last of a part that is not empty."""
        if self.spans is None:
            return self.first + start, self.first + stop
        begin, end = self.spans[start].start, self.spans[stop - 1].end
        # A word may end in a value that is used further left than it begins.
        return begin, max(end, begin + 1)

    def place(self, start: int = 0, stop: int | None = None) -> Place:
        """Where the part from C{start} to before C{stop} was written."""
        if self.spans is None:  # most lines by far
            length = (len(self.text) if stop is None else stop) - start
            column = self.first + start
            return Place(self.file, self.number, column, self.source, max(length, 1))
        stop = len(self.text) if stop is None else stop
        if start >= stop:
            return Place(self.file, self.number, self.first, self.source)
        begin, end = self.columns(start, stop)
        return Place(self.file, self.number, begin, self.source, end - begin)

    def words(self) -> tuple[Word, ...]:
        """Split at blanks and double quotes; an unmatched quote ends the line."""
        if self.spans is None and '"' not in self.text:
            return self._plain_words()
        found = []
        for match in WORD.finditer(self.text):
            text = match.group()
            start, stop = match.span()
            if text[0] != '"':
                found.append(Word(text, self.place(start, stop)))
            elif stop - start > 1:
                found.append(Word(text[1:-1], self.place(start, stop), quoted=True))
            else:
                break
        return tuple(found)

    def _plain_words(self) -> tuple[Word, ...]:
        """The words of a line as it was written, without quotes: most lines."""
        file, number, source, first = self.file, self.number, self.source, self.first
        text = self.text
        found = []
        end = 0
        for word in _PLAIN_WORD.findall(text):
            start = text.index(word, end)
            end = start + len(word)
            place = Place(file, number, first + start, source, len(word))
            found.append(Word(word, place))
        return tuple(found)

    def continued(self) -> bool:
        """Whether the line ends with a single backslash, itself not escaped."""
        return self.text.endswith("\\") and _CONTINUED.search(self.text) is not None

    def uncommented(self, report: Report) -> Line:
        """Cut the comment and the blanks at both ends, and take C{\\#} for #.

        Nothing is special in double quotes; single quotes protect nothing.
        """
        line, dropped = self, 0
        for match in _MARK.finditer(self.text):
            mark, start = match.group(), match.start()
            at = start - dropped
            if mark[0] == '"':
                if len(mark) == 1 or mark[-1] != '"':
                    report(Finding.QUOTE, self, start)
            elif mark[0] == "\\":
                if mark[1] in "#!":
                    line, dropped = line._unescaped(at), dropped + 1
            elif mark == "//":
                report(Finding.SLASHES, self, start)
                line = line.cut(0, at)
                break
            elif self.origin(start) is not Origin.ESCAPED:
                inside = at > 0 and line.text[at - 1] not in BLANKS
                if inside and self.origin(start) is Origin.VALUE:
                    report(Finding.VALUE, self, start)
                line = line.cut(0, at)
                break
        return line.strip()._joined_backslash()

    def _unescaped(self, at: int) -> Line:
        """The line without the backslash at C{at}; its partner is literal now."""
        spans = self._written()
        both = Span(spans[at].start, spans[at + 1].end, Origin.ESCAPED)
        text = self.text[:at] + self.text[at + 1 :]
        return self._with(text, self.first, [*spans[:at], both, *spans[at + 2 :]])

    def _joined_backslash(self) -> Line:
        """A backslash at the end loses the blanks before it, as in keepalived."""
        if not self.continued():
            return self
        end = len(self.text) - 1
        kept = len(self.text[:end].rstrip(BLANKS))
        return self if kept == end else self.without(kept, end)
