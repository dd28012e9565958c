"""Lines for tests: sessions on a network that remembers, without a service."""

from __future__ import annotations

from random import Random

from twisted.internet.task import Clock

from hanode.bfd.lateness import Lateness
from hanode.bfd.line import Line
from hanode.bfd.packet import Control, State, encode
from hanode.bfd.session import Report, Session
from hanode.config.bfd_model import BfdParameters, BfdRoute
from tests.bfd.networks import FAST, NEIGHBOUR, Network, world


class Lines:
    """Makes lines; C{reports} are those of all of them."""

    def __init__(self) -> None:
        self.clock, self.network = Clock(), Network()
        self.clock.advance(1000)
        self.world = world(self.clock, self.network)
        self.lateness = Lateness()
        self.reports: list[Report] = []

    def line(
        self,
        name: str = "peer",
        route: BfdRoute | None = None,
        parameters: BfdParameters = FAST,
        discriminator: int = 0xA,
    ) -> Line:
        """A line that was not started."""
        session = Session(parameters, discriminator, Random(1))
        return Line(
            name,
            route or BfdRoute(NEIGHBOUR),
            session,
            self.world,
            self.lateness,
            lambda line, report: self.reports.append(report),
        )

    def up(
        self,
        name: str = "peer",
        route: BfdRoute | None = None,
        parameters: BfdParameters = FAST,
        discriminator: int = 0xA,
        echo: int = 0,
    ) -> Line:
        """A line that is Up and whose poll was answered; what it sent is forgotten."""
        line = self.line(name, route, parameters, discriminator)
        now = self.clock.seconds()
        line.perform(line.session.start(now=now))
        for state, final in ((State.INIT, False), (State.UP, True), (State.UP, False)):
            self.hear(line, state, final, echo)
        self.network.sent.clear()
        return line

    def hear(
        self, line: Line, state: State, final: bool = False, echo: int = 0
    ) -> None:
        """The neighbour says that to C{line}."""
        ours = line.session.discriminator
        control = Control(
            state, 0xB, ours, 3, 50_000, 50_000, min_echo_rx=echo, final=final
        )
        line.accept(encode(control), control, b"", self.clock.seconds())
