"""PCRE2 by way of the system's library."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode import pcre
from hanode.pcre import OPTIONS, STARTS, Pattern, PatternError, TooCostly


class PatternTests(SynchronousTestCase):
    def test_search(self) -> None:
        """A pattern is found, or not."""
        pattern = Pattern(rb"wor(?:k|l)d", OPTIONS["caseless"])
        self.assertTrue(pattern.search(b"hello WORLD"))
        self.assertFalse(pattern.search(b"hello word"))
        self.assertFalse(pattern.search(b""))
        self.assertTrue(Pattern(b"", 0).search(b""))

    def test_range(self) -> None:
        """The match has to begin inside the range, both ends included."""
        body = bytes(2 * STARTS) + b"world"
        pattern = Pattern(b"world", 0)
        at = 2 * STARTS
        ranges = ((0, None), (at, None), (at, at), (at + 1, None), (0, at - 1))
        found = [pattern.search(body, *each) for each in ranges]
        self.assertEqual(found, [True, True, True, False, False])
        self.assertFalse(pattern.search(body, 3 * STARTS))

    def test_utf(self) -> None:
        """A character may lie across the border of two calls, or be cut off."""
        body = b"x" * (STARTS - 1) + "é!".encode()
        pattern = Pattern("é".encode(), OPTIONS["utf"])
        self.assertTrue(pattern.search(body))
        self.assertFalse(pattern.search(body[:STARTS]))
        self.assertTrue(Pattern(b"!", OPTIONS["utf"]).search(body, STARTS + 1))

    def test_bad(self) -> None:
        """What is no pattern, and where it stops being one."""
        error = self.assertRaises(PatternError, Pattern, b"(a", 0)
        self.assertEqual(
            (error.message, error.offset), ("missing closing parenthesis", 2)
        )

    def test_steps(self) -> None:
        """One start may take only so many steps."""
        self.patch(pcre, "MATCH_LIMIT", 1000)
        pattern = Pattern(rb"(a+)+[^a]z?", OPTIONS["no_start_optimize"])
        error = self.assertRaises(TooCostly, pattern.search, b"a" * 5000)
        self.assertIn("limit", str(error))

    def test_time(self) -> None:
        """All starts may take only so much time."""
        asked: list[int] = []

        def late() -> bool:
            asked.append(1)
            return len(asked) > 3

        pattern = Pattern(b"x", OPTIONS["no_start_optimize"])
        self.assertRaises(TooCostly, pattern.search, bytes(10 * STARTS), late=late)
        self.assertEqual(len(asked), 4)

    def test_remembered(self) -> None:
        """The same pattern is compiled once."""
        self.assertIs(pcre.compiled(b"x", 1), pcre.compiled(b"x", 1))
