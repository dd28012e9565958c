"""The daemon in its process, as far as it needs no network."""

import contextlib
import io
from pathlib import Path
from tempfile import mkdtemp

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from hanode import reload
from hanode.config.model import NodeDefs
from hanode.tap import Daemon, Options


class LookingInTests(SynchronousTestCase):
    """Where one looks in: the configuration says it, the command line overrides it."""

    def setUp(self):
        self.file = Path(mkdtemp()) / "node.conf"
        self.moves = []
        self.patch(reload, "QUICK", 60.0)  # read here, however slow the machine is

    def daemon(self, text, *words):
        """A daemon that is not started; where its console goes is kept in C{moves}."""
        self.file.write_text(text)
        options = Options()
        with contextlib.redirect_stderr(io.StringIO()):
            options.parseOptions(["-c", str(self.file), *words])
        daemon = Daemon(options, reactor)
        self.patch(daemon.http, "move", self.moves.append)
        return daemon

    def reloads(self, daemon, text):
        """Where the console is after a reload with C{text}."""
        self.file.write_text(text)
        self.assertFalse(self.successResultOf(daemon.reloading.reload()).refused)
        return self.moves.pop()

    def test_reload(self):
        """A reload moves the console to where the configuration now says."""
        daemon = self.daemon("hanode {\n http unix:/a/b.sock\n}\n")
        for line, endpoint in (
            (" http off\n", ""),
            (" http tcp:80:interface=127.0.0.1\n", "tcp:80:interface=127.0.0.1"),
            ("", NodeDefs().http),
        ):
            text = f"hanode {{\n{line}}}\n"
            self.assertEqual(self.reloads(daemon, text), endpoint)

    def test_option(self):
        """What the command line says holds, whatever the configuration says."""
        for words, endpoint in (
            (("-H", "unix:/c.sock"), "unix:/c.sock"),
            (("--http", "off"), "off"),
            (("--http", ""), ""),
        ):
            daemon = self.daemon("", *words)
            text = "hanode {\n http unix:/a/b.sock\n}\n"
            self.assertEqual(self.reloads(daemon, text), endpoint)

    def test_refused(self):
        """A reload that is refused moves nothing."""
        daemon = self.daemon("")
        self.file.unlink()
        self.assertTrue(self.successResultOf(daemon.reloading.reload()).refused)
        self.assertEqual(self.moves, [])
