"""Starts hanode many times without importing it each time.

In a guest kernel, where a system call costs forty times what it does outside, the
imports of one start take five seconds. So one process imports everything but the
reactor, and each daemon is a fork of it that goes on as C{hanode ARGUMENTS} would.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
from typing import Any

from hanode.rehearsal.syscalls import CLONE_NEWNET

LARGEST = 65536  # bytes of one request


class Nursery:
    """The process that forks; C{start} is as quick as a fork."""

    def __init__(self) -> None:
        self._port, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = [sys.executable, "-m", __name__, str(other.fileno())]
        self._process = subprocess.Popen(words, pass_fds=[other.fileno()])
        other.close()

    def start(self, arguments: list[str], network: int | None = None) -> Child:
        """hanode with these arguments; its output is C{stdout}.

        C{network} is a descriptor of the network namespace that it lives in.
        """
        reading, writing = os.pipe()
        given = [writing] if network is None else [writing, network]
        socket.send_fds(self._port, [json.dumps(arguments).encode()], given)
        os.close(writing)
        return Child(int(self._port.recv(LARGEST)), reading)

    def end(self) -> None:
        """It ends when it hears nothing more."""
        self._port.close()
        self._process.wait()


class Child:
    """As much of L{subprocess.Popen} as a test needs; the status is not known."""

    def __init__(self, pid: int, reading: int) -> None:
        self.pid = pid
        self.stdout = os.fdopen(reading)
        self._watched = os.pidfd_open(pid)

    def send_signal(self, number: int) -> None:
        signal.pidfd_send_signal(self._watched, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        return 0 if select.select([self._watched], [], [], 0)[0] else None

    def wait(self, timeout: float | None = None) -> int:
        """Raises L{subprocess.TimeoutExpired}."""
        if not select.select([self._watched], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("hanode", timeout or 0)
        return 0


def prepare() -> None:
    """Import what a daemon will."""
    import hanode.checkers
    import hanode.dataplanes
    import hanode.notifiers
    from hanode import interfaces, node, tap
    from hanode.plugins import find

    for interface, package in (
        (interfaces.IChecker, hanode.checkers),
        (interfaces.IBalancerKind, hanode.dataplanes),
        (interfaces.INotifier, hanode.notifiers),
    ):
        find(interface, package)
    assert node and tap
    assert "twisted.internet.reactor" not in sys.modules  # each child has its own


def become(arguments: list[str], output: int) -> Any:
    """Be the daemon from now on."""
    from hanode.cli import main

    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    sys.argv = ["hanode", *arguments]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return main(arguments)


def enter(network: int) -> None:
    """Live in this network namespace from now on, see setns(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(network)


def serve(port: socket.socket) -> None:
    """Fork for each request, until the other side is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    prepare()
    while True:
        data, received, _, _ = socket.recv_fds(port, LARGEST, 2)
        if not data:
            return
        pid = os.fork()
        if pid == 0:
            port.close()
            for network in received[1:]:
                enter(network)
            os._exit(become(json.loads(data), received[0]) or 0)
        for each in received:
            os.close(each)
        port.send(str(pid).encode())


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
