"""One conversation with a server over TCP or TLS, with one outcome and two deadlines.

Connecting, the TLS handshake included, takes C{target.timeout} at most; then what is
said takes that long again, however slowly it drips. So it is over after twice that.
"""

from __future__ import annotations

from collections.abc import Callable
from socket import SocketType
from typing import TYPE_CHECKING, Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHandshakeListener, IProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode.config.balance_model import Target
from hanode.result import FAULT
from hanode.stream import Attempt, Stream, name_of

if TYPE_CHECKING:
    from hanode.tls import Client

ANSWER_TIMEOUT = "answer timeout"
TLS_TIMEOUT = "TLS timeout"
PARTING = "parting"
CLOSED = "closed without answer"
TLS_CLOSED = "closed in TLS handshake"

#: told once: the reason ("" when all is well) and the details
Ended = Callable[[str, str], object]


class Exchange(Attempt):
    """A subclass says what is sent and received, and calls L{finish} once.

    @param tls: what makes it TLS; None for plain TCP.
    @param ended: told the outcome, perhaps before C{start} returns; never after
        L{give_up}.
    """

    __slots__ = ("_ended", "_outcome", "_stream", "_tls", "_transport", "_what")

    log = Logger()

    #: whether TLS ends with close_notify in both directions
    compliant = False

    def __init__(
        self, reactor: Any, target: Target, ended: Ended, tls: Client | None = None
    ) -> None:
        super().__init__(reactor, target)
        self._ended: Ended | None = ended
        self._tls = tls
        self._stream: Stream | None = None
        self._transport: Any = None
        self._outcome = "", ""
        self._what = ""  # what is waited for, "" for the connection

    def opened(self) -> None:
        """The connection, and TLS, stands: say something, or wait."""
        raise NotImplementedError

    def received(self, data: bytes) -> None:
        """The server said this."""
        raise NotImplementedError

    def closed(self) -> None:
        """The server closed, in good order, before we were through."""
        self.finish(CLOSED, "the server closed the connection")

    def send(self, data: bytes) -> None:
        """Say C{data}."""
        self._transport.write(data)

    def finish(self, reason: str = "", detail: str = "") -> None:
        """It is over. Everything is given back, and who asked is told."""
        if self._ended is None or self._what == PARTING:
            return
        self._outcome = reason, detail
        if self.compliant and not reason and self._tls and self._stream:
            # Exchange close_notify; whatever comes of that changes nothing.
            self._what = PARTING
            self._transport.loseConnection()
        else:
            self._conclude()

    def _conclude(self) -> None:
        ended = self._ended
        self.give_up()
        if ended is not None:
            ended(*self._outcome)

    def _still(self) -> None:
        """Close the connection, if nothing more is to be said. The time goes on."""
        if self.compliant and self._tls is not None:
            return
        self._close()

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def give_up(self) -> None:
        """See L{Attempt.give_up}."""
        super().give_up()
        self._ended = None
        self._transport = None
        self._close()

    def failed(self, reason: str, detail: str) -> None:
        """See L{Attempt.failed}."""
        self.finish(reason, detail)

    def _pass_on(self, connected: SocketType) -> None:
        """Talk, without a protocol factory in between."""
        self._board.forget(self._descriptor, closing=False)
        inlet = _Inlet(self)
        if self._tls is None:
            self._wait_for(ANSWER_TIMEOUT)
            self._stream = Stream(self._reactor, connected, inlet)
        else:
            self._what = TLS_TIMEOUT  # what is left of the time for connecting
            protocol = self._tls.wrap(inlet)
            self._stream = Stream(self._reactor, connected, protocol)
        try:
            self._stream.start()
        except Exception as error:
            self.log.failure("a checker failed to begin a conversation")
            self.finish(FAULT, f"{type(error).__name__}: {error}")

    def _wait_for(self, what: str) -> None:
        self._what = what
        self._board.limit(self, self._target.timeout)

    def _secured(self) -> None:
        if self._tls is None or self._ended is None:
            return
        problem = self._tls.wrong_name(self._transport.getHandle())
        if problem:
            self.finish("wrong certificate name", problem)
            return
        self._wait_for(ANSWER_TIMEOUT)
        self.opened()

    def _lost(self, failure: Failure) -> None:
        """The connection is gone, whoever ended it."""
        if self._ended is None:
            return
        stream, self._stream = self._stream, None
        broken = stream and stream.error
        error = failure.value or ConnectionLost()
        ended = isinstance(error, (ConnectionDone, ConnectionLost))
        if self._what == PARTING:
            self._conclude()
        elif broken:
            self.finish(name_of(broken), broken.strerror or "")
        elif ended and (self._tls is None or self._what != TLS_TIMEOUT):
            self._end()  # with TLS perhaps without close_notify, as many servers do
        elif self._tls is not None and (ended or self._tls.concerns(error)):
            self.finish(*self._tls.explain(error))
        else:  # an exception of ours, which the reactor has logged
            self.finish(FAULT, f"{type(error).__name__}: {error}")

    def _end(self) -> None:
        if self._what == TLS_TIMEOUT:
            self.finish(TLS_CLOSED, "the server closed the connection")
        else:
            self.closed()

    def late(self) -> None:
        """See L{Attempt.late}."""
        if not self._what:
            super().late()
        elif self._what == PARTING:
            self._conclude()
        else:
            self.finish(self._what, f"after {self._target.timeout:g} s")


@implementer(IProtocol, IHandshakeListener)
class _Inlet:
    """The side of an exchange that Twisted's transports see."""

    __slots__ = ("_exchange", "factory", "transport")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.transport: Any = None

    def makeConnection(self, transport: Any) -> None:
        """Connected; TLS is still to be agreed on, if there is any."""
        exchange = self._exchange
        exchange._transport = transport
        if exchange._tls is None:
            exchange.opened()

    def handshakeCompleted(self) -> None:
        """TLS stands."""
        self._exchange._secured()

    def dataReceived(self, data: bytes) -> None:
        """The server said something."""
        exchange = self._exchange
        if exchange._ended is not None and exchange._what != PARTING:
            exchange.received(data)

    def connectionLost(self, reason: Failure) -> None:
        """It is gone."""
        self._exchange._lost(reason)

    def connectionMade(self) -> None:
        """Only part of the interface: makeConnection has done it."""

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return "exchange"
