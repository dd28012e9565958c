"""The http service: JSON on a Twisted endpoint, a unix socket unless told otherwise.

Whatever goes wrong here is logged in one line and concerns nobody else: a node without
it does its work as before.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from hanode.console.endpoint import Endpoint, claimed, parse
from hanode.console.verbs import Verbs
from hanode.console.view import View

LAST_CALL = 0.5  # seconds that closing the port may take


class HttpService(Service):
    """Listens on the endpoint string C{endpoint} ("" or "off": nowhere).

    C{opened} is called each time that listening has begun or failed.
    """

    log = Logger()

    def __init__(
        self,
        endpoint: str,
        view: View,
        verbs: Verbs,
        reactor: Any,
        opened: Callable[[], object] = lambda: None,
    ) -> None:
        self._text, self._reactor, self._opened = endpoint, reactor, opened
        self._view, self._verbs = view, verbs
        self._port: Any = None
        self._turn = 0  # which attempt to listen is the latest

    @property
    def listening(self) -> bool:
        """Whether somebody could look in now."""
        return self._port is not None

    def startService(self) -> None:
        """Begin to listen once the reactor runs."""
        super().startService()
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> Deferred[Any]:
        """Stop listening; the socket file is removed."""
        super().stopService()
        return self._close()

    def move(self, endpoint: str) -> Deferred[Any]:
        """Listen there from now on; try again where it failed before."""
        if endpoint == self._text and self.listening:
            return succeed(None)
        self._text = endpoint
        closed = self._close()
        if self.running:
            closed.addCallback(lambda _: self._begin())
        return closed

    # -- listening

    def _begin(self) -> None:
        self._turn += 1
        if not self.running or parse(self._text) is None:
            return
        # Loading twisted.web takes 100 ms and more: too long for a reactor on which
        # BFD sessions of 30 ms may run. A thread gives way every few milliseconds.
        loaded = deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), _load_site
        )
        loaded.addCallback(self._listen, self._turn)
        loaded.addErrback(self._failed)
        loaded.addBoth(lambda _: self._opened())

    def _listen(self, make_site: Callable[[View, Verbs], Any], turn: int) -> Any:
        endpoint = parse(self._text)
        if not self.running or turn != self._turn or endpoint is None:
            return None
        site = make_site(self._view, self._verbs)
        if endpoint.path is None:
            listening = self._server(endpoint).listen(site)
        else:
            with claimed(endpoint.path):
                # A unix socket is bound before listen() returns: inside the claim.
                listening = self._server(endpoint).listen(site)
        return listening.addCallback(self._listens, turn)

    def _server(self, endpoint: Endpoint) -> Any:
        from twisted.internet.endpoints import serverFromString

        return serverFromString(self._reactor, endpoint.description)

    def _listens(self, port: Any, turn: int) -> None:
        if not self.running or turn != self._turn:
            port.stopListening()
            return
        self._port = port
        host = getattr(port.getHost(), "host", None)
        if host is not None and not ip_address(host).is_loopback:
            self.log.warn(
                "http: everyone who reaches {endpoint} can look in",
                endpoint=self._text,
            )

    def _failed(self, failure: Failure) -> None:
        self.log.error(
            "http: cannot listen on {endpoint}: {problem}",
            endpoint=self._text,
            problem=failure.getErrorMessage(),
        )

    def _close(self) -> Deferred[Any]:
        self._turn += 1
        port, self._port = self._port, None
        if port is None:
            return succeed(None)
        closed: Deferred[Any] = port.stopListening()
        closed.addTimeout(LAST_CALL, self._reactor)
        # The file may have been removed by somebody else: it should have gone anyway.
        closed.addErrback(
            lambda failure: self.log.debug(
                "http: {problem}", problem=failure.getErrorMessage()
            )
        )
        return closed


def _load_site() -> Callable[[View, Verbs], Any]:
    from hanode.console.site import make_site

    return make_site
