"""Where the http service listens: a Twisted endpoint string, and its unix socket.

A socket file outlives its process. It is replaced only when nobody answers there any
more, and only one process at a time may decide that.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOENT

OFF = "off"
MODE = "660"
BACKLOG = "1024"  # who comes when it is full is turned away at once on a unix socket
DIRECTORY_MODE = 0o755
LOCK_MODE = 0o600
#: A colon ends a part of an endpoint string unless a backslash stands before it.
PART = re.compile(r"(?:\\.|[^:\\])+", re.DOTALL)


@dataclass(frozen=True)
class Endpoint:
    """C{description} as Twisted reads it; C{path} of a unix socket, or None."""

    description: str
    path: str | None = None


def parse(text: str) -> Endpoint | None:
    """Read an endpoint string; None when it is "" or "off".

    A unix socket is for its owner and group unless the string names a mode. The lock
    that Twisted would make is left out: it trusts process ids, which come again.
    """
    if text in ("", OFF):
        return None
    kind, *parts = PART.findall(text) or [text]
    if kind != "unix":
        return Endpoint(text)
    named = {part.partition("=")[0] for part in parts if "=" in part}
    plain = [part for part in parts if "=" not in part]
    path = plain[0] if plain else next(_values(parts, "address"), "")
    for key, value in (("mode", MODE), ("lockfile", "0"), ("backlog", BACKLOG)):
        if key not in named:
            text += f":{key}={value}"
    return Endpoint(text, re.sub(r"\\(.)", r"\1", path))


@contextmanager
def claimed(path: str) -> Iterator[None]:
    """Make room for a socket at C{path}; the caller binds it inside.

    The directory is made if it is missing, the socket of a dead process removed.
    Raises L{OSError} when that is impossible, or when a process listens there.
    """
    if not path:
        raise OSError("which socket?")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        os.mkdir(folder, DIRECTORY_MODE)
    lock = _lock(f"{path}.lock")
    try:
        if answered(path):
            raise OSError(f"another process listens on {path}")
        _remove_socket(path)
        yield
    finally:
        # Removed while it is still locked: who opened it meanwhile sees that it went.
        os.unlink(f"{path}.lock")
        os.close(lock)


def answered(path: str) -> bool:
    """Whether a process listens on the unix socket C{path}."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.setblocking(False)
        try:
            trial.connect(path)
        except BlockingIOError:
            return True  # its queue is full
        except OSError:
            return False
        return True


def _lock(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        lock = os.open(path, flags, LOCK_MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise OSError(f"another process is about to listen: {path}") from None
        if _same_file(lock, path):
            return lock
        os.close(lock)  # it was removed between our open and our lock


def _same_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _remove_socket(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except OSError as problem:
        if problem.errno == ENOENT:
            return
        raise
    if not stat.S_ISSOCK(mode):
        raise OSError(f"{path} is there, and is not a socket")
    os.unlink(path)


def _values(parts: list[str], key: str) -> Iterator[str]:
    for part in parts:
        name, _, value = part.partition("=")
        if name == key:
            yield value
