"""The host key."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.hostkey import host_key


class HostKeyTests(SynchronousTestCase):
    """Claims about L{host_key}."""

    def setUp(self) -> None:
        """A folder for it."""
        self.folder = Path(mkdtemp())
        self.path = self.folder / "keys" / "host"

    def test_made(self) -> None:
        """A missing key is made, for us alone, and nothing else is left there."""
        key = host_key(str(self.path))
        self.assertEqual(key.sshType(), b"ssh-ed25519")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(os.listdir(self.path.parent), ["host"])
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)

    def test_kept(self) -> None:
        """The next start has the same key."""
        first, second = host_key(str(self.path)), host_key(str(self.path))
        self.assertEqual(first.fingerprint(), second.fingerprint())

    def test_rotated(self) -> None:
        """Once the file is moved away there is another one."""
        first = host_key(str(self.path))
        self.path.rename(self.folder / "old")
        second = host_key(str(self.path))
        self.assertNotEqual(first.fingerprint(), second.fingerprint())

    def test_exposed(self) -> None:
        """A key that others can read is refused."""
        host_key(str(self.path))
        self.path.chmod(0o640)
        problem = self.assertRaises(PermissionError, host_key, str(self.path))
        self.assertIn("chmod 600", str(problem))

    def test_nonsense(self) -> None:
        """A file without a private key is refused, and left as it is."""
        self.path.parent.mkdir()
        key = self.folder / "other"
        public = host_key(str(key)).public().toString("OPENSSH")
        for data in (b"", b"nonsense\n", public):
            self.path.write_bytes(data)
            self.path.chmod(0o600)
            self.assertRaises(ValueError, host_key, str(self.path))
            self.assertEqual(self.path.read_bytes(), data)
