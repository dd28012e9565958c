"""A service on a Twisted endpoint that operators look in by.

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

LAST_CALL = 0.5  # seconds that closing the port may take


class Listening(Service):
    """Listens on the endpoint string C{endpoint} ("" or "off": nowhere).

    C{opened} is called each time that listening has begun or failed. A subclass says
    what is loaded for it, and what then answers.
    """

    log = Logger()
    kind = ""  # what it is called in the log
    open_to_all = ""  # what somebody can do who reaches a port that is not loopback's

    def __init__(
        self, endpoint: str, reactor: Any, opened: Callable[[], object] = lambda: None
    ) -> None:
        self._text, self._reactor, self._opened = endpoint, reactor, opened
        self._port: Any = None
        self._turn = 0  # which attempt to listen is the latest

    def load(self) -> Callable[[], Any]:
        """Import what is needed, in a thread; return what makes the factory.

        That is called on the reactor's thread. Both may raise anything.
        """
        raise NotImplementedError

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
        pool = self._reactor.getThreadPool()
        loaded = deferToThreadPool(self._reactor, pool, self.load)
        loaded.addCallback(self._listen, self._turn)
        loaded.addErrback(self._failed)
        loaded.addBoth(lambda _: self._opened())

    def _listen(self, make: Callable[[], Any], turn: int) -> Any:
        endpoint = parse(self._text)
        if not self.running or turn != self._turn or endpoint is None:
            return None
        factory = make()
        if endpoint.path is None:
            listening = self._server(endpoint).listen(factory)
        else:
            with claimed(endpoint.path):
                # A unix socket is bound before listen() returns: inside the claim.
                listening = self._server(endpoint).listen(factory)
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
                "{kind}: everyone who reaches {endpoint} {may}",
                kind=self.kind,
                endpoint=self._text,
                may=self.open_to_all,
            )

    def _failed(self, failure: Failure) -> None:
        self.log.error(
            "{kind}: cannot listen on {endpoint}: {problem}",
            kind=self.kind,
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
                "{kind}: {problem}",
                kind=self.kind,
                problem=failure.getErrorMessage(),
            )
        )
        return closed
