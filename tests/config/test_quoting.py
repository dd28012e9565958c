"""Command lines: quotes in stage 1, escapes in stage 2."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.quoting import QuotingError, split, split_escaped


class Stage1(SynchronousTestCase):
    def test_words(self) -> None:
        """Quotes begin and end anywhere; the other kind is literal in between."""
        cases = {
            "notify \"cmd 'arg 1' \\x41\" user group": (
                "notify",
                "cmd 'arg 1' \\x41",
                "user",
                "group",
            ),
            'a"b c"d': ("ab cd",),
            "'say \"x\"' y": ('say "x"', "y"),
            "\"\" ''": ("", ""),
            r"a\"b \'c": (r"a\"b", r"\'c"),
            " \t a\tb ": ("a", "b"),
            "": (),
        }
        self.assertEqual({text: split(text) for text in cases}, cases)

    def test_errors(self) -> None:
        """A missing quote and a lone backslash are named with their offset."""
        for text, message, offset in (
            ('a "b', "String 'a \"b': missing terminating \"", 2),
            ("'b", "String ''b': missing terminating '", 0),
            ("ab\\", "Missing escape char at end", 2),
        ):
            error = self.assertRaises(QuotingError, split, text)
            self.assertEqual((error.message, error.offset), (message, offset))

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Nothing but QuotingError comes out, in either stage."""
        for stage in (split, split_escaped):
            try:
                words = stage(text)
            except QuotingError as error:
                self.assertLess(error.offset, len(text))
            else:
                self.assertIsInstance(words, tuple)


class Stage2(SynchronousTestCase):
    def test_escapes(self) -> None:
        """Every escape works inside and outside of quotes."""
        cases = {
            r"\a\b\E\f\n\r\t\v": "\a\b\x1b\f\n\r\t\v",
            r"\101\7x\1234": "A\x07xS4",
            r"\x41\x4g": "A\x04g",
            r"\xg": "xg",
            r"\cAz": "\x01z",
            r"\q\\\"\ ": 'q\\" ',
            r"'\x41 b'": "A b",
            r'"\"c\""': '"c"',
        }
        self.assertEqual(
            {t: split_escaped(t) for t in cases}, {t: (w,) for t, w in cases.items()}
        )

    def test_control_at_the_end(self) -> None:
        r"""A c that nothing follows is an ordinary letter."""
        self.assertEqual(split_escaped(r"a\c"), ("ac",))

    def test_bytes(self) -> None:
        """Escaped bytes reach the operating system as they are."""
        (word,) = split_escaped(r"\xc3\xa9\351")
        self.assertEqual(os.fsencode(word), b"\xc3\xa9\xe9")

    def test_nul(self) -> None:
        """No argument can contain a NUL."""
        for text in (r"a\0", r"a\x00", r"a\c@", r"a\400"):
            error = self.assertRaises(QuotingError, split_escaped, text)
            self.assertEqual(error.offset, 1)
            self.assertEqual(str(error), "An argument cannot contain a NUL character")

    @given(st.lists(st.text(st.characters(exclude_characters="\0\\"))))
    def test_quoted_words_come_back(self, words: list[str]) -> None:
        """What is written in double quotes with escaped quotes is split as written."""
        text = " ".join('"' + word.replace('"', '\\"') + '"' for word in words)
        self.assertEqual(split_escaped(text), tuple(words))
