"""The file with the token."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.console import token
from hanode.console.token import TokenFile

TOKEN = "0123456789abcdef"


class TokenTests(SynchronousTestCase):
    def setUp(self):
        # Everything above it belongs to whoever runs the tests, unlike /tmp.
        self.patch(token, "untrusted", lambda path: None)
        self.path = Path(self.mktemp())
        self.file = TokenFile(str(self.path))
        self.logged = []
        self.file.log = self

    def error(self, text, **fields):
        """Stands for the log."""
        self.logged.append(text.format(**fields))

    def write(self, text, mode=0o600):
        """Have that in the file."""
        self.path.write_text(text)
        self.path.chmod(mode)

    def test_matches(self):
        """Only the token itself, with or without a line end in the file."""
        for text in (TOKEN, f"  {TOKEN}\n"):
            self.write(text)
            for given, wanted in (
                (TOKEN, True),
                (TOKEN[:-1], False),
                (TOKEN + "x", False),
                ("", False),
                ("é", False),
            ):
                self.assertIs(self.file.matches(given.encode()), wanted, given)
        self.assertEqual(self.logged, [])

    def test_changed(self):
        """A new token counts at once."""
        self.write(TOKEN)
        self.write(TOKEN[::-1])
        self.assertIs(self.file.matches(TOKEN.encode()), False)
        self.assertIs(self.file.matches(TOKEN[::-1].encode()), True)

    def useless(self, why):
        """The file is refused, with that reason, and the token is not in it."""
        self.assertIsNone(self.file.matches(TOKEN.encode()))
        [line] = self.logged
        self.assertIn(why, line)
        self.assertNotIn(TOKEN, line)

    def test_missing(self):
        """A file that is not there has no token."""
        self.useless("No such file")

    def test_readable(self):
        """One that others can read is not used."""
        self.write(TOKEN, 0o604)
        self.useless("others can read it (mode 604")

    def test_short(self):
        """One that could be guessed is not used, nor an empty one."""
        self.write("secret\n")
        self.useless("16 octets or more")

    def test_pipe(self):
        """What is no file is not waited for."""
        os.mkfifo(self.path, 0o600)
        self.useless("it is not a file")

    def test_untrusted(self):
        """Root's daemon asks who could put another file there."""
        self.write(TOKEN)
        self.patch(os, "geteuid", lambda: 0)
        self.patch(token, "untrusted", lambda path: "/x is drwxrwxrwx, owner eve")
        self.useless("/x is drwxrwxrwx, owner eve: others could change the token")
