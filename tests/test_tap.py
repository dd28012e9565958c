"""The daemon in its process, as far as it needs no network."""

import contextlib
import errno
import io
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.trial.unittest import SynchronousTestCase

from hanode import reload, tap
from hanode.config.model import NodeDefs
from hanode.tap import Daemon, Options


class RightsTests(SynchronousTestCase):
    """Who starts it without the rights of a network administrator."""

    def test_none(self):
        """He is told what it takes; nothing runs on that can do nothing."""
        self.patch(tap, "open_packet", self.refuse)
        end = self.assertRaises(SystemExit, tap.makeService, Options())
        self.assertIn("needs CAP_NET_ADMIN and CAP_NET_RAW", str(end))

    def refuse(self):
        """As the kernel does it."""
        raise PermissionError(errno.EPERM, "Operation not permitted")


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
        for service in (daemon.http, daemon.socket):
            self.patch(service, "move", partial(self.move, service is daemon.http))
        return daemon

    def move(self, is_http, endpoint):
        """What moves to where, in order."""
        self.moves.append((is_http, endpoint))
        return succeed(None)

    def reloads(self, daemon, text):
        """Where one looks in after a reload with C{text}, and the socket beside it."""
        self.file.write_text(text)
        self.moves.clear()
        self.assertFalse(self.successResultOf(daemon.reloading.reload()).refused)
        where = dict(self.moves)
        return where[True], where[False]

    def test_reload(self):
        """A reload moves the console to where the configuration now says."""
        daemon = self.daemon("hanode {\n http unix:/a/b.sock\n}\n")
        tcp, unix = "tcp:80:interface=127.0.0.1", NodeDefs().http
        for line, endpoints, first in (
            (" http off\n", ("", ""), False),
            (f" http {tcp}\n", (tcp, unix), True),
            ("", (unix, ""), False),
        ):
            text = f"hanode {{\n{line}}}\n"
            self.assertEqual(self.reloads(daemon, text), endpoints)
            # Who may have had the socket has let go of it before the other takes it.
            self.assertEqual(self.moves[0][0], first)

    def test_socketOfAName(self):
        """Beside a port the socket is that of the daemon's name."""
        text = "instance blue\nhanode {\n http tcp:80\n}\n"
        wanted = ("tcp:80", "unix:/run/hanode/hanode_blue.sock")
        self.assertEqual(self.reloads(self.daemon(text), text), wanted)

    def test_option(self):
        """What the command line says holds, whatever the configuration says."""
        for words, endpoint in (
            (("-H", "unix:/c.sock"), "unix:/c.sock"),
            (("--http", "off"), "off"),
            (("--http", ""), ""),
        ):
            daemon = self.daemon("", *words)
            text = "hanode {\n http unix:/a/b.sock\n}\n"
            self.assertEqual(self.reloads(daemon, text), (endpoint, ""))

    def test_refused(self):
        """A reload that is refused moves nothing."""
        daemon = self.daemon("")
        self.file.unlink()
        self.assertTrue(self.successResultOf(daemon.reloading.reload()).refused)
        self.assertEqual(self.moves, [])
