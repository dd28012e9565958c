"""What /proc says of the processes of this machine (proc(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass

PROC = "/proc"
READ = 4096  # bytes of a command line: what comes behind is not looked at
_DEAD = b"ZX"  # states: a zombie, and what is about to be one


@dataclass(frozen=True)
class Process:
    """One that lives: C{name} has up to 15 bytes, C{command} ends each word with 0."""

    name: bytes
    command: bytes = b""


def listed(root: str = PROC) -> list[int]:
    """The numbers of all processes, threads not among them."""
    return [int(each) for each in os.listdir(root) if each.isdecimal()]


def look(pid: int, command: bool, root: str = PROC) -> Process | None:
    """The process of that number, with its command line if wanted.

    None when there is none, or when it has ended and only waits for its parent.
    """
    stat = _read(f"{root}/{pid}/stat")
    # The name may hold anything, parentheses and blanks too.
    first, last = stat.find(b"("), stat.rfind(b") ")
    if first < 0 or last < first or stat[last + 2 : last + 3] in _DEAD:
        return None
    words = _read(f"{root}/{pid}/cmdline") if command else b""
    return Process(stat[first + 1 : last], words)


def _read(path: str) -> bytes:
    """The beginning of a file of /proc; nothing when its process is gone."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
    try:
        return os.read(opened, READ)
    except ProcessLookupError:
        return b""
    finally:
        os.close(opened)
