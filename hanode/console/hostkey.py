"""The host key of the console: made once, ed25519, for nobody else to read.

RFC 8709. A new one is made by moving the old file away: clients are then told that the
host has changed, as they must be.
"""

from __future__ import annotations

import os
from typing import Any

MODE = 0o600
DIRECTORY_MODE = 0o700


def host_key(path: str) -> Any:
    """The key in the file C{path}, a L{twisted.conch.ssh.keys.Key}; made if missing.

    Raises L{OSError}, also when others may read the file, and L{ValueError} when there
    is no usable key in it.
    """
    from twisted.conch.ssh.keys import BadKeyError, Key

    try:
        data = _read(path)
    except FileNotFoundError:
        data = _make(path)
    try:
        key = Key.fromString(data)
    except (BadKeyError, ValueError) as problem:
        raise ValueError(f"{path} holds no private key: {problem}") from None
    if key.isPublic():
        raise ValueError(f"{path} holds a public key, not a private one")
    return key


def _read(path: str) -> bytes:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with os.fdopen(opened, "rb") as file:
        if os.fstat(opened).st_mode & 0o077:
            raise PermissionError(f"{path} can be read by others: chmod 600 {path}")
        return file.read(65536)


def _make(path: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    data = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        os.mkdir(folder, DIRECTORY_MODE)
    # Whole or not at all: a daemon that is killed here leaves no half key behind.
    unfinished = f"{path}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(unfinished, flags, MODE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unfinished, path)
    except FileExistsError:
        data = _read(path)  # another daemon has made one meanwhile
    finally:
        os.unlink(unfinished)
    return data
