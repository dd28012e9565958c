"""The picture of a timeline."""

from __future__ import annotations

from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.picture import Lane, Span, draw

SVG = "{http://www.w3.org/2000/svg}"


class DrawTests(SynchronousTestCase):
    def texts(self, end: float, *lanes: Lane) -> list[str]:
        """All words of the picture, in order."""
        drawn = draw("a < b", lanes, [(0.0, "begin"), (0.1, "next")], end)
        root = ElementTree.fromstring(drawn)
        return [each.text or "" for each in root.iter(f"{SVG}text")]

    def test_words(self) -> None:
        """Title, axis, lanes, gap lengths, deeds and a legend are written."""
        node = Lane("n1", [Span(0, 2, "off"), Span(2, 4, "MASTER"), Span(3, 4, "cut")])
        client = Lane(
            "client", [Span(0, 1, "answers"), Span(1, 3, "silence", "2000 ms")]
        )
        self.assertEqual(
            self.texts(4.0, node, client),
            [
                *("a < b", "0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4"),
                *("seconds", "n1", "off", "master", "client", "2000 ms"),
                *("begin", "next", "master", "off", "the virtual address answers"),
                *("cut off", "no answer"),
            ],
        )

    def test_empty(self) -> None:
        """A timeline in which nothing happened can be drawn too."""
        self.assertIn("a < b", self.texts(0.0))
