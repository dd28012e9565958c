"""The machine that figures come from, so that runs on several can be compared."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

LOOPS, ROUNDS = 200_000, 5
PATH = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/lib/frr"

#: how each peer tells its version; the version is the first word with a digit in front
VERSIONS = {
    "BIRD": ("bird", "--version"),
    "keepalived": ("keepalived", "--version"),
    "FRR": ("bfdd", "--version"),
}


def calibration() -> float:
    """Microseconds of one turn of a loop that is always the same; the best of five."""
    return min(_loop() for _ in range(ROUNDS)) / LOOPS * 1e6


def _loop() -> float:
    """Seconds for look-ups, float arithmetic and calls, as daemons in Python do."""
    table = {bytes([n]): float(n) for n in range(256)}
    keys, total = tuple(table), 0.0
    begin = time.perf_counter()
    for turn in range(LOOPS):
        total = max(total * 0.5, table[keys[turn & 255]])
    return time.perf_counter() - begin


def installed(kind: str) -> bool:
    """Whether there is a daemon of that kind; of ours there always is."""
    if kind not in VERSIONS:
        return True
    return shutil.which(VERSIONS[kind][0], path=PATH) is not None


def describe() -> str:
    """Processor, kernel, Python, load and calibration, in a few lines."""
    load = os.getloadavg()[0]
    return (
        f"machine: {_processor()}, {os.cpu_count()} cores; {platform.system()}"
        f" {platform.release()}; Python {platform.python_version()}\n"
        f"peers: {', '.join(_versions())}\n"
        f"load average: {load:.2f}; calibration: {calibration():.4f} us per loop"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return " ".join(value.split())
    return platform.machine()


def _versions() -> list[str]:
    return [f"{name} {_version(*words)}" for name, words in VERSIONS.items()]


def _version(program: str, option: str) -> str:
    environment = dict(os.environ, PATH=PATH)
    try:
        done = subprocess.run(
            [program, option], capture_output=True, text=True, env=environment
        )
    except FileNotFoundError:
        return "not installed"
    words = (done.stdout + done.stderr).split()
    numbers = (word.lstrip("v") for word in words)
    return next((word for word in numbers if word[:1].isdigit()), "of unknown version")
