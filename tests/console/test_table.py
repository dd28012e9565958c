"""Columns."""

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.table import printable, sheet, table


class TableTests(SynchronousTestCase):
    def test_widths(self):
        """Each column is as wide as it must be; no line ends in spaces."""
        self.assertEqual(
            table(("A", ">N", "Z"), [("one", "1", "x"), ("b", "200", "")]),
            "A      N  Z\none    1  x\nb    200",
        )

    def test_onlyHeads(self):
        """Without rows the headline remains."""
        self.assertEqual(table(("A", ">N"), []), "A  N")


class SheetTests(SynchronousTestCase):
    def test_pairs(self):
        """Names are padded, what is empty is left out."""
        self.assertEqual(
            sheet("x: Up", [("name", "1"), ("b", "2"), ("none", "")]),
            "x: Up\n  name  1\n  b     2",
        )

    def test_nothing(self):
        """Without pairs the title remains."""
        self.assertEqual(sheet("x", []), "x")


class PrintableTests(SynchronousTestCase):
    def test_controls(self):
        """What could command a terminal is shown instead; any letters stay."""
        self.assertEqual(printable("é名\x1b[2J\n\u202e"), "é名\\x1b[2J\\n\\u202e")
