"""SMTP_CHECK against servers of all kinds."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase, TestCase

from hanode.checkers.smtp import HELO, Host, SmtpOptions, smtpChecker
from hanode.config.balance_model import Target
from tests.checkers.options import read
from tests.checkers.servers import (
    IPV4,
    IPV6,
    SHORT,
    Connection,
    Server,
    closed_port,
    full,
    outcome,
    probe,
)

PLAIN = SmtpOptions()
GOOD = (True, "accepted")


class Mail:
    """A mail server that answers as it is told."""

    def __init__(
        self,
        greeting: bytes = b"220 mail\r\n",
        helo: bytes = b"250 hello\r\n",
        quit_: bytes = b"221 bye\r\n",
    ) -> None:
        self.greeting, self.answers = greeting, {b"HELO": helo, b"QUIT": quit_}

    def greet(self, connection: Connection) -> None:
        """Somebody is there."""
        connection.say(self.greeting)

    def answer(self, connection: Connection) -> None:
        """Answer the last line."""
        if connection.heard.endswith(b"\n"):
            line = connection.heard.splitlines()[-1]
            connection.say(self.answers[line[:4]])


class SmtpTests(TestCase):
    def served(self, *says: bytes, host: str = IPV4) -> Server:
        """A server with these answers."""
        mail = Mail(*says)
        return Server(self, mail.greet, mail.answer, host)

    async def found(
        self, target: Target, options: SmtpOptions = PLAIN
    ) -> tuple[bool, str]:
        """What a check says."""
        return outcome(await probe(smtpChecker, options, target))

    async def test_good(self) -> None:
        """Greeting, HELO, QUIT, with IPv4 and IPv6."""
        for host in (IPV4, IPV6):
            server = self.served(host=host)
            options = SmtpOptions("director.example.org")
            self.assertEqual(await self.found(server.target(), options), GOOD)
            self.assertEqual(
                server.connections[0].heard, b"HELO director.example.org\r\nQUIT\r\n"
            )

    async def test_several_lines(self) -> None:
        """An answer may have several lines, in any pieces."""
        server = self.served(b"220-mail\r\n220-welcome\r\n220 !\n", b"250-a\r\n250\r\n")
        self.assertEqual(await self.found(server.target()), GOOD)

    async def test_refusals(self) -> None:
        """Any other code than the one expected says which step failed."""
        for says, reason in (
            ((b"554 go away\r\n",), "greeting refused"),
            ((b"220 a\r\n", b"550 who?\r\n"), "HELO refused"),
            ((b"220 a\r\n", b"250 b\r\n", b"500 stay\r\n"), "QUIT refused"),
        ):
            found = await self.found(self.served(*says).target())
            self.assertEqual(found, (False, reason))

    async def test_garbage(self) -> None:
        """What is not SMTP, and lines without end."""
        found = await self.found(self.served(b"SSH-2.0-x\r\n").target())
        self.assertEqual(found, (False, "not SMTP"))
        found = await self.found(self.served(b"220" + b"x" * 9000).target())
        self.assertEqual(found, (False, "line too long"))
        found = await self.found(self.served(b"220-more\r\n" * 9000).target())
        self.assertEqual(found, (False, "too many lines"))

    async def test_no_connection(self) -> None:
        """Nobody listens, or takes the connection."""
        target = Target(ip_address(IPV4), closed_port())
        self.assertEqual(await self.found(target), (False, "refused"))
        self.assertEqual(await self.found(full(self)), (False, "connect timeout"))

    async def test_silence(self) -> None:
        """A server without a greeting, or without an answer."""
        target = Server(self).target(SHORT)
        self.assertEqual(await self.found(target), (False, "answer timeout"))
        mail = Mail()
        target = Server(self, mail.greet).target(SHORT)
        self.assertEqual(await self.found(target), (False, "answer timeout"))

    async def test_drip(self) -> None:
        """A greeting that never ends does not keep us."""
        drops: list[Any] = []

        def drip(connection: Connection) -> None:
            connection.say(b"220-slow\r\n")
            later = connection.transport.reactor.callLater(0.01, drip, connection)
            drops[:] = [later]

        server = Server(self, drip)
        self.assertEqual(
            await self.found(server.target(SHORT)), (False, "answer timeout")
        )
        await server.connections[0].gone
        drops[0].cancel()

    async def test_closed(self) -> None:
        """The server closes, or resets."""
        server = Server(self, Connection.close)
        self.assertEqual(
            await self.found(server.target()), (False, "closed without answer")
        )
        mail = Mail()
        server = Server(self, mail.greet, Connection.reset)
        self.assertEqual(await self.found(server.target()), (False, "reset"))

    async def test_hosts(self) -> None:
        """All hosts of the old blocks have to accept us."""
        first, second = self.served(), self.served()
        hosts = (Host(ip_address(IPV4), second.port),)
        options = SmtpOptions(hosts=hosts)
        self.assertEqual(await self.found(first.target(), options), GOOD)
        self.assertEqual(len(second.connections), 1)
        options = SmtpOptions(hosts=(Host(port=closed_port()),))
        self.assertEqual(await self.found(first.target(), options), (False, "refused"))

    async def test_cancel(self) -> None:
        """Cancelled while the server thinks."""
        server = Server(self)
        found = probe(smtpChecker, SmtpOptions(), server.target())
        await server.arrival()
        found.cancel()
        self.assertEqual(outcome(await found), (False, "cancelled"))
        await server.connections[0].gone


class WordsTests(SynchronousTestCase):
    def test_default(self) -> None:
        """Without words it is keepalived's name."""
        self.assertEqual(read(smtpChecker, "").options, SmtpOptions(HELO))

    def test_name(self) -> None:
        """helo_name."""
        found = read(smtpChecker, "helo_name a.example")
        self.assertEqual(found.options, SmtpOptions("a.example"))

    def test_hosts(self) -> None:
        """The first host block is the check itself, the others come after it."""
        found = read(
            smtpChecker,
            "host {\nconnect_port 2525\n}\n"
            "host {\nconnect_ip 192.0.2.1\nbind_if eth0\nretry 3\n}",
        )
        self.assertEqual(
            found.options,
            SmtpOptions(hosts=(Host(ip_address("192.0.2.1"), device="eth0"),)),
        )
        self.assertEqual(found.own["connect_port"], 2525)
        deprecated = (
            "The SMTP_CHECK host block is deprecated. "
            "Please define additional checkers. (write one SMTP_CHECK for each host)"
        )
        self.assertEqual(
            found.said, [f"1 warning: {deprecated}", f"4 warning: {deprecated}"]
        )
