"""TCP_CHECK against servers of all kinds."""

from __future__ import annotations

import resource
import socket
from ipaddress import ip_address

from twisted.internet.defer import DeferredList
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hanode.checkers.tcp import TcpChecker, tcpChecker
from hanode.config.balance_model import Check, Target
from hanode.interfaces import IChecker
from tests.checkers.servers import (
    IPV4,
    IPV6,
    SHORT,
    Connection,
    Server,
    World,
    closed_port,
    full,
    outcome,
    probe,
)

LOCAL = ip_address(IPV4)


class WordsTests(SynchronousTestCase):
    def test_plugin(self) -> None:
        """It is a checker, and has no words but those of all."""
        self.assertTrue(IChecker.providedBy(tcpChecker))
        self.assertEqual(tcpChecker.words.rows, ())
        self.assertTrue(tcpChecker.words.connects)


class TcpTests(TestCase):
    async def found(self, target: Target) -> tuple[bool, str]:
        """What a check of C{target} says."""
        return outcome(await probe(tcpChecker, (), target))

    async def test_success(self) -> None:
        """A connection is success, with IPv4 and IPv6; the time it took is told."""
        for host in (IPV4, IPV6):
            server = Server(self, host=host)
            result = await probe(tcpChecker, (), server.target())
            self.assertEqual(outcome(result), (True, "connected"))
            self.assertTrue(0 < result.seconds < 5)

    async def test_closes(self) -> None:
        """The server sees the end of the connection at once."""
        server = Server(self)
        await self.found(server.target())
        await server.arrival()
        await server.connections[0].gone

    async def test_refused(self) -> None:
        """Where nobody listens the connection is refused."""
        for host in (IPV4, IPV6):
            target = Target(ip_address(host), closed_port(host))
            self.assertEqual(await self.found(target), (False, "refused"))

    async def test_hang_before_accept(self) -> None:
        """A server that takes no connection is given up in time."""
        for host in (IPV4, IPV6):
            found = await self.found(full(self, host))
            self.assertEqual(found, (False, "connect timeout"))

    async def test_hang_after_accept(self) -> None:
        """A server that only says nothing works, as far as TCP can tell."""
        self.assertEqual(await self.found(Server(self).target()), (True, "connected"))

    async def test_reset_after_accept(self) -> None:
        """A server that resets what it accepted was connected to."""
        server = Server(self, on_connect=Connection.reset)
        self.assertEqual(await self.found(server.target()), (True, "connected"))

    async def test_unreachable(self) -> None:
        """What the kernel cannot send has a name."""
        never = Target(ip_address("255.255.255.255"), 80, timeout=SHORT)
        ok, reason = await self.found(never)
        self.assertFalse(ok)
        self.assertIn(reason, ("no route", "not permitted", "network unreachable"))

    async def test_bind_address(self) -> None:
        """The connection comes from the address that bindto names."""
        server = Server(self)
        own = ip_address("127.0.0.77")
        found = await self.found(server.target(bind_address=own))
        self.assertEqual(found, (True, "connected"))
        await server.arrival()
        self.assertEqual(server.connections[0].transport.getPeer().host, str(own))

    async def test_bind_port(self) -> None:
        """One source port serves again and again, and for two servers at once."""
        first, second = Server(self), Server(self)
        port = closed_port()
        for _ in range(3):
            for server in (first, second):
                found = await self.found(server.target(bind_port=port))
                self.assertEqual(found, (True, "connected"))
        await second.arrival(3)
        ports = {each.transport.client[1] for each in second.connections}
        self.assertEqual(ports, {port})

    async def test_bind_address_and_port_v6(self) -> None:
        """Address and port together, with IPv6."""
        server = Server(self, host=IPV6)
        port = closed_port(IPV6)
        target = server.target(bind_address=ip_address(IPV6), bind_port=port)
        self.assertEqual(await self.found(target), (True, "connected"))

    async def test_not_our_address(self) -> None:
        """An address that this machine does not have cannot be bound to."""
        target = Server(self).target(bind_address=ip_address("203.0.113.9"))
        self.assertEqual(await self.found(target), (False, "address not available"))

    async def test_device(self) -> None:
        """bind_if works, and has to be an interface."""
        server = Server(self)
        self.assertEqual(
            await self.found(server.target(device="lo")), (True, "connected")
        )
        self.assertEqual(
            await self.found(server.target(device="none0")),
            (False, "no such interface"),
        )

    async def test_mark(self) -> None:
        """fwmark marks the packets, where we may do that."""
        ok, reason = await self.found(Server(self).target(mark=5))
        self.assertIn((ok, reason), [(True, "connected"), (False, "not permitted")])

    async def test_not_itself(self) -> None:
        """A port that is by chance our own is not a server."""
        with socket.socket() as free:
            free.bind((IPV4, 0))
            port = free.getsockname()[1]
        if port < 32768:
            port = 61234
        target = Target(LOCAL, port, bind_address=LOCAL, bind_port=port)
        self.assertEqual(await self.found(target), (False, "refused"))

    async def test_same_port(self) -> None:
        """A server whose port is our own, at another address, is one."""
        server = Server(self)
        own = ip_address("127.0.0.78")
        target = server.target(bind_address=own, bind_port=server.port)
        self.assertEqual(await self.found(target), (True, "connected"))

    async def test_cancel(self) -> None:
        """Cancelled, it gives everything back and says so, without failing."""
        answer = probe(tcpChecker, (), full(self))
        answer.cancel()
        self.assertEqual(outcome(await answer), (False, "cancelled"))

    async def test_many(self) -> None:
        """Hundreds at once, good ones, refused ones and silent ones, do not mix."""
        good, bad = Server(self).target(), Target(LOCAL, closed_port())
        silent = full(self)
        targets = [(good, bad, silent)[n % 3] for n in range(300)]
        found = await DeferredList([probe(tcpChecker, (), each) for each in targets])
        self.assertEqual(
            [outcome(result) for _ok, result in found],
            [
                ((True, "connected"), (False, "refused"), (False, "connect timeout"))[
                    n % 3
                ]
                for n in range(300)
            ],
        )

    async def test_no_descriptors(self) -> None:
        """That there are no descriptors left is not the server's fault."""
        server = Server(self)
        old = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, old[1]))
        try:
            answer = TcpChecker().probe(World(), Check("", (), server.target()))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, old)
        result = await answer
        self.assertEqual(outcome(result), (False, "too many open files"))
        self.assertTrue(result.ours)
