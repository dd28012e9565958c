"""Claims about the echo ports of a node."""

from __future__ import annotations

import errno
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd import echo
from hanode.bfd.echoes import Echoes
from hanode.bfd.line import Line
from hanode.bfd.packet import State
from hanode.bfd.table import Table
from hanode.config.bfd_model import BfdParameters, BfdRoute
from tests.bfd.lines import Lines
from tests.bfd.logs import Logs
from tests.bfd.networks import FAST, NEIGHBOUR, problem

SENDS = replace(FAST, echo_tx=20_000)
REFLECTS = replace(FAST, echo_rx=20_000)


class EchoesTests(SynchronousTestCase):
    """Ports that open and close with what sessions need."""

    def setUp(self) -> None:
        """No port is open."""
        self.lines, self.table = Lines(), Table()
        self.network = self.lines.network
        self.back: list[tuple[Line, int]] = []
        self.echoes = Echoes(
            self.network, self.table, lambda *back: self.back.append(back)
        )
        self.logs = Logs(self)
        self.numbers = iter(range(1, 99))

    def line(self, parameters: BfdParameters, device: str = "eth0") -> Line:
        """A line that is Up, whose neighbour takes echo packets."""
        number = next(self.numbers)
        route = BfdRoute(NEIGHBOUR + number, None, device)
        line = self.lines.up(f"n{number}", route, parameters, number, 20_000)
        self.table.add(line)
        self.echoes.adjust(line)
        return line

    def open(self) -> list[tuple[int, str, bool]]:
        """The ports that are open, and whether they send back."""
        return [(*each.where, each.reflect) for each in self.network.echoes]

    def test_nothing(self) -> None:
        """A session without echo opens no port."""
        line = self.line(FAST)
        self.assertEqual((self.open(), line.echo_port), ([], None))

    def test_shared(self) -> None:
        """Sessions of one interface and family share a port; the last closes it."""
        lines = [self.line(SENDS) for _ in range(2)]
        self.line(SENDS, "eth1")
        self.assertEqual(self.open(), [(4, "eth0", False), (4, "eth1", False)])
        self.assertIs(lines[0].echo_port, lines[1].echo_port)
        self.echoes.leave(lines[0])
        self.assertEqual((len(self.open()), lines[0].echo_port), (2, None))
        self.echoes.leave(lines[1])
        self.echoes.leave(lines[1])
        self.assertEqual(self.open(), [(4, "eth1", False)])

    def test_reflect(self) -> None:
        """Who takes echo packets makes the port send back; all use the new one."""
        first, second = self.line(SENDS), self.line(REFLECTS)
        self.assertEqual(self.open(), [(4, "eth0", True)])
        (port,) = self.network.echoes
        self.assertEqual((first.echo_port, second.echo_port), (port, port))
        self.echoes.leave(second)
        self.echoes.adjust(first)
        self.assertEqual(self.open(), [(4, "eth0", False)])
        self.assertIs(first.echo_port, self.network.echoes[0])

    def test_down(self) -> None:
        """A session that leaves Up needs no port."""
        line = self.line(SENDS)
        self.lines.hear(line, State.DOWN)
        self.echoes.adjust(line)
        self.assertEqual((self.open(), line.echo_port), ([], None))

    def test_again(self) -> None:
        """Adjusting again opens nothing again."""
        line = self.line(SENDS)
        (port,) = self.network.echoes
        self.echoes.adjust(line)
        self.assertEqual(self.network.echoes, [port])

    def test_no_device(self) -> None:
        """Without an interface there is no echo; it is said once."""
        for _ in range(2):
            self.assertIsNone(self.line(SENDS, "").echo_port)
        text = "no BFD echo on any interface: the interface of the session must be"
        self.assertEqual(self.logs.lines(), [f"{text} configured"])

    def test_refused(self) -> None:
        """A port that cannot be opened is said once, and tried again."""
        self.network.echoless = problem(errno.EPERM)
        line = self.line(SENDS)
        self.echoes.adjust(line)
        self.assertEqual((self.open(), line.echo_port), ([], None))
        self.assertEqual(len(self.logs.lines()), 1)
        self.network.echoless = None
        self.echoes.adjust(line)
        self.assertIs(line.echo_port, self.network.echoes[0])

    def test_refused_later(self) -> None:
        """Nobody keeps a port that was closed to open a better one."""
        first = self.line(SENDS)
        self.network.echoless = problem(errno.EPERM)
        second = self.line(REFLECTS)
        found = (self.open(), first.echo_port, second.echo_port)
        self.assertEqual(found, ([], None, None))

    def test_reopened(self) -> None:
        """Another interface of the same name: another port, for all its users."""
        lines = [self.line(REFLECTS), self.line(SENDS)]
        (before,) = self.network.echoes
        self.echoes.reopen("eth1")
        self.assertEqual(self.network.echoes, [before])
        self.echoes.reopen("eth0")
        (after,) = self.network.echoes
        self.assertIsNot(before, after)
        self.assertEqual([each.echo_port for each in lines], [after, after])
        self.assertTrue(after.reflect)

    def test_returned(self) -> None:
        """An echo packet goes to its session, if it has that session's token."""
        line = self.line(SENDS)
        (port,) = self.network.echoes
        ours = line.session.discriminator
        port.returned(echo.encode(ours, 7, line.echo_token))
        port.returned(echo.encode(ours, 8, line.echo_token ^ 1))
        port.returned(echo.encode(ours ^ 64, 9, line.echo_token))
        for size in range(16):
            port.returned(bytes(size))
        self.assertEqual(self.back, [(line, 7)])

    def test_drain(self) -> None:
        """All ports are read."""
        lines = [self.line(SENDS, device) for device in ("eth0", "eth1")]
        for port, line in zip(self.network.echoes, lines, strict=True):
            payload = echo.encode(line.session.discriminator, 1, line.echo_token)
            port.waiting.append(payload)
        self.echoes.drain()
        self.assertEqual(self.back, [(each, 1) for each in lines])

    def test_close(self) -> None:
        """At the end all are closed."""
        self.line(SENDS)
        self.line(SENDS, "eth1")
        self.echoes.close()
        self.assertEqual(self.open(), [])
