"""What it costs to hold, announce and release many addresses, against ip -batch.

Run it as root: C{python benchmarks/dataplane.py}. Everything happens in a private
network namespace. Each figure is the best of five runs, in microseconds per address.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hanode.config.model import Address  # noqa: E402
from hanode.dataplanes.linux import LinuxDataplane  # noqa: E402

CLONE_NEWNET = 0x40000000
RUNS = 5
MANY = 1000
INSTANCES = 200


class Readers(Clock):
    """As much of a reactor as a dataplane needs; it reads when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.remove(reader)

    def read(self) -> None:
        for reader in self.readers:
            reader.doRead()


def main() -> None:
    """Measure and print."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        sys.exit("needs root for a private network namespace")
    ip("link", "add", "wan0", "type", "veth", "peer", "name", "peer0")
    ip("link", "set", "peer0", "up")
    ip("link", "set", "wan0", "up")
    for family, each in (("IPv4", "10.{}.{}.{}"), ("IPv6", "2001:db8:{}:{}::{}")):
        compare(family, addresses(each))
    measure_frames(addresses("10.{}.{}.{}")[:25])


def compare(family: str, many: tuple[Address, ...]) -> None:
    """Hold and release with ip -batch, as one instance, and as two hundred."""
    peer = best(lambda: (batch("add", many), batch("del", many)))
    print(f"{family}: {len(many)} addresses, microseconds per address")
    show("ip -batch", peer[0], peer)
    reactor = Readers()
    dataplane = LinuxDataplane(reactor)
    dataplane.start(lambda name, link: None)
    begin = time.perf_counter()
    dataplane.claim("one", many)
    took = (time.perf_counter() - begin) / len(many) * 1e6
    print(f"  claim once                {took:6.1f}")
    show("one instance", peer[0], best(lambda: hold_all(dataplane, ["one"], [many])))
    begin = time.perf_counter()
    reactor.read()
    took = (time.perf_counter() - begin) / len(many) / 2 / RUNS * 1e6
    print(f"  reading one notification  {took:6.1f}")
    dataplane.claim("one", ())
    owners = [f"VI_{number}" for number in range(INSTANCES)]
    step = len(many) // INSTANCES
    parts = [many[at : at + step] for at in range(0, len(many), step)]
    for owner, part in zip(owners, parts, strict=True):
        dataplane.claim(owner, part)
    show("200 instances", peer[0], best(lambda: hold_all(dataplane, owners, parts)))
    runs = best(lambda: hold_all(dataplane, owners, parts, announce=5))
    show("the same, announced 5 x", peer[0], runs)
    dataplane.stop()


def hold_all(
    dataplane: LinuxDataplane,
    owners: list[str],
    parts: list[tuple[Address, ...]],
    announce: int = 0,
) -> tuple[float, float]:
    """Seconds to hold everything, and to release it."""
    begin = time.perf_counter()
    for owner, part in zip(owners, parts, strict=True):
        dataplane.hold(owner, part)
        if announce:
            dataplane.announce(part, announce)
    middle = time.perf_counter()
    for owner in owners:
        dataplane.hold(owner, ())
    return middle - begin, time.perf_counter() - middle


def measure_frames(few: tuple[Address, ...]) -> None:
    """What it costs to announce 25 addresses once."""
    dataplane = LinuxDataplane(Readers())
    dataplane.start(lambda name, link: None)

    def announce() -> tuple[float, float]:
        begin = time.perf_counter()
        dataplane.announce(few)
        return time.perf_counter() - begin, 0.0

    announce()
    took, _ = best(announce)
    print(f"announcing {len(few)} addresses once: {took * 1e6:.0f} microseconds")
    dataplane.stop()


def batch(verb: str, many: tuple[Address, ...]) -> float:
    """Seconds that ip(8) takes for all of them."""
    with tempfile.NamedTemporaryFile("w", suffix=".ip") as lines:
        # The last one first, or secondary addresses go with their first one.
        for each in many if verb == "add" else reversed(many):
            nodad = " nodad" if verb == "add" and each.address.version == 6 else ""
            lines.write(f"addr {verb} {each.address}/{each.prefix} dev wan0{nodad}\n")
        lines.flush()
        begin = time.perf_counter()
        ip("-batch", lines.name)
        return time.perf_counter() - begin


def best(run: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """The least time of each half over all runs."""
    runs = [run() for _ in range(RUNS)]
    return min(each[0] for each in runs), min(each[1] for each in runs)


def show(what: str, peer: float, run: tuple[float, float]) -> None:
    """One line: adding, removing, all together, and how it compares."""
    add, remove = (each / MANY * 1e6 for each in run)
    print(
        f"  {what:24}  {add:6.1f} add {remove:6.1f} del "
        f"{run[0] * 1e3:7.2f} ms to add all  {run[0] / peer:5.2f} x ip -batch"
    )


def addresses(pattern: str) -> tuple[Address, ...]:
    """A thousand addresses in subnets of five."""
    prefix = 24 if "." in pattern else 64
    flags = frozenset(() if "." in pattern else ("nodad",))
    return tuple(
        Address(
            ip_address(pattern.format(n // 5 % 250, n // 1250, n % 5 + 1)),
            prefix,
            "wan0",
            flags=flags,
        )
        for n in range(MANY)
    )


def ip(*words: str) -> None:
    """Run ip(8)."""
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
