"""Network namespaces by their names (ip-netns(8), setns(2))."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

FOLDER = "/run/netns"
SELF = "/proc/thread-self/ns/net"
CLONE_NEWNET = 0x40000000  # linux/sched.h


#: the namespace we were started in, once we have left it
_left: list[int] = []


def enter(name: str) -> None:
    """This thread, and what it starts, lives in the namespace C{name} from now on.

    Raises L{OSError}: there is none of that name, or we may not (CAP_SYS_ADMIN).
    """
    home = os.open(SELF, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _move_to(f"{FOLDER}/{name}")
    except OSError:
        os.close(home)
        raise
    if _left:
        os.close(home)
    else:
        _left.append(home)


@contextmanager
def inside(name: str | None) -> Iterator[None]:
    """For a moment; sockets that are opened meanwhile belong there for good.

    C{name} is None for where we are, "" for where we were started. Raises L{OSError}
    as L{enter} does, and then nothing has changed.
    """
    if name is None or not (name or _left):
        yield
        return
    home = os.open(SELF, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if name:
            _move_to(f"{FOLDER}/{name}")
        else:
            _move(_left[0])
        try:
            yield
        finally:
            _move(home)
    finally:
        os.close(home)


def _move_to(path: str) -> None:
    target = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _move(target)
    finally:
        os.close(target)


def _move(descriptor: int) -> None:
    # os.setns came with Python 3.12.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
