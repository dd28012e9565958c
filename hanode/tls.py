"""TLS as a client: what we show, what we ask for, and what went wrong.

Importing it takes its time, therefore only what uses TLS does. Contexts are kept as
long as their files do not change, because reading the authorities takes longer than
a handshake.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from OpenSSL import SSL
from service_identity import VerificationError
from service_identity.exceptions import CertificateError
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
)
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

CONTEXTS_KEPT = 256

Times = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Paths of PEM files, "" for none: our certificate and key, their authorities.

    C{password} opens the key. C{verify}: the server's certificate has to be good; ""
    as C{ca} then means the system's authorities.
    """

    certificate: str = ""
    key: str = ""
    password: str = ""
    ca: str = ""
    verify: bool = False

    def __repr__(self) -> str:
        return f"Credentials({self.certificate!r}, {self.ca!r}, {self.verify})"


class _Factory(TLSMemoryBIOFactory):
    """Keeps no list of its protocols: some end without a word."""

    def registerProtocol(self, p: Any) -> None:
        """Not noted."""

    def unregisterProtocol(self, p: Any) -> None:
        """Was not noted."""


@implementer(IOpenSSLClientConnectionCreator)
class Client:
    """Makes connections that ask for C{sni} ("" for none) and expect C{name}.

    C{name} is a host name or an address, "" when the certificate does not matter.
    """

    def __init__(self, context: SSL.Context, sni: str, name: str) -> None:
        self._context = context
        self._sni = _ascii(sni)
        self._name = name
        self._factory = _Factory(self, True, Factory())

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """See L{IOpenSSLClientConnectionCreator}."""
        connection = SSL.Connection(self._context, None)
        if self._sni:
            connection.set_tlsext_host_name(self._sni)
        return connection

    def wrap(self, protocol: IProtocol) -> Any:
        """A protocol that does TLS, with C{protocol} inside."""
        return TLSMemoryBIOProtocol(self._factory, protocol)

    def wrong_name(self, connection: SSL.Connection) -> str:
        """Why the certificate is not that of C{name}, "" when it is."""
        if not self._name:
            return ""
        try:
            try:
                ip_address(self._name)
            except ValueError:
                verify_hostname(connection, self._name)
            else:
                verify_ip_address(connection, self._name)
        except (VerificationError, CertificateError, ValueError) as error:
            return f"the certificate is not for {self._name} ({type(error).__name__})"
        return ""

    def concerns(self, error: BaseException) -> bool:
        """Whether it was TLS that failed, and not whoever uses it."""
        return isinstance(error, SSL.Error)

    def explain(self, error: BaseException) -> tuple[str, str]:
        """Reason and detail of a failure in TLS."""
        if isinstance(error, ConnectionLost):
            return "closed in TLS handshake", "the server closed the connection"
        text = openssl_text(error)
        if "certificate verify failed" in text:
            return "certificate not trusted", text
        return "TLS error", text


def client(credentials: Credentials, sni: str = "", name: str = "") -> Client:
    """A L{Client}, remembered while the files stay as they are.

    Raises L{OSError} when a file cannot be read and L{SSL.Error} when there is
    nothing in it that serves.
    """
    paths = credentials.certificate, credentials.key, credentials.ca
    times = tuple(os.stat(path).st_mtime_ns if path else 0 for path in paths)
    return _client(credentials, sni, name, times)


@lru_cache(CONTEXTS_KEPT)
def _client(credentials: Credentials, sni: str, name: str, times: Times) -> Client:
    context = _context(credentials, times)
    return Client(context, sni, name if credentials.verify else "")


@lru_cache(CONTEXTS_KEPT)
def _context(credentials: Credentials, _times: Times) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if credentials.certificate:
        context.use_certificate_chain_file(credentials.certificate)
    if credentials.key:
        password = credentials.password.encode("utf-8", "surrogateescape")
        context.set_passwd_cb(lambda *_arguments: password)
        context.use_privatekey_file(credentials.key)
        if credentials.certificate:
            context.check_privatekey()
    if credentials.ca:
        context.load_verify_locations(credentials.ca)
    elif credentials.verify:
        context.set_default_verify_paths()
    mode = SSL.VERIFY_PEER if credentials.verify else SSL.VERIFY_NONE
    context.set_verify(mode, lambda _connection, _cert, _number, _depth, ok: bool(ok))
    return context


def openssl_text(error: BaseException) -> str:
    """The last words of OpenSSL about an error."""
    queue = error.args[0] if error.args else ()
    if isinstance(queue, list) and queue:
        return str(queue[-1][-1])
    return str(error) or type(error).__name__


def _ascii(name: str) -> bytes:
    """A host name as it goes over the wire; an address has none there (RFC 6066)."""
    if _is_address(name):
        return b""
    try:
        return name.encode("ascii")
    except UnicodeEncodeError:
        return name.encode("idna")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
