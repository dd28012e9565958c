"""Arguments that only the words of checkers have."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.checker_entries import (
    choices,
    digest,
    pair,
    quoted,
    ranges,
    word_or_nothing,
)
from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.values import Reader
from tests.config.reading import said, tree

ROW = Keyword("w", "w", "", low=1, high=100, choices=("a", "b"), value="none")


def read(reader: Reader, text: str) -> tuple[object, int]:
    """What C{reader} makes of C{text}, and how many complaints there are."""
    findings = Findings()
    value = reader(ROW, tree(text)[0], findings)
    return value, len(findings.problems)


class EntriesTests(SynchronousTestCase):
    def compare(self, reader: Reader, cases: dict[str, tuple[object, int]]) -> None:
        """Each text gives its value and so many complaints."""
        self.assertEqual({text: read(reader, text) for text in cases}, cases)

    def test_ranges(self) -> None:
        """Numbers and ranges inside the row's range."""
        self.compare(
            ranges,
            {
                "w 5 10-20 100": ([(5, 5), (10, 20), (100, 100)], 0),
                "w 0 5-101 20-10 x -3 4-": ([], 6),
                "w": (None, 1),
            },
        )

    def test_ranges_said(self) -> None:
        """What is no range is shown with what would be."""
        findings = Findings()
        ranges(ROW, tree("w 200")[0], findings)
        self.assertEqual(
            said(findings.problems),
            [
                "1 warning: w: '200' is neither a number nor a range between 1 and 100"
                " - ignoring (write, for example, 1 or 1-100)"
            ],
        )

    def test_digest(self) -> None:
        """32 hexadecimal digits."""
        self.compare(
            digest,
            {
                "w " + "Ab" * 16: (["ab" * 16], 0),
                "w " + "ab" * 15: (None, 1),
                "w " + "xy" * 16: (None, 1),
                "w": (None, 1),
            },
        )

    def test_quoted(self) -> None:
        """One string, its escapes resolved."""
        self.compare(
            quoted,
            {
                r'w "a b\\d\x41\101\t"': (b"a b\\dAA\t", 0),
                "w plain": (b"plain", 0),
                r"w \xe9": (b"\xe9", 0),
                "w é": ("é".encode(), 0),
                "w a b": (b"a", 1),
                r"w a\0": (None, 1),
                "w": (None, 1),
            },
        )

    def test_choices(self) -> None:
        """Some of the words that there are."""
        self.compare(
            choices, {"w a b": (["a", "b"], 0), "w a c": (["a"], 1), "w": (None, 1)}
        )

    def test_pair(self) -> None:
        """Two numbers in order."""
        self.compare(
            pair,
            {
                "w 1 100": ((1, 100), 0),
                "w 5 4": (None, 1),
                "w 0 4": (None, 1),
                "w 5": (None, 1),
                "w": (None, 1),
                "w 1 2 3": ((1, 2), 1),
            },
        )

    def test_word_or_nothing(self) -> None:
        """One word, or what the row says."""
        self.compare(
            word_or_nothing, {"w x": ("x", 0), "w": ("none", 0), "w x y": ("x", 1)}
        )
