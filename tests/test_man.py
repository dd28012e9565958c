"""The manual page."""

import re
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.cli import COMMANDS
from tests.console.test_completion import options

PAGE = Path(__file__).parents[1] / "man" / "hanode.1"


def checked(*argv):
    """What a program that checks manual pages complains about."""
    if shutil.which(argv[0]) is None:
        raise SkipTest(f"{argv[0]} is not installed")
    done = subprocess.run(
        [*argv, str(PAGE)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80"},
    )
    return done.stdout, done.stderr


class ManTests(SynchronousTestCase):
    def test_complete(self):
        """Every command and every option is in it."""
        text = PAGE.read_text()
        for command in COMMANDS:
            self.assertTrue(re.search(rf"^\.It Cm {command}\b", text, re.M), command)
            if command in ("signum", "keepalived"):  # whose options are elsewhere
                continue
            for option in options(command):
                name = option.rstrip("=").lstrip("-")
                dash = "-" if option.startswith("--") else ""
                if name not in ("help", "version", "h"):
                    wanted = rf"^\.It Fl (?:. , )?{dash}{name}\b"
                    self.assertTrue(re.search(wanted, text, re.M), (command, option))

    def test_mandoc(self):
        """mandoc has nothing to complain about."""
        out, _ = checked("mandoc", "-Tlint", "-Wwarning")
        self.assertEqual(out, "")

    def test_man(self):
        """man can show it, without a warning."""
        out, err = checked("man", "--warnings", "-l")
        self.assertEqual(err, "")
        self.assertIn("hanode", out)
