"""Many addresses: take-over, start, processor time, memory.

C{python -m benchmarks.scale}: 200 instances with 5 addresses each, then one instance
with 250 addresses.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.bench import KINDS, AddressWatch, Table, cpu, network, resident
from hanode.rehearsal.namespaces import Host
from tests.live.daemons import Daemon

INSTANCES, EACH, MANY = 200, 5, 250


def instance(number: int, priority: int, count: int) -> str:
    """One instance with C{count} addresses in 10.9.0.0/16."""
    first = 256 + (number - 1) * count
    addresses = "\n".join(
        f"    10.9.{(first + i) // 250 + 1}.{(first + i) % 250 + 1}/16"
        for i in range(count)
    )
    return f"""vrrp_instance VI_{number} {{
  interface eth0
  virtual_router_id {number}
  priority {priority}
  advert_int 1
  virtual_ipaddress {{
{addresses}
  }}
}}
"""


def many(priority: int) -> str:
    """The large configuration."""
    return "".join(instance(n, priority, EACH) for n in range(1, INSTANCES + 1))


class Figures:
    """What one kind of daemon needs."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.measured: dict[str, float] = {}

    def daemon(self, host: Host, folder: Path, config: str) -> Daemon:
        """A daemon of this kind that does not log details."""
        daemon = KINDS[self.kind](host, folder, config)
        daemon.detail = False
        return daemon

    def large(self) -> None:
        """200 instances: start, processor time as master, take-over."""
        with network("a", "b") as (bridge, hosts, folder):
            watch_a, watch_b = AddressWatch(hosts["a"]), AddressWatch(hosts["b"])
            high = self.daemon(hosts["a"], folder, many(101))
            low = self.daemon(hosts["b"], folder, many(100))
            try:
                began = time.monotonic()
                high.start()
                watch_a.wait(INSTANCES * EACH)
                self.measured["start"] = watch_a.added[-1] - began
                low.start()
                time.sleep(8)
                before, at = cpu(high.process.pid), time.monotonic()
                time.sleep(10)
                used = cpu(high.process.pid) - before
                self.measured["cpu"] = 100 * used / (time.monotonic() - at)
                self.measured["memory 200"] = resident(high.process.pid)
                watch_b.clear()
                bridge.cut(hosts["a"])
                self.measured["takeover"] = 1000 * watch_b.wait(INSTANCES * EACH)
            finally:
                high.end()
                low.end()
                watch_a.stop()
                watch_b.stop()

    def one(self) -> None:
        """One instance with 250 addresses."""
        with network("a") as (_, hosts, folder):
            watch = AddressWatch(hosts["a"])
            daemon = self.daemon(hosts["a"], folder, instance(1, 101, MANY))
            try:
                daemon.start()
                self.measured["one"] = 1000 * watch.wait(MANY)
            finally:
                daemon.end()
                watch.stop()

    def small(self) -> None:
        """One instance, one address: memory and time until ready."""
        with network("a") as (_, hosts, folder):
            daemon = self.daemon(hosts["a"], folder, instance(1, 101, 1))
            try:
                began = time.monotonic()
                daemon.start()
                at, _ = daemon.log.wait_for("Entering BACKUP STATE")
                self.measured["ready"] = at - began
                daemon.log.wait_for("Entering MASTER STATE")
                time.sleep(2)
                self.measured["memory"] = resident(daemon.process.pid)
            finally:
                daemon.end()


ROWS = (
    ("take-over of 200 x 5 addresses, first to last", "takeover", "ms", "<= 50"),
    ("one instance with 250 addresses, first to last", "one", "ms", "<= 10"),
    ("start until 1000 addresses are up", "start", "s", "<= 4.5"),
    ("processor of a master with 200 instances", "cpu", "%", "<= 3"),
    ("resident memory, 200 instances", "memory 200", "MiB", ""),
    ("resident memory, one instance", "memory", "MiB", "<= 60"),
    ("from start to BACKUP", "ready", "s", "<= 0.7"),
)


def main() -> None:
    """Print the table."""
    kinds = {kind: Figures(kind) for kind in KINDS}
    for figures in kinds.values():
        figures.small()
        figures.one()
        figures.large()
    table = Table("Many addresses")
    for what, key, unit, target in ROWS:
        peer, ours = (kinds[kind].measured[key] for kind in ("keepalived", "hanode"))
        table.add(what, [peer], [ours], unit, target)
    table.show()


if __name__ == "__main__":
    main()
