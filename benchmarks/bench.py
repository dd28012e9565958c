"""What the benchmarks share: a pair of daemons, a client, tables."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from statistics import median

from hanode.rehearsal.namespaces import Bridge, Host
from hanode.rehearsal.ping import Pinger
from tests.live.daemons import Daemon, Hanode, Keepalived

KINDS: dict[str, type[Daemon]] = {"keepalived": Keepalived, "hanode": Hanode}
RTMGRP_IPV4_IFADDR = 0x10  # linux/rtnetlink.h
RTM_NEWADDR, RTM_DELADDR = 20, 21
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Client(threading.Thread):
    """Pings one address every few milliseconds and remembers when answers came."""

    def __init__(self, host: Host, target: str, interval: float = 0.002) -> None:
        super().__init__(daemon=True)
        self.pinger = Pinger(host, "eth0", ip_address(target), interval)
        self._stop_asked = threading.Event()
        self.start()

    def run(self) -> None:
        """Send and receive until told to stop."""
        while not self._stop_asked.is_set():
            self.pinger.send()
            self.pinger.receive()
            time.sleep(0.0005)

    def stop(self) -> None:
        """End, and give the sockets back."""
        self._stop_asked.set()
        self.join()
        self.pinger.close()

    def wait_for_answer(self, since: float, timeout: float = 20.0) -> float:
        """When the first answer after C{since} came."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for answer in reversed(self.pinger.answers[-50:]):
                if answer.at > since:
                    return answer.at
            time.sleep(0.002)
        raise TimeoutError("the address does not answer")

    def outage(self, start: float, end: float) -> float:
        """The longest time without an answer between two moments, in seconds."""
        moments = [each.at for each in self.pinger.answers if start <= each.at <= end]
        return max(b - a for a, b in pairwise(moments))


class AddressWatch(threading.Thread):
    """Notes when the kernel of a host adds and removes IPv4 addresses."""

    def __init__(self, host: Host) -> None:
        super().__init__(daemon=True)
        self.added: list[float] = []
        self.removed: list[float] = []
        self._socket = host.call(self._open)
        self._stop_asked = threading.Event()
        self.start()

    @staticmethod
    def _open() -> socket.socket:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
        sock.bind((0, RTMGRP_IPV4_IFADDR))
        sock.settimeout(0.2)
        return sock

    def run(self) -> None:
        """Read until told to stop."""
        while not self._stop_asked.is_set():
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                continue
            now = time.monotonic()
            while len(data) >= 16:
                size, kind = struct.unpack_from("=IH", data)
                if kind == RTM_NEWADDR:
                    self.added.append(now)
                elif kind == RTM_DELADDR:
                    self.removed.append(now)
                data = data[(size + 3) & ~3 :]

    def stop(self) -> None:
        """End."""
        self._stop_asked.set()
        self.join()
        self._socket.close()

    def clear(self) -> None:
        """Forget what was seen."""
        self.added.clear()
        self.removed.clear()

    def wait(self, count: int, timeout: float = 30.0) -> float:
        """Wait for C{count} additions; seconds from the first to the last."""
        end = time.monotonic() + timeout
        while len(self.added) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.added)} of {count} addresses")
            time.sleep(0.01)
        return self.added[count - 1] - self.added[0]


@contextmanager
def network(*names: str) -> Iterator[tuple[Bridge, dict[str, Host], Path]]:
    """A bridge with hosts 10.9.0.1, .2 ... in 10.9.0.0/16, and a folder for files."""
    folder = Path(tempfile.mkdtemp(prefix="hanode-bench-"))
    bridge, hosts = Bridge(), {}
    try:
        for number, name in enumerate(names, 1):
            hosts[name] = Host(name)
            bridge.connect(hosts[name], "eth0", f"10.9.0.{number}/16")
        yield bridge, hosts, folder
    finally:
        for host in hosts.values():
            host.close()
        bridge.close()
        shutil.rmtree(folder)


def cpu(pid: int) -> float:
    """Seconds of processor time that a process and its children have used."""
    total = 0.0
    for each in [pid, *children(pid)]:
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def resident(pid: int) -> float:
    """Resident memory of a process and its children in MiB."""
    pages = sum(
        int(Path(f"/proc/{each}/statm").read_text().split()[1])
        for each in [pid, *children(pid)]
    )
    return pages * PAGE / 2**20


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]


@dataclass
class Table:
    """Rows of figures, keepalived beside hanode, and their ratio."""

    title: str
    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def add(
        self,
        what: str,
        peer: list[float],
        ours: list[float],
        unit: str,
        target: str = "",
    ) -> None:
        """One row; several values of one figure are printed as median (worst)."""
        ratio = f"{median(ours) / median(peer):.2f}" if peer and median(peer) else "-"
        self.rows.append((what, _show(peer, unit), _show(ours, unit), ratio, target))
        sys.stderr.write(f"  {' | '.join(self.rows[-1])}\n")

    def fill(
        self,
        rows: Sequence[tuple[str, str, str, str]],
        found: Mapping[str, Mapping[str, float]],
    ) -> None:
        """Rows of what, key, unit and target, from what was C{found} of each kind."""
        for what, key, unit, target in rows:
            peer, ours = (
                [found[kind][key]] if kind in found else []
                for kind in ("keepalived", "hanode")
            )
            self.add(what, peer, ours, unit, target)

    def show(self) -> None:
        """Print the table."""
        head = ("what", "keepalived", "hanode", "ratio", "wanted of hanode")
        print_columns(self.title, head, self.rows)


def print_columns(
    title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> None:
    """A table with columns as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    print(f"\n{title}")
    for row in (head, *rows):
        cells = (cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip(), flush=True)


def _show(values: list[float], unit: str) -> str:
    if not values:
        return "-"
    if len(values) == 1:
        return f"{values[0]:.4g} {unit}"
    return f"{median(values):.4g} {unit} ({max(values):.4g})"
