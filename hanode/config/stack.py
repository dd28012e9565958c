"""What is still to be read: files, and the lines that parameters gave.

The newest comes first. A file that includes another waits below it; so does a line
whose multi-line value or ~SEQ is being read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from hanode.config import source
from hanode.config.line import Line
from hanode.config.problems import Place, Severity
from hanode.config.report import Report
from hanode.config.source import Miss, Policy

MAX_FILES = 10_000  # that one configuration may include


@dataclass(eq=False)
class Frame:
    """Lines still to be read, of a file or made from one line of it.

    C{path} is None for made ones. C{continues} tells whether the lines after a
    definition that ends with a backslash belong to it; a C{remainder} stood
    behind a brace. C{policy} is what the reader goes back to at the end.
    """

    lines: Iterator[Line]
    path: str | None = None
    continues: bool = True
    remainder: bool = False
    policy: Policy = Policy.NONE


@dataclass(frozen=True, eq=False)
class Waiting:
    """A file to be opened when its turn comes."""

    path: str
    policy: Policy
    place: Place | None


class Stack:
    """The frames, and the opening of files; problems go to the report.

    C{policy} is what include_check has set for the file being read.
    """

    def __init__(self, report: Report, read: source.Read) -> None:
        self.policy = Policy.NONE
        self._report = report
        self._read = read
        self._frames: list[Frame | Waiting] = []
        self._paths: list[str] = []  # of the files among the frames
        self._opened = 0

    def __len__(self) -> int:
        return len(self._frames)

    def top(self) -> Frame | None:
        """The frame to read from, opening files that wait; None at the very end."""
        while self._frames:
            frame = self._frames[-1]
            if isinstance(frame, Frame):
                return frame
            self._frames.pop()
            self._open(frame)
        return None

    def push(self, frame: Frame) -> None:
        """Read this one next."""
        self._frames.append(frame)

    def pop(self) -> None:
        """Drop the newest; a file gives back the policy that it found."""
        frame = self._frames.pop()
        if isinstance(frame, Frame) and frame.path is not None:
            self.policy = frame.policy
            self._paths.pop()

    def pop_made(self) -> None:
        """Drop everything that the present line of the present file made."""
        while self._frames and self._path(self._frames[-1]) is None:
            self._frames.pop()

    def pop_remainders(self) -> None:
        """Drop what is left of lines that were cut at a brace."""
        while isinstance(frame := self._frames[-1], Frame) and frame.remainder:
            self._frames.pop()

    @staticmethod
    def _path(frame: Frame | Waiting) -> str | None:
        return frame.path if isinstance(frame, Frame) else None

    @property
    def directory(self) -> str:
        """Where the file being read is: relative patterns start there."""
        return os.path.dirname(self._paths[-1]) if self._paths else ""

    def enter(self, lines: list[str], path: str) -> None:
        """Read these lines of a file next."""
        self._paths.append(path)
        self.push(Frame(self._numbered(lines, path), path, policy=self.policy))

    def _numbered(self, lines: list[str], path: str) -> Iterator[Line]:
        for number, text in enumerate(lines, 1):
            line = Line(text, path, number, text)
            if "\0" in text:
                message = "configuration appears to have embedded NULs - ignoring line"
                remedy = "is the file saved as UTF-8?"
                self._report.warn(line.place(), message, remedy)
            else:
                yield line

    def include(self, pattern: str, policy: Policy, place: Place | None) -> None:
        """Read the files that a pattern names next; report what is amiss."""
        try:
            paths, misses = source.find(pattern, self.directory)
        except ValueError as error:
            message = f"Invalid pattern '{pattern}': {error}"
            self._report.add(Severity.ERROR, place, message)
            return
        for miss in misses:
            self._miss(miss, policy, place)
        for path in reversed(paths):
            self._frames.append(Waiting(path, policy, place))

    def _miss(self, miss: Miss, policy: Policy, place: Place | None) -> None:
        if miss.broken & policy:
            self._report.add(Severity.ERROR, place, miss.message, miss.remedy)
        elif not miss.silent:
            self._report.warn(place, miss.message, miss.remedy)

    def _open(self, file: Waiting) -> None:
        """Read a file's lines next, unless it is being read already."""
        chain = self._paths
        self._opened += 1
        if self._opened > MAX_FILES:
            message = f"More than {MAX_FILES} files are included"
            self._report.add(Severity.ERROR, file.place, message)
            return
        if os.path.realpath(file.path) in map(os.path.realpath, chain):
            message = f"Include cycle: {' -> '.join([*chain, file.path])}"
            remedy = "remove this include"
            self._report.add(Severity.ERROR, file.place, message, remedy)
            return
        try:
            content = self._read(file.path)
        except OSError as error:
            miss = source.unreadable(file.path, error)
            self._miss(miss, file.policy, file.place)
        else:
            self.enter(source.decode(content), file.path)
