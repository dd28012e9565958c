"""SSL_GET against servers of all kinds."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from unittest import mock

from OpenSSL import SSL
from twisted.trial.unittest import TestCase

from hanode.checkers.http_words import HttpOptions, Tls, Url
from hanode.checkers.reply import Reply
from hanode.checkers.ssl import sslChecker
from hanode.config.balance_model import Target
from tests.checkers.certificates import ServerContext, authority, issued
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
from tests.checkers.test_http import GOOD, answer, saying

PLAIN, ROOT = Tls(), Url("/")
NAMED = issued("www.example.org", IPV4, IPV6)


class SslCase(TestCase):
    """What the tests of SSL_GET share."""

    def served(self, pair: Any = NAMED, host: str = IPV4, **more: Any) -> Server:
        """A good server with the certificate of C{pair}."""
        self.context = ServerContext(pair, **more)
        return Server(self, on_data=saying(answer()), host=host, tls=self.context)

    async def detailed(
        self, target: Target, tls: Tls = PLAIN, url: Url = ROOT
    ) -> tuple[bool, str, str]:
        """What a check says, with details."""
        options = HttpOptions((url,), tls=(tls,))
        result = await probe(sslChecker, options, target)
        return result.ok, result.reason, result.detail

    async def found(
        self, target: Target, tls: Tls = PLAIN, url: Url = ROOT
    ) -> tuple[bool, str]:
        """What a check says."""
        return (await self.detailed(target, tls, url))[:2]

    def written(self, pair: Any, name: str, password: str = "") -> tuple[str, str]:
        """The files of C{pair}."""
        paths: tuple[str, str] = pair.write(Path(self.mktemp()), name, password)
        return paths


class GoodTests(SslCase):
    async def test_good(self) -> None:
        """A page is there, with IPv4 and IPv6; no name is asked for."""
        for host in (IPV4, IPV6):
            server = self.served(host=host)
            self.assertEqual(await self.found(server.target()), GOOD)
            self.assertEqual(self.context.asked, [""])

    async def test_sni(self) -> None:
        """With a name, the server is asked for it; addresses are no names."""
        server = self.served()
        for name in ("www.example.org", "münchen.example", IPV4):
            self.assertEqual(await self.found(server.target(), Tls(sni=name)), GOOD)
        self.assertEqual(
            self.context.asked, ["www.example.org", "xn--mnchen-3ya.example", ""]
        )

    async def test_not_verified(self) -> None:
        """As with keepalived, any certificate will do, even one of the past."""
        old = issued("www.example.org", days=-1)
        self.assertEqual(await self.found(self.served(old).target()), GOOD)

    async def test_compliant(self) -> None:
        """With tls_compliant both sides say goodbye; the outcome is the same."""
        server = self.served()
        url = Url("/", compliant=True)
        self.assertEqual(await self.found(server.target(), Tls(), url), GOOD)
        server = Server(
            self,
            on_data=saying(answer(length=False)),
            tls=ServerContext(NAMED),
        )
        self.assertEqual(await self.found(server.target(), Tls(), url), GOOD)

    async def test_compliant_alone(self) -> None:
        """A server that does not answer the goodbye is left in time."""

        def deaf(connection: Connection) -> None:
            connection.say(answer())
            connection.transport.transport.pauseProducing()

        server = Server(self, on_data=deaf, tls=ServerContext(NAMED))
        url = Url("/", compliant=True)
        options = HttpOptions((url,), tls=(Tls(),))
        result = await probe(sslChecker, options, server.target(SHORT))
        self.assertEqual(outcome(result), GOOD)
        self.assertTrue(SHORT <= result.seconds < 4 * SHORT)

    async def test_client_certificate(self) -> None:
        """SSL{} gives us a certificate to show; its key may have a password."""
        server = self.served(client_authority=authority())
        ok, reason = await self.found(server.target())
        self.assertFalse(ok)
        self.assertIn(reason, ("TLS error", "closed without answer", "reset"))
        for password in ("", "secret"):
            certificate, key = self.written(issued("client"), "client", password)
            tls = Tls(certificate=certificate, key=key, password=password)
            self.assertEqual(await self.found(server.target(), tls), GOOD)


class VerifyTests(SslCase):
    async def test_verified(self) -> None:
        """A good certificate for the right name, or for the address."""
        ca, _key = self.written(authority(), "ca")
        server = self.served()
        for name in ("www.example.org", ""):
            tls = Tls(sni=name, name=name, ca=ca, verify=True)
            self.assertEqual(await self.found(server.target(), tls), GOOD)

    async def test_wrong_name(self) -> None:
        """A good certificate for somebody else."""
        ca, _key = self.written(authority(), "ca")
        server = self.served(issued("other.example.org"))
        for name in ("www.example.org", ""):
            tls = Tls(name=name, ca=ca, verify=True)
            self.assertEqual(
                await self.found(server.target(), tls),
                (False, "wrong certificate name"),
            )

    async def test_not_trusted(self) -> None:
        """A certificate from elsewhere, or of the past."""
        ca, _key = self.written(authority(), "ca")
        other, _key = self.written(authority("other"), "other")
        wanted = False, "certificate not trusted"
        tls = Tls(name="www.example.org", verify=True)
        target = self.served().target()
        self.assertEqual(await self.found(target, tls), wanted)
        self.assertEqual(await self.found(target, replace(tls, ca=other)), wanted)
        target = self.served(issued("www.example.org", days=-1)).target()
        found = await self.detailed(target, replace(tls, ca=ca))
        self.assertEqual(found, (*wanted, "certificate verify failed"))

    async def test_changed_files(self) -> None:
        """A file that was replaced is read again."""
        ca, _key = self.written(authority("other"), "ca")
        tls = Tls(name="www.example.org", ca=ca, verify=True)
        target = self.served().target()
        self.assertFalse((await self.found(target, tls))[0])
        Path(ca).write_bytes(authority().pem)
        os.utime(ca, (1, 1))
        self.assertEqual(await self.found(target, tls), GOOD)

    async def test_settings(self) -> None:
        """Files that are not there, or are not what they should be, are named."""
        target = self.served().target()
        missing = self.mktemp()
        found = await self.detailed(target, Tls(certificate=missing))
        wanted = False, "bad TLS settings", f"{missing}: No such file or directory"
        self.assertEqual(found, wanted)
        Path(missing).write_text("no certificate")
        found_short = await self.found(target, Tls(certificate=missing))
        self.assertEqual(found_short, (False, "bad TLS settings"))
        certificate, key = self.written(issued("client"), "client", "secret")
        tls = Tls(certificate=certificate, key=key, password="wrong")
        found = await self.detailed(target, tls)
        self.assertEqual(found[:2], (False, "bad TLS settings"))
        self.assertNotIn("wrong", found[2])


class BadTests(SslCase):
    async def test_our_fault(self) -> None:
        """An error of ours is not called one of TLS, and blames nobody."""
        self.patch(Reply, "feed", mock.Mock(side_effect=RuntimeError("out of order")))
        options = HttpOptions((ROOT,), tls=(PLAIN,))
        result = await probe(sslChecker, options, self.served().target())
        self.assertEqual(
            (result.ok, result.reason, result.detail, result.ours),
            (False, "checker failed", "RuntimeError: out of order", True),
        )
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_no_openssl(self) -> None:
        """Where there is no pyOpenSSL, that is what the check says."""
        modules: dict[str, Any] = sys.modules
        self.addCleanup(modules.__setitem__, "OpenSSL.SSL", SSL)
        modules["OpenSSL.SSL"] = None
        found = await self.detailed(Target(ip_address(IPV4), 443))
        self.assertEqual(found[:2], (False, "bad TLS settings"))
        self.assertIn("TLS needs pyOpenSSL and service_identity", found[2])

    async def test_no_connection(self) -> None:
        """Nobody listens, or takes the connection."""
        target = Target(ip_address(IPV4), closed_port())
        self.assertEqual(await self.found(target), (False, "refused"))
        self.assertEqual(await self.found(full(self)), (False, "connect timeout"))

    async def test_handshake_hangs(self) -> None:
        """The server takes the connection and says nothing."""
        server = Server(self)
        self.assertEqual(await self.found(server.target(SHORT)), (False, "TLS timeout"))
        await server.connections[0].gone

    async def test_not_tls(self) -> None:
        """The server speaks, but not TLS."""
        server = Server(self, on_data=lambda each: each.say(b"HTTP/1.0 400 Bad\r\n"))
        self.assertEqual(await self.found(server.target()), (False, "TLS error"))

    async def test_handshake_closed(self) -> None:
        """The server closes, or resets, instead of a handshake."""
        server = Server(self, on_data=Connection.close)
        self.assertEqual(
            await self.found(server.target()), (False, "closed in TLS handshake")
        )
        server = Server(self, on_data=Connection.reset)
        self.assertEqual(await self.found(server.target()), (False, "reset"))

    async def test_closed(self) -> None:
        """The server closes after the handshake, without a word."""
        server = Server(self, on_data=Connection.close, tls=ServerContext(NAMED))
        self.assertEqual(
            await self.found(server.target()), (False, "closed without answer")
        )

    async def test_end_without_goodbye(self) -> None:
        """A body may end with the connection, even without close_notify."""

        def act(connection: Connection) -> None:
            connection.say(answer(length=False))
            connection.transport.transport.loseConnection()

        server = Server(self, on_data=act, tls=ServerContext(NAMED))
        self.assertEqual(await self.found(server.target()), GOOD)

    async def test_silent(self) -> None:
        """The server shakes hands and says nothing more."""
        server = Server(self, tls=ServerContext(NAMED))
        self.assertEqual(
            await self.found(server.target(SHORT)), (False, "answer timeout")
        )

    async def test_wrong_status(self) -> None:
        """The page is judged as that of HTTP_GET."""
        server = Server(
            self, on_data=saying(answer(status="500 No")), tls=ServerContext(NAMED)
        )
        self.assertEqual(await self.found(server.target()), (False, "wrong status"))

    async def test_cancel(self) -> None:
        """Cancelled in the handshake."""
        server = Server(self)
        options = HttpOptions((Url("/"),), tls=(Tls(),))
        found = probe(sslChecker, options, server.target())
        await server.arrival()
        found.cancel()
        self.assertEqual(outcome(await found), (False, "cancelled"))
        await server.connections[0].gone
