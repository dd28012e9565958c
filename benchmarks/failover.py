"""How long a client is without an answer: power cut and graceful stop.

Two daemons of one kind, priorities 101 and 100, a client that pings the virtual address
every 2 ms, or every millisecond where BFD watches. C{python -m benchmarks.failover
[RUNS [BFD_RUNS]]}
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.bench import KINDS, Client, Table, network
from hanode.rehearsal.namespaces import Bridge, Host
from tests.live.daemons import Hanode
from tests.live.observer import Observer
from tests.live.routers import BfdKeepalived

VIP = "10.9.1.1"
RUNS, BFD_RUNS = 3, 10
HIGH, LOW = 101, 100
#: with BFD keepalived is more than its VRRP process
BFD_KINDS: dict[str, Callable[..., Any]] = {
    "keepalived": BfdKeepalived,
    "hanode": Hanode,
}


@dataclass(frozen=True)
class Pair:
    """How two nodes are configured.

    @ivar interval: seconds between advertisements.
    @ivar bfd: milliseconds between BFD packets, 0 for none; the multiplier is 3.
    """

    version: int = 2
    interval: float = 1.0
    bfd: int = 0

    @property
    def ping(self) -> float:
        """Seconds between two pings of the client."""
        return 0.001 if self.bfd else 0.002

    @property
    def skew(self) -> float:
        """Seconds that the backup waits when the master says goodbye."""
        unit = self.interval if self.version == 3 else 1.0
        return (256 - LOW) / 256 * unit


Config = Callable[[Pair, bool], str]


def config(pair: Pair, high: bool, extra: str = "", more: int = 0) -> str:
    """A pair as guides write it; C{extra} goes into the instance.

    @param more: what the priority is above the usual one.
    """
    return f"""vrrp_instance VI_1 {{
  interface eth0
  virtual_router_id 51
  version {pair.version}
  priority {(HIGH if high else LOW) + more}
  advert_int {pair.interval:g}
  virtual_ipaddress {{
    {VIP}/16
  }}
{extra}}}
"""


def with_track_bfd(pair: Pair, high: bool) -> str:
    """BFD in keepalived's words: a backup that has lost its peer stands above it.

    C{reverse} takes the weight away while the session is Up: the backup has 90 then,
    and 110 afterwards.
    """
    here, there = ("10.9.0.1", "10.9.0.2") if high else ("10.9.0.2", "10.9.0.1")
    session = f"""bfd_instance peer {{
  source_ip {here}
  neighbor_ip {there}
  min_rx {pair.bfd}
  min_tx {pair.bfd}
  multiplier 3
}}
"""
    track = "  track_bfd {\n    peer weight 20 reverse\n  }\n"
    return session + (config(pair, True) if high else config(pair, False, track, 10))


def with_fast_failover(pair: Pair, high: bool) -> str:
    """BFD in the words that only hanode has."""
    words = f"""  fast_failover {{
    min_rx {pair.bfd}
    min_tx {pair.bfd}
    multiplier 3
  }}
"""
    return config(pair, high, words)


def outages(kind: str, pair: Pair, text: Config = config) -> tuple[float, float]:
    """Seconds without an answer after a power cut, and at a graceful stop."""
    make = (BFD_KINDS if pair.bfd else KINDS)[kind]
    with network("a", "b", "client") as (bridge, hosts, folder):
        return _measure(make, pair, text, bridge, hosts, folder)


def _measure(
    make: Callable[..., Any],
    pair: Pair,
    text: Config,
    bridge: Bridge,
    hosts: dict[str, Host],
    folder: Path,
) -> tuple[float, float]:
    high = make(hosts["a"], folder, text(pair, True)).start()
    high.log.wait_for("Entering MASTER")
    low = make(hosts["b"], folder, text(pair, False)).start()
    low.log.wait_for("Entering BACKUP")
    client = Client(hosts["client"], VIP, pair.ping)
    try:
        client.wait_for_answer(time.monotonic())
        _settle(pair, low, 0)
        _just_after_an_advert(hosts["client"])  # the worst moment, for both kinds
        time.sleep(Random().uniform(0, pair.bfd / 1000))  # BFD has a beat of its own
        at, mark = time.monotonic(), low.log.mark()
        bridge.cut(hosts["a"])
        low.log.wait_for("Entering MASTER", start=mark)
        back = client.wait_for_answer(_taken_over(pair, at))
        cut = client.outage(at - 0.2, back + 0.1)
        mark = low.log.mark()
        bridge.join(hosts["a"])
        low.log.wait_for("Entering BACKUP", start=mark)
        # The client may go on sending to the old place until its neighbour entry
        # has expired; that is not what is measured here.
        client.wait_for_answer(time.monotonic() + 0.1)
        _settle(pair, low, mark)
        at, mark = time.monotonic(), low.log.mark()
        high.process.terminate()
        low.log.wait_for("Entering MASTER", start=mark)
        back = client.wait_for_answer(time.monotonic())
        return cut, client.outage(at - 0.2, back + 0.1)
    finally:
        client.stop()
        high.end()
        low.end()


def _settle(pair: Pair, low: Any, mark: int) -> None:
    """Let the daemons get into their beat, and the session Up."""
    if pair.bfd:
        low.log.wait_for("Entering Up state", start=mark)
    time.sleep(4 * pair.interval + 0.5)


def _taken_over(pair: Pair, cut: float) -> float:
    """A moment after C{cut}, when answers cannot be those of the old master."""
    return time.monotonic() if pair.bfd else cut + 0.9 * 3 * pair.interval


def _just_after_an_advert(host: Host) -> None:
    observer: Any = host.call(Observer, "eth0")
    while not observer.adverts():
        time.sleep(0.0005)
    observer.close()


def rows_of_vrrp(table: Table, runs: int) -> None:
    """Without BFD: the time that VRRP itself needs."""
    for pair in (Pair(), Pair(3, 0.1), Pair(3, 0.01)):
        down = 3 * pair.interval + pair.skew
        limits = (
            (f"<= {down * 1000 + 40:.0f}", f"<= {pair.skew * 1000 + 20:.0f}")
            if pair.version == 2
            else ("peer + 10", "")
        )
        found = {kind: [outages(kind, pair) for _ in range(runs)] for kind in KINDS}
        name = f"v{pair.version}, advert_int {pair.interval:g}"
        _add(table, name, found["keepalived"], found["hanode"], limits)


def rows_of_bfd(table: Table, runs: int) -> None:
    """With BFD: the same file for both, then what only hanode has."""
    for bfd, limit in ((10, "<= 45 (60)"), (50, "<= 165")):
        pair = Pair(bfd=bfd)
        peer = [outages("keepalived", pair, with_track_bfd) for _ in range(runs)]
        for name, text in (
            ("track_bfd", with_track_bfd),
            ("fast_failover", with_fast_failover),
        ):
            ours = [outages("hanode", pair, text) for _ in range(runs)]
            _add(table, f"{name}, {bfd} ms x 3", peer, ours, (limit, ""))


def _add(
    table: Table,
    name: str,
    peer: list[tuple[float, float]],
    ours: list[tuple[float, float]],
    limits: tuple[str, str],
) -> None:
    for index, what in enumerate(("power cut", "graceful stop")):
        theirs = [1000 * each[index] for each in peer]
        found = [1000 * each[index] for each in ours]
        table.add(f"{what}, {name}", theirs, found, "ms", limits[index])


def main(words: list[str]) -> None:
    """Print the table."""
    given = [int(word) for word in words]
    runs, bfd_runs = (*given, *(RUNS, BFD_RUNS)[len(given) :])
    table = Table("Outage that a client sees, median (worst), milliseconds")
    if runs:
        rows_of_vrrp(table, runs)
    if bfd_runs:
        rows_of_bfd(table, bfd_runs)
    table.show()


if __name__ == "__main__":
    main(sys.argv[1:])
