"""Whether advertisements keep their time while somebody looks at everything.

C{python -m benchmarks.looking [SECONDS]}: a node with 1,000 VRRP instances, then one
with 30,000 real servers, each first left alone, then
asked for the whole of /metrics, /api/v1/vrrp and /api/v1/lvs again and again without a
pause. An advertisement is late by what its gap to the one before exceeds the interval.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine
from benchmarks.bench import print_columns
from benchmarks.thousand import cables, config
from benchmarks.together import balancer
from hanode.console.client import UnixConnection
from tests.live.case import until
from tests.live.daemons import Hanode
from tests.live.observer import Observer

HEAD = ("node", "asked for", "answer s", "MB", "median ms", "p99.9 ms", "worst ms")
SECONDS = 10.0
SETTLE = 5.0  # seconds after the start
PATIENCE = 120.0  # seconds for a start, and for one answer
FAST = """vrrp_instance FAST {{
  interface eth0
  virtual_router_id {0}
  version 3
  priority 100
  advert_int 0.1
  virtual_ipaddress {{
    10.1.2.{0}/16
  }}
}}
"""
REALS = FAST.format(1)


@dataclass(frozen=True)
class Node:
    """What a node has, how often its instances speak, and what is asked of it."""

    title: str
    text: str
    instances: int
    interval: float
    targets: tuple[str, ...]


NODES = (
    Node(
        "1,000 VRRP instances",
        config(1000, 100),
        1000,
        1.0,
        ("/metrics", "/api/v1/vrrp", "/api/v1/status"),
    ),
    Node(
        "300 x 100 real servers",
        REALS + balancer(300, 100, 3600.0),
        1,
        0.1,
        ("/metrics", "/api/v1/lvs"),
    ),
)


@dataclass
class Asked:
    """What came of asking: seconds and octets of each answer."""

    seconds: list[float] = field(default_factory=list)
    octets: int = 0

    def ask(self, socket: Path, target: str, end: float) -> None:
        """Ask until C{end}, at least once."""
        while not self.seconds or time.monotonic() < end:
            connection = UnixConnection(str(socket), PATIENCE)
            try:
                began = time.monotonic()
                connection.request("GET", target)
                self.octets = len(connection.getresponse().read())
                self.seconds.append(time.monotonic() - began)
            finally:
                connection.close()


def lateness(observer: Observer, since: float, interval: float) -> list[float]:
    """By how much each advertisement since then was late, in seconds, sorted."""
    moments: dict[object, list[float]] = defaultdict(list)
    for seen in observer.adverts(since):
        # The same router on another card has the source address of that card.
        moments[seen.source, seen.advert.vrid].append(seen.at)
    return sorted(
        max(0.0, later - before - interval)
        for each in moments.values()
        for before, later in zip(each, each[1:], strict=False)
    )


@contextmanager
def running(node: Node) -> Iterator[tuple[Hanode, list[Observer]]]:
    """The daemon, and who watches its cards at the other host."""
    cards = -(-node.instances // 200)
    with cables(cards) as lan:
        watchers = [
            lan.hosts["b"].call(Observer, f"eth{card}") for card in range(cards)
        ]
        daemon = Hanode(lan.hosts["a"], lan.folder, node.text)
        daemon.detail = False
        try:
            daemon.start()
            daemon.log.wait_for("hanode is ready", PATIENCE)
            until(
                lambda: daemon.log.count("Entering MASTER STATE") >= node.instances,
                PATIENCE,
            )
            until(daemon.socket.exists, PATIENCE)
            time.sleep(SETTLE)
            yield daemon, watchers
        finally:
            daemon.end()
            for each in watchers:
                each.close()


def rows(node: Node, seconds: float) -> Iterator[tuple[str, ...]]:
    """The measurements of one node, one after the other."""

    def measure(target: str, work: Callable[[], Asked]) -> tuple[str, ...]:
        began = time.monotonic()
        asked = work()
        late = sorted(
            each for w in watchers for each in lateness(w, began, node.interval)
        )
        picked = (late[len(late) // 2], late[int(0.999 * len(late))], late[-1])
        mean = sum(asked.seconds) / len(asked.seconds) if asked.seconds else 0.0
        sys.stderr.write(f"  {node.title}, {target}: {1000 * late[-1]:.1f} ms\n")
        return (
            node.title,
            target,
            f"{mean:.2f}" if asked.seconds else "-",
            f"{asked.octets / 1e6:.1f}" if asked.seconds else "-",
            *(f"{1000 * each:.1f}" for each in picked),
        )

    def wait() -> Asked:
        time.sleep(seconds)
        return Asked()

    with running(node) as (daemon, watchers):
        yield measure("nothing", wait)
        for target in node.targets:

            def ask(target: str = target) -> Asked:
                asked = Asked()
                asked.ask(daemon.socket, target, time.monotonic() + seconds)
                return asked

            yield measure(target, ask)


def main(words: list[str]) -> None:
    """Print the table, and where it comes from."""
    where = machine.describe()
    seconds = float(words[0]) if words else SECONDS
    found = [row for node in NODES for row in rows(node, seconds)]
    print_columns("Advertisements beside somebody who looks", HEAD, found)
    print(f"\n{where}")


if __name__ == "__main__":
    main(sys.argv[1:])
