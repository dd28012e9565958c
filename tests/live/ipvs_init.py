"""Process 1 of a guest kernel: makes a root to live in, runs one command, ends.

The root is the host's file system below an empty one in memory: everything can be
written, and nothing of it reaches the host but the folder of the run. Only the
standard library is used, and nothing of this project: the module path is not set yet.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import traceback
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
MS_BIND, MS_PRIVATE, MS_REC, MNT_DETACH = 4096, 1 << 18, 16384, 2
SYS_PIVOT_ROOT = 155  # x86-64
POWER_OFF = 0x4321FEDC
SIOCSIFFLAGS, UP_AND_RUNNING = 0x8914, 0x41


def check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def mount(source: str, target: str, kind: str, options: str = "", flags: int = 0):
    os.makedirs(target, exist_ok=True)
    names = (source.encode(), target.encode(), kind.encode())
    check(LIBC.mount(*names, ctypes.c_ulong(flags), options.encode()), target)


def modprobe(program: str, *words: str) -> None:
    subprocess.run([program, "-q", *words], check=False)


def make_root(plan: dict) -> None:
    """Enter the new root; the folder of the run is the host's own in it."""
    mount("proc", "/proc", "proc")
    mount("tmpfs", "/run", "tmpfs", "mode=755,size=75%")
    release, modules = os.uname().release, plan["modules"]
    os.makedirs("/run/kernel/lib/modules")
    os.symlink(modules, f"/run/kernel/lib/modules/{release}")
    modprobe(plan["modprobe"], "-d", "/run/kernel", "overlay")
    for name in ("upper", "work", "root"):
        os.mkdir(f"/run/{name}")
    check(
        LIBC.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "/"
    )
    layers = "lowerdir=/,upperdir=/run/upper,workdir=/run/work"
    mount("overlay", "/run/root", "overlay", layers)
    mount(plan["folder"], "/run/root" + plan["folder"], "none", flags=MS_BIND)
    root = "/run/root"
    installed = Path(f"{root}/usr/lib/modules/{release}")
    installed.parent.mkdir(parents=True, exist_ok=True)
    if not installed.exists():
        installed.symlink_to(modules)
    for name in ("proc", "sysfs", "devtmpfs"):
        where = {"proc": "/proc", "sysfs": "/sys", "devtmpfs": "/dev"}[name]
        mount(name, root + where, name)
    mount("tmpfs", root + "/run", "tmpfs", "mode=755")
    os.chdir(root)
    check(LIBC.syscall(SYS_PIVOT_ROOT, b".", b"."), "pivot_root")
    LIBC.umount2(b".", MNT_DETACH)
    os.chdir("/")
    os.makedirs("/run/netns", exist_ok=True)
    if not os.path.exists("/dev/fd"):
        os.symlink("/proc/self/fd", "/dev/fd")


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        fcntl.ioctl(port, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", UP_AND_RUNNING))


def run(plan: dict) -> int:
    """The status of the command, 128 and more when a signal ended it."""
    make_root(plan)
    modprobe(plan["modprobe"], "-a", *plan["load"])
    loopback_up()
    with open(plan["folder"] + "/output", "ab", buffering=0) as output:
        child = subprocess.Popen(
            plan["argv"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=plan["cwd"],
            env=plan["environment"],
        )
        while True:  # process 1 inherits whom nobody else waits for
            ended, status = os.wait()
            if ended == child.pid:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text())
    folder = os.open(plan["folder"], os.O_RDONLY)
    result: dict = {}
    try:
        result["status"] = run(plan)
    except BaseException:
        result["error"] = traceback.format_exc()
    written = os.open("result", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder)
    os.write(written, json.dumps(result).encode())
    os.fsync(written)
    LIBC.sync()
    LIBC.reboot(POWER_OFF)


main()
