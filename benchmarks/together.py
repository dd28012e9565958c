"""Whether BFD keeps its time while the load balancer works hard beside it.

C{python -m benchmarks.together [SECONDS]}: 100 sessions at 50 ms x 3 with a second
hanode, first alone, then beside 2,000 TCP checks a second, then beside a reload that
changes one of 30,000 real servers.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGHUP

from benchmarks import machine
from benchmarks.bench import cpu, print_columns, resident
from benchmarks.cable import Side, cable
from benchmarks.ends import HanodeEnd, Load, Pairs
from benchmarks.measurement import allow_many_files, since

LOAD = Load(100, 50)
CHECKS = 2000  # a second
PORT = 8080
HEAD = ("beside BFD", "seconds", "CPU %", "MiB", "flaps", "p99.9 ms", "worst ms")
WANTED = {
    "2,000 TCP checks a second": "no flap, p99.9 under 10 ms",
    "a reload of 30,000 real servers": "3 s, nothing later than 20 ms",
}
ACCEPT = """
import socket
listener = socket.create_server(("", %d), backlog=4096)
while True:
    listener.accept()[0].close()
"""


def real_servers(first: int, count: int) -> Iterator[str]:
    """C{count} real servers on loopback addresses."""
    for n in range(first, first + count):
        address = f"127.{1 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}"
        yield (
            f"  real_server {address} {PORT} {{\n"
            f"    weight 1\n    TCP_CHECK {{ connect_timeout 3 }}\n  }}\n"
        )


def balancer(virtual: int, real: int, delay: float) -> str:
    """So many virtual servers with so many real ones each, checked at C{delay}."""
    text = ["hanode { dataplane memory }\n"]
    for n in range(virtual):
        text.append(
            f"virtual_server 10.9.{n // 250}.{n % 250 + 1} 80 {{\n"
            f"  delay_loop {delay:g}\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP\n"
        )
        text.extend(real_servers(n * real, real))
        text.append("}\n")
    return "".join(text)


class BusyEnd(HanodeEnd):
    """hanode with a load balancer beside its sessions."""

    balancer = ""

    def config(self, pairs: Pairs, load: Load) -> str:
        """Its configuration."""
        return super().config(pairs, load) + self.balancer


@contextmanager
def running(text: str, patience: float) -> Iterator[BusyEnd]:
    """Two ends, all sessions Up; the first one balances as C{text} says."""
    allow_many_files()
    with cable(LOAD.sessions) as (here, there):
        end = type("End", (BusyEnd,), {"balancer": text})(here, there, LOAD)
        other = HanodeEnd(there, here, LOAD)
        server = _acceptor(here)
        try:
            other.start()
            end.start()
            limit = time.monotonic() + patience
            while end.up() < LOAD.sessions:
                if time.monotonic() > limit:
                    raise TimeoutError(f"{end.up()} sessions are Up\n{end.daemon.log}")
                time.sleep(0.5)
            time.sleep(5.0)
            yield end
        finally:
            end.end()
            other.end()
            server.kill()
            server.wait()


def _acceptor(side: Side) -> subprocess.Popen[bytes]:
    child = side.host.popen([sys.executable, "-c", ACCEPT % PORT])
    limit = time.monotonic() + 5

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", PORT)) == 0

    while not side.host.call(answers):
        if time.monotonic() > limit:
            raise TimeoutError("nobody listens")
        time.sleep(0.02)
    return child


def row(title: str, end: BusyEnd, work: Callable[[], float]) -> tuple[str, ...]:
    """What the sessions did while C{work} took its seconds."""
    late, flaps, used = end.lateness(), end.flaps(), cpu(end.pid)
    seconds = work()
    used, flaps = cpu(end.pid) - used, end.flaps() - flaps
    found = since(late, end.lateness()) or (0.0, 0.0)
    return (
        title,
        f"{seconds:.2f}",
        f"{100 * used / seconds:.1f}",
        f"{resident(end.pid):.0f}",
        str(flaps),
        *(f"{1000 * each:.1f}" for each in found),
        WANTED.get(title, ""),
    )


def rows(seconds: float) -> Iterator[tuple[str, ...]]:
    """The measurements, one after the other."""

    def wait() -> float:
        time.sleep(seconds)
        return seconds

    with running("", 40) as end:
        yield row("nothing", end, wait)
    with running(balancer(20, CHECKS // 20, 1.0), 60) as end:
        yield row("2,000 TCP checks a second", end, wait)
    text = balancer(300, 100, 3600.0)
    with running(text, 90) as end:

        def reload() -> float:
            changed = end.daemon.file.read_text().replace("weight 1", "weight 2", 1)
            end.daemon.file.write_text(changed)
            mark, began = end.daemon.log.mark(), time.monotonic()
            end.daemon.process.send_signal(SIGHUP)
            moment, _ = end.daemon.log.wait_for("Reload complete", 60, mark)
            time.sleep(1.0)  # what comes after it belongs to it
            return float(moment - began)

        yield row("a reload of 30,000 real servers", end, reload)


def main(words: list[str]) -> None:
    """Print the table, and where it comes from."""
    where = machine.describe()
    found = list(rows(float(words[0]) if words else 20.0))
    print_columns(f"{LOAD} beside other work", (*HEAD, "wanted"), found)
    print(f"\n{where}")


if __name__ == "__main__":
    main(sys.argv[1:])
