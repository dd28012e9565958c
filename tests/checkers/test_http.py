"""HTTP_GET against servers of all kinds."""

from __future__ import annotations

from hashlib import md5
from ipaddress import ip_address
from threading import Event
from typing import Any
from unittest import mock

from twisted.trial.unittest import TestCase

from hanode import pcre
from hanode.checkers.fetch import Fetch
from hanode.checkers.http import httpChecker
from hanode.checkers.http_words import HttpOptions, Regex, Url
from hanode.checkers.reply import Reply
from hanode.config.balance_model import Target
from tests.checkers.servers import (
    IPV4,
    IPV6,
    SHORT,
    Act,
    Connection,
    Server,
    closed_port,
    full,
    outcome,
    probe,
)

PAGE = b"<h1>It works</h1>\n"
GOOD = (True, "all good")


def answer(
    body: bytes = PAGE,
    status: str = "200 OK",
    headers: bytes = b"",
    length: bool = True,
) -> bytes:
    """A whole response."""
    if length:
        headers += b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status.encode() + b"\r\n" + headers + b"\r\n" + body


def saying(data: bytes, close: bool = True) -> Act:
    """Answer every request with C{data}."""

    def act(connection: Connection) -> None:
        if connection.heard.endswith(b"\r\n\r\n"):
            connection.say(data)
            if close:
                connection.close()

    return act


class HttpCase(TestCase):
    """What the tests of HTTP_GET share."""

    async def detailed(
        self, target: Target, *urls: Url, **options: Any
    ) -> tuple[bool, str, str]:
        """What a check of C{urls} says, with details."""
        wanted = HttpOptions(urls or (Url("/"),), **options)
        result = await probe(httpChecker, wanted, target)
        return result.ok, result.reason, result.detail

    async def found(
        self, target: Target, *urls: Url, **options: Any
    ) -> tuple[bool, str]:
        """What a check of C{urls} says."""
        return (await self.detailed(target, *urls, **options))[:2]

    def served(self, data: bytes, close: bool = True, timeout: float = 5.0) -> Target:
        """A server that answers with C{data}."""
        return Server(self, on_data=saying(data, close)).target(timeout)


class GoodTests(HttpCase):
    async def test_good(self) -> None:
        """A page is there, with IPv4 and IPv6."""
        for host in (IPV4, IPV6):
            server = Server(self, on_data=saying(answer()), host=host)
            self.assertEqual(await self.found(server.target()), GOOD)

    async def test_end_known(self) -> None:
        """The answer is over with its last byte, whether the server closes or not."""
        chunked = answer(
            b"4\r\nabcd\r\n0\r\n\r\n",
            headers=b"Transfer-Encoding: chunked\r\n",
            length=False,
        )
        for data in (answer(), chunked, answer(b"", "204 No Content", length=False)):
            self.assertEqual(await self.found(self.served(data, close=False)), GOOD)

    async def test_end_by_closing(self) -> None:
        """Without a length the answer is over when the server closes."""
        self.assertEqual(await self.found(self.served(answer(length=False))), GOOD)

    async def test_short_body(self) -> None:
        """A body that is shorter than announced is mentioned, as keepalived does."""
        data = answer() + b""
        found = await self.detailed(self.served(data[:-3]))
        self.assertEqual(
            found,
            (*GOOD, "status 200, the body lacks 3 bytes of its Content-Length"),
        )

    async def test_digest(self) -> None:
        """The digest is the MD5 of the body as it was sent, chunks and all."""
        body = b"4\r\nabcd\r\n0\r\n\r\n"
        chunked = answer(body, headers=b"Transfer-Encoding: chunked\r\n", length=False)
        wanted = Url("/", digest=md5(body).hexdigest())
        self.assertEqual(await self.found(self.served(chunked), wanted), GOOD)
        self.assertEqual(
            await self.detailed(self.served(answer()), wanted),
            (
                False,
                "wrong digest",
                f"/: {md5(PAGE).hexdigest()}, not {wanted.digest}",
            ),
        )

    async def test_all_urls(self) -> None:
        """Every url is asked for, in order, until one is not as it should be."""
        server = Server(self, on_data=saying(answer()))
        urls = Url("/a"), Url("/b", status=((404, 404),)), Url("/c")
        found = await self.detailed(server.target(), *urls)
        self.assertEqual(found, (False, "wrong status", "/b: 200, not 404"))
        asked = [each.heard.split()[1] for each in server.connections]
        self.assertEqual(asked, [b"/a", b"/b"])
        self.assertEqual(await self.found(server.target(), urls[0], urls[2]), GOOD)


class RequestTests(HttpCase):
    async def heard(self, url: Url, **options: Any) -> list[str]:
        """The lines of the request; PORT stands for the server's."""
        server = Server(self, on_data=saying(answer()))
        self.assertEqual(await self.found(server.target(), url, **options), GOOD)
        text = server.connections[0].heard.decode()
        return text.replace(str(server.port), "PORT").splitlines()

    async def test_plain(self) -> None:
        """HTTP/1.0, with the address as Host."""
        self.assertEqual(
            await self.heard(Url("/x?y=1")),
            [
                "GET /x?y=1 HTTP/1.0",
                "User-Agent: KeepAliveClient",
                "Host: 127.0.0.1:PORT",
                "",
            ],
        )

    async def test_virtualhost(self) -> None:
        """HTTP/1.1 with a virtualhost and Connection: close."""
        self.assertEqual(
            await self.heard(Url("/", "www.example.org"), version="1.1", closing=True),
            [
                "GET / HTTP/1.1",
                "User-Agent: KeepAliveClient",
                "Host: www.example.org:PORT",
                "Connection: close",
                "",
            ],
        )

    async def test_hosts(self) -> None:
        """A port that the virtualhost names stays; IPv6 addresses get brackets."""
        given = ("a:81", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:82")
        heard = [(await self.heard(Url("/", host)))[2][6:] for host in given]
        self.assertEqual(
            heard,
            ["a:81", "[2001:db8::1]:PORT", "[2001:db8::1]:PORT", "[2001:db8::1]:82"],
        )


class BadTests(HttpCase):
    async def test_refused(self) -> None:
        """Nobody listens."""
        target = Target(ip_address(IPV4), closed_port())
        self.assertEqual(await self.found(target), (False, "refused"))

    async def test_hang_before_accept(self) -> None:
        """The server takes no connection."""
        self.assertEqual(await self.found(full(self)), (False, "connect timeout"))

    async def test_hang_after_accept(self) -> None:
        """The server takes the connection and says nothing."""
        target = Server(self).target(SHORT)
        self.assertEqual(await self.found(target), (False, "answer timeout"))

    async def test_closed(self) -> None:
        """The server closes without a word, or within its headers."""
        target = Server(self, on_data=Connection.close).target()
        self.assertEqual(await self.found(target), (False, "closed without answer"))
        target = self.served(b"HTTP/1.0 200 OK\r\nServ")
        self.assertEqual(await self.found(target), (False, "closed in header"))

    async def test_reset(self) -> None:
        """The server resets the connection, at once or within the body."""
        target = Server(self, on_data=Connection.reset).target()
        self.assertEqual(await self.found(target), (False, "reset"))

        def within(connection: Connection) -> None:
            if b"next" in connection.heard:
                connection.reset()
                return
            connection.say(answer()[:-3])
            connection.transport.reactor.callLater(0.01, connection.reset)

        target = Server(self, on_data=within).target()
        self.assertEqual(await self.found(target), (False, "reset"))

    async def test_slow_drip(self) -> None:
        """A byte now and then does not keep us waiting longer than said."""

        drops: list[Any] = []

        def drip(connection: Connection) -> None:
            connection.say(b"x")
            later = connection.transport.reactor.callLater(0.01, drip, connection)
            drops[:] = [later]

        def act(connection: Connection) -> None:
            connection.say(b"HTTP/1.0 200 OK\r\n\r\n")
            drip(connection)

        server = Server(self, on_data=act)
        result = await probe(
            httpChecker, HttpOptions((Url("/"),)), server.target(SHORT)
        )
        self.assertEqual(outcome(result), (False, "answer timeout"))
        self.assertTrue(SHORT <= result.seconds < 4 * SHORT, result)
        await server.connections[0].gone
        drops[0].cancel()

    async def test_wrong_status(self) -> None:
        """A status that is not wanted; without wishes it is 200 to 299."""
        target = self.served(answer(status="503 Busy"))
        self.assertEqual(
            await self.detailed(target),
            (False, "wrong status", "/: 503, not 200-299"),
        )
        wanted = Url("/", status=((200, 204), (503, 503)))
        self.assertEqual(await self.found(target, wanted), GOOD)

    async def test_our_fault(self) -> None:
        """An error of ours is called one, logged, and ends at once."""

        def broken(_reply: Reply, _data: bytes) -> bool:
            raise RuntimeError("out of order")

        self.patch(Reply, "feed", broken)
        result = await probe(
            httpChecker, HttpOptions((Url("/"),)), self.served(answer())
        )
        self.assertEqual(
            (result.ok, result.reason, result.detail, result.ours),
            (False, "checker failed", "RuntimeError: out of order", True),
        )
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_our_first_fault(self) -> None:
        """So is one in what we say first."""
        broken = mock.Mock(side_effect=RuntimeError("out of order"))
        self.patch(Fetch, "opened", broken)
        result = await probe(
            httpChecker, HttpOptions((Url("/"),)), self.served(answer())
        )
        self.assertEqual((result.reason, result.ours), ("checker failed", True))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_garbage(self) -> None:
        """What is not HTTP is not HTTP."""
        for data in (b"SSH-2.0-x\r\n", b"HTTP/1.0 abc\r\n\r\n", b"\0" * 100):
            target = self.served(data, close=False)
            self.assertEqual(await self.found(target), (False, "not HTTP"))

    async def test_endless_header(self) -> None:
        """Headers without end are not collected for ever."""
        target = self.served(b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 20000, False)
        self.assertEqual(await self.found(target), (False, "header too long"))

    async def test_bad_chunk(self) -> None:
        """A chunk without a size."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        target = self.served(head, close=False)
        self.assertEqual(await self.found(target), (False, "bad chunk"))

    async def test_huge_body(self) -> None:
        """A body without end fills no memory: enough is enough."""
        block, sent = bytes(65536), [0]

        class Pump:
            """Writes as fast as it is read."""

            def __init__(self, connection: Connection) -> None:
                self.connection = connection

            def resumeProducing(self) -> None:
                sent[0] += len(block)
                self.connection.say(block)

            def pauseProducing(self) -> None:
                """Asked by the transport only."""

            def stopProducing(self) -> None:
                """The client has gone."""

        def act(connection: Connection) -> None:
            connection.say(b"HTTP/1.0 200 OK\r\n\r\n")
            connection.transport.registerProducer(Pump(connection), False)

        server = Server(self, on_data=act)
        target = server.target(30)
        self.assertEqual(await self.found(target), GOOD)
        self.assertTrue(1 << 20 <= sent[0] < 1 << 25, sent)
        self.assertEqual(
            await self.found(target, Url("/", regex=Regex(b"x")), max_body=100_000),
            (False, "regex not found"),
        )

    async def test_cancel(self) -> None:
        """Cancelled while the server thinks, it closes and says so."""
        server = Server(self)
        found = probe(httpChecker, HttpOptions((Url("/"),)), server.target())
        await server.arrival()
        found.cancel()
        self.assertEqual(outcome(await found), (False, "cancelled"))
        await server.connections[0].gone


class RegexTests(HttpCase):
    async def test_found(self) -> None:
        """The body has to match, or must not."""
        target = self.served(answer())
        for regex, wanted in (
            (Regex(b"it WORKS", 8), GOOD),
            (Regex(b"it works"), (False, "regex not found")),
            (Regex(b"works", absent=True), (False, "regex found")),
            (Regex(b"broken", absent=True), GOOD),
            (Regex(b"It", first=4, last=4), GOOD),
            (Regex(b"It", first=5), (False, "regex not found")),
            (Regex(b"It", last=3), (False, "regex not found")),
        ):
            found = await self.found(target, Url("/", regex=regex))
            self.assertEqual(found, wanted, regex)

    async def test_too_costly(self) -> None:
        """A pattern that takes for ever is stopped."""
        self.patch(pcre, "MATCH_LIMIT", 1000)
        target = self.served(answer(b"a" * 5000))
        regex = Regex(rb"(a+)+[^a]", pcre.OPTIONS["no_start_optimize"])
        found = await self.detailed(target, Url("/", regex=regex))
        self.assertEqual(found, (False, "regex too costly", "/: match limit exceeded"))

    async def test_out_of_order(self) -> None:
        """A search that cannot be made at all is a failure with a name."""

        def broken(*_arguments: object) -> bool:
            raise RuntimeError("out of order")

        self.patch(pcre.Pattern, "search", broken)
        found = await self.detailed(self.served(answer()), Url("/", regex=Regex(b"x")))
        self.assertEqual(found, (False, "regex failed", "/: out of order"))

    async def test_late(self) -> None:
        """What is being searched when the time is over does not matter any more."""
        release = Event()
        self.addCleanup(release.set)

        def slow(*_arguments: object) -> bool:
            return release.wait(10)

        self.patch(pcre.Pattern, "search", slow)
        target = self.served(answer(), timeout=SHORT)
        found = await self.found(target, Url("/", regex=Regex(b"x")))
        self.assertEqual(found, (False, "answer timeout"))
