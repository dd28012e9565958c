"""A mail server on loopback that does as the test says."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver


class Dialogue(LineReceiver):
    """One connection; the answers are those of its L{MailServer}."""

    def connectionMade(self) -> None:
        """Greet."""
        self.server = self.factory.server
        self.server.connections += 1
        self.secret, self.data = False, None
        self.answer("greeting", b"220 test")

    def answer(self, word: str, usual: bytes) -> None:
        """What the test wants to be answered, else the usual; b"" closes."""
        text = self.server.answers.get(word, usual)
        if text == b"":
            self.transport.loseConnection()
        elif text is not None:
            self.transport.write(text + b"\r\n")

    def lineReceived(self, line: bytes) -> None:
        """A command, or a line of a mail."""
        if self.data is not None:
            self.take(line)
            return
        self.server.heard.append((line.decode(), self.secret))
        word = line.split(b" ")[0].decode().upper()
        usual = {"EHLO": self.extensions(), "DATA": b"354 go", "QUIT": b"221 bye"}
        usual |= {"AUTH": b"235 welcome", "STARTTLS": b"220 go"}
        self.answer(word, usual.get(word, b"250 ok"))
        if word == "DATA" and "DATA" not in self.server.answers:
            self.data = []
        elif word == "STARTTLS" and self.server.context is not None:
            self.transport.startTLS(self.server.context)
            self.secret = True
        elif word == "QUIT":
            self.transport.loseConnection()

    def extensions(self) -> bytes:
        """The answer to EHLO."""
        words = ["test"]
        if self.server.context is not None and not self.secret:
            words.append("STARTTLS")
        words += self.server.extensions
        lines = [f"250-{word}" for word in words]
        lines[-1] = lines[-1].replace("-", " ", 1)
        return "\r\n".join(lines).encode()

    def take(self, line: bytes) -> None:
        """A line of a mail."""
        if line != b".":
            self.data.append(line[1:] if line.startswith(b".") else line)
            return
        data, self.data = b"\n".join(self.data), None
        self.answer("end", b"250 taken")
        if "end" not in self.server.answers:
            self.server.take(data.decode())

    def connectionLost(self, reason: object) -> None:
        """It has ended."""
        self.server.connections -= 1
        self.server.settle()


class MailServer:
    """C{mails} are what it took, C{heard} the commands and whether TLS was there."""

    def __init__(self, context: Any = None, extensions: tuple[str, ...] = ()) -> None:
        self.context, self.extensions = context, extensions
        self.answers: dict[str, bytes | None] = {}
        self.mails: list[str] = []
        self.heard: list[tuple[str, bool]] = []
        self.connections = 0
        self._waiting: list[tuple[int, Deferred[None]]] = []
        self._quiet: list[Deferred[None]] = []
        factory = Factory.forProtocol(Dialogue)
        factory.noisy = False
        factory.server = self
        self._factory = factory
        self._port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port = self._port.getHost().port

    def take(self, mail: str) -> None:
        """A mail has come."""
        self.mails.append(mail)
        for waiting in list(self._waiting):
            if len(self.mails) >= waiting[0]:
                self._waiting.remove(waiting)
                waiting[1].callback(None)

    def until(self, count: int) -> Deferred[None]:
        """Fires when so many mails have come."""
        done: Deferred[None] = Deferred()
        self._waiting.append((count, done))
        if len(self.mails) >= count:
            self._waiting.pop()
            done.callback(None)
        return done

    def settle(self) -> None:
        """Tell who waits for the last connection to end."""
        if not self.connections:
            waiting, self._quiet = self._quiet, []
            for done in waiting:
                done.callback(None)

    async def close(self) -> None:
        """Take no more, and wait for the connections to end."""
        await maybeDeferred(self._port.stopListening)
        if self.connections:
            done: Deferred[None] = Deferred()
            self._quiet.append(done)
            await done
