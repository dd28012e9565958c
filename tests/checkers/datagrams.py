"""What the tests of the datagram checkers share: servers on loopback, and a world."""

from __future__ import annotations

import socket
from collections.abc import Callable, Hashable, Sequence
from ipaddress import ip_address
from random import Random
from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import TestCase

from hanode.config.balance_model import Check, Schedule, Target
from hanode.config.blocks import settings
from hanode.config.checker_words import CheckerWords, Surroundings
from hanode.config.draft import Written
from hanode.config.findings import Findings
from hanode.config.parser import parse_text
from hanode.processes import Processes
from hanode.result import Result
from tests.config.reading import said

Answer = Callable[[bytes], Sequence[bytes]]


def world(clock: Any = reactor) -> Any:
    """A world with all that a checker needs."""
    return SimpleNamespace(
        clock=clock, random=Random(4711), processes=Processes(reactor)
    )


def read(words: CheckerWords, text: str, **around: Any) -> tuple[Any, list[str]]:
    """The options of a checker's block with C{text}, and what is said about it."""
    blocks, problems = parse_text(f"{words.keyword} {{\n{text}\n}}\n", "test.conf")
    assert problems == []
    findings = Findings()
    table = {row.word: row for row in words.rows}
    found = settings(blocks[0].children or (), (words.keyword,), findings, table)
    default: dict[str, Any] = {"virtualhost": "", "weight": 1, "tls": {}}
    default |= {"bfds": frozenset(), "files": frozenset()}
    surroundings = Surroundings(**{**default, **around})
    made = words.options(Written("", blocks[0], found, findings), surroundings)
    return made, said(findings.problems)


class Server(DatagramProtocol):
    """Answers each datagram with what C{answer} makes of it; remembers all."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heard: list[tuple[bytes, Any]] = []
        self.first: Deferred[None] = Deferred()

    def datagramReceived(self, data: bytes, source: Any) -> None:
        self.heard.append((data, source))
        if not self.first.called:
            self.first.callback(None)
        for each in self.answer(data):
            self.transport.write(each, source)


class Stranger(Server):
    """Answers from another port than was asked."""

    def __init__(self, answer: Answer, other: Any) -> None:
        super().__init__(answer)
        self.other = other

    def datagramReceived(self, data: bytes, source: Any) -> None:
        self.heard.append((data, source))
        for each in self.answer(data):
            self.other.write(each, source)


class Served(TestCase):
    """A test case whose servers listen at C{address} while a test runs."""

    address = "127.0.0.1"

    def serve(self, answer: Answer) -> Server:
        """Start a server; its port is C{server.transport.getHost().port}."""
        return self.listen(Server(answer))

    def serve_elsewhere(self, answer: Answer) -> Server:
        """Start a server that answers from another port."""
        other = self.listen(DatagramProtocol()).transport
        return self.listen(Stranger(answer, other))

    def listen(self, protocol: Any) -> Any:
        """Give C{protocol} a port."""
        port = reactor.listenUDP(0, protocol, interface=self.address)
        self.addCleanup(port.stopListening)
        return protocol

    def closed_port(self) -> int:
        """A port that nobody listens at: one that was ours a moment ago."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as opened:
            opened.bind((self.address, 0))
            number: int = opened.getsockname()[1]
        return number

    def check(
        self, server: Server | int, options: Hashable, timeout: float = 1.0, **more: Any
    ) -> Check:
        """A check of the server, or of a port."""
        port = server if isinstance(server, int) else port_of(server)
        target = Target(ip_address(self.address), port, timeout=timeout, **more)
        return Check("TEST", options, target, Schedule())


def port_of(server: Server) -> int:
    """Where a server listens."""
    port: int = server.transport.getHost().port
    return port


def told(result: Result) -> tuple[bool, str]:
    """What a result says in short."""
    return result.ok, result.reason
