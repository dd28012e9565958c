"""What checks cost: TCP_CHECK and HTTP_GET beside HAProxy's, at the same rate.

The servers are in a process of their own, on a core of its own where there are two: as
on another machine, they do not run in between. Bare are the system calls of a TCP check
in Python, without anything around them: nothing written in Python can be below that.
Scheduled is the same check as the daemon makes it: with calendar, limits and verdict.
C{python -m benchmarks.checks [--rate PER_SECOND] [--seconds SECONDS]}
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import machine
from benchmarks.bench import TICK, print_columns
from hanode.calendar import TICKS
from hanode.checkers.http import httpChecker
from hanode.checkers.http_words import HttpOptions, Url
from hanode.checkers.tcp import tcpChecker
from hanode.checks import Checks
from hanode.config.balance_model import Check, Schedule, Target
from hanode.facts import Facts
from hanode.world import make_monotonic

RATE, SECONDS = 2000, 10.0
WARM_UP = 2.0  # seconds that do not count
ADDRESSES = [f"127.0.3.{number}" for number in range(1, 9)]  # each has its 28000 ports
TURN = 1 / TICKS  # seconds: how often the daemon begins checks
LINES = 1000  # different checks, where they are scheduled
SERVERS = 200  # of HAProxy
PAGE = b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
SCHEDULED = "scheduled"
WANTED = {"TCP": "60 us", "HTTP": "200 us"}
HEAD = ("check", "by", "checks/s", "good %", "CPU us/check", "wanted of hanode")
HAPROXY = """
global
    maxconn 1000
    nbthread 1
defaults
    mode {mode}
    timeout connect 2s
    timeout client 2s
    timeout server 2s
frontend needed
    bind {folder}/socket
    default_backend all
backend all
    {option}
    default-server check inter {interval}ms fastinter {interval}ms
"""
Row = tuple[str, ...]


def serve(port: int, count: Any) -> None:
    """Answer every connection of HTTP, close every connection; never ends."""
    poll = select.epoll()
    ports, open_, reset = {}, {}, 0
    for address in ADDRESSES:
        listening = socket.create_server((address, port), backlog=4096)
        listening.setblocking(False)
        ports[listening.fileno()] = listening
        poll.register(listening, select.EPOLLIN)
    while True:
        for descriptor, _event in poll.poll():
            if descriptor in ports:
                with_, _name = ports[descriptor].accept()
                open_[with_.fileno()] = with_
                poll.register(with_, select.EPOLLIN)
                count.value += 1
                continue
            connection = open_.pop(descriptor)
            try:
                if connection.recv(4096):
                    connection.send(PAGE)
            except OSError:
                reset += 1  # as HAProxy ends its checks
            poll.unregister(descriptor)
            connection.close()


@contextmanager
def servers() -> Iterator[tuple[int, Any]]:
    """The port of all servers, and how many connections they have had."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    count = context.Value("q", 0, lock=False)
    process = context.Process(target=serve, args=(port, count), daemon=True)
    process.start()
    assert process.pid is not None
    cores = os.sched_getaffinity(0)
    if len(cores) > 1:
        last = {max(cores)}
        os.sched_setaffinity(process.pid, last)
        os.sched_setaffinity(0, cores - last)
    _wait_for(port)
    try:
        yield port, count
    finally:
        os.sched_setaffinity(0, cores)
        process.kill()
        process.join()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection((ADDRESSES[-1], port)).close()
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError("the servers do not start")


class Counting:
    """A checker that counts its results, good ones and others."""

    def __init__(self, checker: Any) -> None:
        self.checker, self.longest = checker, checker.longest
        self.found: Counter[bool] = Counter()

    def probe(self, world: Any, check: Check) -> Any:
        """See L{hanode.interfaces.IChecker}."""
        return self.checker.probe(world, check).addCallback(self._note)

    def _note(self, result: Any) -> Any:
        self.found[result.ok] += 1
        return result


def ours(kind: str, port: int, rate: int, seconds: float) -> None:
    """Make checks at a rate, and print what they cost as JSON."""
    from twisted.internet import epollreactor

    epollreactor.install()
    from twisted.internet import reactor

    clock: Any = reactor
    make_monotonic(clock)
    checker = Counting(httpChecker if kind == "HTTP" else tcpChecker)
    if kind == SCHEDULED:
        schedule(clock, checker, port, rate)
    else:
        options = HttpOptions((Url("/"),)) if kind == "HTTP" else ()
        repeat(clock, checker, options, port, rate)

    def begin() -> None:
        checker.found.clear()
        clock.callLater(seconds, end, clock.seconds(), time.process_time())

    def end(since: float, before: float) -> None:
        spent, took = time.process_time() - before, clock.seconds() - since
        found = checker.found
        print(json.dumps([spent, took, found[True], found.total()]))
        clock.stop()

    clock.callLater(WARM_UP, begin)
    gc.collect()
    gc.freeze()
    clock.run()


def repeat(clock: Any, checker: Counting, options: Any, port: int, rate: int) -> None:
    """Begin probes at a rate, and nothing else."""
    world = argparse.Namespace(clock=clock)
    checks = [
        Check("", options, Target(ip_address(address), port)) for address in ADDRESSES
    ]
    begun, start = 0, clock.seconds()

    def turn() -> None:
        nonlocal begun
        now = clock.seconds() - start
        while begun < now * rate:
            checker.probe(world, checks[begun % len(checks)])
            begun += 1
        clock.callLater(TURN, turn)

    turn()


def schedule(clock: Any, checker: Counting, port: int, rate: int) -> None:
    """Let the daemon's own schedule make checks at a rate."""
    world = argparse.Namespace(clock=clock, random=Random(1))
    checks = Checks(world, Facts(clock), {"": checker}, lambda _line, _actions: None)
    user: Any = argparse.Namespace(suspended=False), None
    often = Schedule(delay_loop=LINES / rate, warmup=LINES / rate)
    for number in range(LINES):
        target = Target(ip_address(ADDRESSES[number % len(ADDRESSES)]), port)
        checks.join(checks.line(Check("", number, target, often)), user)
    checks.start()


def bare(port: int, rate: int, seconds: float) -> tuple[float, int]:
    """CPU seconds and number of connections without anything around them."""
    kind = int(socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    done, start, spent = 0, time.monotonic(), time.process_time()
    while (now := time.monotonic() - start) < seconds:
        while done < now * rate:
            one = socket.SocketType(socket.AF_INET, kind)
            name = ADDRESSES[done % len(ADDRESSES)], port
            one.connect_ex(name)
            one.connect_ex(name)
            one.close()
            done += 1
        time.sleep(TURN)
    return time.process_time() - spent, done


def measure_ours(kind: str, port: int, rate: int, seconds: float) -> Row:
    """Our row of the table."""
    words = ["--ours", kind, "--port", f"{port}"]
    words += ["--rate", f"{rate}", "--seconds", f"{seconds}"]
    command = [sys.executable, "-m", "benchmarks.checks", *words]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    spent, took, good, checks = json.loads(output)
    if kind == SCHEDULED:
        return _row("TCP", f"hanode, {kind}", spent, took, good / checks, checks)
    return _row(kind, "hanode", spent, took, good / checks, checks, WANTED[kind])


def measure_haproxy(kind: str, port: int, rate: int, seconds: float, count: Any) -> Row:
    """HAProxy's row: as many servers with as short an interval as make the rate."""
    interval = max(1, round(1000 * SERVERS / rate))
    with tempfile.TemporaryDirectory(prefix="hanode-bench-") as folder:
        text = HAPROXY.format(
            mode="tcp" if kind == "TCP" else "http",
            option="" if kind == "TCP" else "option httpchk GET /",
            interval=interval,
            folder=folder,
        )
        for number in range(SERVERS):
            address = ADDRESSES[number % len(ADDRESSES)]
            text += f"    server s{number} {address}:{port}\n"
        file = Path(folder, "haproxy.cfg")
        file.write_text(text)
        process = subprocess.Popen(
            ["haproxy", "-db", "-f", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            time.sleep(WARM_UP + 1)
            before, begun, start = _cpu(process.pid), count.value, time.monotonic()
            time.sleep(seconds)
            spent = _cpu(process.pid) - before
            took = time.monotonic() - start
            checks = count.value - begun
            if process.poll() is not None:
                raise ChildProcessError("haproxy ended")
        finally:
            process.kill()
            process.wait()
    if kind == "TCP":
        # It resets before its acknowledgement was sent, so that the servers see
        # nothing to count: it is believed to keep to its interval.
        checks = round(took * SERVERS * 1000 / interval)
    return _row(kind, "HAProxy", spent, took, None, checks)


def _cpu(pid: int) -> float:
    """Seconds of processor time of one process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _row(
    kind: str,
    whose: str,
    spent: float,
    took: float,
    good: float | None,
    checks: int,
    wanted: str = "",
) -> Row:
    share = "-" if good is None else f"{100 * good:.1f}"
    cost = f"{1e6 * spent / max(1, checks):.1f}"
    return kind, whose, f"{checks / took:.0f}", share, cost, wanted


def rows(rate: int, seconds: float) -> Iterator[Row]:
    """All rows, hanode and its peer in turn."""
    with servers() as (port, count):
        spent, done = bare(port, rate, seconds)
        yield _row("TCP", "bare", spent, seconds, None, done)
        for kind in ("TCP", "HTTP"):
            yield measure_ours(kind, port, rate, seconds)
            if kind == "TCP":
                yield measure_ours(SCHEDULED, port, rate, seconds)
            if shutil.which("haproxy", path=f"{machine.PATH}:{os.defpath}"):
                yield measure_haproxy(kind, port, rate, seconds, count)


def main(words: list[str]) -> None:
    """Print the table, and where it comes from."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks")
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--ours", choices=(*WANTED, SCHEDULED), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    wanted = parser.parse_args(words)
    if wanted.ours:
        ours(wanted.ours, wanted.port, wanted.rate, wanted.seconds)
        return
    where, found = machine.describe(), []
    for row in rows(wanted.rate, wanted.seconds):
        sys.stderr.write(f"  {' | '.join(row)}\n")
        found.append(row)
    title = f"Checks at {wanted.rate} a second, {wanted.seconds:g} s each"
    print_columns(title, HEAD, found)
    print(f"\n{where}")


if __name__ == "__main__":
    main(sys.argv[1:])
