"""Requests through the kernel while the whole daemon balances, dies and returns."""

from __future__ import annotations

import select
import shutil
import socket
import subprocess
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.case import until
from tests.live.daemons import Hanode
from tests.live.guest import kernel
from tests.live.guest.comparison import farm
from tests.live.guest.farm import Here, written
from tests.live.guest.scenarios import PAIR, web

VIP = "192.0.2.1"
DOWNLOADS = 100
PIECE = b"x" * 1000
OTHER_PORT = 81  # of servers that this test itself is


class PathTests(SynchronousTestCase):
    """The client is on this machine, too, and so is the virtual address."""

    skip = getattr(kernel.KernelCase, "skip", None)

    def setUp(self) -> None:
        kernel.clear()
        self.addCleanup(kernel.clear)
        words = ["ip", "addr", "replace", f"{VIP}/32", "dev", "lo"]
        subprocess.run(words, check=True)
        self.folder = Path(tempfile.mkdtemp(prefix="hanode-path-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.farm = farm()
        self.farm.up()
        self.addCleanup(self.farm.down)
        for address, server in self.farm.servers.items():
            server.page = address

    def start(self, config: str) -> Any:
        """The daemon, once its service is there with both real servers."""
        daemon = Hanode(Here(), self.folder, written(config, self.folder))
        daemon.start()
        self.addCleanup(daemon.end)
        until(lambda: len(kernel.save()) == 3, 30)
        return daemon

    def requests(self, count: int) -> Counter[str]:
        """How many of C{count} requests each server answered; "" is nobody."""
        return Counter(self.request() for _ in range(count))

    def request(self) -> str:
        try:
            with socket.create_connection((VIP, 80), 2) as client:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                said = b""
                while piece := client.recv(4096):
                    said += piece
        except OSError:
            return ""
        return said.decode().rpartition("\n")[2]

    def test_round_robin(self) -> None:
        """Both get the same; one that died gets none, and its part when it is back."""
        self.start(web(PAIR))
        self.assertEqual(self.requests(10), {"10.0.0.1": 5, "10.0.0.2": 5})
        self.farm.server("2").down()
        until(lambda: len(kernel.save()) == 2)
        self.assertEqual(self.requests(10), {"10.0.0.1": 10})
        self.farm.server("2").up()
        until(lambda: len(kernel.save()) == 3)
        self.assertEqual(self.requests(10), {"10.0.0.1": 5, "10.0.0.2": 5})

    def test_sorry_server(self) -> None:
        """When nobody is left the sorry server answers."""
        self.start(web(PAIR + "sorry_server 10.0.0.9 80\n"))
        self.farm.server("1").down()
        self.farm.server("2").down()
        until(lambda: any("10.0.0.9" in line for line in kernel.save()))
        self.assertEqual(self.requests(3), {"10.0.0.9": 3})

    def test_persistence(self) -> None:
        """A client stays with its server."""
        self.start(web(PAIR + "persistence_timeout 60\n"))
        self.assertEqual(list(self.requests(10).values()), [10])

    def test_restart_cuts_nothing(self) -> None:
        """A hundred open downloads go on after kill -9, and after another start."""
        below = "".join(f"real_server 10.0.0.{n} {OTHER_PORT} {{\n}}\n" for n in (1, 2))
        config = web(f"lvs_sched rr\nlvs_method NAT\n{below}", f"{VIP} {OTHER_PORT}")
        daemon = self.start(config)
        with ExitStack() as opened:
            servers = [opened.enter_context(self.server(number)) for number in (1, 2)]
            clients, ends = [], []
            for _ in range(DOWNLOADS):
                client = socket.create_connection((VIP, OTHER_PORT), 5)
                clients.append(opened.enter_context(client))
                ready, _, _ = select.select(servers, (), (), 5)
                end, _ = ready[0].accept()
                ends.append(opened.enter_context(end))
            self.download(clients, ends)
            before = kernel.save()
            daemon.kill()
            self.download(clients, ends)
            self.assertEqual(kernel.save(), before)
            daemon.start()
            daemon.log.wait_for("taking over", 30)
            self.download(clients, ends)
            self.assertEqual(kernel.save(), before)

    def server(self, number: int) -> socket.socket:
        port = socket.create_server((f"10.0.0.{number}", OTHER_PORT), backlog=DOWNLOADS)
        port.settimeout(5)
        return port

    def download(self, clients: list[socket.socket], ends: list[socket.socket]) -> None:
        """Every client gets the next piece, from whichever server is its own."""
        for end in ends:
            end.sendall(PIECE)
        self.assertEqual({client.recv(len(PIECE)) for client in clients}, {PIECE})
