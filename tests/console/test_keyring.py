"""Whose keys open the console."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.console import keyring
from hanode.console.keyring import Keyring, Role

BLOB = b"\x00\x00\x00\x0bssh-ed25519 and 32 octets"
OTHER = b"\x00\x00\x00\x0bssh-ed25519 and other octets"


def line(blob: bytes) -> str:
    """A line of authorized_keys."""
    return f"ssh-ed25519 {b64encode(blob).decode()} somebody@somewhere\n"


class KeyringTests(SynchronousTestCase):
    """Claims about L{Keyring}."""

    def setUp(self) -> None:
        """Two files, and what is logged."""
        # Root trusts only what root alone can write: a test's folder is its user's.
        self.patch(keyring, "untrusted", lambda path: None)
        folder = Path(mkdtemp())
        self.operators, self.viewers = folder / "operators", folder / "viewers"
        self.ring = Keyring(str(self.operators), str(self.viewers))
        self.logged: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def said(self) -> list[str]:
        """What was logged."""
        return [each["log_format"].format(**each) for each in self.logged]

    def test_roles(self) -> None:
        """The file decides; who is in both may do everything."""
        self.operators.write_text("# those on duty\n\n" + line(BLOB))
        self.viewers.write_text(line(BLOB) + line(OTHER))
        self.assertEqual(self.ring.role(BLOB), Role.OPERATOR)
        self.assertEqual(self.ring.role(OTHER), Role.VIEWER)
        self.assertEqual(self.ring.role(b"unknown"), None)
        self.assertEqual(self.said(), [])

    def test_none(self) -> None:
        """Without files nobody comes in."""
        self.assertEqual(Keyring().role(BLOB), None)

    def test_removed(self) -> None:
        """A key that is taken out of the file does not open any more."""
        self.operators.write_text(line(BLOB))
        self.viewers.write_text("")
        self.ring.role(BLOB)
        self.operators.write_text("")
        self.assertEqual(self.ring.role(BLOB), None)

    def test_badLines(self) -> None:
        """A line with options or without a key is named and ignored."""
        self.operators.write_text(
            'from="10.0.0.1" ' + line(OTHER) + "ssh-ed25519\nssh-rsa %%%\n" + line(BLOB)
        )
        self.viewers.write_text("")
        self.assertEqual(self.ring.role(BLOB), Role.OPERATOR)
        self.assertEqual(self.ring.role(OTHER), None)
        where = f"console: {self.operators}"
        self.assertEqual(
            [each.partition(" (")[0] for each in self.said()[:2]],
            [
                f"{where}:1: options are not obeyed here, the line is ignored",
                f"{where}:2: there is no key behind its kind",
            ],
        )
        self.assertTrue(self.said()[2].startswith(f"{where}:3: "))

    def test_missing(self) -> None:
        """A file that is not there opens nothing, and is named."""
        self.viewers.write_text(line(BLOB))
        self.assertEqual(self.ring.role(BLOB), Role.VIEWER)
        self.assertEqual(
            self.said(),
            [
                "console: cannot read keys: [Errno 2] No such file or directory: "
                f"'{self.operators}'"
            ],
        )

    def test_untrusted(self) -> None:
        """A file to which others could add keys opens nothing."""
        self.patch(keyring, "untrusted", lambda path: f"{path} is everybody's")
        self.operators.write_text(line(BLOB))
        self.operators.chmod(0o666)
        self.viewers.write_text("")
        self.assertEqual(self.ring.role(BLOB), None)
        self.assertTrue(self.said())

    def test_ordinaryUser(self) -> None:
        """Without root's rights the mode of the file alone is looked at."""
        self.patch(os, "geteuid", lambda: 1000)
        self.operators.write_text(line(BLOB))
        self.viewers.write_text("")
        self.operators.chmod(0o600)
        self.assertEqual(self.ring.role(BLOB), Role.OPERATOR)
        self.operators.chmod(0o620)
        self.assertEqual(self.ring.role(BLOB), None)
