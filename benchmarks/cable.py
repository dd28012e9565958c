"""Two hosts on one cable, with an address at each end for every session."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hanode.rehearsal.namespaces import Host

CARD = "eth0"
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")


@dataclass(frozen=True)
class Side:
    """One end of the cable; session C{n} is between the n-th address of each side."""

    host: Host
    folder: Path
    addresses: tuple[str, ...]


@contextmanager
def cable(sessions: int) -> Iterator[tuple[Side, Side]]:
    """Two sides, with 10.1.x.x and 10.2.x.x in one network, 1 to 50000 of them.

    They know each other's hardware addresses: a table of thousands of neighbours would
    be swept by the kernel, which is nothing that a daemon could help.
    """
    folder = Path(tempfile.mkdtemp(prefix="hanode-bench-"))
    hosts = Host("a"), Host("b")
    try:
        _connect(*hosts)
        sides = [
            Side(host, folder, tuple(_addresses(number, sessions)))
            for number, host in enumerate(hosts, 1)
        ]
        for side, other, mac in zip(
            sides, reversed(sides), reversed(MACS), strict=True
        ):
            _configure(side, other, mac)
        yield sides[0], sides[1]
    finally:
        for host in hosts:
            host.close()
        shutil.rmtree(folder)


def _addresses(side: int, count: int) -> Iterator[str]:
    return (f"10.{side}.{n // 250}.{n % 250 + 1}" for n in range(count))


def _connect(one: Host, other: Host) -> None:
    there = other.call(os.open, "/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        peer = {"ifname": CARD, "address": MACS[1], "net_ns_fd": there}
        one.route(
            lambda ipr: ipr.link(
                "add", ifname=CARD, kind="veth", address=MACS[0], peer=peer
            )
        )
    finally:
        os.close(there)
    one.set_link(CARD, "up")
    other.set_link(CARD, "up")


def _configure(side: Side, other: Side, mac: str) -> None:
    lines = [f"address add {each}/8 dev {CARD}" for each in side.addresses]
    lines += [
        f"neighbour add {each} lladdr {mac} dev {CARD} nud permanent"
        for each in other.addresses
    ]
    side.host.call(
        subprocess.run,
        ["ip", "-batch", "-"],
        input="\n".join(lines),
        text=True,
        check=True,
    )
