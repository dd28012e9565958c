"""Claims about what programs print, with real pipes and a rehearsed clock."""

from __future__ import annotations

import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.outputs import LEFT_BEHIND, LENGTH, LINES, REST, Outputs, Pipe
from tests.turns import Turns


class OutputTests(SynchronousTestCase):
    """One program called /x."""

    def setUp(self) -> None:
        """Its pipe, and the log."""
        self.reactor = Turns()
        self.outputs = Outputs(self.reactor)
        self.lines: list[str] = []
        lines = self.lines

        class Log:
            def debug(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

        self.patch(Pipe, "log", Log())
        self.pipe, self.writer = self.program()

    def program(self) -> tuple[Pipe, int]:
        """A pipe, and the program's end of it."""
        pipe = self.outputs.pipe("/x")
        writer = os.dup(pipe.writer)
        pipe.follow()
        self.addCleanup(pipe.close)
        return pipe, writer

    def say(self, data: bytes) -> None:
        """The program prints."""
        os.write(self.writer, data)
        self.reactor.turn()

    def test_lines(self) -> None:
        """Lines are shown as they come, in whatever pieces; empty ones, too."""
        self.say(b"one\ntw")
        self.say(b"o\n\n")
        self.assertEqual(self.lines, ["/x: one", "/x: two", "/x: "])

    def test_last_line(self) -> None:
        """The end of the program ends its last line; nothing stays open."""
        before = len(os.listdir("/proc/self/fd"))
        self.say(b"done")
        self.assertEqual(self.lines, [])
        os.close(self.writer)
        self.reactor.turn()
        self.assertEqual(self.lines, ["/x: done"])
        self.assertEqual(len(os.listdir("/proc/self/fd")), before - 2)
        self.assertEqual(self.reactor.readers, set())
        self.pipe.ended()

    def test_said_at_the_end(self) -> None:
        """What waits in the pipe when the program has ended is shown."""
        os.write(self.writer, b"a\nb")
        self.pipe.ended()
        self.assertEqual(self.lines, ["/x: a", "/x: b"])
        os.close(self.writer)

    def test_left_behind(self) -> None:
        """Something that it left behind may print on: it is read, and not shown."""
        self.pipe.ended()
        self.say(b"still here\n")
        self.assertEqual(self.lines, [])
        self.assertEqual(self.reactor.readers, set())
        self.reactor.advance(REST)
        self.assertEqual(self.reactor.readers, {self.pipe})
        os.close(self.writer)
        self.reactor.turn()
        self.assertEqual(self.reactor.readers, set())

    def test_many_left_behind(self) -> None:
        """There is a bound for what is left behind: the oldest is closed."""
        self.pipe.ended()
        writers = []
        for _ in range(LEFT_BEHIND):
            pipe, writer = self.program()
            writers.append(writer)
            pipe.ended()
        self.assertRaises(BrokenPipeError, os.write, self.writer, b"x")
        self.assertEqual(os.write(writers[0], b"x"), 1)
        for writer in (self.writer, *writers):
            os.close(writer)

    def test_long_line(self) -> None:
        """Of a long line the beginning is shown."""
        self.say(b"y" * (LENGTH + 1) + b"\nz\n")
        self.assertEqual(self.lines, [f"/x: {'y' * LENGTH} ...", "/x: z"])

    def test_too_much(self) -> None:
        """After so many lines it is read once in a while, and not shown."""
        self.say(b"line\n" * (LINES + 10))
        self.assertEqual(len(self.lines), LINES + 1)
        last = f"/x: what it says beyond {LINES} lines is not shown"
        self.assertEqual(self.lines[-1], last)
        self.assertEqual(self.reactor.readers, set())
        self.reactor.advance(REST)
        self.say(b"more\n")
        self.assertEqual(len(self.lines), LINES + 1)
        os.close(self.writer)
        self.pipe.close()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_dirt(self) -> None:
        """Control characters and bytes that are no text do not reach the log."""
        self.say(b"\x1b[2J\xff\ta\x00\r\n")
        self.assertEqual(self.lines, ["/x: \\x1b[2J\\xff a\\x00"])

    def test_reactor(self) -> None:
        """The reactor can name it, and let go of it."""
        self.assertEqual(self.pipe.logPrefix(), "output of /x")
        self.pipe.connectionLost(None)
        self.assertEqual(self.pipe.fileno(), -1)
        os.close(self.writer)

    def test_nothing_to_read(self) -> None:
        """Being woken for nothing does no harm."""
        self.pipe.doRead()
        self.assertEqual(self.lines, [])
        os.close(self.writer)
