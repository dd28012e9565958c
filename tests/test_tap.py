"""The daemon in its process, as far as it needs no network."""

import contextlib
import io
from pathlib import Path
from tempfile import mkdtemp

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Model, NodeDefs
from hanode.tap import Daemon, Options


class LookingInTests(SynchronousTestCase):
    """Where one looks in: the configuration says it, the command line overrides it."""

    def setUp(self):
        self.file = Path(mkdtemp()) / "node.conf"
        self.moves = []

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
        self.assertTrue(daemon.reload())
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
        self.assertFalse(daemon.reload())
        self.assertEqual(self.moves, [])


class ReloadTests(SynchronousTestCase):
    """A long configuration is read by another process, a short one at once."""

    def setUp(self):
        self.file = Path(mkdtemp()) / "node.conf"
        self.file.write_text("")
        options = Options()
        with contextlib.redirect_stderr(io.StringIO()):
            options.parseOptions(["-c", str(self.file)])
        self.daemon, self.options = Daemon(options, reactor), options
        self.asked, self.applied = [], []
        self.patch(self.daemon.node, "reload", self.applied.append)
        self.patch(options, "load_aside", self.aside)

    def aside(self, processes, present):
        self.asked.append(Deferred())
        return self.asked[-1]

    def test_short(self):
        """What takes no time is read here."""
        self.daemon._reload_soon()
        self.assertEqual((self.asked, self.applied), ([], [Model()]))

    def test_long(self):
        """What takes its time is applied when the other process has read it."""
        self.options.seconds = 1.0
        self.daemon._reload_soon()
        self.assertEqual(self.applied, [])
        model = Model(node=NodeDefs(""))
        self.asked[0].callback((model, []))
        self.assertEqual(self.applied, [model])

    def test_again(self):
        """A signal that comes meanwhile means one more reading afterwards."""
        self.options.seconds = 1.0
        for _ in range(3):
            self.daemon._reload_soon()
        self.assertEqual(len(self.asked), 1)
        self.asked[0].callback((Model(), []))
        self.assertEqual(len(self.asked), 2)
        self.asked[1].callback((Model(), []))
        self.assertEqual((len(self.asked), self.applied), (2, [Model(), Model()]))

    def test_failed(self):
        """A process that fails is told about, and the next signal tries again."""
        self.options.seconds = 1.0
        self.daemon._reload_soon()
        self.asked[0].errback(OSError("no"))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.daemon._reload_soon()
        self.assertEqual((len(self.asked), self.applied), (2, []))
