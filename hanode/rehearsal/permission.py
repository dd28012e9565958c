"""May we have private networks on this machine, and if not, what is missing?

Root (with CAP_SYS_ADMIN) makes network namespaces as it likes. An ordinary user
enters a user namespace first, in which he is root and sees only what is his.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

from hanode.rehearsal import syscalls

CAP_SYS_ADMIN = 21
KERNEL = Path("/proc/sys")


class NotPermitted(Exception):
    """No private namespaces here; the text says what is missing and what helps."""


def become_root() -> None:
    """Enter a user namespace unless we may make network namespaces already.

    It concerns the whole process and lasts until its end. Raises L{NotPermitted}.
    """
    if _capable():
        return
    uid, gid = os.geteuid(), os.getegid()
    if threading.active_count() > 1:
        raise NotPermitted(
            "an ordinary user needs a user namespace, and the kernel gives one only"
            " to a process with a single thread; this one has more"
        )
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    except OSError as error:
        raise NotPermitted(missing(error)) from error


def missing(error: OSError) -> str:
    """What stands in the way of a user namespace, and how to allow it."""
    for path, bad, advice in (
        ("kernel/unprivileged_userns_clone", "0", "=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "=0"),
        ("user/max_user_namespaces", "0", "=10000"),
    ):
        if _setting(path) == bad:
            name = path.replace("/", ".")
            return (
                f"user namespaces are switched off for ordinary users ({name} is"
                f" {bad}); run it as root, or allow them: sysctl -w {name}{advice}"
            )
    if error.errno == errno.ENOSYS or not Path("/proc/self/ns/user").exists():
        return "this kernel has no user namespaces (CONFIG_USER_NS); run it as root"
    where = "CAP_SYS_ADMIN is missing and no user namespace is allowed"
    return (
        f"{where} ({error.strerror}); run it as root, or in a container with"
        " --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined"
        " --security-opt apparmor=unconfined (or --privileged)"
    )


def refused(error: OSError, what: str) -> NotPermitted:
    """What to say when a step after L{become_root} failed."""
    if error.errno in (errno.EPERM, errno.EACCES):
        return NotPermitted(f"{what}: {missing(error)}")
    return NotPermitted(f"{what}: {error.strerror}")


def _capable() -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> CAP_SYS_ADMIN & 1)
    return False


def _setting(path: str) -> str | None:
    try:
        return (KERNEL / path).read_text().strip()
    except OSError:
        return None  # this kernel has no such switch
