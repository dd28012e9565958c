"""The pre-parser: files become statements and braces, one at a time.

What keepalived does before it looks at a keyword is done here: comments, C{@id}
conditions, C{$} definitions and their use, ~SEQ and ~LST, include, and braces, which
are tokens wherever they stand. Most lines need none of it and pass at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from random import Random

from hanode.config import source
from hanode.config.line import BLANKS, BRACE, Finding, Line
from hanode.config.parameters import (
    MAX_GROWTH,
    EndlessError,
    Loop,
    LoopError,
    Parameters,
    definition,
)
from hanode.config.problems import Severity, secret
from hanode.config.report import Report
from hanode.config.stack import Frame, Stack

MAX_LINES = 100_000  # that the parameters in one line of a file may make
MAX_CHARACTERS = 64 << 20  # that are looked at for it
MAX_PASSES = 20  # over one line, while values give further parameters
MAX_USES = 1_000_000  # of parameters in these lines
MAX_KNOWN = 1024  # different lines that are not cut anew when they come again

_SPECIAL = re.compile(r'[$@~"#!\\]|//|include')
#: a brace, or all between blanks and braces
_PIECE = re.compile(r"[{}]|[^ \t\r\f\v{}](?:[^{}]*[^ \t\r\f\v{}])?")
_CONDITION = re.compile(r"@(\^?)([^ \t\r\f\v]*)")
_INCLUDE = re.compile(r"include([rmwba]?)[ \t]+(.*)\Z", re.DOTALL)
_READ_AGAIN = ("@", "$", "~", "include")


class _Budget:
    """What the parameters in one line of a file may still make."""

    def __init__(self) -> None:
        self.lines = MAX_LINES
        self.characters = MAX_CHARACTERS
        self.uses = MAX_USES

    def spend(self, lines: int = 0, characters: int = 0, uses: int = 0) -> None:
        """Count; raises L{EndlessError} when it is too much."""
        self.lines -= lines
        self.characters -= characters
        self.uses -= uses
        if min(self.lines, self.characters, self.uses) < 0:
            raise EndlessError


class Lexer:
    """Reads files and gives statements; what is wrong goes to C{report}."""

    def __init__(
        self,
        *,
        config_id: str,
        environ: Mapping[str, str],
        random: Random,
        read: source.Read = source.read_file,
    ) -> None:
        self.report = Report()
        self.stack = Stack(self.report, read)
        self.parameters = Parameters(
            config_id=config_id, environ=environ, random=random
        )
        self._config_id = config_id
        self._budget = _Budget()
        self._slashed: set[str] = set()
        self._cut = lru_cache(MAX_KNOWN)(_cut)

    def files(self, paths: Sequence[str]) -> Iterator[Line]:
        """The statements and braces of all files; each path may be a pattern."""
        for pattern in paths:
            self.stack.include(pattern, source.EVERYTHING, None)
            yield from self._pieces()

    def text(self, text: str, name: str) -> Iterator[Line]:
        """The statements and braces of a text; includes are relative to C{name}."""
        self.stack.enter(source.split_lines(text), name)
        yield from self._pieces()

    def _pieces(self) -> Iterator[Line]:
        """Read the newest frame, until none is left."""
        cut, stack = self._cut, self.stack
        while (frame := stack.top()) is not None:
            depth, from_file = len(stack), frame.path is not None
            for line in frame.lines:
                pieces = cut(line.text) if from_file else None
                if pieces is not None:
                    file, number, source = line.file, line.number, line.source
                    for text, first in pieces:
                        yield Line(text, file, number, source, first)
                    continue
                yield from self._guarded(line, frame)
                if len(stack) != depth or stack.top() is not frame:
                    break
            else:
                stack.pop()

    def _guarded(self, line: Line, frame: Frame) -> list[Line]:
        """Read one line; when its parameters go on without end, give it up."""
        try:
            if frame.path is not None:
                self._budget = _Budget()
            else:
                self._budget.spend(lines=1, characters=len(line.text))
            return self._read(line)
        except EndlessError:
            text = line.source.strip(BLANKS)[:80]
            message = (
                f"Parameter substitution on line '{text}' would "
                "exceed maximum line length"
            )
            remedy = "does a parameter contain itself? The rest of the line is dropped"
            self.report.add(Severity.DROPPED, line.place(), message, remedy)
            self.stack.pop_made()
            return []

    def _read(self, line: Line) -> list[Line]:
        """Everything that a line can be, in keepalived's order."""
        line = line.uncommented(self._odd)
        limit = len(line.text) + MAX_GROWTH
        for _ in range(MAX_PASSES):
            if len(line.text) > limit:
                break
            if not line.text:
                return []
            if line.text[0] == "@":
                kept = self._condition(line)
                if kept is None:
                    return []
                line = kept
            if self._definition(line) or self._loop(line):
                return []
            replaced = self._substituted(line)
            if replaced is None:
                return [] if self._include(line) else self._at_braces(line)
            line = replaced
        raise EndlessError

    def _odd(self, finding: Finding, line: Line, at: int) -> None:
        """Warn about what the removal of comments found."""
        if finding is Finding.QUOTE:
            text = "" if secret(line.text) else f" '{line.text.strip(BLANKS)}'"
            self.report.warn(line.place(at, at + 1), f"Unterminated quote{text}")
        elif finding is Finding.VALUE:
            message = f"'{line.text[at]}' out of a parameter begins a comment here"
            remedy = "write double quotes around the word"
            self.report.warn(line.place(at, at + 1), message, remedy)
        elif line.file not in self._slashed:
            self._slashed.add(line.file)
            message = "'//' is not a comment in keepalived, here it is taken as one"
            self.report.warn(line.place(at, at + 2), message, "use # or !")

    def _condition(self, line: Line) -> Line | None:
        """What stands behind C{@id} or C{@^id} when it holds, else None.

        A definition whose condition fails takes its further lines with it.
        """
        word = _CONDITION.match(line.text)
        assert word is not None
        rest = line.cut(word.end()).strip()
        if (word[2] == self._config_id) is not bool(word[1]):
            return rest if rest.text else None
        if rest.continued() and definition(rest):
            self._continuation()
        return None

    def _definition(self, line: Line) -> bool:
        """Take a C{$NAME=VALUE} line with the lines that continue it."""
        found = definition(line) if line.text[:1] == "$" else None
        if found is None:
            return False
        name, value = found
        lines = [value]
        if value.continued():
            lines += self._continuation()
        texts = [t.text[:-1] if t.continued() else t.text for t in lines]
        self.parameters.define(name, tuple(text for text in texts if text))
        return True

    def _continuation(self) -> list[Line]:
        """Further lines of a definition: until one without a backslash at its end."""
        self.stack.pop_remainders()
        frame = self.stack.top()
        found: list[Line] = []
        if frame is not None and frame.continues:
            for line in frame.lines:
                found.append(line.uncommented(self._odd))
                if not found[-1].continued():
                    break
        return found

    def _loop(self, line: Line) -> bool:
        """Take a ~SEQ or ~LST line: its text is read once for each value."""
        if line.text[:1] != "~":
            return False
        try:
            loop = self.parameters.loop(line, partial(self.report.warn, line.place()))
        except LoopError as error:
            message = f"Invalid {line.text[:4]} specification '{line.text}'"
            self.report.warn(line.place(), message, str(error))
            return True
        if loop is None:
            return False
        self.stack.push(Frame(self._rounds(loop), continues=False))
        return True

    def _rounds(self, loop: Loop) -> Iterator[Line]:
        for values in loop.values:
            for name, value in zip(loop.names, values, strict=True):
                self.parameters.define(name, (value,))
            yield loop.body

    def _substituted(self, line: Line) -> Line | None:
        """The line with values put in, None when there was nothing to put in."""
        if "$" not in line.text:
            return None
        self.parameters.directory = self.stack.directory
        done = self.parameters.substitute(line, partial(self.report.warn, line.place()))
        if not done.uses:
            return None
        self._budget.spend(uses=done.uses, characters=len(done.line.text))
        for rest in done.rest:
            self.stack.push(Frame(iter(rest)))
        return done.line.uncommented(self._odd)

    def _include(self, line: Line) -> bool:
        """Open the files of an include line; False when it is none."""
        match = _INCLUDE.match(line.text) if line.text[0] == "i" else None
        if match is None:
            return False
        start = match.start(2)
        stop = start + source.pattern_end(match[2])
        pattern = line.cut(start, stop).strip()
        if stop < len(line.text):
            self._remainder(line.cut(stop))
        policy = self.stack.policy | source.VARIANTS[match[1]]
        self.stack.include(pattern.text, policy, pattern.place())
        return True

    def _at_braces(self, line: Line) -> list[Line]:
        """Cut at braces; what is more than words behind one is read on its own."""
        pieces: list[Line] = []
        end = 0
        for match in BRACE.finditer(line.text):
            if match.group()[0] == '"':
                continue
            before = line.cut(end, match.start()).strip()
            if end and before.text.startswith(_READ_AGAIN):
                self._remainder(line.cut(end))
                return pieces
            if before.text:
                pieces.append(before)
            end = match.end()
            pieces.append(line.cut(match.start(), end))
        rest = line.cut(end).strip()
        if end and rest.text.startswith(_READ_AGAIN):
            self._remainder(rest)
        elif rest.text:
            pieces.append(rest)
            if rest.continued():
                message = "A backslash at the end of a line continues only definitions"
                at = len(rest.text) - 1
                self.report.warn(rest.place(at), message, "write it as one line")
        return pieces

    def _remainder(self, line: Line) -> None:
        self.stack.push(Frame(iter((line,)), remainder=True))


def _cut(text: str) -> tuple[tuple[str, int], ...] | None:
    """The words and braces of a line, each piece with its first column.

    None when it takes more than cutting; most lines hold nothing special.
    """
    if _SPECIAL.search(text) is not None:
        return None
    return tuple((each.group(), each.start() + 1) for each in _PIECE.finditer(text))
