"""Who else could change what root is about to run (enable_script_security).

keepalived.conf(5): with enable_script_security a script that would run as root is not
run when any component of its path may be written by anybody but root. The answer here
names the component, its owner and its mode.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path


def untrusted(path: str) -> str | None:
    """Why root should not run C{path}, or None.

    Each directory on the way and the file itself must belong to root, and neither
    its group (unless that is root's) nor others may write to it. A directory with the
    sticky bit (/tmp) lets strangers add files but not replace root's. Links are
    followed, and the directories that hold them count too: those of every link on
    the way.

    Raises L{OSError} when the path cannot be read.
    """
    for each in _components(path):
        status = each.lstat()
        if stat.S_ISLNK(status.st_mode):  # its mode says nothing; where it leads does
            status = os.stat_result((0o120755, *status[1:]))
        sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        by_group = status.st_mode & stat.S_IWGRP and status.st_gid != 0
        by_others = status.st_mode & stat.S_IWOTH
        if status.st_uid != 0 or (by_group or by_others) and not sticky:
            mode = stat.filemode(status.st_mode)
            return f"{each} is {mode}, owner {_owner(status)}"
    return None


def _components(path: str) -> Iterator[Path]:
    """What leads to the file and the file itself, the shortest paths first."""
    resolved = Path(os.path.realpath(path, strict=True))  # raises for endless links
    found: set[Path] = {resolved, *resolved.parents}
    waiting = [Path(os.path.abspath(path))]
    while waiting:
        way = waiting.pop()
        for each in (way, *way.parents):
            if each in found:
                continue
            found.add(each)
            if each.is_symlink():
                waiting.append(Path(os.path.abspath(each.parent / each.readlink())))
    yield from sorted(found, key=lambda way: (len(way.parts), way))


def _owner(status: os.stat_result) -> str:
    try:
        return pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return str(status.st_uid)
