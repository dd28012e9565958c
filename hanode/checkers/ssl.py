"""SSL_GET: HTTP_GET over TLS, the certificate verified if so wanted.

keepalived.conf(5), SSL_GET and SSL. C{verify} and C{ca PATH} are hanode's own: the
certificate has to come from an authority of C{ca}, of SSL { ca }, or else of the
system, and has to be for sni_name, the virtualhost or the address, whichever is there
first. L{hanode.checkers.visit} has the reasons and the limits of time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.checkers import http_words
from hanode.checkers.http_words import HttpOptions, Tls
from hanode.checkers.visit import Visit, longest
from hanode.config.balance_model import Check
from hanode.interfaces import IChecker
from hanode.result import Result

if TYPE_CHECKING:
    from hanode.tls import Client


@implementer(IPlugin, IChecker)
class SslChecker:
    """The plug-in."""

    keyword = "SSL_GET"
    words = http_words.words(keyword, secure=True)

    def longest(self, check: Check) -> float:
        """See L{IChecker}."""
        return longest(check)

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        """See L{IChecker.probe}; each url may take twice the timeout."""
        options = check.options
        assert isinstance(options, HttpOptions)

        def secure(index: int) -> Client:
            return client_for(options.tls[index], str(check.target.address))

        return Visit(world.clock, check, secure).go()


def client_for(wanted: Tls, address: str) -> Client:
    """What does TLS as C{wanted}, with a server at C{address}.

    Raises L{ValueError} when a file is not there, or not what it should be.
    """
    try:  # it takes its time, and only who uses TLS needs it
        from OpenSSL.SSL import Error

        from hanode import tls
    except ImportError as error:
        missing = "TLS needs pyOpenSSL and service_identity"
        raise ValueError(f"{missing}: {error}") from error
    credentials = tls.Credentials(
        wanted.certificate, wanted.key, wanted.password, wanted.ca, wanted.verify
    )
    try:
        return tls.client(credentials, wanted.sni, wanted.name or address)
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}") from error
    except Error as error:
        raise ValueError(tls.openssl_text(error)) from error


sslChecker = SslChecker()
