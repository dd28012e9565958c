"""Hundreds of track scripts a second beside adverts at 100 ms: is any of them late?

C{python -m benchmarks.scripts [SCRIPTS [SECONDS [KIND ...]]]}: so many scripts, each
once a second, tracked by one instance; and none at all, for comparison.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks.bench import KINDS, TICK, Table, children, network
from benchmarks.recorder import Recorder

SCRIPTS, SECONDS = 500, 20
ADVERT = 0.1  # seconds
SETTLE = 5.0  # seconds until all have run a few times
VRRP = 112
PROGRAM = "/bin/true"


def config(scripts: int) -> str:
    """An instance that tracks so many scripts."""
    names = [f"s{number}" for number in range(scripts)]
    text = "global_defs {\n  script_user root\n}\n"
    for name in names:
        text += (
            f"vrrp_script {name} {{\n  script {PROGRAM}\n  interval 1\n  weight 1\n}}\n"
        )
    tracked = "".join(f"    {name}\n" for name in names)
    block = f"  track_script {{\n{tracked}  }}\n" if names else ""
    return (
        f"{text}vrrp_instance VI_1 {{\n  interface eth0\n  virtual_router_id 51\n"
        f"  version 3\n  priority 100\n  advert_int {ADVERT}\n"
        f"  virtual_ipaddress {{\n    10.9.1.1/16\n  }}\n{block}}}\n"
    )


class Adverts(Recorder):
    """Notes when each advertisement arrives."""

    def gaps(self) -> list[float]:
        """Seconds between two of them."""
        moments = []
        for at in range(0, len(self._ring), self.FRAME):
            status, _, _, _, net, sec, nsec = self.HEADER.unpack_from(self._ring, at)
            if not status & self.IN_USER_SPACE:
                break
            if self._ring[at + net + 9] == VRRP and not self._outgoing(at):
                moments.append(sec + nsec * 1e-9)
        return [b - a for a, b in pairwise(moments)]


def used(pid: int) -> tuple[float, float]:
    """Seconds of processor time of a daemon itself, and of what it has run so far.

    keepalived's second process does its work, and hanode's one starts scripts.
    """
    own = spent = 0.0
    for each in (pid, *(one for one in children(pid) if _is_worker(one))):
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        times = [int(field) / TICK for field in fields[11:15]]
        own += times[0] + times[1]
        spent += times[2] + times[3]
    return own, spent


def _is_worker(pid: int) -> bool:
    """Whether a child is part of the daemon: scripts are there for a moment only."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"keepalived" in line or b"launching" in line


def forks() -> int:
    """How many processes this machine has started since it runs."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("processes "):
            return int(line.split()[1])
    raise LookupError("/proc/stat counts no processes")


def measure(kind: str, scripts: int, seconds: float) -> dict[str, float]:
    """What one daemon does with so many scripts."""
    with network("a", "b") as (_, hosts, folder):
        daemon = KINDS[kind](hosts["a"], folder, config(scripts))
        daemon.detail = False
        try:
            daemon.start()
            daemon.log.wait_for("Entering MASTER STATE", timeout=60)
            time.sleep(SETTLE)
            recorder = Adverts(hosts["b"], int(4 * seconds / ADVERT))
            before, started, at = used(daemon.process.pid), forks(), time.monotonic()
            time.sleep(seconds)
            after, ended = used(daemon.process.pid), forks()
            passed = time.monotonic() - at
            gaps = recorder.gaps()
            recorder.close()
        finally:
            daemon.end()
    late = sorted(max(0.0, gap - ADVERT) for gap in gaps)
    return {
        "adverts": len(gaps) / passed,
        "p99.9": 1000 * late[int(0.999 * (len(late) - 1))],
        "worst": 1000 * late[-1],
        "median": 1000 * late[len(late) // 2],
        "own": 100 * (after[0] - before[0]) / passed,
        "scripts": 100 * (after[1] - before[1]) / passed,
        "runs": (ended - started) / passed,
    }


ROWS = (
    ("advertisements a second", "adverts", "", "10"),
    ("late, median", "median", "ms", ""),
    ("late, p99.9", "p99.9", "ms", "< 10"),
    ("late, worst", "worst", "ms", "< 50"),
    ("processor of the daemon itself", "own", "%", ""),
    ("processor of the scripts", "scripts", "%", ""),
    ("processes started on the machine a second", "runs", "", ""),
)


def main(words: Sequence[str]) -> None:
    """Print a table without scripts, and one with them."""
    numbers = [int(word) for word in words if word.isdigit()]
    scripts, seconds = (*numbers, *(SCRIPTS, SECONDS)[len(numbers) :])
    kinds = [word for word in words if not word.isdigit()] or list(KINDS)
    for count in (0, scripts):
        found = {kind: measure(kind, count, seconds) for kind in kinds}
        table = Table(
            f"{count} track scripts a second, advert_int 100 ms, {seconds} s,"
            f" load average {os.getloadavg()[0]:.1f}"
        )
        table.fill(ROWS, found)
        table.show()


if __name__ == "__main__":
    main(sys.argv[1:])
