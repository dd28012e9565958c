"""Claims about the readers of the words of some checkers."""

from __future__ import annotations

import pickle
from typing import Any

from hypothesis import given
from hypothesis.strategies import binary
from twisted.trial.unittest import SynchronousTestCase

from hanode.config import probe_entries
from hanode.config.findings import Findings
from hanode.config.probe_entries import Pattern
from hanode.config.row import Keyword
from hanode.config.scalars import Script
from hanode.config.tree import Block
from tests.config.reading import said, tree


def read(type: str, text: str, **row: Any) -> tuple[Any, list[str]]:
    """What the reader C{type} makes of C{word TEXT}, and what it says."""
    findings = Findings()
    (block,) = tree(f"word {text}")
    keyword = Keyword("word", "field", type, **row)
    found = probe_entries.READERS[type](keyword, block, findings)
    return found, said(findings.problems)


MISSING = (
    "1 error: *** Configuration line starting `word` is missing a parameter after "
    "keyword `word` at word position 2 (write a value behind word)"
)


class HexTests(SynchronousTestCase):
    """payload and require_reply."""

    def test_free_format(self) -> None:
        """keepalived.conf(5)'s example: an odd digit is a byte of its own."""
        found, _ = read("payload", "Ab12f 3 456 546443123")
        self.assertEqual(found.hex(), "ab120f034506546443120" + "3")

    def test_quoted(self) -> None:
        """Blanks inside quotes are blanks."""
        self.assertEqual(read("payload", '"00 ff"'), (b"\0\xff", []))

    def test_bad(self) -> None:
        """Anything else is said and ignored."""
        wanted = "1 warning: word: '0x12' is not made of hexadecimal digits (ignored)"
        self.assertEqual(read("payload", "00 0x12"), (None, [wanted]))
        wanted = (
            "1 warning: word: 'g' is not made of hexadecimal digits and X (ignored)"
        )
        self.assertEqual(read("reply", "g"), (None, [wanted]))

    def test_missing(self) -> None:
        """A payload there must be; a pattern need not."""
        self.assertEqual(read("payload", ""), (None, [MISSING]))
        self.assertEqual(read("reply", ""), (Pattern(), []))

    def test_wildcards(self) -> None:
        """X stands for any digit, also for one alone."""
        wanted = Pattern(b"\xa0\x0b\x00\x00\xff", b"\xf0\x0f\x00\xf0\xff")
        self.assertEqual(read("reply", "axXbxx X ff"), (wanted, []))

    def test_matches(self) -> None:
        """Bits outside the mask do not count, nor does what is longer."""
        pattern, _ = read("reply", "12 xF")
        for data, matches in (
            (b"\x12\x0f", True),
            (b"\x12\xff", True),
            (b"\x12\xf0", False),
            (b"\x13\x0f", False),
            (b"\x12", True),
            (b"", True),
            (b"\x12\x0fmore", True),
        ):
            self.assertEqual(pattern.matches(data), matches, data)

    def test_value(self) -> None:
        """A pattern can be compared, hashed and sent elsewhere."""
        pattern, _ = read("reply", "12 xF")
        again = pickle.loads(pickle.dumps(pattern))
        self.assertEqual((again, hash(again)), (pattern, hash(pattern)))

    @given(binary(max_size=40))
    def test_round_trip(self, data: bytes) -> None:
        """What hex() writes is read as it was, and as a pattern matches itself."""
        text = data.hex() or "00"
        wanted = data or b"\0"
        self.assertEqual(read("payload", text), (wanted, []))
        self.assertTrue(read("reply", text)[0].matches(wanted))


class DnsTests(SynchronousTestCase):
    """type, name and answer."""

    def test_type(self) -> None:
        """Any case of letters; others are said."""
        self.assertEqual(read("record type", "aaaa"), ("AAAA", []))
        self.assertEqual(read("record type", "PTR")[0], None)
        self.assertEqual(read("record type", ""), (None, [MISSING]))

    def test_domain(self) -> None:
        """The last dot does not count, and alone it is the root."""
        for text, name in ((".", ""), ("a.b.", "a.b"), ("_x.Y", "_x.Y")):
            self.assertEqual(read("domain", text), (name, []))
        self.assertEqual(read("domain", ""), (None, [MISSING]))
        self.assertEqual(read("domain", "x" * 63), ("x" * 63, []))
        for text in ("..", "x" * 64, "x." * 128):
            self.assertEqual(read("domain", text)[0], None)

    def test_texts(self) -> None:
        """Any number of words."""
        self.assertEqual(read("texts", ""), ([], []))
        self.assertEqual(read("texts", 'a "b c"'), (["a", "b c"], []))


class CommandTests(SynchronousTestCase):
    """misc_path."""

    def test_forms(self) -> None:
        """Quoted as a whole, in pieces, or not at all; escapes work inside quotes."""
        for text, argv in (
            ("/x", ("/x",)),
            ("/x a b", ("/x", "a", "b")),
            ('"/x a b"', ("/x", "a", "b")),
            ("\"/x 'a b'\" c", ("/x", "a b", "c")),
            ('"/x a\\tb"', ("/x", "a\tb")),
        ):
            self.assertEqual(read("command", text), (Script(argv), []))

    def test_without_text(self) -> None:
        """A statement that a condition made has words and no text."""
        (block,) = tree("word /x a")
        bare = Block(block.words)
        made = probe_entries.command(Keyword("word", "f", "command"), bare, Findings())
        self.assertEqual(made, Script(("/x", "a")))

    def test_empty(self) -> None:
        """No command is said."""
        self.assertEqual(read("command", ""), (None, [MISSING]))
        wanted = "1 warning: word: the command is empty (write the path of a script)"
        self.assertEqual(read("command", '""'), (None, [wanted]))

    def test_bad_quotes(self) -> None:
        """Quotes that do not close are said."""
        found, problems = read("command", '"/x \'a"')
        self.assertEqual(found, None)
        wanted = (
            "1 warning: String '/x 'a': missing terminating ' "
            "(word is ignored until its quotes are mended)"
        )
        self.assertEqual(problems, [wanted])


class WeightTests(SynchronousTestCase):
    """weight of FILE_CHECK."""

    def read(self, text: str) -> tuple[Any, list[str]]:
        """What C{weight TEXT} means between -5 and 5."""
        return read("signed weight", text, low=-5, high=5)

    def test_forms(self) -> None:
        """A number, and perhaps a word behind it."""
        self.assertEqual(self.read("-5"), ((-5, False), []))
        self.assertEqual(self.read("3 reverse"), ((3, True), []))
        self.assertEqual(self.read("3 noreverse"), ((3, False), []))

    def test_bad(self) -> None:
        """Other words, and numbers out of range, are said."""
        self.assertEqual(self.read(""), (None, [MISSING]))
        wanted = "1 warning: unknown weight option back (write reverse or noreverse)"
        self.assertEqual(self.read("3 back"), ((3, False), [wanted]))
        found, problems = self.read("6")
        self.assertEqual((found, len(problems)), (None, 1))
