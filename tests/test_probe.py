"""Claims about asking by datagrams, with real sockets on loopback."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from hanode import probe
from hanode.config.balance_model import Target
from hanode.probe import IP_RECVERR, MOST_STRAYS, PER_READ, ask, failed, open_udp
from hanode.result import Result

YES = Result(True, "yes")
SILENCE = Result(False, "silence")


class Listening:
    """Takes the datagrams in C{answers} for answers; ICMP errors are ours or not."""

    def __init__(self, ours: bool = True, answers: tuple[bytes, ...] = (b"yes",)):
        self.ours, self.answers = ours, answers

    def heard(self, data: bytes) -> Result | None:
        return YES if data in self.answers else None

    def silence(self) -> Result:
        return SILENCE

    def concerns(self, packet: bytes) -> bool:
        return self.ours


class Broken(Listening):
    """A listener with a bug."""

    def heard(self, data: bytes) -> Result | None:
        raise IndexError("on purpose")


class Board:
    """A reactor by hand: a clock, and the readers that it was given."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.callLater, self.seconds = self.clock.callLater, self.clock.seconds
        self.readers: list[Any] = []
        self.addReader: Callable[[Any], None] = self.readers.append
        self.removeReader = self._remove

    def _remove(self, reader: Any) -> None:
        if reader in self.readers:
            self.readers.remove(reader)


class AskTests(SynchronousTestCase):
    """One question, step by step."""

    def setUp(self) -> None:
        """A server that says nothing by itself, and a socket that leads to it."""
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.server.close)
        self.server.bind(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.board = Board()
        self.opened = open_udp(Target(ip_address("127.0.0.1"), self.port))
        self.addCleanup(self.opened.close)

    def ask(self, listener: Any) -> Any:
        """Ask; 5 seconds are allowed."""
        return ask(self.board, self.opened, b"?", 5.0, listener)

    def reply(self, *data: bytes) -> None:
        """The server sends these."""
        for each in data:
            self.server.sendto(each, self.opened.getsockname())

    def gone(self) -> None:
        """Nothing is left of the probe."""
        self.assertEqual(self.board.readers, [])
        self.assertEqual(self.board.clock.getDelayedCalls(), [])
        self.assertEqual(self.opened.fileno(), -1)

    def test_answer(self) -> None:
        """The answer ends it, with the time that it took."""
        done = self.ask(Listening())
        self.assertEqual(self.server.recv(10), b"?")
        self.board.clock.advance(0.25)
        self.reply(b"no", b"yes", b"yes")
        self.board.readers[0].doRead()
        wanted = Result(True, "yes", seconds=0.25)
        self.assertEqual(self.successResultOf(done), wanted)
        self.gone()

    def test_nothing_to_read(self) -> None:
        """A reactor that calls for nothing does no harm."""
        done = self.ask(Listening())
        self.board.readers[0].doRead()
        self.assertNoResult(done)
        self.board.clock.advance(5)
        wanted = Result(False, "silence", seconds=5.0)
        self.assertEqual(self.successResultOf(done), wanted)
        self.gone()

    def test_late_reactor(self) -> None:
        """What waits in the socket when the time is over counts."""
        done = self.ask(Listening())
        self.reply(b"no", b"yes")
        self.board.clock.advance(60)
        self.assertEqual(self.successResultOf(done).reason, "yes")
        self.gone()

    def test_turns(self) -> None:
        """A turn reads some datagrams and no more; a flood is an outcome."""
        done = self.ask(Listening())
        (reader,) = self.board.readers
        for turn in range(MOST_STRAYS // PER_READ):
            self.assertNoResult(done)
            self.assertEqual(self.opened.fileno() < 0, False, turn)
            self.reply(*[b"no"] * (PER_READ + 1))
            reader.doRead()
        wanted = (False, "flooded", "1000 datagrams, none the answer")
        result = self.successResultOf(done)
        self.assertEqual((result.ok, result.reason, result.detail), wanted)
        self.gone()

    def test_listener_with_a_bug(self) -> None:
        """A checker that fails is a failure with a name, and is in the log."""
        done = self.ask(Broken())
        self.reply(b"yes")
        self.board.readers[0].doRead()
        wanted = Result(False, "checker failed", "see the log", ours=True)
        self.assertEqual(self.successResultOf(done), wanted)
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)
        self.gone()

    def test_error_of_ours(self) -> None:
        """An ICMP error is told by the reactor as a lost connection."""
        self.server.close()
        done = self.ask(Listening())
        (reader,) = self.board.readers
        self.board.removeReader(reader)
        reader.connectionLost(Failure(ConnectionDone()))
        wanted = Result(False, "refused", "Connection refused, says 127.0.0.1")
        self.assertEqual(self.successResultOf(done), wanted)
        self.gone()

    def test_error_of_others(self) -> None:
        """One that is about somebody else's packet is none: we go on listening."""
        self.server.close()
        done = self.ask(Listening(ours=False))
        (reader,) = self.board.readers
        self.board.removeReader(reader)
        reader.connectionLost(Failure(ConnectionDone()))
        self.assertNoResult(done)
        self.assertEqual(self.board.readers, [reader])
        self.board.clock.advance(5)
        self.assertEqual(self.successResultOf(done).reason, "silence")
        reader.connectionLost(Failure(ConnectionDone()))
        self.gone()

    def test_error_without_report(self) -> None:
        """Where the kernel keeps no report, its errno is all there is."""
        self.opened.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 0)
        self.server.close()
        done = self.ask(Listening())
        self.board.readers[0].doRead()
        wanted = Result(False, "refused", "Connection refused")
        self.assertEqual(self.successResultOf(done), wanted)
        self.gone()

    def test_end_of_the_reactor(self) -> None:
        """When the reactor lets go of everything, everything is given back."""
        done = self.ask(Listening())
        self.board.readers.pop().connectionLost(Failure(ConnectionLost()))
        self.assertNoResult(done)
        self.gone()

    def test_cannot_send(self) -> None:
        """A question that cannot be sent is failure at once."""
        huge = bytes(70000)
        done = ask(self.board, self.opened, huge, 5.0, Listening())
        result = self.successResultOf(done)
        self.assertEqual((result.ok, result.detail), (False, "Message too long"))
        self.gone()

    def test_cancel(self) -> None:
        """Cancelled, everything is given back."""
        done = self.ask(Listening())
        done.cancel()
        self.assertEqual(self.successResultOf(done), Result(False, "cancelled"))
        self.gone()

    def test_prefix(self) -> None:
        """The probe has a name for the log of the reactor."""
        self.ask(Listening()).addErrback(lambda failure: None)
        self.assertEqual(self.board.readers[0].logPrefix(), "probe")
        self.board.clock.advance(5)


class OpenTests(SynchronousTestCase):
    """Sockets as the target wants them."""

    def test_mark(self) -> None:
        """Every mark of 32 bits can be set."""
        for mark in (1, 0xFFFFFFFF):
            target = Target(ip_address("127.0.0.1"), 9, mark=mark)
            with open_udp(target) as opened:
                found = opened.getsockopt(socket.SOL_SOCKET, socket.SO_MARK, 4)
            self.assertEqual(struct.unpack("I", found), (mark,))

    def test_local_names(self) -> None:
        """Bound to an address, a port and an interface, for both families."""
        for address in ("127.0.0.1", "::1"):
            own = ip_address(address)
            with open_udp(Target(own, 9, own, 40123, "lo")) as opened:
                self.assertEqual(opened.getsockname()[:2], (address, 40123))
                self.assertEqual(opened.getpeername()[:2], (address, 9))

    def test_nothing_before(self) -> None:
        """What came to the port before we were connected is not read."""
        made = socket.socket.bind
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(other.close)

        def bind(opened: socket.socket, name: Any) -> None:
            made(opened, name)
            other.sendto(b"early", name)

        other.bind(("127.0.0.1", 0))
        own = ip_address("127.0.0.1")
        self.patch(socket.socket, "bind", bind)
        with open_udp(Target(own, 9, own, 40124)) as opened:
            self.assertRaises(BlockingIOError, opened.recv, 10)

    def test_nothing_is_left(self) -> None:
        """A socket that cannot be prepared is closed."""
        before = sorted(os.listdir("/proc/self/fd"))
        foreign = ip_address("192.0.2.99")
        target = Target(ip_address("127.0.0.1"), 9, foreign)
        self.assertRaises(OSError, open_udp, target)
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)

    if os.geteuid() != 0:
        test_mark.skip = "needs root"  # type: ignore[attr-defined]


class FailedTests(SynchronousTestCase):
    """Names of errors."""

    def test_names(self) -> None:
        """What the network says is the server's fault."""
        for number, name in (
            (errno.ECONNREFUSED, "refused"),
            (errno.EHOSTUNREACH, "host unreachable"),
            (errno.ENETUNREACH, "network unreachable"),
        ):
            text = os.strerror(number)
            got = failed(OSError(number, text))
            self.assertEqual(got, Result(False, name, text))

    def test_ours(self) -> None:
        """What this machine lacks says nothing about the server."""
        lacking = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
        got = [failed(OSError(number, "x")).ours for number in lacking]
        self.assertEqual(got, [True] * 4)


class OffenderTests(SynchronousTestCase):
    """Who told of an error."""

    def test_families(self) -> None:
        """The address of either family; "" for anything else."""
        four = struct.pack("HH4s8x", socket.AF_INET, 0, bytes([192, 0, 2, 1]))
        six = ip_address("2001:db8::1").packed
        name = struct.pack("HHI16sI", socket.AF_INET6, 0, 0, six, 0)
        told = [probe._offender(each) for each in (four, name, b"", bytes(16))]
        self.assertEqual(told, ["192.0.2.1", "2001:db8::1", "", ""])
