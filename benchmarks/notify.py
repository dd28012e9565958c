"""Ten thousand events: are they told, in order, and what does one cost?

C{python -m benchmarks.notify}. First daemons side by side: a thousand instances change
their states again and again while nobody reads the FIFO; then somebody does. What the
daemon has logged is what it should have told. Then hanode's own parts alone: so many
lines through a FIFO, and so many scripts, each of which notes its number.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.bench import KINDS, network
from benchmarks.machine import describe, installed
from hanode.rehearsal.namespaces import Bridge
from tests.live.daemons import Daemon

LINES = 4  # of the network: 250 virtual routers each
EACH = 250
ROUNDS = 3  # of pulling all cables
QUIET = 15.0  # seconds without a change of state: nothing more will come
ENTERED = re.compile(r"\((?P<name>\w+)\) Entering (?P<state>\w+) STATE")
TOLD = re.compile(r'INSTANCE "(?P<name>\w+)" (?P<state>\w+) ')

Story = dict[str, list[str]]  # instance -> its states, one after the other


def config(folder: Path) -> str:
    """A thousand instances and one FIFO."""
    text = f"global_defs {{\nnotify_fifo {folder}/fifo\nvrrp_version 3\n}}\n"
    for line in range(LINES):
        for number in range(1, EACH + 1):
            text += (
                f"vrrp_instance V{line}_{number} {{\ninterface eth{line}\n"
                f"virtual_router_id {number}\npriority 100\nadvert_int 0.5\n"
                f"virtual_ipaddress {{\n10.{line}.9.{number}/16\n}}\n}}\n"
            )
    return text


def states(lines: Sequence[str], pattern: re.Pattern[str]) -> Story:
    """What happened to each instance."""
    found: Story = {}
    for line in lines:
        match = pattern.search(line)
        if match:
            found.setdefault(match["name"], []).append(match["state"])
    return found


def side(kind: str) -> dict[str, float]:
    """What one daemon logs and tells."""
    with network("a") as (first, hosts, folder), ExitStack() as stack:
        host = hosts["a"]
        bridges = [first]
        for line in range(1, LINES):
            bridges.append(Bridge(f"lan{line}"))
            stack.callback(bridges[-1].close)
            bridges[-1].connect(host, f"eth{line}", f"192.0.{line + 2}.1/24")
        daemon = KINDS[kind](host, folder, config(folder))
        daemon.detail = False
        daemon.start()
        stack.callback(daemon.end)
        total = LINES * EACH
        settled(daemon, total)
        fifo = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
        stack.callback(os.close, fifo)
        for number in range(2, ROUNDS + 2):
            for line, bridge in enumerate(bridges):
                bridge.unplug(host, f"eth{line}")
            time.sleep(1.0)
            for line, bridge in enumerate(bridges):
                bridge.plug(host, f"eth{line}")
            settled(daemon, number * total)
        time.sleep(1.0)
        logged = states([line for _, line in daemon.log.lines], ENTERED)
        told = states(drained(fifo).decode().splitlines(), TOLD)
    events = sum(map(len, logged.values()))
    wrong = sum(told.get(name) != each for name, each in logged.items())
    return {
        "events": events,
        "lines in the FIFO": sum(map(len, told.values())),
        "instances with a gap": wrong,
    }


def settled(daemon: Daemon, masters: int) -> None:
    """Wait until so many instances have become MASTER in all, or nothing moves."""
    quiet, entered = time.monotonic(), 0
    while daemon.log.count("Entering MASTER STATE") < masters:
        now = daemon.log.count("Entering")
        if now != entered:
            quiet, entered = time.monotonic(), now
        elif time.monotonic() - quiet > QUIET:
            return  # what it has done by then is compared all the same
        time.sleep(0.2)


def drained(fifo: int) -> bytes:
    """All that comes until nothing has come for a second."""
    data, quiet = b"", time.monotonic()
    while time.monotonic() - quiet < 1.0:
        try:
            more = os.read(fifo, 1 << 20)
        except BlockingIOError:
            more = b""
        if more:
            data, quiet = data + more, time.monotonic()
        else:
            time.sleep(0.01)
    return data


PARTS = """
import sys, time
from types import SimpleNamespace
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from hanode.config.model import GlobalDefs, Notify, Script
from hanode.config.notify_model import Fifo, Fifos, NotifyDefs
from hanode.events import Event
from hanode.notifiers.fifo import FifoMessenger
from hanode.notifiers.script import ScriptMessenger
from hanode.processes import Processes

what, count, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
fifos = Fifos(Fifo(folder + "/fifo"))
defs = GlobalDefs(script_user="root", notify=NotifyDefs(fifos))
world = SimpleNamespace(clock=reactor, processes=Processes(reactor))
kind = FifoMessenger if what == "fifo" else ScriptMessenger
messenger = kind(world, defs)

def tell():
    messenger.start()
    if what == "fifo":
        input()
    began = time.perf_counter()
    for number in range(count):
        script = Script((folder + "/script", str(number % 20), str(number)))
        notify = Notify(master=None if what == "fifo" else script)
        name = f"V{number % 20}"
        messenger.notify(Event("INSTANCE", name, "MASTER", number, notify))
    print(time.perf_counter() - began, flush=True)
    messenger.idle().addCallback(lambda _: reactor.callLater(1, reactor.stop))

reactor.callWhenRunning(tell)
reactor.run()
"""


def fifo_alone(count: int) -> dict[str, float]:
    """So many lines; the reader begins when all have been told."""
    with tempfile.TemporaryDirectory() as folder:
        child = _parts("fifo", count, folder)
        path = Path(folder, "fifo")
        while not path.exists():
            time.sleep(0.01)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        child.stdin.write("go\n")
        child.stdin.flush()
        seconds = float(child.stdout.readline())
        lines = drained(reader).decode().splitlines()
        os.close(reader)
        child.communicate()
    wanted = [f'INSTANCE "V{n % 20}" MASTER {n}' for n in range(count)]
    return {
        "events": count,
        "lines read": len(lines),
        "in order": float(lines == wanted),
        "us per event": seconds / count * 1e6,
    }


def scripts_alone(count: int) -> dict[str, float]:
    """So many scripts of twenty objects, each of which notes its number."""
    with tempfile.TemporaryDirectory() as folder:
        script, out = Path(folder, "script"), Path(folder, "out")
        script.write_text(f'#!/bin/sh\necho "$1 $2" >> {out}\n')
        script.chmod(0o755)
        began = time.perf_counter()
        child = _parts("scripts", count, folder)
        child.communicate()
        seconds = time.perf_counter() - began - 1.0
        found: dict[str, list[int]] = {}
        for line in out.read_text().splitlines():
            name, number = line.split()
            found.setdefault(name, []).append(int(number))
    ordered = all(numbers == sorted(numbers) for numbers in found.values())
    return {
        "events": count,
        "scripts run": sum(map(len, found.values())),
        "in order": float(ordered),
        "scripts per second": count / seconds,
    }


def _parts(what: str, count: int, folder: str) -> subprocess.Popen[str]:
    from sys import executable

    argv = [executable, "-c", PARTS, what, str(count), folder]
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10000)
    parser.add_argument("--alone", action="store_true", help="hanode's parts only")
    options = parser.parse_args()
    print(describe())
    if not options.alone and shutil.which("ip"):
        for kind in KINDS:
            if installed(kind):
                print(f"{kind}: {_text(side(kind))}", flush=True)
    print(f"hanode, FIFO alone: {_text(fifo_alone(options.count))}", flush=True)
    print(f"hanode, scripts alone: {_text(scripts_alone(options.count))}", flush=True)


def _text(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:,.6g}" for name, value in figures.items())


if __name__ == "__main__":
    main()
