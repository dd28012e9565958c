"""Connections on the reactor: names of errors, and streams as transports."""

from __future__ import annotations

import errno
import os
import socket
from ipaddress import ip_address
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hanode import stream, switchboard
from hanode.config.balance_model import Target
from hanode.stream import NAMES, OUR_ERRORS, OURS, Attempt, Stream, name_of
from tests.checkers.servers import SHORT, Server, full


class NamesTests(SynchronousTestCase):
    def test_names(self) -> None:
        """An error has a name, or is called as the kernel calls it."""
        cases = {
            errno.ECONNREFUSED: "refused",
            errno.EHOSTUNREACH: "host unreachable",
            errno.ENETUNREACH: "network unreachable",
            errno.ETIMEDOUT: "connect timeout",
            errno.EADDRNOTAVAIL: "address not available",
            errno.EPROTO: "protocol error",
        }
        found = {
            number: name_of(OSError(number, os.strerror(number))) for number in cases
        }
        self.assertEqual(found, cases)
        self.assertEqual(name_of(OSError()), "unknown error")
        self.assertTrue(all(name == name.strip() for name in NAMES.values()))

    def test_ours(self) -> None:
        """What this machine lacks, and our own mistakes, blame no server."""
        lacks = {"too many open files", "out of memory", "no free port"}
        self.assertEqual(OURS, {"checker failed", *lacks})
        self.assertEqual({NAMES[each] for each in OUR_ERRORS}, lacks)


class Peer(Protocol):
    """Notes what happens to it."""

    def __init__(self) -> None:
        self.heard = b""
        self.lost: Deferred[type[BaseException] | None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Something came."""
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        self.lost.callback(reason.type)


class Noting(Attempt):
    """Notes how it went."""

    def __init__(self, target: Target) -> None:
        super().__init__(reactor, target)
        self.told: list[str] = []
        self.done: Deferred[None] = Deferred()

    def reached(self, connected: socket.SocketType) -> None:
        """It went."""
        connected.close()
        self.told.append("reached")
        self.done.callback(None)

    def failed(self, reason: str, detail: str) -> None:
        """It did not go."""
        self.told.append(reason)


class AttemptTests(TestCase):
    def answering(self, *numbers: int) -> Noting:
        """An attempt whose calls of connect(2) have these outcomes."""
        left = list(numbers)

        class Scripted(socket.socket):
            def connect_ex(self, _name: Any) -> int:
                return left.pop(0)

        self.patch(stream, "SocketType", Scripted)
        attempt = Noting(Target(ip_address("192.0.2.1"), 80, timeout=SHORT))
        self.addCleanup(attempt.give_up)
        attempt.start()
        return attempt

    def test_not_yet(self) -> None:
        """Called too early, as for a descriptor that is used again, it waits on."""
        attempt = Noting(full(self))
        attempt.start()
        attempt.soon()
        attempt.ready()
        self.assertEqual(attempt.told, [])
        attempt.give_up()
        attempt.soon()
        attempt.ready()
        attempt.give_up()
        self.assertEqual(attempt.told, [])

    def test_at_once(self) -> None:
        """What connect(2) refuses at once is told before start returns."""
        for number, name in (
            (errno.ENETUNREACH, "no route"),
            (errno.EADDRNOTAVAIL, "no free port"),
            (errno.EHOSTUNREACH, "host unreachable"),
            (errno.EPERM, "not permitted"),
        ):
            self.assertEqual(self.answering(number).told, [name])

    def test_soon(self) -> None:
        """What the network says within the turn has a name, and leaves nothing."""
        attempt = self.answering(errno.EINPROGRESS, errno.ENETUNREACH)
        self.assertEqual(attempt.told, [])
        attempt.soon()
        attempt.soon()
        self.assertEqual(attempt.told, ["network unreachable"])

    def test_later(self) -> None:
        """What the network says later has the same name."""
        numbers = errno.EINPROGRESS, errno.EALREADY, errno.EALREADY, errno.ENETUNREACH
        attempt = self.answering(*numbers)
        attempt.soon()
        attempt.ready()
        self.assertEqual(attempt.told, [])
        attempt.ready()
        self.assertEqual(attempt.told, ["network unreachable"])

    def test_no_room(self) -> None:
        """When the kernel cannot watch one more, this machine is to blame."""
        attempt = self.answering(errno.EINPROGRESS, errno.EALREADY)

        def watch(_descriptor: int, _waiting: Attempt) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        self.patch(switchboard.of(reactor), "watch", watch)
        attempt.soon()
        self.assertEqual(attempt.told, ["out of memory"])

    async def test_near(self) -> None:
        """A server nearby is never watched, and has its limit if more follows."""
        closing, keeping = Noting(Server(self).target()), Noting(Server(self).target())
        closing.closing = True
        limited: list[Attempt] = []
        board = switchboard.of(reactor)
        limit = board.limit

        def noted(waiting: Attempt, timeout: float) -> None:
            limited.append(waiting)
            limit(waiting, timeout)

        self.patch(board, "watch", self.fail)
        self.patch(board, "limit", noted)
        closing.start()
        keeping.start()
        await DeferredList([closing.done, keeping.done])
        self.assertEqual(limited, [keeping])
        self.assertEqual([closing.told, keeping.told], [["reached"], ["reached"]])


class StreamTests(TestCase):
    def setUp(self) -> None:
        """A stream, and the bare other end of it."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.other = socket.create_connection(listening.getsockname())
        ours, _name = listening.accept()
        listening.close()
        ours.setblocking(False)
        self.peer = Peer()
        self.stream = Stream(reactor, ours, self.peer)
        self.stream.start()
        self.addCleanup(self.other.close)
        self.addCleanup(self.stream.close)

    async def test_talk(self) -> None:
        """What is written arrives, what arrives is delivered, the end is told."""
        self.stream.writeSequence([b"hel", b"lo"])
        self.assertEqual(self.other.recv(10), b"hello")
        self.other.sendall(b"answer")
        self.other.shutdown(socket.SHUT_WR)
        self.assertIs(await self.peer.lost, ConnectionDone)
        self.assertEqual(self.peer.heard, b"answer")
        self.assertIsNone(self.stream.error)

    async def test_much(self) -> None:
        """More than the kernel takes at once is kept, and sent before the end."""
        data = bytes(range(256)) * 40000
        self.stream.write(data)
        self.stream.write(b"end")
        self.stream.loseConnection()
        self.stream.write(b"too late")
        heard = bytearray()
        self.other.setblocking(False)
        reading: Deferred[None] = Deferred()
        clock: Any = reactor

        def read() -> None:
            try:
                piece = self.other.recv(1 << 20)
            except BlockingIOError:
                piece = b" "
            else:
                heard.extend(piece)
            if piece:
                clock.callLater(0, read)
            else:
                reading.callback(None)

        read()
        await reading
        self.assertEqual(bytes(heard), data + b"end")
        self.assertIs(await self.peer.lost, ConnectionDone)

    async def test_reset(self) -> None:
        """A reset is a connection lost, and its error is kept."""
        self.other.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0" + bytes(4)
        )
        self.other.close()
        self.assertIs(await self.peer.lost, ConnectionLost)
        assert self.stream.error is not None
        self.assertEqual(self.stream.error.errno, errno.ECONNRESET)
        self.stream.write(b"nobody listens")

    async def test_abort(self) -> None:
        """Aborted, the protocol is told in a later turn."""
        self.stream.abortConnection()
        self.assertFalse(self.peer.lost.called)
        self.assertIs(await self.peer.lost, ConnectionAborted)

    def test_close(self) -> None:
        """Closed silently, nobody is told, and again changes nothing."""
        self.assertTrue(self.stream.close())
        self.assertFalse(self.stream.close())
        self.assertEqual(self.other.recv(1), b"")
        self.assertFalse(self.peer.lost.called)
        self.assertIsNone(self.stream.getPeer())

    def test_ends(self) -> None:
        """It knows both of its ends."""
        ends = self.stream.getHost(), self.stream.getPeer()
        names = [(each.host, each.port) for each in ends]
        self.assertEqual(names, [self.other.getpeername(), self.other.getsockname()])
