"""Real servers on this machine's loopback, and daemons that check them."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.live.daemons import Daemon, Hanode
from tests.live.guest.nursery import Nursery

PORT = 80
ADDRESSES = [f"10.0.0.{number}" for number in range(1, 10)]
ADDRESSES += [f"fd00::{number}" for number in range(1, 4)]
TIMES = "delay_loop 0.2\nwarmup 0\nconnect_timeout 1\nretry 1\ndelay_before_retry 0.1\n"
BLOCK = re.compile(r"@([\da-f:]+)(?:{([^}]*)})?")


class Server:
    """One address that answers, as HTTP when it is asked something."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.status, self.page = "200", "hello"
        self._port: socket.socket | None = None

    def up(self) -> None:
        if self._port is None:
            family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
            self._port = socket.socket(family, socket.SOCK_STREAM)
            self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._port.bind((self.address, PORT))
            self._port.listen(64)
            threading.Thread(
                target=self._serve, args=(self._port,), daemon=True
            ).start()

    def down(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.shutdown(socket.SHUT_RDWR)
            port.close()

    def _serve(self, port: socket.socket) -> None:
        while True:
            try:
                client, _ = port.accept()
            except OSError:
                return  # down
            with client:
                client.settimeout(1)
                try:
                    if client.recv(4096):
                        client.sendall(self._answer())
                except OSError:
                    continue  # it wanted nothing but the connection

    def _answer(self) -> bytes:
        head = (
            f"HTTP/1.0 {self.status} Said\r\nContent-Length: {len(self.page)}\r\n\r\n"
        )
        return (head + self.page).encode()


class Farm:
    """All of them; the addresses are on the loopback interface."""

    def __init__(self) -> None:
        for each in ADDRESSES:
            prefix = 128 if ":" in each else 32
            words = ["ip", "addr", "replace", f"{each}/{prefix}", "dev", "lo"]
            subprocess.run(words, check=True)
        self.servers = {each: Server(each) for each in ADDRESSES}

    def server(self, short: str) -> Server:
        return self.servers[short if ":" in short else f"10.0.0.{short}"]

    def up(self) -> None:
        """All as they are at the beginning."""
        for each in self.servers.values():
            each.status, each.page = "200", "hello"
            each.up()

    def down(self) -> None:
        for each in self.servers.values():
            each.down()


@cache
def nursery() -> Nursery:
    """One for all tests."""
    return Nursery()


class Here:
    """This machine, where other tests have a host in a namespace."""

    name = "here"

    def popen(self, argv: list[str], **given: Any) -> Any:
        """Start it; hanode is born quickly."""
        if argv[1:3] == ["-m", "hanode.cli"]:
            return nursery().start(argv[3:])
        return subprocess.Popen(argv, **given)


class Balancing(Daemon):
    """Debian's keepalived, checks and IPVS only."""

    kind = "keepalived"

    def argv(self) -> list[str]:
        """The command line."""
        pids = [f"{flag}{self.folder}/{flag}.pid" for flag in ("-p", "-c")]
        program = shutil.which("keepalived") or "/usr/sbin/keepalived"
        return [program, "-n", "-l", "-D", "-C", "-f", str(self.file), *pids]


KINDS: Sequence[Any] = (Balancing, Hanode)


def written(config: str, folder: Path) -> str:
    """The configuration as both read it."""

    def block(match: re.Match[str]) -> str:
        short, inside = match[1], match[2] or ""
        address = short if ":" in short else f"10.0.0.{short}"
        return f"real_server {address} {PORT} {{\n{inside}\nTCP_CHECK {{\n}}\n}}\n"

    text = BLOCK.sub(block, config.replace("TIMES", TIMES))
    defs = "global_defs {\nscript_user root\n}\n"
    return defs + text.replace("FOLDER", str(folder))
