"""The keys of auth_hmac: how they are written, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.auth_entries import key
from hanode.config.auth_model import HmacKey
from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.scalars import Secret
from tests.config.reading import messages, tree

ROW = Keyword("key", "keys", "hmac key")
HEX = "ab" * 32
PLAIN = "correct-horse-battery-staple-and-more"


def read(text: str) -> tuple[list[HmacKey | None], list[str]]:
    """The keys in one line, and what is said about it."""
    findings = Findings()
    found = key(ROW, tree(text)[0], findings)
    return [each and each.value for each in found], messages(findings.problems)


class KeyTests(SynchronousTestCase):
    """key ID VALUE."""

    def test_ways(self) -> None:
        """As text or in hexadecimal digits."""
        self.assertEqual(
            [read(f"key 1 {PLAIN}"), read(f"key 255 hex:{HEX}")],
            [
                ([HmacKey(1, Secret(PLAIN.encode().hex()))], []),
                ([HmacKey(255, Secret(HEX))], []),
            ],
        )

    def test_octets(self) -> None:
        """The digest gets the octets."""
        self.assertEqual(HmacKey(1, Secret("00ff")).octets, b"\0\xff")

    def test_unusable(self) -> None:
        """What is no key is refused, and not shown."""
        wanted = {
            "key": "unusable key",
            "key 1": "unusable key",
            f"key 0 {PLAIN}": "unusable key",
            f"key 256 {PLAIN}": "unusable key",
            f"key x {PLAIN}": "unusable key",
            f"key 1 {PLAIN[:31]}": "key 1 has 31 octets",
            f"key 1 {PLAIN * 2}": "key 1 has 74 octets",
            f"key 1 hex:{HEX[1:]}": "key 1 is not hexadecimal",
            "key 1 hex:0x" + HEX: "key 1 is not hexadecimal",
        }
        for text, reason in wanted.items():
            self.assertEqual(read(text), ([None], [f"dropped: auth_hmac: {reason}"]))

    def test_surplus(self) -> None:
        """Words behind the key are not part of it."""
        found, said = read(f"key 1 hex:{HEX} more")
        self.assertEqual(found, [HmacKey(1, Secret(HEX))])
        text = "warning: key has surplus words: only the first two count"
        self.assertEqual(said, [text])


class FileTests(SynchronousTestCase):
    """key ID file:PATH."""

    def setUp(self) -> None:
        """A file that is its owner's alone."""
        self.path = Path(self.mktemp())
        self.path.write_text(PLAIN + "\n")
        self.path.chmod(0o600)

    def said(self, path: object) -> tuple[list[HmacKey | None], list[str]]:
        """What is made of that path."""
        found, said = read(f"key 7 file:{path}")
        return found, [each.replace(str(path), "PATH") for each in said]

    def test_content(self) -> None:
        """The content is the key, without the end of the line."""
        wanted = ([HmacKey(7, Secret(PLAIN.encode().hex()))], [])
        for ending in ("", "\n", "\r\n"):
            self.path.write_bytes((PLAIN + ending).encode())
            self.assertEqual(self.said(self.path), wanted)

    def test_hexadecimal(self) -> None:
        """The content may be digits."""
        self.path.write_text(f"hex:{HEX}\n")
        self.assertEqual(self.said(self.path), ([HmacKey(7, Secret(HEX))], []))

    def test_too_long(self) -> None:
        """A long file is no key."""
        self.path.write_bytes(bytes(5000))
        said = "dropped: auth_hmac: key 7 has 256 octets"
        self.assertEqual(self.said(self.path), ([None], [said]))

    def test_open_to_others(self) -> None:
        """A file that others may read or write is refused."""
        for mode in (0o640, 0o602, 0o644):
            self.path.chmod(mode)
            said = (
                "dropped: SECURITY VIOLATION - auth_hmac: the file of key 7 is open "
                f"to others than its owner: PATH has mode {mode:04o}"
            )
            self.assertEqual(self.said(self.path), ([None], [said]))

    def test_no_file(self) -> None:
        """What is no file, or not there, is refused; nothing waits for a FIFO."""
        pipe = Path(self.mktemp())
        os.mkfifo(pipe, 0o600)
        for path in (pipe, self.path.parent):
            said = "dropped: auth_hmac: PATH is not a regular file"
            self.assertEqual(self.said(path), ([None], [said]))
        missing = "dropped: auth_hmac: cannot read the file of key 7: PATH: "
        self.assertEqual(
            self.said("/nowhere"), ([None], [missing + "No such file or directory"])
        )
