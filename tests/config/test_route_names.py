"""Names of iproute2: where they come from, and who has the last word."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.route_names import Names, number_of


class NameTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.usr, self.etc = Path(self.mktemp()), Path(self.mktemp())
        for folder in (self.usr, self.etc):
            folder.mkdir()
        (self.usr / "rt_tables").write_text(
            "# names\n100 one\n101 two # more\nx y\n7\n"
        )
        (self.etc / "rt_tables").write_text("0x70 two\n")
        (self.etc / "rt_tables.d").mkdir()
        (self.etc / "rt_tables.d" / "a.conf").write_text("300 three\n")
        (self.etc / "rt_tables.d" / "ignored").write_text("301 four\n")
        self.names = Names((str(self.usr), str(self.etc)))

    def test_files(self) -> None:
        """The operator's folder comes last, with its fragments."""
        found = [self.names.number("rt_tables", n) for n in ("one", "two", "three")]
        self.assertEqual(found, [100, 0x70, 300])
        self.assertEqual(self.names.number("rt_tables", "four"), None)

    def test_numbers_and_defaults(self) -> None:
        """A number is itself; the kernel's own names need no file."""
        self.assertEqual(self.names.number("rt_tables", "0x10"), 16)
        self.assertEqual(self.names.number("rt_tables", "main"), 254)
        self.assertEqual(self.names.number("rt_protos", "keepalived"), 18)

    def test_no_numbers(self) -> None:
        """What is not a number."""
        for text in ("", "-1", "0x", "0xg", "1" * 20, "\u0663", "0x" + "1" * 17):
            self.assertEqual(number_of(text), None, text)
        self.assertEqual((number_of("0XfF"), number_of("007")), (255, 7))
