"""What the kernel tells of processes, without the kernel."""

from __future__ import annotations

import errno
import socket
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode import proc_connector
from hanode.proc_connector import COMM, EXEC, EXIT, FORK, ProcConnector


def event(what: int, *words: int) -> bytes:
    """One event as the kernel sends it (linux/cn_proc.h)."""
    body = pack("=IIQ", what, 0, 123) + pack(f"={len(words)}I", *words) + bytes(8)
    message = pack("=IIIIHH", 1, 1, 0, 0, len(body), 0) + body
    return pack("=IHHII", 16 + len(message), 3, 0, 0, 0) + message


class Kernel:
    """The other end: what it is asked, and what it says."""

    def __init__(self) -> None:
        kind = socket.SOCK_DGRAM
        self.here, self.there = socket.socketpair(socket.AF_UNIX, kind)
        self.lost = False

    def say(self, *events: bytes) -> None:
        """Let these wait in the socket."""
        for each in events:
            self.here.send(each)


class Door:
    """Our end: a socket that can also lose events."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel.there, name)

    def bind(self, address: tuple[int, int]) -> None:
        assert address == (0, 1)

    def setsockopt(self, level: int, option: int, value: int) -> None:
        if option == proc_connector.SO_RCVBUFFORCE:
            raise PermissionError(errno.EPERM, "no")

    def recv(self, size: int) -> bytes:
        if self._kernel.lost:
            self._kernel.lost = False
            raise OSError(errno.ENOBUFS, "lost")
        return self._kernel.there.recv(size)


class Reactor:
    """Keeps its readers."""

    def __init__(self) -> None:
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.remove(reader)


class Ear:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.then: Any = None

    def __getattr__(self, name: str) -> Any:
        def tell(*numbers: int) -> None:
            self.told.append((name, *numbers))
            if self.then is not None:
                self.then()

        return tell


class ConnectorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.kernel, self.reactor, self.ear = Kernel(), Reactor(), Ear()
        self.addCleanup(self.kernel.here.close)
        self.patch(proc_connector.socket, "socket", lambda *words: Door(self.kernel))

    def connect(self, answer: bytes = b"") -> ProcConnector:
        self.kernel.say(answer or event(0, 0))
        return ProcConnector(self.reactor, self.ear)

    def test_asked(self) -> None:
        """It asks to be told, and listens when the kernel agrees."""
        connector = self.connect()
        self.assertEqual(
            self.kernel.here.recv(100)[16:], pack("=IIIIHHI", 1, 1, 0, 0, 4, 0, 1)
        )
        self.assertEqual(self.reactor.readers, [connector])
        self.assertEqual(connector.fileno(), self.kernel.there.fileno())
        self.assertEqual(connector.logPrefix(), "processes")
        connector.close()
        self.assertEqual(self.reactor.readers, [])

    def test_refused(self) -> None:
        """What the kernel refuses is an error that says so."""
        error = self.assertRaises(OSError, self.connect, event(0, errno.EPERM))
        self.assertEqual(error.errno, errno.EPERM)
        self.assertEqual(self.reactor.readers, [])

    def test_events(self) -> None:
        """Processes are told of, threads are not, nor what is too short."""
        connector = self.connect()
        self.kernel.say(
            event(FORK, 10, 10, 20, 20),
            event(FORK, 10, 10, 21, 20),
            event(EXEC, 20, 20),
            event(COMM, 20, 20),
            event(COMM, 21, 20),
            event(EXIT, 21, 20),
            event(EXIT, 20, 20),
            event(0x40, 20, 20),
            b"short",
        )
        connector.doRead()
        self.assertEqual(
            self.ear.told,
            [
                ("forked", 10, 20),
                ("changed", 20),
                ("changed", 20),
                ("ended", 20),
                ("drained",),
            ],
        )
        connector.close()

    def test_lost(self) -> None:
        """Lost events are told of."""
        connector = self.connect()
        self.kernel.lost = True
        connector.doRead()
        self.assertEqual(self.ear.told, [("lost",), ("drained",)])
        connector.close()

    def test_closed_by_who_is_told(self) -> None:
        """Whoever is told may close it."""
        connector = self.connect()
        self.kernel.say(event(EXIT, 20, 20), event(EXIT, 21, 21))
        self.ear.then = connector.close
        connector.doRead()
        self.assertEqual(self.ear.told, [("ended", 20)])

    def test_broken(self) -> None:
        """Any other error is not hidden."""
        connector = self.connect()
        connector.close()
        self.assertRaises(OSError, connector.doRead)
