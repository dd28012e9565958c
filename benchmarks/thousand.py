"""A thousand virtual routers: start, processor time, take-over, memory.

C{python -m benchmarks.thousand [INSTANCES [SECONDS [KIND ...]]]}: as many instances
with one address each, 200 on each pair of network cards, advert_int 1 s, and
SECONDS of steady state.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench import KINDS, AddressWatch, Table, cpu, resident
from hanode.rehearsal.namespaces import Bridge, Host
from tests.live.daemons import Daemon

INSTANCES, SECONDS = 1000, 20
ON_EACH = 200  # instances on one card: virtual router ids end at 255
HIGH, LOW = 101, 100
PATIENCE = 120.0  # seconds until all addresses are to be there
SETTLE = 8.0  # seconds between the last address and the beginning of a measurement


@dataclass
class Cables:
    """Two hosts with several cards, each pair of cards on a switch of its own."""

    hosts: dict[str, Host]
    bridges: Sequence[Bridge]
    folder: Path

    def cut(self, name: str) -> None:
        """For the other host it is as if the power of this one had been cut."""
        for bridge in self.bridges:
            bridge.cut(self.hosts[name])


@contextmanager
def cables(cards: int) -> Iterator[Cables]:
    """Hosts C{a} and C{b} with so many cards: 10.CARD.0.1/16 and 10.CARD.0.2/16."""
    folder = Path(tempfile.mkdtemp(prefix="hanode-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        bridges = [Bridge(f"lan{card}") for card in range(cards)]
        for bridge in bridges:
            stack.callback(bridge.close)
        hosts = {name: Host(name) for name in ("a", "b")}
        for number, host in enumerate(hosts.values(), 1):
            stack.callback(host.close)
            for card, bridge in enumerate(bridges):
                bridge.connect(host, f"eth{card}", f"10.{card + 1}.0.{number}/16")
        yield Cables(hosts, bridges, folder)


def config(instances: int, priority: int) -> str:
    """As many instances, the first 200 on eth0, and so on."""
    return "".join(_instance(number, priority) for number in range(instances))


def _instance(number: int, priority: int) -> str:
    card, place = divmod(number, ON_EACH)
    return f"""vrrp_instance VI_{number + 1} {{
  interface eth{card}
  virtual_router_id {place + 1}
  priority {priority}
  advert_int 1
  virtual_ipaddress {{
    10.{card + 1}.1.{place + 1}/16
  }}
}}
"""


@dataclass
class Figures:
    """What one kind of daemon needs."""

    kind: str
    instances: int
    seconds: float
    measured: dict[str, float] = field(default_factory=dict)

    def measure(self) -> None:
        """Start both, let them run, cut the master off."""
        with cables(-(-self.instances // ON_EACH)) as lan, ExitStack() as stack:
            watch_a, watch_b = (AddressWatch(host) for host in lan.hosts.values())
            stack.callback(watch_a.stop)
            stack.callback(watch_b.stop)
            high = self._daemon(lan, "a", HIGH)
            low = self._daemon(lan, "b", LOW)
            stack.callback(low.end)
            stack.callback(high.end)
            began = time.monotonic()
            high.start()
            watch_a.wait(self.instances, PATIENCE)
            self.measured["start"] = watch_a.added[self.instances - 1] - began
            low.start()
            self._wait_for_backup(low)
            time.sleep(SETTLE)
            self._steady(high, low)
            watch_b.clear()
            at = time.monotonic()
            lan.cut("a")
            self.measured["take-over"] = 1000 * watch_b.wait(self.instances, PATIENCE)
            self.measured["outage"] = watch_b.added[self.instances - 1] - at

    def _wait_for_backup(self, low: Daemon) -> None:
        """Until each of its instances has said that it is one."""
        end = time.monotonic() + PATIENCE
        while low.log.count("Entering BACKUP STATE") < self.instances:
            if time.monotonic() > end:
                raise TimeoutError("the backup does not start")
            time.sleep(0.1)

    def _daemon(self, lan: Cables, host: str, priority: int) -> Daemon:
        text = config(self.instances, priority)
        daemon = KINDS[self.kind](lan.hosts[host], lan.folder, text)
        daemon.detail = False
        return daemon

    def _steady(self, high: Daemon, low: Daemon) -> None:
        """Processor time and memory of both, and how often one changed its state."""
        roles = {"master": high, "backup": low}
        marks = {role: daemon.log.mark() for role, daemon in roles.items()}
        used = {role: cpu(daemon.process.pid) for role, daemon in roles.items()}
        at = time.monotonic()
        time.sleep(self.seconds)
        flaps = 0
        for role, daemon in roles.items():
            spent = cpu(daemon.process.pid) - used[role]
            self.measured[role] = 100 * spent / (time.monotonic() - at)
            self.measured[f"memory {role}"] = resident(daemon.process.pid)
            flaps += daemon.log.count("Entering", marks[role])
        self.measured["flaps"] = flaps


ROWS = (
    ("start until all addresses are held", "start", "s", "a few"),
    ("processor of the master", "master", "%", ""),
    ("processor of the backup", "backup", "%", ""),
    ("wrong transitions meanwhile", "flaps", "", "0"),
    ("take-over, first to last address", "take-over", "ms", "<= 500"),
    ("power cut until the last address", "outage", "s", ""),
    ("resident memory of the master", "memory master", "MiB", ""),
    ("resident memory of the backup", "memory backup", "MiB", ""),
)


def main(words: Sequence[str]) -> None:
    """Print the table."""
    numbers = [int(word) for word in words if word.isdigit()]
    instances, seconds = (*numbers, *(INSTANCES, SECONDS)[len(numbers) :])
    kinds = [word for word in words if not word.isdigit()] or list(KINDS)
    found = {}
    for kind in kinds:
        figures = Figures(kind, instances, seconds)
        figures.measure()
        found[kind] = figures.measured
    table = Table(f"{instances} instances, advert_int 1 s, {seconds} s of steady state")
    table.fill(ROWS, found)
    table.show()


if __name__ == "__main__":
    main(sys.argv[1:])
