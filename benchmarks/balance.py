"""30,000 real servers put into IPVS and taken out, against ipvsadm and keepalived.

C{python -m benchmarks.balance [services] [real servers of each]}, as root. All run
one after the other in one kernel: this machine's own where it has IPVS (in a network
namespace), else a guest (tests/live/ipvs_guest.py), which has one slow processor: the
ratios count, not the rates.

Each has a network namespace of its own: the kernel keeps removed real servers for some
minutes in one list, and looks through all of it for each that is added. One round that
is not counted goes before, because the first to come pays for the kernel's memory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from hanode.dataplanes.ipvs import IpvsBalancer
from hanode.dataplanes.ipvs_kernel import IpvsKernel
from hanode.lvs import Destination, Endpoint, Service, Table
from tests.dataplanes.ipvs_save import destination_line, service_line

SERVICES, EACH = 300, 100
PATIENCE = 120.0  # seconds
PEER_CONFIG = "global_defs {{\nlvs_flush\n}}\n{0}"


@dataclass(frozen=True)
class Run:
    """Seconds to put all in, and to take all out; C{pause}: the longest turn."""

    name: str
    put: float
    take: float
    pause: float = 0.0

    def line(self, count: int, peer: Run) -> str:
        text = (
            f"  {self.name:12}{count / self.put:9.0f}/s in {count / self.take:9.0f}/s"
        )
        text += f" out   {self.put / peer.put:5.2f} x {self.take / peer.take:5.2f} x"
        text += f" of {peer.name}'s time"
        if self.pause:
            text += f"; longest turn of the reactor {self.pause * 1e3:.1f} ms"
        return text


def table(services: int, each: int) -> dict[Any, Service]:
    """So many services with so many real servers each."""
    found = {}
    first = int(IPv4Address("10.0.0.1"))
    for number in range(services):
        identity = Endpoint(IPv4Address("192.168.0.1") + number, 80, "TCP")
        below = tuple(
            Destination(IPv4Address(first + number * each + other), 80)
            for other in range(each)
        )
        found[identity] = Service(identity, "rr", destinations=below)
    return found


class Ours:
    """One run of our balancer on the real reactor."""

    def __init__(self, wanted: Table) -> None:
        from twisted.internet import reactor

        reactor.seconds = time.monotonic  # type: ignore[attr-defined]
        self.reactor: Any = reactor
        self.wanted = wanted
        self.balancer = IpvsBalancer(reactor)
        self.times: list[float] = []
        self.pause = self.last = 0.0

    def run(self) -> Run:
        self.reactor.callWhenRunning(self._begin)
        self.reactor.run()
        began, there, gone = self.times
        return Run("hanode", there - began, gone - there, self.pause)

    def _begin(self) -> None:
        self.balancer.start()
        self.times.append(time.monotonic())
        self.last = time.monotonic()
        self.balancer.balance(self.wanted)
        self._turn(self._put)

    def _put(self) -> None:
        self.last = time.monotonic()
        self.balancer.balance({})
        self._turn(self._taken)

    def _taken(self) -> None:
        self.balancer.stop(remove=False)
        self.reactor.stop()

    def _turn(self, done: Callable[[], None]) -> None:
        now = time.monotonic()
        self.pause, self.last = max(self.pause, now - self.last), now
        if self.balancer._program.busy:
            self.reactor.callLater(0, self._turn, done)
        else:
            self.times.append(now)
            done()


def ipvsadm(wanted: Table) -> Run:
    """ipvsadm -R with a file of it all, and -C."""
    lines = []
    for service in wanted.values():
        lines.append(service_line(service))
        lines += [destination_line(service, each) for each in service.destinations]
    began = time.monotonic()
    subprocess.run(["ipvsadm", "-R"], input="\n".join(lines), text=True, check=True)
    there = time.monotonic()
    subprocess.run(["ipvsadm", "-C"], check=True)
    return Run("ipvsadm", there - began, time.monotonic() - there)


def keepalived(wanted: Table) -> Run:
    """From its first service in the kernel to its last, and back."""
    kernel = IpvsKernel(_NoReactor(), lambda tags, errors: None, lambda: None)
    kernel.open()
    last = list(wanted)[-1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keepalived.conf"
        file.write_text(PEER_CONFIG.format("\n".join(map(_block, wanted.values()))))
        pids = [f"{flag}{folder}/pid{flag}" for flag in ("-p", "-c")]
        words = ["keepalived", "-n", "-C", "-f", str(file), *pids]
        quiet = subprocess.DEVNULL
        peer = subprocess.Popen(words, stdout=quiet, stderr=quiet)
        began = _wait(lambda: bool(kernel.services()))
        full = len(wanted[last].destinations)
        there = _wait(lambda: len(kernel.destinations(last)) == full)
        peer.send_signal(signal.SIGTERM)
        going = _wait(lambda: len(kernel.services()) < len(wanted))
        gone = _wait(lambda: not kernel.services())
        peer.wait()
    return Run("keepalived", there - began, gone - going)


def _block(service: Service) -> str:
    identity = service.identity
    assert isinstance(identity, Endpoint)
    below = "\n".join(
        f"real_server {each.address} {each.port} {{\n}}"
        for each in service.destinations
    )
    return (
        f"virtual_server {identity.address} {identity.port} {{\n"
        f"lvs_sched {service.scheduler}\nlvs_method NAT\nprotocol TCP\n{below}\n}}"
    )


def _wait(condition: Callable[[], bool]) -> float:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("keepalived did not come to its end")
        time.sleep(0.05)
    return time.monotonic()


class _NoReactor:
    def addReader(self, reader: object) -> None:
        pass

    removeReader = addReader


def ours(wanted: Table) -> Run:
    """hanode's balancer, all on a reactor."""
    return Ours(wanted).run()


CONTENDERS = {"ipvsadm": ipvsadm, "keepalived": keepalived, "hanode": ours}


def alone(name: str, services: int, each: int) -> Run:
    """One contender in a process and a network namespace of its own."""
    words = [sys.executable, "-m", "benchmarks.balance", str(services), str(each), name]
    script = 'ip link set lo up && exec "$@"'
    inside = ["unshare", "--net", "sh", "-c", script, "sh", *words]
    done = subprocess.run(inside, stdout=subprocess.PIPE, text=True, check=True)
    return Run(**json.loads(done.stdout))


def inside(services: int, each: int) -> None:
    """Measure and print; IPVS is ours alone here."""
    count = services * each
    alone("ipvsadm", services, each)
    runs = [alone(name, services, each) for name in CONTENDERS]
    print(f"{count} real servers below {services} services in kernel", end=" ")
    print(os.uname().release)
    for run in runs:
        print(run.line(count, runs[1]))


def main() -> None:
    """Find a kernel with IPVS and measure there."""
    counts = [int(word) for word in sys.argv[1:3]] or [SERVICES, EACH]
    if len(sys.argv) > 3:
        print(json.dumps(asdict(CONTENDERS[sys.argv[3]](table(*counts)))))
        return
    if "HANODE_GUEST" in os.environ:
        inside(*counts)
        return
    from twisted.trial.unittest import SkipTest

    from tests.live.case import need
    from tests.live.test_ipvs import run

    words = [sys.executable, "-m", "benchmarks.balance", *map(str, counts)]
    try:
        need("keepalived")
        status, output = run(words)
    except SkipTest as reason:
        sys.exit(f"not measured: {reason}")
    print(output, end="")
    sys.exit(status or (1 if status is None else 0))


if __name__ == "__main__":
    main()
