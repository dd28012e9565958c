"""Readers of FIFOs, mail servers and lists of words."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.findings import Findings
from hanode.config.notify_entries import READERS
from hanode.config.notify_model import Fifo
from hanode.config.row import Keyword
from tests.config.reading import said, tree


def read(kind: str, text: str) -> tuple[Any, list[str]]:
    """What a statement says, and what is said about it."""
    findings = Findings()
    (block,) = tree(text)
    word = block.keyword.text
    value = READERS[kind](Keyword(word, word, kind), block, findings)
    return value, said(findings.problems)


class EntryTests(SynchronousTestCase):
    """Claims about the readers."""

    def test_fifo(self) -> None:
        """A path, perhaps a user, perhaps a group."""
        self.assertEqual(read("fifo", "f /p"), (Fifo("/p"), []))
        self.assertEqual(read("fifo", "f /p u g"), (Fifo("/p", "u", "g"), []))

    def test_bad_fifo(self) -> None:
        """A path must be there and be a whole one; surplus words are named."""
        value, problems = read("fifo", "f")
        self.assertIsNone(value)
        self.assertIn("1 error: *** Configuration line starting `f`", problems[0])
        wanted = "1 warning: f: 'p' is not an absolute path (ignored; write the whole"
        self.assertEqual(read("fifo", "f p"), (None, [wanted + " path)"]))
        value, problems = read("fifo", "f /p u g x")
        self.assertEqual(value, Fifo("/p", "u", "g"))
        self.assertIn("surplus words from 'x' on", problems[0])

    def test_mail_server(self) -> None:
        """A host, perhaps with a port."""
        self.assertEqual(read("mail server", "s mx.x"), (("mx.x", 25), []))
        self.assertEqual(read("mail server", "s ::1 587"), (("::1", 587), []))
        value, problems = read("mail server", "s mx.x 99999")
        self.assertEqual(value, ("mx.x", 25))
        self.assertIn("the port '99999' is invalid", problems[0])
        value, problems = read("mail server", "s")
        self.assertIsNone(value)
        self.assertIn("1 error: ", problems[0])

    def test_words(self) -> None:
        """Any number on a line; none is doubtful, and so is no block."""
        self.assertEqual(read("words", "w {\na b\nc\n}"), (["a", "b", "c"], []))
        value, problems = read("words", "w {\n}")
        self.assertEqual(value, [])
        self.assertIn("Warning - empty w block", problems[0])
        value, problems = read("words", "w a")
        self.assertEqual(value, [])
        self.assertIn("Missing '{'", problems[0])
