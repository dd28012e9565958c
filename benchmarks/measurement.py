"""Two daemons with many sessions between them, one of them measured."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.bench import cpu, resident
from benchmarks.cable import Side, cable
from benchmarks.ends import KINDS, End, Load
from benchmarks.recorder import Recorder

SETTLE = 5.0  # seconds between the last Up and the beginning of a measurement
DEADLINE = 40.0  # seconds in which all sessions are to be Up
CORES = 2  # kept busy when the machine is to be loaded


@dataclass(frozen=True)
class Measured:
    """One end during C{seconds}."""

    seconds: float
    up: tuple[int, int]  # sessions, at the begin and at the end
    cpu: float  # seconds
    received: int  # packets
    flaps: int
    memory: float  # MiB
    lateness: tuple[float, float] | None  # p99.9 and worst, in seconds
    gaps: tuple[float, ...] = ()  # seconds between two of its packets in a session

    @property
    def cpu_percent(self) -> float:
        """Of one core."""
        return 100 * self.cpu / self.seconds

    @property
    def packet_cost(self) -> float:
        """Microseconds of processor time for each packet received."""
        return self.cpu / self.received * 1e6 if self.received else 0.0


def measure(kind: str, other_kind: str, load: Load, seconds: float) -> Measured:
    """What the end of C{kind} does when all are Up and it has settled."""
    with _pair(kind, other_kind, load) as (end, _):
        return _watch(end, seconds)


def measure_punctuality(
    kind: str, load: Load, seconds: float, loaded: bool
) -> Measured:
    """How regularly an end of C{kind} sends, perhaps while others want the cores."""
    room = int(1.5 * seconds * load.sessions * 1000 / load.interval)
    with _pair(kind, kind, load) as (end, far), _busy(CORES if loaded else 0):
        recorder = Recorder(far.host, room)
        try:
            measured = _watch(end, seconds)
            return replace(measured, gaps=tuple(recorder.gaps()))
        finally:
            recorder.close()


def _watch(end: End, seconds: float) -> Measured:
    """Look at C{end} twice; ask it nothing that costs it much before the end."""
    up, flaps, late = end.up(), end.flaps(), end.lateness()
    began, used, received = time.monotonic(), cpu(end.pid), _received(end)
    time.sleep(seconds)
    took = time.monotonic() - began
    used, received = cpu(end.pid) - used, _received(end) - received
    flaps, memory = end.flaps() - flaps, resident(end.pid)
    found = since(late, end.lateness())
    return Measured(took, (up, end.up()), used, received, flaps, memory, found)


def since(
    before: Counter[float] | None, after: Counter[float] | None
) -> tuple[float, float] | None:
    """p99.9 and worst, in seconds, of the packets between two looks."""
    if before is None or after is None:
        return None
    between = sorted((after - before).items())
    left = 0.999 * sum(count for _, count in between)
    for limit, count in between:
        left -= count
        if left <= 0:
            return limit, between[-1][0]
    return 0.0, 0.0


def memory_of_one(kind: str) -> float:
    """MiB that a daemon of C{kind} takes with one session."""
    with _pair(kind, kind, Load(1, 100)) as (end, _):
        return resident(end.pid)


@contextlib.contextmanager
def _pair(kind: str, other_kind: str, load: Load) -> Iterator[tuple[End, Side]]:
    """The end to be measured, with all sessions Up or late, and the other side."""
    allow_many_files()
    with cable(load.sessions) as (here, there):
        end = KINDS[kind](here, there, load)
        other = KINDS[other_kind](there, here, load)
        try:
            other.start()
            end.start()
            limit = time.monotonic() + DEADLINE
            while time.monotonic() < limit:
                if end.up() == load.sessions:
                    break
                time.sleep(0.5)
            time.sleep(SETTLE)
            yield end, there
        finally:
            end.end()
            other.end()


@contextlib.contextmanager
def _busy(cores: int) -> Iterator[None]:
    """Keep so many cores busy."""
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(cores)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def allow_many_files() -> None:
    """Let daemons that take a socket for each session open enough of them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _received(end: End) -> int:
    """UDP packets that were read in the network of C{end}."""
    lines = Path(f"/proc/{end.pid}/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Udp:"))
    return int(dict(zip(names, values, strict=True))["InDatagrams"])
