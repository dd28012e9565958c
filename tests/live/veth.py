"""A private network namespace with one veth pair, and what tests do in it.

The test process enters a new namespace for each test and comes back afterwards; the
machine's own interfaces and settings are never touched.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import subprocess
from ipaddress import ip_address
from typing import Any

from twisted.internet.task import Clock

from tests.dataplanes.contract import DEVICE

CLONE_NEWNET = 0x40000000
PEER = "peer0"


def reason_to_skip() -> str | None:
    """Why there can be no private namespace here, None when there can."""
    if os.geteuid() != 0:
        return "needs root for a private network namespace"
    done = subprocess.run(
        ["unshare", "--net", "ip", "link", "add", "probe0", "type", "veth"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return f"no private network namespace with veth: {done.stderr.strip()}"
    return None


class Namespace:
    """A new network namespace that this thread is in until C{leave}."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._call("unshare", CLONE_NEWNET)

    def leave(self) -> None:
        self._call("setns", self._before, CLONE_NEWNET)
        os.close(self._before)

    def _call(self, name: str, *arguments: int) -> None:
        if getattr(self._libc, name)(*arguments):
            code = ctypes.get_errno()
            raise OSError(code, f"{name}: {os.strerror(code)}")


def ip(*words: str) -> str:
    """Run ip(8) in the namespace; what it prints."""
    done = subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
    return done.stdout


def create_interface() -> None:
    ip("link", "add", DEVICE, "type", "veth", "peer", "name", PEER)
    for name in (PEER, DEVICE):
        ip("link", "set", name, "up")


def addresses(device: str = DEVICE) -> list[str]:
    """The addresses of an interface, without link-local ones."""
    (found,) = json.loads(ip("-j", "addr", "show", "dev", device))
    return [
        f"{each['local']}/{each['prefixlen']}"
        for each in found["addr_info"]
        if not each["local"].startswith("fe80")
    ]


class Turns(Clock):
    """A reactor that turns when it is told to: real descriptors, rehearsed time."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()

    def addReader(self, reader: Any) -> None:
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.discard(reader)

    def settle(self, patience: float = 0.02) -> None:
        """Read until nothing has come for a while, and do what is due by then."""
        while True:
            ready, _, _ = select.select(tuple(self.readers), (), (), patience)
            if not ready:
                break
            for reader in ready:
                reader.doRead()
        self.advance(0)


class Ear:
    """Hears the announcements that arrive at the other end of the veth pair."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._open()

    def _open(self) -> None:
        self._port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._port.setblocking(False)
        self._port.bind((PEER, 0x0003))

    def hear(self) -> list[str]:
        """The addresses announced since the last call."""
        heard = []
        while True:
            try:
                frame = self._port.recv(2048)
            except BlockingIOError:
                return heard
            except OSError:  # the interface went down: it says so once
                continue
            self.frames.append(frame)
            if frame[12:14] == b"\x08\x06" and not any(frame[28:32]):
                continue  # it asks whether anybody has the address
            if frame[12:14] == b"\x08\x06":
                heard.append(str(ip_address(frame[38:42])))
            elif frame[12:14] == b"\x86\xdd" and frame[54] == 136:
                address = ip_address(frame[62:78])
                if not address.is_link_local:
                    heard.append(str(address))

    def close(self) -> None:
        self._port.close()
