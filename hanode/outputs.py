"""What programs print goes to the log at debug level: line by line, and not too much.

A program is never kept waiting for long, and never keeps us waiting: its end is told
by the kernel, not by its pipe, which something that it left behind may hold open for
years. Such a pipe is still read (who writes to a closed one is killed), but not shown.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

LINES = 50  # of one program that are shown
LENGTH = 512  # bytes of one line that are shown
CHUNK = 65536  # bytes: what a pipe holds
REST = 0.1  # seconds between two looks at a program that prints too much
LEFT_BEHIND = 64  # pipes of programs that have ended that are still read


class Outputs:
    """The pipes of all programs of one reactor.

    C{left_behind} are those whose programs have ended.
    """

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.left_behind: deque[Pipe] = deque()

    def pipe(self, name: str) -> Pipe:
        """A new pipe for the program C{name}. Raises L{OSError}."""
        return Pipe(self, name)

    def keep(self, pipe: Pipe) -> None:
        """Its program has ended and something else still holds it."""
        self.left_behind.append(pipe)
        if len(self.left_behind) > LEFT_BEHIND:
            self.left_behind[0].close()

    def forget(self, pipe: Pipe) -> None:
        """It is closed."""
        if pipe in self.left_behind:
            self.left_behind.remove(pipe)


@implementer(IReadDescriptor)
class Pipe:
    """Where one program prints to; C{writer} is its end, until C{follow}."""

    log = Logger()

    def __init__(self, outputs: Outputs, name: str) -> None:
        self._outputs, self._name = outputs, name
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        self._line = b""
        self._cut = False  # the line is longer than what we keep of it
        self._shown = 0
        self._ended = self._closed = False
        self._pause: IDelayedCall | None = None

    def follow(self) -> None:
        """The program has its end: give ours of it back, and read."""
        self._close_writer()
        self._outputs.reactor.addReader(self)

    def ended(self) -> None:
        """The program has ended: show what it has said, and wait for nothing."""
        if self._closed:
            return
        self._read()
        if not self._closed:
            self._show_line()
            self._ended = True
            self._outputs.keep(self)

    def close(self) -> None:
        """Give everything back; it may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._close_writer()
        if self._pause is not None and self._pause.active():
            self._pause.cancel()
        self._outputs.reactor.removeReader(self)
        os.close(self._reader)
        self._outputs.forget(self)

    def _close_writer(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    # -- for the reactor

    def fileno(self) -> int:
        """The end that is read."""
        return -1 if self._closed else self._reader

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return f"output of {self._name}"

    def connectionLost(self, reason: object) -> None:
        """The reactor lets go of us."""
        self.close()

    def doRead(self) -> None:
        """Something was printed, or everyone has gone."""
        self._read()
        if not self._closed and (self._shown > LINES or self._ended):
            # Nobody sees it: once in a while is enough.
            reactor = self._outputs.reactor
            reactor.removeReader(self)
            self._pause = reactor.callLater(REST, reactor.addReader, self)

    def _read(self) -> None:
        try:
            data = os.read(self._reader, CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._show_line()
            self.close()
        elif not self._ended:
            self._take(data)

    # -- lines

    def _take(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line)
            self._show_line(empty=True)
            if self._shown > LINES:
                return
        self._add(rest)

    def _add(self, part: bytes) -> None:
        room = LENGTH - len(self._line)
        self._line += part[:room]
        self._cut = self._cut or len(part) > room

    def _show_line(self, empty: bool = False) -> None:
        line, self._line = self._line, b""
        cut, self._cut = self._cut, False
        if self._shown > LINES or not (line or empty):
            return
        self._shown += 1
        if self._shown > LINES:
            text = "what it says beyond {n} lines is not shown"
            self.log.debug("{program}: " + text, program=self._name, n=LINES)
            return
        text = line.decode("utf-8", "backslashreplace") + (" ..." if cut else "")
        self.log.debug("{program}: {line}", program=self._name, line=_plain(text))


def _plain(text: str) -> str:
    """Without anything that could forge a line of the log or move the cursor."""
    shown = text.rstrip("\r").replace("\t", " ")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)
