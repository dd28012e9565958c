"""Who comes in by ssh, and what they get: keys only, and nothing but a terminal.

This module loads twisted.conch; nothing imports it before the node has started.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from twisted.conch.avatar import ConchUser
from twisted.conch.error import ValidPublicKey
from twisted.conch.interfaces import IConchUser, ISession
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import BadKeyError, FingerprintFormats, Key
from twisted.conch.ssh.session import SSHSession, wrapProtocol
from twisted.conch.ssh.transport import (
    DISCONNECT_BY_APPLICATION,
    SSHServerTransport,
)
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import ISSHPrivateKey
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode.console.keyring import Keyring, Role
from hanode.console.prompt import Text
from hanode.console.shell import Screen, Terminal, run

KEX = (
    b"curve25519-sha256",
    b"curve25519-sha256@libssh.org",
    b"ecdh-sha2-nistp256",
)
GRACE = 30.0  # seconds to log in
MOST = 32  # connections at a time
MISUSE = 2  # exit status of a command that makes no sense

log = Logger()


@implementer(ICredentialsChecker)
class KeyChecker:
    """Lets in who proves to have a key of the ring; the login name does not matter."""

    credentialInterfaces = (ISSHPrivateKey,)

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """The role of a key, with the name; fails with L{UnauthorizedLogin} and,
        where the client only asks whether the key will do, with L{ValidPublicKey}.
        """
        return maybeDeferred(self._login, credentials)

    def _login(self, credentials: Any) -> tuple[Role, bytes]:
        name = credentials.username
        role = self.keyring.role(credentials.blob)
        try:
            key = Key.fromString(credentials.blob)
        except BadKeyError as problem:
            raise UnauthorizedLogin(str(problem)) from None
        if role is None:
            log.warn(
                "console: {name} is refused: key {key} is not known",
                name=name.decode("utf-8", "replace"),
                key=_fingerprint(key),
            )
            raise UnauthorizedLogin("the key is not known")
        if not credentials.signature:
            raise ValidPublicKey()
        if not key.verify(credentials.signature, credentials.sigData):
            raise UnauthorizedLogin("the signature is wrong")
        log.info(
            "console: {name} is in as {role} with key {key}",
            name=name.decode("utf-8", "replace"),
            role=role.value,
            key=_fingerprint(key),
        )
        return role, name


def _fingerprint(key: Key) -> str:
    """As ssh-keygen(1) C{-l} shows it, so that one can be looked for with the other."""
    digest = key.fingerprint(FingerprintFormats.SHA256_BASE64)
    return f"SHA256:{digest.rstrip('=')}"


@implementer(ISession)
class TerminalSession:
    """A shell, or one verb; no other program is ever started."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._size = (80, 24)
        self._terminal: Terminal | None = None

    def getPty(self, term: bytes, size: tuple[int, ...], modes: Any) -> None:
        """A terminal of this size."""
        self._size = (size[1], size[0])

    def openShell(self, proto: Any) -> None:
        """The prompt."""
        self._terminal = terminal = self._user.prompt()
        server = Screen(terminal, self._user.reactor)
        server.makeConnection(_Transport(proto))
        proto.makeConnection(wrapProtocol(server))
        terminal.terminalSize(*self._size)

    def execCommand(self, proto: Any, command: bytes) -> None:
        """One verb: what it shows, and a status."""
        out = _Transport(proto)
        nobody = _Deaf()
        nobody.makeConnection(out)
        proto.makeConnection(wrapProtocol(nobody))
        try:
            words = shlex.split(command.decode("utf-8", "replace"))
            shown = run(self._user.verbs(), words)
        except (LookupError, ValueError) as problem:
            out.end(str(problem), MISUSE)
            return
        if isinstance(shown, Deferred):
            shown.addErrback(lambda failure: Text(failure.getErrorMessage()))
            shown.addCallback(lambda text: out.end(str(text), 0))
        else:
            out.end(str(shown), 0)

    def windowChanged(self, size: tuple[int, ...]) -> None:
        """The terminal has another size."""
        self._size = (size[1], size[0])
        if self._terminal is not None:
            self._terminal.terminalSize(*self._size)

    def eofReceived(self) -> None:
        """Nothing more is typed."""

    def closed(self) -> None:
        """The connection has ended."""
        if self._terminal is not None:
            self._terminal.tail.stop()


class _Deaf(Protocol):
    """Takes what is sent to a verb, and does nothing with it."""


class _Transport:
    """What a terminal writes to: the channel of an ssh session."""

    def __init__(self, proto: Any) -> None:
        self._proto = proto

    def write(self, data: bytes) -> None:
        """Send it."""
        self._proto.session.write(data)

    def loseConnection(self) -> None:
        """End with status 0."""
        self.end("", 0)

    def end(self, text: str, status: int) -> None:
        """Send the last words, and how it went."""
        session = self._proto.session
        if text:
            session.write(text.encode("utf-8", "replace") + b"\n")
        if session.conn is not None and not session.localClosed:
            session.conn.sendRequest(session, b"exit-status", status.to_bytes(4, "big"))
            session.loseConnection()


class User(ConchUser):
    """Somebody who is in: C{prompt} makes a terminal, C{verbs} gives the verbs."""

    def __init__(
        self,
        prompt: Callable[[], Terminal],
        verbs: Callable[[], Mapping[str, Any]],
        reactor: Any,
    ) -> None:
        super().__init__()
        self.prompt, self.verbs, self.reactor = prompt, verbs, reactor
        self.channelLookup[b"session"] = SSHSession

    def __conform__(self, interface: Any) -> Any:
        """How the session channel asks for its session."""
        return TerminalSession(self) if interface is ISession else None


@implementer(IRealm)
class Realm:
    """C{user} makes a L{User} for a role."""

    def __init__(self, user: Callable[[Role], User]) -> None:
        self._user = user

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """The user with that role."""
        role, _name = avatarId
        return IConchUser, self._user(role), lambda: None


class Connection(SSHServerTransport):
    """One client; it has half a minute to log in."""

    factory: Any
    _grace: Any = None
    _log = Logger()  # hanode.logs keeps it short

    def receiveError(self, reasonCode: int, description: bytes) -> None:
        """The client says why it goes; that its user wanted to is no news."""
        if reasonCode != DISCONNECT_BY_APPLICATION:
            super().receiveError(reasonCode, description)

    def connectionMade(self) -> None:
        """Count it, unless there are too many already."""
        super().connectionMade()
        if len(self.factory.connections) >= MOST:
            log.warn("console: more than {most} connections: refused", most=MOST)
            self.abort()
            return
        self.factory.connections.add(self)
        self._grace = self.factory.reactor.callLater(GRACE, self._late)

    def abort(self) -> None:
        """Hang up."""
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """It has gone."""
        self.factory.connections.discard(self)
        if self._grace is not None and self._grace.active():
            self._grace.cancel()
        super().connectionLost(reason)

    def _late(self) -> None:
        if not hasattr(self, "avatar"):
            self.abort()


class ConsoleFactory(SSHFactory):
    """The ssh server: one host key, and today's key exchanges only."""

    protocol = Connection
    noisy = False

    def __init__(self, portal: Portal, key: Any, reactor: Any) -> None:
        self.portal, self.reactor = portal, reactor
        self.privateKeys = {key.sshType(): key}
        self.publicKeys = {key.sshType(): key.public()}
        self.primes = None
        self.connections: set[Connection] = set()

    def buildProtocol(self, addr: Any) -> Any:
        """One connection."""
        made: Any = Factory.buildProtocol(self, addr)
        made.supportedPublicKeys = [
            algorithm
            for key in self.privateKeys.values()
            for algorithm in key.supportedSignatureAlgorithms()
        ]
        made.supportedKeyExchanges = [
            each for each in made.supportedKeyExchanges if each in KEX
        ]
        return made

    def doStop(self) -> None:
        """Nobody is listened to any more: everyone goes."""
        super().doStop()
        for each in tuple(self.connections):
            each.abort()
