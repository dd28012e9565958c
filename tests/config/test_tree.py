"""Statements and blocks."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.config.reading import tree


class BlockTests(SynchronousTestCase):
    def test_equal(self) -> None:
        """Blocks are compared by what they say."""
        (one,), (same,), (other,) = tree("a {\nb\n}"), tree("a {\nb\n}"), tree("a {\n}")
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)
        self.assertNotEqual(one, "a")
        self.assertEqual(repr(other), f"Block(({other.keyword!r},), (), 'a')")

    def test_close(self) -> None:
        """A closing brace gives a statement its block."""
        (line,), (block,) = tree("a"), tree("a {\nb\n}")
        self.assertEqual((line.children, line.end), (None, None))
        line.close(block.children or ())
        self.assertEqual((line.children, line.end), (block.children, None))
        self.assertEqual(str(block.end), "test.conf:3:1")

    def test_last(self) -> None:
        """The last statement inside with a word, the block itself without one."""
        (block,) = tree('a {\nb 1\n""\nb 2\nc\n}\n')
        self.assertEqual(
            [block.last("b").arguments[0].text, block.last("c").keyword.text],
            ["2", "c"],
        )
        self.assertIs(block.last("d"), block)
        self.assertIs(block.last("c").last("x"), block.last("c"))
