"""The token that lets somebody write over TCP, in a file that only its owner may read.

The file is read for each request that writes, so that a token that is changed is
changed at once.
"""

from __future__ import annotations

import os
import stat
from hmac import compare_digest

from twisted.logger import Logger

from hanode.trust import untrusted

MOST = 4096  # octets of a file
SHORTEST = 16  # octets of a token: fewer could be guessed


class TokenFile:
    """The file C{path}, which may change; "" for none."""

    log = Logger()

    def __init__(self, path: str = "") -> None:
        self.path = path

    def matches(self, given: bytes) -> bool | None:
        """Whether C{given} is the token; None when the file has none.

        Why it has none is logged. The time it takes says nothing about the token.
        """
        try:
            wanted = _read(self.path)
        except (OSError, ValueError) as problem:
            text = "http: nobody can write over TCP: {path}: {why}"
            self.log.error(text, path=self.path, why=problem)
            return None
        return compare_digest(given, wanted)


def _read(path: str) -> bytes:
    """The token. Raises L{OSError} and L{ValueError}, neither of which quotes it."""
    # Only a daemon that runs as root has something to lose to the owner of a folder.
    why = untrusted(path) if os.geteuid() == 0 else None
    if why is not None:
        raise ValueError(f"{why}: others could change the token")
    # Not blocking: what is a pipe would keep the reactor waiting.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a file")
        if status.st_uid != os.geteuid() or mode & 0o077:
            raise ValueError(
                f"others can read it (mode {mode:o}, owner {status.st_uid}):"
                " make it 600, and the daemon's own"
            )
        token = file.read(MOST).strip()
    if len(token) < SHORTEST:
        raise ValueError(f"a token has {SHORTEST} octets or more")
    return token
