"""Hand one mail to a server (RFC 6409), with STARTTLS and a login where wanted.

Importing it takes its time, therefore only who has mail to send does. EHLO is tried
first; a server that does not know it is greeted with HELO, unless TLS or a login are
needed. With TLS the certificate has to be good, and for the server's name: a mail
never goes over the wire in the clear where the configuration says otherwise.
"""

from __future__ import annotations

import io
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IHandshakeListener,
    IOpenSSLClientConnectionCreator,
)
from twisted.internet.protocol import Factory
from twisted.mail.smtp import (
    CramMD5ClientAuthenticator,
    ESMTPClient,
    LOGINAuthenticator,
    PLAINAuthenticator,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode.config.notify_model import Mail
from hanode.config.scalars import Secret
from hanode.letter import Letter

PERMANENT = range(500, 600)  # RFC 5321, section 4.2.1


class Refused(Exception):  # noqa: N818 - it is what the server does
    """The server does not take the mail; C{permanent}: nor will it ever."""

    def __init__(self, reason: str, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


@implementer(IOpenSSLClientConnectionCreator)
class Secured:
    """Makes the one TLS connection of a dialogue, and knows it afterwards."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._connection: Any = None

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """See L{IOpenSSLClientConnectionCreator}."""
        self._connection = self._client.clientConnectionForTLS(tlsProtocol)
        return self._connection

    def wrong_name(self) -> str:
        """Why the certificate is not the server's, "" when it is."""
        return str(self._client.wrong_name(self._connection))


@implementer(IHandshakeListener)
class Submission(ESMTPClient):
    """The dialogue about one letter; C{done} fires with the recipients left out."""

    debug = False  # Twisted would keep the lines, the password among them
    transport: Any
    timeout: Any

    def __init__(
        self, letter: Letter, mail: Mail, helo: str, secret: Secret, tls: Any
    ) -> None:
        super().__init__(secret.encode(), tls, helo)
        self._letter, self._wanted = letter, True
        self.timeout = mail.timeout
        self.requireTransportSecurity = mail.tls
        self.requireAuthentication = bool(mail.username)
        user = mail.username.encode()
        if user:
            for kind in (
                CramMD5ClientAuthenticator,
                LOGINAuthenticator,
                PLAINAuthenticator,
            ):
                self.registerAuthenticator(kind(user))
        self.done: Deferred[tuple[str, ...]] = Deferred(lambda _: self._abort())

    # -- what ESMTPClient asks

    def getMailFrom(self) -> str | None:
        """The sender, once: afterwards there is no more mail."""
        wanted, self._wanted = self._wanted, False
        return self._letter.sender if wanted else None

    def getMailTo(self) -> list[str]:
        """All recipients."""
        return list(self._letter.recipients)

    def getMailData(self) -> io.BytesIO:
        """The mail."""
        return io.BytesIO(self._letter.data)

    def sentMail(
        self, code: int, resp: Any, numOk: int, addresses: Any, log: object
    ) -> None:
        """The server has taken the mail, or not."""
        left_out = [each for each in addresses if each[1] >= 300]
        if numOk and code == 250:
            names = tuple(_string(address) for address, *_ in left_out)
            self._finish(names)
            return
        if addresses and not numOk:
            codes = [each[1] for each in left_out]
            _, code, resp = left_out[0]
        else:
            codes = [code]
        permanent = all(each in PERMANENT for each in codes)
        self._finish(Failure(Refused(f"{code} {_string(resp)}", permanent)))

    def sendError(self, exc: Any) -> None:
        """Something went wrong before the mail was offered."""
        text = _string(getattr(exc, "resp", exc))
        code = getattr(exc, "code", -1)
        self._finish(Failure(Refused(f"{code} {text}" if code > 0 else text)))
        super().sendError(exc)

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        """The connection has ended; who has not answered by then did not take it."""
        super().connectionLost(reason)
        if not self.done.called:
            self._finish(Failure(Refused(f"connection lost: {_explained(reason)}")))

    def handshakeCompleted(self) -> None:
        """TLS stands: is it with whom we want to talk to?"""
        assert self.context is not None, "without it there is no TLS"
        problem = self.context.wrong_name()
        if problem:
            self._finish(Failure(Refused(problem)))
            self.transport.abortConnection()

    # -- inside

    def _finish(self, result: Any) -> None:
        if not self.done.called:
            self.done.callback(result)

    def _abort(self) -> None:
        self.transport.abortConnection()


def submit(
    reactor: Any, letter: Letter, mail: Mail, helo: str
) -> Deferred[tuple[str, ...]]:
    """Hand C{letter} over; fires with the recipients that the server left out.

    It fails with L{Refused}, with what Twisted says when there is no connection, with
    L{OSError} for a file that cannot be read. Cancelled, it closes the connection.
    """
    return Deferred.fromCoroutine(_submit(reactor, letter, mail, helo))


async def _submit(
    reactor: Any, letter: Letter, mail: Mail, helo: str
) -> tuple[str, ...]:
    secret = Secret("")
    if mail.username:
        with open(mail.password_file, encoding="utf-8") as file:
            secret = Secret(file.readline().rstrip("\r\n"))
    protocol = Submission(letter, mail, helo, secret, _tls(mail) if mail.tls else None)
    endpoint = HostnameEndpoint(reactor, mail.server, mail.port, timeout=mail.timeout)
    factory = Factory.forProtocol(lambda: protocol)
    factory.noisy = False  # else two lines in the log for each mail
    await endpoint.connect(factory)
    return await protocol.done


def _tls(mail: Mail) -> Any:
    """What makes the connection secret; loaded only where it is wanted."""
    from hanode.tls import Credentials, client

    credentials = Credentials(ca=mail.authorities, verify=True)
    return Secured(client(credentials, mail.server, mail.server))


def _explained(reason: Failure) -> str:
    """Why the connection was lost."""
    error: Any = reason.value
    if type(error).__module__.startswith("OpenSSL"):
        from hanode.tls import openssl_text

        return openssl_text(error)
    return reason.getErrorMessage()


def _string(text: Any) -> str:
    raw = text if isinstance(text, bytes) else str(text).encode()
    return " ".join(raw.decode("utf-8", "replace").split())
