"""A second kernel that has IPVS, for machines whose own has none.

User-mode Linux is a kernel that runs as an ordinary process (Debian's package
user-mode-linux): no root, no virtual machine, two seconds to start. What runs in it
sees the machine's files and can change nothing outside.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
KERNEL = "/usr/bin/linux.uml"
MODULES = "/usr/lib/uml/modules"
PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
MEMORY = 1 << 30  # bytes; taken as it is used
LOAD = ("ip_vs", "nf_conntrack", "veth", "macvlan", "ipvlan", "vrf")
PR_SET_PDEATHSIG = 1
AMX_CURED = (6, 13)  # the first release that asks the processor for the size


class NoGuest(Exception):
    """No guest can be started here; the text says why."""


class Guest:
    """What is needed to start one. Raises L{NoGuest}."""

    def __init__(self) -> None:
        if platform.machine() != "x86_64":
            raise NoGuest("user-mode-linux is for x86-64 only")
        if not os.access(KERNEL, os.X_OK):
            raise NoGuest("user-mode-linux is not installed (Debian's package)")
        asked = subprocess.run([KERNEL, "--version"], capture_output=True, text=True)
        self.release = asked.stdout.strip()
        self.modules = f"{MODULES}/{self.release}"
        if not os.path.isdir(self.modules):
            raise NoGuest(f"no modules of the guest kernel in {self.modules}")
        self.modprobe = shutil.which("modprobe", path=PATH)
        if self.modprobe is None:
            raise NoGuest("modprobe is not installed (Debian's package kmod)")

    def run(self, argv, timeout, environment=None):
        """Run one command in it; return its status and all that it printed.

        The status is None when the kernel ended before the command did, or C{timeout}
        seconds were over; the text says which.
        """
        folder = Path(tempfile.mkdtemp(prefix="hanode-guest-"))
        try:
            return self._run(folder, argv, timeout, environment or {})
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, folder, argv, timeout, environment):
        plan = {
            "folder": str(folder),
            "modules": self.modules,
            "modprobe": self.modprobe,
            "load": LOAD,
            "argv": argv,
            "cwd": str(CHECKOUT),
            "environment": {
                **{k: v for k, v in os.environ.items() if k != "JOURNAL_STREAM"},
                "PATH": PATH,
                "PYTHONPATH": str(CHECKOUT),
                "TMPDIR": "/tmp",
                **environment,
            },
        }
        (folder / "plan").write_text(json.dumps(plan))
        (folder / "output").touch()
        with open(folder / "console", "wb") as console:
            guest = subprocess.Popen(
                self._words(folder),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env=self._surroundings(folder),
                start_new_session=True,
                preexec_fn=_prepare,
            )
            try:
                guest.wait(timeout)
                late = ""
            except subprocess.TimeoutExpired:
                late = f"\nthe guest was ended after {timeout} s"
            finally:
                _end(guest)
        output = (folder / "output").read_text(errors="replace") + late
        result = folder / "result"
        told = json.loads(result.read_text()) if result.exists() else {}
        if "status" in told and not late:
            return told["status"], output
        said = (folder / "console").read_text(errors="replace")[-4000:]
        return None, f"{output}\n{told.get('error', '')}\nthe guest's console:\n{said}"

    def _words(self, folder):
        return [
            KERNEL,
            f"mem={MEMORY >> 20}M",
            "rootfstype=hostfs",
            "rootflags=/",
            "rw",
            f"uml_dir={folder}/",
            "umid=guest",
            "con=null",
            "ssl=null",
            "con0=null,fd:1",
            "panic=-1",
            "loglevel=4",
            f"init={os.path.realpath(sys.executable)}",
            "--",
            "-I",
            "-S",
            str(HERE / "ipvs_init.py"),
            str(folder / "plan"),
        ]

    def _surroundings(self, folder):
        environment = {"PATH": PATH, "HOME": str(folder), "TMPDIR": _memory()}
        if self._needs_cure():
            environment["LD_PRELOAD"] = _cure(folder)
        return environment

    def _needs_cure(self):
        numbers = tuple(map(int, re.findall(r"\d+", self.release)[:2]))
        if numbers >= AMX_CURED:
            return False
        return " amx_tile" in Path("/proc/cpuinfo").read_text()


def _memory():
    """A folder that can hold the guest's memory, as a file that may be executed."""
    for folder in ("/dev/shm", "/tmp", "/var/tmp"):
        if not os.access(folder, os.W_OK):
            continue
        found = os.statvfs(folder)
        free = found.f_bavail * found.f_frsize
        if free >= MEMORY and not found.f_flag & os.ST_NOEXEC:
            return folder
    raise NoGuest(f"no folder for {MEMORY >> 20} MiB of the guest's memory")


def _cure(folder):
    """Build what lets the kernel live on a processor with AMX; return its path."""
    compiler = shutil.which("cc", path=PATH) or shutil.which("gcc", path=PATH)
    if compiler is None:
        raise NoGuest("a processor with AMX: a C compiler is needed for the guest")
    built = str(folder / "ptrace.so")
    words = ["-O2", "-shared", "-fPIC", "-o", built, str(HERE / "ipvs_ptrace.c")]
    made = subprocess.run([compiler, *words, "-ldl"], capture_output=True, text=True)
    if made.returncode != 0:
        raise NoGuest(f"the guest's ptrace.so cannot be built: {made.stderr}")
    return built


def _prepare():
    # The kernel has one processor, but is several processes that take turns: on two
    # processors each system call inside would cost an interrupt between them.
    os.sched_setaffinity(0, {_idlest(sorted(os.sched_getaffinity(0)))})
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _idlest(processors):
    def busy():
        found = {}
        for line in Path("/proc/stat").read_text().splitlines():
            match = re.match(r"cpu(\d+) (.*)", line)
            if match:
                ticks = [int(word) for word in match[2].split()]
                found[int(match[1])] = sum(ticks) - ticks[3] - ticks[4]
        return found

    before = busy()
    time.sleep(0.1)
    after = busy()
    return min(processors, key=lambda each: after.get(each, 0) - before.get(each, 0))


def _end(guest):
    try:
        os.killpg(guest.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        guest.wait()
