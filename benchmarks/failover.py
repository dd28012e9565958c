"""How long a client is without an answer: power cut and graceful stop.

Two daemons of one kind, priorities 101 and 100, a client that pings the virtual address
every 2 ms. C{python -m benchmarks.failover [RUNS]}
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.bench import KINDS, Client, Table, network
from hanode.rehearsal.namespaces import Bridge, Host
from tests.live.observer import Observer

VIP = "10.9.1.1"


def config(priority: int, version: int, interval: float) -> str:
    """A pair as guides write it."""
    return f"""vrrp_instance VI_1 {{
  interface eth0
  virtual_router_id 51
  version {version}
  priority {priority}
  advert_int {interval:g}
  virtual_ipaddress {{
    {VIP}/16
  }}
}}
"""


def outages(kind: str, version: int, interval: float) -> tuple[float, float]:
    """Seconds without an answer after a power cut, and at a graceful stop."""
    with network("a", "b", "client") as (bridge, hosts, folder):
        return _measure(kind, version, interval, bridge, hosts, folder)


def _measure(
    kind: str,
    version: int,
    interval: float,
    bridge: Bridge,
    hosts: dict[str, Host],
    folder: Path,
) -> tuple[float, float]:
    make = KINDS[kind]
    high = make(hosts["a"], folder, config(101, version, interval)).start()
    high.log.wait_for("Entering MASTER")
    low = make(hosts["b"], folder, config(100, version, interval)).start()
    low.log.wait_for("Entering BACKUP")
    client = Client(hosts["client"], VIP)
    try:
        began = time.monotonic()
        client.wait_for_answer(began)
        time.sleep(4 * interval + 0.5)  # let the daemons get into their beat
        _just_after_an_advert(hosts["client"])  # the worst moment, for both kinds
        at = time.monotonic()
        bridge.cut(hosts["a"])
        low.log.wait_for("Entering MASTER")
        back = client.wait_for_answer(at + 0.9 * 3 * interval)
        cut = client.outage(at - 0.2, back + 0.1)
        mark = low.log.mark()
        bridge.join(hosts["a"])
        low.log.wait_for("Entering BACKUP", start=mark)
        # The client may go on sending to the old place until its neighbour entry
        # has expired; that is not what is measured here.
        client.wait_for_answer(time.monotonic() + 0.1)
        time.sleep(4 * interval + 0.5)
        at, mark = time.monotonic(), low.log.mark()
        high.process.terminate()
        low.log.wait_for("Entering MASTER", start=mark)
        back = client.wait_for_answer(time.monotonic())
        return cut, client.outage(at - 0.2, back + 0.1)
    finally:
        client.stop()
        high.end()
        low.end()


def _just_after_an_advert(host: Host) -> None:
    observer = host.call(Observer, "eth0")
    while not observer.adverts():
        time.sleep(0.0005)
    observer.close()


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    table = Table("Outage that a client sees, median (worst), milliseconds")
    for version, interval in ((2, 1.0), (3, 0.1), (3, 0.01)):
        found = {
            kind: [outages(kind, version, interval) for _ in range(runs)]
            for kind in KINDS
        }
        unit = interval if version == 3 else 1.0
        skew = (256 - 100) / 256 * unit
        down = (3 * interval + skew) * 1000
        limits = (
            (f"<= {down + 40:.0f}", f"<= {skew * 1000 + 20:.0f}")
            if version == 2
            else ("peer + 10", "")
        )
        for index, what in enumerate(("power cut", "graceful stop")):
            values = {
                kind: [1000 * each[index] for each in found[kind]] for kind in KINDS
            }
            name = f"{what}, v{version}, advert_int {interval:g}"
            table.add(name, values["keepalived"], values["hanode"], "ms", limits[index])
    table.show()


if __name__ == "__main__":
    main()
