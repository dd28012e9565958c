"""Reading files as this machine would."""

from __future__ import annotations

from argparse import Namespace

from twisted.trial.unittest import SynchronousTestCase

from hanode import plugins
from hanode.reading import checker_words


class CheckerTests(SynchronousTestCase):
    """The checkers of the configuration are the plug-ins that are installed."""

    def test_words(self):
        """Each plug-in's words stand under its keyword."""
        found = checker_words()
        self.assertEqual(
            [(keyword, words.keyword) for keyword, words in found.items()],
            [(keyword, keyword) for keyword in found],
        )
        self.assertIn("PING_CHECK", found)

    def test_twice(self):
        """A keyword of both kinds of checker has two owners, and that is refused."""
        both = {"X": Namespace(words=None)}
        self.patch(plugins, "find", lambda kind, package: both)
        self.assertRaises(ValueError, len, checker_words())
