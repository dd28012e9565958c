"""Servers on loopback that behave, or misbehave, as they are told."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from hanode.config.balance_model import Check, Target
from hanode.result import Result

IPV4, IPV6 = "127.0.0.1", "::1"
SHORT = 0.2  # seconds: enough for a server that is here, and over soon

#: what a server does: with a new connection, or with what it has heard so far
Act = Callable[["Connection"], object]


def nothing(connection: Connection) -> None:
    """Wait."""


class Connection(Protocol):
    """The server's end."""

    transport: Any

    def __init__(self, server: Server) -> None:
        self.server = server
        self.heard = b""
        self.gone: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """A client is there."""
        self.server.joined(self)
        self.server.on_connect(self)

    def dataReceived(self, data: bytes) -> None:
        """It speaks."""
        self.heard += data
        self.server.on_data(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is gone."""
        self.gone.callback(None)

    def say(self, data: bytes) -> None:
        """Send."""
        self.transport.write(data)

    def close(self) -> None:
        """Send what is left to send, and close."""
        self.transport.loseConnection()

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.transport.abortConnection()


class Server(Factory):
    """Listens on loopback until the test ends."""

    def __init__(
        self,
        case: TestCase,
        on_connect: Act = nothing,
        on_data: Act = nothing,
        host: str = IPV4,
        tls: Any = None,
    ) -> None:
        self.on_connect, self.on_data = on_connect, on_data
        self.connections: list[Connection] = []
        self._awaited: list[tuple[int, Deferred[None]]] = []
        clock: Any = reactor
        if tls is None:
            self._port = clock.listenTCP(0, self, interface=host)
        else:
            self._port = clock.listenSSL(0, self, tls, interface=host)
        self.host, self.port = host, self._port.getHost().port
        case.addCleanup(self._stop)

    def buildProtocol(self, addr: Any) -> Connection:
        """One connection."""
        return Connection(self)

    def joined(self, connection: Connection) -> None:
        """A client is there."""
        self.connections.append(connection)
        for count, arrived in self._awaited:
            if count == len(self.connections):
                arrived.callback(None)

    def arrival(self, count: int = 1) -> Deferred[None]:
        """Fires when there have been so many connections."""
        arrived: Deferred[None] = Deferred()
        if len(self.connections) >= count:
            arrived.callback(None)
        else:
            self._awaited.append((count, arrived))
        return arrived

    def target(self, timeout: float = 5.0, **more: Any) -> Target:
        """Where it is."""
        return Target(ip_address(self.host), self.port, timeout=timeout, **more)

    def _stop(self) -> Deferred[Any]:
        waiting = [connection.gone for connection in self.connections]
        for connection in self.connections:
            if not connection.gone.called:
                connection.transport.abortConnection()
        return DeferredList([*waiting, self._port.stopListening()])


def full(case: TestCase, host: str = IPV4) -> Target:
    """A port whose queue is full: whoever connects hears nothing."""
    family = socket.AF_INET if host == IPV4 else socket.AF_INET6
    listening = socket.socket(family)
    case.addCleanup(listening.close)
    listening.bind((host, 0))
    listening.listen(0)
    name = listening.getsockname()
    for _ in range(4):  # one is accepted by the kernel, perhaps one more
        waiting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        case.addCleanup(waiting.close)
        waiting.connect_ex(name)
    return Target(ip_address(host), name[1], timeout=SHORT)


def closed_port(host: str = IPV4) -> int:
    """A port where nobody listens."""
    family = socket.AF_INET if host == IPV4 else socket.AF_INET6
    with socket.socket(family) as free:
        free.bind((host, 0))
        return int(free.getsockname()[1])


@dataclass(frozen=True)
class World:
    """As much of a world as these checkers need."""

    clock: Any = reactor
    random: Random = Random(1)


def probe(plugin: Any, options: Any, target: Target) -> Deferred[Result]:
    """What the checker finds."""
    answer = plugin.probe(World(), Check(plugin.keyword, options, target))
    assert isinstance(answer, Deferred)
    return answer


def outcome(result: Result) -> tuple[bool, str]:
    """What matters of a result."""
    return result.ok, result.reason
