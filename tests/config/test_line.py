"""Lines that know where their characters were written."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.line import Finding, Line, Origin
from hanode.config.problems import Place


def line(text: str) -> Line:
    return Line(text, "f.conf", 7, text)


def nothing(finding: Finding, where: Line, at: int) -> None:
    raise AssertionError(finding)


class Comments(SynchronousTestCase):
    def uncommented(self, text: str) -> tuple[str, list[tuple[Finding, int]]]:
        found: list[tuple[Finding, int]] = []
        left = line(text).uncommented(lambda kind, _, at: found.append((kind, at)))
        return left.text, found

    def test_where_a_comment_begins(self) -> None:
        """A # or ! begins one anywhere but in double quotes or after a backslash."""
        cases = {
            " state MASTER # x": "state MASTER",
            "abc#def": "abc",
            "abc!def": "abc",
            'a "b # c" d # e': 'a "b # c" d',
            "a 'b # c'": "a 'b",
            r"a\#b\!c": "a#b!c",
            r'"a\#b"': r'"a\#b"',
            r"a\\#b": r"a\\",
            r"a\nb": r"a\nb",
            "# all": "",
            "  ": "",
        }
        self.assertEqual(
            {text: self.uncommented(text) for text in cases},
            {text: (left, []) for text, left in cases.items()},
        )

    def test_slashes(self) -> None:
        """A word that begins with // is a comment and is reported; http:// is not."""
        self.assertEqual(
            self.uncommented("RH_INT // internal"),
            ("RH_INT", [(Finding.SLASHES, 7)]),
        )
        self.assertEqual(self.uncommented("// x"), ("", [(Finding.SLASHES, 0)]))
        self.assertEqual(self.uncommented("g {// x"), ("g {", [(Finding.SLASHES, 3)]))
        self.assertEqual(self.uncommented("url http://x"), ("url http://x", []))
        self.assertEqual(self.uncommented('"// x"'), ('"// x"', []))

    def test_unterminated_quote(self) -> None:
        """A double quote without its partner is reported and protects the rest."""
        self.assertEqual(
            self.uncommented('a "b # c'), ('a "b # c', [(Finding.QUOTE, 2)])
        )
        self.assertEqual(self.uncommented('a "'), ('a "', [(Finding.QUOTE, 2)]))

    def test_backslash_at_the_end(self) -> None:
        """It loses the blanks before it; an escaped backslash does not."""
        self.assertEqual(self.uncommented("a b   \\  # x"), ("a b\\", []))
        self.assertEqual(self.uncommented("a b\\"), ("a b\\", []))
        self.assertEqual(self.uncommented("a b  \\\\"), ("a b  \\\\", []))

    def test_value(self) -> None:
        """A # of a value begins a comment; in the middle of a word that is reported."""
        found: list[int] = []
        for use in ("p $X", "p a$X"):
            put = line(use).replaced(use.index("$"), len(use), "#y")
            put = put.uncommented(lambda _kind, _line, at: found.append(at))
            found.append(len(put.text))
        self.assertEqual(found, [1, 3, 3])

    def test_escaped_stays(self) -> None:
        """What was escaped once does not begin a comment later."""
        once = line(r"a\#b $X").uncommented(nothing)
        self.assertEqual(once.origin(1), Origin.ESCAPED)
        self.assertEqual(once.uncommented(nothing).text, "a#b $X")


class Places(SynchronousTestCase):
    def places(self, of: Line) -> list[tuple[str, bool, int, int]]:
        return [(w.text, w.quoted, w.place.column, w.place.length) for w in of.words()]

    def test_words(self) -> None:
        """Columns count from 1; a quote ends a word; the length includes quotes."""
        self.assertEqual(
            self.places(line('\tab  c"d e"f ""')),
            [
                ("ab", False, 2, 2),
                ("c", False, 6, 1),
                ("d e", True, 7, 5),
                ("f", False, 12, 1),
                ("", True, 14, 2),
            ],
        )
        self.assertEqual(
            self.places(line(" a bb")), [("a", False, 2, 1), ("bb", False, 4, 2)]
        )

    def test_unmatched_quote(self) -> None:
        """The rest of the line behind it is dropped."""
        self.assertEqual(self.places(line('a "b c')), [("a", False, 1, 1)])

    def test_escapes(self) -> None:
        """The backslash belongs to the length, and does not shift what follows."""
        left = line(r"p a\#b c").uncommented(nothing)
        self.assertEqual(
            self.places(left),
            [("p", False, 1, 1), ("a#b", False, 3, 4), ("c", False, 8, 1)],
        )

    def test_values(self) -> None:
        """A word out of a value points to the use; the words beside it stay exact."""
        put = line("a ${X} b").replaced(2, 6, "one two")
        self.assertEqual(
            self.places(put),
            [
                ("a", False, 1, 1),
                ("one", False, 3, 4),
                ("two", False, 3, 4),
                ("b", False, 8, 1),
            ],
        )
        further = line("a $M").standing_for(2, 4, "x y")
        self.assertEqual(self.places(further), [("x", False, 3, 2), ("y", False, 3, 2)])
        self.assertEqual(further.origin(0), Origin.VALUE)

    def test_place(self) -> None:
        """A place is never empty and carries the physical line."""
        text = line("ab c")
        self.assertEqual(text.place(), Place("f.conf", 7, 1, "ab c", 4))
        self.assertEqual(text.place(3), Place("f.conf", 7, 4, "ab c", 1))
        empty = line("ab").replaced(0, 2, "")
        self.assertEqual(empty.place(), Place("f.conf", 7, 1, "ab", 1))
        self.assertEqual(line("").place(), Place("f.conf", 7, 1, "", 1))

    def test_origin(self) -> None:
        """What stands in the file as it is has been written."""
        self.assertEqual(line("a").origin(0), Origin.WRITTEN)
