"""Endpoint strings, and the file of a unix socket."""

import os
import socket
import stat
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.endpoint import Endpoint, answered, claimed, parse


class ParseTests(SynchronousTestCase):
    def test_off(self):
        """Two ways to say no."""
        self.assertEqual([parse(""), parse("off")], [None, None])

    def test_unix(self):
        """A unix socket is for owner and group, without Twisted's lock."""
        self.assertEqual(
            parse("unix:/run/x.sock"),
            Endpoint(
                "unix:/run/x.sock:mode=660:lockfile=0:backlog=1024", "/run/x.sock"
            ),
        )

    def test_unixWithWords(self):
        """What the operator says himself is left as it is."""
        self.assertEqual(
            parse("unix:mode=600:address=/run/x.sock:lockfile=1"),
            Endpoint(
                "unix:mode=600:address=/run/x.sock:lockfile=1:backlog=1024",
                "/run/x.sock",
            ),
        )

    def test_colon(self):
        """A colon in a path stands behind a backslash."""
        self.assertEqual(parse(r"unix:/run/a\:b\\c:mode=600").path, "/run/a:b\\c")

    def test_noPath(self):
        """A unix socket without a path has the path ""."""
        self.assertEqual(parse("unix:").path, "")

    def test_others(self):
        """Everything else is Twisted's business."""
        for text in ("tcp:8080:interface=127.0.0.1", "nonsense", ":"):
            self.assertEqual(parse(text), Endpoint(text))


class ClaimTests(SynchronousTestCase):
    def setUp(self):
        self.folder = Path(mkdtemp())
        self.path = str(self.folder / "s.sock")

    def bound(self, listening):
        """A socket at our path; it listens or its process is as good as dead."""
        left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        left.bind(self.path)
        if listening:
            left.listen(1)
            self.addCleanup(left.close)
        else:
            left.close()
        return left

    def refusal(self, path=None):
        """Why it cannot be claimed; nothing but what was there is left behind."""
        before = sorted(os.listdir(self.folder))
        with self.assertRaises(OSError) as raised, claimed(path or self.path):
            self.fail("claimed")
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        return str(raised.exception)

    def test_nothingThere(self):
        """The lock is there only meanwhile, and for its owner alone."""
        with claimed(self.path):
            mode = os.stat(f"{self.path}.lock").st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(os.listdir(self.folder), [])

    def test_folder(self):
        """A missing directory is made, but not a whole tree of them."""
        with claimed(str(self.folder / "new" / "s.sock")):
            pass
        mode = os.stat(self.folder / "new").st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o755)
        self.assertIn("No such file", self.refusal(str(self.folder / "a" / "b" / "s")))

    def test_stale(self):
        """The socket of a dead process is removed."""
        self.bound(listening=False)
        with claimed(self.path):
            self.assertFalse(os.path.exists(self.path))

    def test_live(self):
        """One that somebody listens on is not."""
        self.bound(listening=True)
        self.assertEqual(self.refusal(), f"another process listens on {self.path}")
        self.assertTrue(os.path.exists(self.path))

    def test_busy(self):
        """Somebody who listens and is too busy to answer is alive."""
        self.bound(listening=True)
        for _ in range(4):
            waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(self.path)
        self.assertTrue(answered(self.path))

    def test_noSocket(self):
        """A file that is no socket is left alone."""
        Path(self.path).write_text("precious")
        self.assertIn("is not a socket", self.refusal())
        self.assertEqual(Path(self.path).read_text(), "precious")

    def test_atTheSameTime(self):
        """Of two that start at once one gets it, and the other leaves it alone."""
        with claimed(self.path):
            with self.assertRaises(OSError) as raised, claimed(self.path):
                self.fail("claimed twice")
            self.assertTrue(os.path.exists(f"{self.path}.lock"))
        self.assertIn("another process is about to listen", str(raised.exception))

    def test_lockLeftBehind(self):
        """The lock file of a process that was killed holds nobody up."""
        Path(f"{self.path}.lock").touch()
        with claimed(self.path):
            pass
        self.assertEqual(os.listdir(self.folder), [])

    def test_noPath(self):
        """Without a path there is nothing to claim."""
        with self.assertRaises(OSError), claimed(""):
            self.fail("claimed")
