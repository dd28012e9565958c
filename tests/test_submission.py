"""Claims about handing over a mail, with a real server on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import deferLater
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import TestCase

from hanode.config.notify_model import Mail
from hanode.letter import Letter
from hanode.submission import Refused, submit
from tests.checkers.certificates import ServerContext, authority, issued
from tests.mail_server import MailServer

TEXT = b"Subject: x\n\n=> body <=\n.dot\n\n"
LETTER = Letter("node@example.com", ("a@example.com", "b@example.com"), 0.0, TEXT)


class Case(TestCase):
    """A server, and what is submitted to it."""

    timeout = 20

    def server(self, context: Any = None, *extensions: str) -> MailServer:
        """One that listens."""
        self.mail = mail = MailServer(context, extensions)
        self.addCleanup(lambda: Deferred.fromCoroutine(mail.close()))
        return mail

    def submit(self, **settings: Any) -> Deferred[tuple[str, ...]]:
        """Submit the letter."""
        given = {"server": "127.0.0.1", "port": self.mail.port, "timeout": 5.0}
        return submit(reactor, LETTER, Mail(**(given | settings)), "me")

    def words(self) -> list[str]:
        """The commands as the server heard them."""
        return [line for line, _ in self.mail.heard]

    async def refused(self, **settings: Any) -> tuple[str, bool]:
        """Why it was refused, and whether for good."""
        problem: Any = await self.assertFailure(self.submit(**settings), Refused)
        return str(problem), problem.permanent


class PlainTests(Case):
    """Without TLS."""

    async def test_taken(self) -> None:
        """The dialogue, and the mail as it is."""
        server = self.server()
        self.assertEqual(await self.submit(), ())
        await server.until(1)
        self.assertEqual(server.mails, [TEXT.decode().removesuffix("\n")])
        wanted = [
            "EHLO me",
            "MAIL FROM:<node@example.com>",
            "RCPT TO:<a@example.com>",
            "RCPT TO:<b@example.com>",
            "DATA",
        ]
        self.assertEqual(self.words()[:5], wanted)

    async def test_quiet(self) -> None:
        """No mail leaves lines of Twisted's own in the log."""
        self.server()
        said: list[str] = []

        def observe(event: LogEvent) -> None:
            if event.get("log_namespace", "").startswith("twisted"):
                said.append(str(formatEvent(event)))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        await self.submit()
        self.assertEqual([line for line in said if "factory" in line], [])

    async def test_old_server(self) -> None:
        """One that does not know EHLO is greeted as in the old days."""
        self.server().answers["EHLO"] = b"502 what?"
        self.assertEqual(await self.submit(), ())
        self.assertEqual(self.words()[:2], ["EHLO me", "HELO me"])

    async def test_refusals(self) -> None:
        """5xx about the mail is for good; anything else may pass."""
        for word, answer, permanent in (
            ("MAIL", b"550 who are you", True),
            ("MAIL", b"451 later", False),
            ("RCPT", b"550 unknown", True),
            ("RCPT", b"450 busy", False),
            ("DATA", b"552 too much", True),
            ("DATA", b"452 full", False),
            ("end", b"554 spam", True),
            ("end", b"451 error", False),
            ("greeting", b"554 go away", False),
        ):
            server = self.server()
            server.answers[word] = answer
            self.assertEqual(await self.refused(), (answer.decode(), permanent))

    async def test_left_out(self) -> None:
        """One recipient that is unknown does not keep the mail from the other."""
        server = self.server()
        lines = iter((b"550 unknown", b"250 ok"))
        usual = server.answers
        server.answers = Alternating(usual, lines)
        self.assertEqual(await self.submit(), ("a@example.com",))

    async def test_lost(self) -> None:
        """A connection that ends early is a refusal that may pass."""
        self.server().answers["MAIL"] = b""
        text, permanent = await self.refused()
        self.assertTrue(text.startswith("connection lost: "), text)
        self.assertFalse(permanent)

    async def test_silent(self) -> None:
        """A server that says nothing is given up after the time limit."""
        self.server().answers["EHLO"] = None
        text, _ = await self.refused(timeout=0.1)
        self.assertEqual(text, "Timeout waiting for SMTP server response")

    async def test_babble(self) -> None:
        """What is no answer is a refusal."""
        self.server().answers["greeting"] = b"hello there"
        text, permanent = await self.refused()
        self.assertIn("Invalid response from SMTP server", text)
        self.assertFalse(permanent)

    async def test_nobody(self) -> None:
        """Without a server there is no connection."""
        await self.server().close()
        await self.assertFailure(self.submit(), ConnectionRefusedError)

    async def test_cancelled(self) -> None:
        """Who is cancelled closes the connection."""
        server = self.server()
        server.answers["MAIL"] = None
        done = self.submit()
        while len(server.heard) < 2:
            await deferLater(reactor, 0.005)
        done.cancel()
        await self.assertFailure(done, CancelledError)
        await server.close()


class Alternating(dict):  # type: ignore[type-arg]
    """Answers to RCPT one after the other."""

    def __init__(self, usual: Any, lines: Any) -> None:
        super().__init__(usual)
        self._lines = lines

    def get(self, word: str, usual: Any = None) -> Any:
        """The next one for RCPT."""
        return next(self._lines) if word == "RCPT" else super().get(word, usual)


class SecretTests(Case):
    """With TLS and a login."""

    def setUp(self) -> None:
        """Files of the test."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.ca = self.folder / "ca.pem"
        self.ca.write_bytes(authority().pem)
        self.password = self.folder / "password"
        self.password.write_text("s3cret\n")
        self.secret = {"tls": True, "authorities": str(self.ca)}
        self.login = {"username": "me", "password_file": str(self.password)}

    async def test_tls(self) -> None:
        """The mail goes after STARTTLS, and says nothing of itself before."""
        server = self.server(ServerContext(issued("127.0.0.1")))
        self.assertEqual(await self.submit(**self.secret), ())
        heard = [(line.split()[0], secret) for line, secret in server.heard]
        clear = [("EHLO", False), ("STARTTLS", False)]
        self.assertEqual(heard[:4], [*clear, ("EHLO", True), ("MAIL", True)])
        self.assertEqual(len(server.mails), 1)

    async def test_login(self) -> None:
        """The login comes after STARTTLS, too."""
        server = self.server(ServerContext(issued("127.0.0.1")), "AUTH PLAIN")
        self.assertEqual(await self.submit(**self.secret, **self.login), ())
        self.assertEqual(
            [each for each in server.heard if "AUTH" in each[0]],
            [("AUTH PLAIN bWUAbWUAczNjcmV0", True)],
        )

    async def test_no_tls(self) -> None:
        """A server without STARTTLS gets nothing."""
        server = self.server()
        text, permanent = await self.refused(**self.secret)
        wanted = "502 Server does not support secure communication via TLS / SSL"
        self.assertEqual((text, permanent), (wanted, False))
        self.assertEqual(self.words()[:1], ["EHLO me"])
        self.assertEqual(server.mails, [])

    async def test_wrong_name(self) -> None:
        """A certificate for somebody else gets nothing."""
        server = self.server(ServerContext(issued("elsewhere.example")), "AUTH PLAIN")
        text, _ = await self.refused(**self.secret, **self.login)
        wanted = "the certificate is not for 127.0.0.1 (VerificationError)"
        self.assertEqual((text, server.mails), (wanted, []))
        self.assertFalse([line for line in self.words() if "AUTH" in line])

    async def test_stranger(self) -> None:
        """A certificate that nobody vouches for gets nothing."""
        server = self.server(ServerContext(authority("stranger")))
        text, _ = await self.refused(**self.secret)
        self.assertTrue(text.startswith("connection lost: "), text)
        self.assertIn("certificate verify failed", text)
        self.assertEqual(server.mails, [])

    async def test_no_login(self) -> None:
        """A server without a login, and one that refuses it, gets nothing."""
        server = self.server(ServerContext(issued("127.0.0.1")))
        text, _ = await self.refused(**self.secret, **self.login)
        self.assertIn("does not support Client Authentication schemes", text)
        self.assertEqual(server.mails, [])
        server = self.server(ServerContext(issued("127.0.0.1")), "AUTH LOGIN")
        server.answers["AUTH"] = b"535 no"
        text, permanent = await self.refused(**self.secret, **self.login)
        self.assertEqual((text, permanent, server.mails), ("535 no", False, []))

    async def test_no_files(self) -> None:
        """Files that are not there are OSErrors."""
        self.server()
        gone = str(self.folder / "gone")
        for settings in (
            {**self.login, "password_file": gone},
            {"tls": True, "authorities": gone},
        ):
            await self.assertFailure(self.submit(**settings), OSError)
