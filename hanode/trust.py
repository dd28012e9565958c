"""Who else could change what root is about to run (enable_script_security).

keepalived.conf(5): with enable_script_security a script that would run as root is not
run when any component of its path may be written by anybody but root. The answer here
names the component, its owner and its mode.
"""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path


def untrusted(path: str) -> str | None:
    """Why root should not run C{path}, or None.

    Each directory on the way and the file itself must belong to root, and neither
    its group (unless that is root's) nor others may write to it. A directory with the
    sticky bit (/tmp) lets strangers add files but not replace root's. Links are
    followed, and the directories that hold them count too.

    Raises L{OSError} when the path cannot be read.
    """
    file = Path(path).resolve(strict=True)
    components = {*Path(path).parents, file, *file.parents}
    for each in sorted(components, key=lambda way: len(way.parts)):
        status = each.stat()
        sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        by_group = status.st_mode & stat.S_IWGRP and status.st_gid != 0
        by_others = status.st_mode & stat.S_IWOTH
        if status.st_uid != 0 or (by_group or by_others) and not sticky:
            mode = stat.filemode(status.st_mode)
            return f"{each} is {mode}, owner {_owner(status)}"
    return None


def _owner(status: os.stat_result) -> str:
    try:
        return pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return str(status.st_uid)
