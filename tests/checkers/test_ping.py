"""Claims about PING_CHECK; a UDP server plays the host whose answers are wrong."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

import hanode.checkers
from hanode import icmp
from hanode.checkers.ping import pingChecker
from hanode.interfaces import IChecker
from hanode.plugins import find
from hanode.probe import open_udp
from hanode.result import Result
from tests.checkers.datagrams import Answer, Served, Server, read, told, world


def reply(data: bytes, kind: int) -> bytes:
    """The right reply to a request."""
    return bytes([kind]) + data[1:]


class PluginTests(SynchronousTestCase):
    """What it is."""

    def test_found(self) -> None:
        """It is found by its keyword, and keeps the promises of its kind."""
        self.assertIs(find(IChecker, hanode.checkers)["PING_CHECK"], pingChecker)
        verifyObject(IChecker, pingChecker)

    def test_no_words(self) -> None:
        """It has no words of its own."""
        self.assertEqual(read(pingChecker.words, ""), ((), []))


class RealTests(Served):
    """Hosts that answer as hosts do, IPv4."""

    async def test_alive(self) -> None:
        """The loopback is alive."""
        result = await pingChecker.probe(world(), self.check(0, ()))
        self.assertEqual(told(result), (True, "reply"))

    async def test_cancel(self) -> None:
        """A cancelled probe leaves neither a timer nor a reader."""
        before = set(reactor.getReaders())
        done = pingChecker.probe(world(), self.check(0, (), 60))
        self.assertEqual(len(set(reactor.getReaders()) - before), 1)
        done.cancel()
        self.assertEqual(self.successResultOf(done), Result(False, "cancelled"))
        self.assertEqual(set(reactor.getReaders()), before)

    if os.geteuid() != 0:
        skip = "needs root, or a wide net.ipv4.ping_group_range"


class Real6Tests(RealTests):
    """The same over IPv6."""

    address = "::1"


class WrongTests(Served):
    """Hosts that do not answer as hosts do, IPv4: the packets travel in UDP."""

    kind = 0

    def setUp(self) -> None:
        self.patch(icmp, "open_icmp", open_udp)

    async def probe(self, server: Server | int, timeout: float = 1.0) -> Result:
        """What a probe finds."""
        return await pingChecker.probe(world(), self.check(server, (), timeout))

    async def outcome(self, answer: Answer) -> tuple[bool, str, str]:
        """What a probe of a host finds that has not much time."""
        result = await self.probe(self.serve(answer), 0.1)
        return result.ok, result.reason, result.detail

    async def test_right(self) -> None:
        """So that the others mean something: the right reply is success."""
        got = await self.outcome(lambda data: [reply(data, self.kind)])
        self.assertEqual(got, (True, "reply", ""))

    async def test_silence(self) -> None:
        """Silence is failure."""
        got = await self.outcome(lambda data: ())
        self.assertEqual(got, (False, "timeout", ""))

    async def test_strays(self) -> None:
        """Garbage, other sequence numbers, the request itself, too short, too long."""

        def answer(data: bytes) -> list[bytes]:
            right = reply(data, self.kind)
            other = right[:7] + bytes([right[7] ^ 1]) + right[8:]
            return [b"", b"garbage" * 10, other, data, right[:-1], right + b"x"]

        got = await self.outcome(answer)
        self.assertEqual(got, (False, "timeout", "6 other packets"))

    async def test_behind_strays(self) -> None:
        """The right reply counts whatever came before it."""
        got = await self.outcome(
            lambda data: [b"", data, b"x" * 60000, reply(data, self.kind)]
        )
        self.assertEqual(got, (True, "reply", ""))

    async def test_unreachable(self) -> None:
        """An ICMP error is failure at once."""
        result = await self.probe(self.closed_port(), 60)
        self.assertEqual(told(result), (False, "refused"))

    async def test_late(self) -> None:
        """The reply to an earlier request is not that to a later one."""
        server = self.serve(lambda data: ())
        place: Any = world()
        check = self.check(server, (), 0.05)
        await pingChecker.probe(place, check)
        (old, _) = server.heard[0]
        server.answer = lambda data: [reply(old, self.kind)]
        self.assertEqual(
            told(await pingChecker.probe(place, check)), (False, "timeout")
        )


class Wrong6Tests(WrongTests):
    """The same over IPv6."""

    address = "::1"
    kind = 129
