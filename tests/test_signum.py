"""The numbers of the signals."""

from __future__ import annotations

import contextlib
import io

from twisted.trial.unittest import SynchronousTestCase

from hanode.cli import main
from hanode.signum import NUMBERS


class SignumTests(SynchronousTestCase):
    def ask(self, *words):
        """What the command prints, and its status."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(words)
        return status, out.getvalue(), err.getvalue()

    def test_numbers(self):
        """They are those of keepalived on Linux."""
        self.assertEqual(
            {name: int(number) for name, number in NUMBERS.items()},
            {
                "STOP": 15,
                "RELOAD": 1,
                "DATA": 10,
                "STATS": 12,
                "STATS_CLEAR": 63,
                "JSON": 36,
                "TDATA": 64,
            },
        )

    def test_command(self):
        """The command prints a number and nothing else, as keepalived does."""
        self.assertEqual(self.ask("signum", "JSON"), (0, "36\n", ""))
        self.assertEqual(self.ask("--signum=STATS"), (0, "12\n", ""))

    def test_unknown(self):
        """A name that there is not."""
        self.assertEqual(self.ask("--signum=FOO"), (1, "", "Unknown sigfunc FOO\n"))
        self.assertEqual(self.ask("signum")[0], 2)
