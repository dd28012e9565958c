"""Who may log in: keys in files in the format of OpenSSH's authorized_keys (sshd(8)).

There are two files: the keys of those who may do everything, and of those who may only
look. A line that begins with options is refused, because nothing here would obey them.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from twisted.logger import Logger

from hanode.trust import untrusted

KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")
MOST = 1 << 20  # octets of a file

log = Logger()


class Role(Enum):
    """What somebody may do."""

    OPERATOR = "operator"  # everything: a Python prompt inside the daemon
    VIEWER = "viewer"  # look


@dataclass(frozen=True)
class Keyring:
    """The paths of the two files, "" for none."""

    operators: str = ""
    viewers: str = ""

    def role(self, blob: bytes) -> Role | None:
        """What the public key C{blob} (RFC 4253, section 6.6) may do; None: nothing.

        The files are read each time, so that a key that is removed is gone at once.
        """
        for path, role in (
            (self.operators, Role.OPERATOR),
            (self.viewers, Role.VIEWER),
        ):
            if path and blob in set(_keys(path)):
                return role
        return None


def _keys(path: str) -> Iterator[bytes]:
    try:
        refusal = _untrusted(path)
        if refusal is not None:
            log.error("console: keys in {path}: {why}", path=path, why=refusal)
            return
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(MOST)
    except OSError as problem:
        log.error("console: cannot read keys: {problem}", problem=problem)
        return
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if not words[0].startswith(KINDS):
                raise ValueError("options are not obeyed here, the line is ignored")
            if len(words) < 2:
                raise ValueError("there is no key behind its kind")
            yield base64.b64decode(words[1], validate=True)
        except (ValueError, binascii.Error) as problem:
            where = f"{path}:{number}"
            log.error("console: {where}: {why}", where=where, why=problem)


def _untrusted(path: str) -> str | None:
    """Why others could add keys to the file; only root's daemon has much to lose."""
    if os.geteuid() != 0:
        mode = os.stat(path).st_mode
        return "others may write to it" if mode & 0o022 else None
    why = untrusted(path)
    return None if why is None else f"{why}: others could add keys"
