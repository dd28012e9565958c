"""Marks name their makers, and whether these still run."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.marks import Mark, Reservation, is_orphan, maker, note


class MarkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.mark = Mark()
        self.addCleanup(self.mark.close)

    def test_written(self) -> None:
        """A mark has its maker's name and perhaps a note."""
        text = self.mark.write("a=1 b=2")
        self.assertEqual(text, f"hanode {self.mark.name} a=1 b=2")
        self.assertEqual((maker(text), note(text)), (self.mark.name, "a=1 b=2"))
        self.assertEqual(note(self.mark.write()), "")

    def test_owner(self) -> None:
        """Every daemon has a name of its own."""
        other = Mark()
        self.addCleanup(other.close)
        self.assertTrue(self.mark.owns(self.mark.write("x")))
        self.assertFalse(self.mark.owns(other.write("x")))

    def test_orphans(self) -> None:
        """A mark is an orphan as soon as its maker has gone."""
        text = self.mark.write()
        self.assertFalse(is_orphan(text))
        self.mark.close()
        self.assertTrue(is_orphan(text))

    def test_no_mark(self) -> None:
        """What somebody else writes is nobody's."""
        for text in ("", "hanode", "uplink to hanode"):
            self.assertEqual(
                (maker(text), note(text), is_orphan(text)), ("", "", False)
            )

    def test_reservation(self) -> None:
        """A name is given once at a time, and kinds are apart."""
        first = Reservation("fw", "test")
        Reservation("fw", "other test").close()
        with self.assertRaises(OSError):
            Reservation("fw", "test")
        first.close()
        Reservation("fw", "test").close()
