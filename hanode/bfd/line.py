"""One session on the network: machine, socket, bytes, counters.

A L{Line} is what the wheel turns. While there is nothing new to say it sends the same
bytes again, and that is the way nearly every packet takes.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from math import inf
from typing import Any

from twisted.logger import Logger

from hanode.bfd import echo, packet
from hanode.bfd.authentication import Authenticator, authenticate
from hanode.bfd.lateness import Lateness, turn_time
from hanode.bfd.packet import CONTROL_PORT, MULTIHOP_PORT, Control, State
from hanode.bfd.session import Actions, Echo, Report, Session, Transmit
from hanode.config.bfd_model import BfdParameters, BfdRoute
from hanode.interfaces import IEchoPort, IUdpSender
from hanode.world import World

RECHECK = 0.001  # seconds
MOST_PATIENCE = 3  # detection times; what waits for longer is not from a neighbour
FAREWELLS = 3  # AdminDown is said so often at the end: no answer will tell
FULL = (errno.EAGAIN, errno.ENOBUFS)  # a queue is: the socket itself is all right


class Line:
    """One session with its neighbour.

    C{wanted} are its owners with what each wants: a name as it is shown, and the
    parameters. A session that nobody wants, but somebody may open, is C{passive}.
    """

    log = Logger()
    __slots__ = (
        *("name", "route", "session", "wanted", "rule", "slot", "waiting", "expected"),
        *("since", "interval", "sent", "processed", "flaps", "send_errors", "dropped"),
        *("latest", "worst", "load", "echo_port", "echo_token"),
        *("_network", "_reported", "_note_lateness", "_sequence", "_authenticator"),
        *("_patience", "_sender", "_problem", "_send", "_beat", "_data"),
    )

    def __init__(
        self,
        name: str,
        route: BfdRoute,
        session: Session,
        world: World,
        lateness: Lateness,
        reported: Callable[[Line, Report], object],
    ) -> None:
        self.name, self.route, self.session = name, route, session
        self.wanted: dict[str, BfdParameters] = {}
        self.rule = ""  # of the acceptance that let it in
        self.slot = -1  # the wheel's
        self.waiting = 0  # packets that have come and were not looked at yet
        self.expected = b""  # the packet that would say nothing new
        self.since = world.clock.seconds()
        self.interval = 0.0  # while Up: the neighbour's, in seconds
        self.sent = self.processed = self.flaps = self.send_errors = 0
        self.dropped: Counter[str] = Counter()
        self.latest = self.worst = 0.0  # lateness of our transmit in seconds
        self.load = (0.0, 0.0)  # what it asks of the node: see Pace
        self.echo_port: IEchoPort | None = None
        self.echo_token = world.random.getrandbits(64)
        self._network, self._reported = world.network, reported
        self._note_lateness = lateness.note
        self._sequence = world.random.getrandbits(32)
        self._authenticator: Authenticator | None = None
        self._patience = 1.0  # the last detection time in seconds
        self._sender: IUdpSender | None = None
        self._problem = ""
        self._send: Callable[[bytes], object] = self._open_and_send
        self._beat: Actions | None = None  # the actions whose bytes are kept
        self._data = b""
        self.authenticate_with(session.parameters)
        session.lateness = turn_time

    # -- settings

    def authenticate_with(self, parameters: BfdParameters) -> None:
        """Use the keys of C{parameters} from now on; sequence numbers go on."""
        self._beat = None
        settings = parameters.authentication
        if settings is None:
            self._authenticator = None
        elif self._authenticator is None:
            self._authenticator = Authenticator(settings, self._sequence)
        else:
            self._authenticator.reconfigure(settings)

    @property
    def received(self) -> int:
        """Packets that were accepted."""
        return self.processed + self.session.repeated

    @property
    def up(self) -> bool:
        """Whether the session is Up."""
        return self.session.state is State.UP

    # -- what arrives

    def accept(self, data: bytes, control: Control, section: bytes, now: float) -> None:
        """A packet of this session. Raises L{packet.BadPacket} when it is refused."""
        session, known = self.session, self._authenticator
        if known is not None and self.expected and session.heard < inf:
            known.heard(session.heard)  # packets that took the short way
        authenticate(known, data, control, section, now, self._patience)
        self.processed += 1
        self.perform(session.receive(control, now=now))
        if session.detection_time < inf:
            self._patience = session.detection_time
        if self.up:
            self.interval = session.expected_interval

    @property
    def repeatable(self) -> bool:
        """Whether the bytes of the last packet may come again, meaning nothing new."""
        known = self._authenticator
        return self.session.steady and (known is None or known.steady)

    # -- what is due

    def turn(self, now: float) -> float | None:
        """Let the session do what is due; give the time of its next turn."""
        session = self.session
        due = session.transmit_at
        following = session.tick(now)
        if not following:
            silence = (now - session.heard) / self._patience
            if self.waiting and 1 <= silence < MOST_PATIENCE:
                return now + RECHECK  # its packets have come, but wait to be looked at
            self.perform(session.expire(now=now))
            return session.deadline
        if session.beat is self._beat:
            try:
                self._send(self._data)
                self.sent += 1
            except OSError as problem:
                self._refused(problem, self._data)
        else:
            self.perform(session.beat)
        self.latest = late = now - due
        if late > self.worst:
            self.worst = late
        self._note_lateness(late)
        return following

    def perform(self, actions: Actions) -> None:
        """Do what the session asks."""
        for action in actions:
            if isinstance(action, Transmit):
                self._transmit(action.control, actions)
            elif isinstance(action, Echo):
                self._send_echo(action.number)
            else:
                self._reported(self, action)

    def _transmit(self, control: Control, actions: Actions) -> None:
        if self._authenticator is not None:
            data = self._authenticator.sign(control)
            keep = self._authenticator.steady
        else:
            data, keep = packet.encode(control), True
        if keep and actions is self.session.beat:
            self._beat, self._data = actions, data
        elif self._authenticator is not None:
            self._beat = None  # this one has a newer sequence number than those kept
        try:
            self._send(data)
        except OSError as problem:
            self._refused(problem, data)
        else:
            self.sent += 1

    def _send_echo(self, number: int) -> None:
        if self.echo_port is None or self._sender is None:
            return
        payload = echo.encode(self.session.discriminator, number, self.echo_token)
        try:
            self.echo_port.send(payload, self._sender.source, self.route.neighbour)
        except OSError as problem:
            self._note(problem)

    # -- the socket

    def _open_and_send(self, data: bytes) -> object:
        """The first packet, and each one while there is no socket. Raises OSError."""
        route = self.route
        port = MULTIHOP_PORT if route.multihop else CONTROL_PORT
        self._sender = self._network.sender(
            route.neighbour, port, route.source, route.device, route.ttl
        )
        self._send = self._sender.send
        result = self._send(data)
        self._problem = ""  # not before: some problems only show when it sends
        return result

    def close(self) -> None:
        """Give the socket back; the next packet opens another."""
        if self._sender is not None:
            self._sender.close()
        self._sender, self._send = None, self._open_and_send

    def farewell(self, now: float) -> None:
        """Say AdminDown, and close (RFC 5880, section 6.8.16)."""
        self.perform(self.session.disable("ended", now=now))
        if self.session.remote_discriminator:
            for _ in range(FAREWELLS - 1):
                self._transmit(self.session.beat[0].control, ())
        self.close()

    def _refused(self, problem: OSError, data: bytes) -> None:
        if isinstance(problem, ConnectionRefusedError):
            # An ICMP message about an earlier packet; this one was not sent.
            try:
                self._send(data)
            except OSError as again:
                self._note(again)
            else:
                self.sent += 1
            return
        self._note(problem)
        if problem.errno not in FULL:
            self.close()  # the route, the address or the interface has changed

    def _note(self, problem: OSError) -> None:
        self.send_errors += 1
        text = problem.strerror or str(problem)
        if text != self._problem:
            self._problem = text
            self.log.warn(
                "({name}) cannot send to {neighbour}: {problem}",
                name=self.name,
                neighbour=self.route.neighbour,
                problem=text,
            )

    # -- looking in

    @property
    def source(self) -> Any:
        """The address that we send from, None while there is no socket."""
        return self.route.source if self._sender is None else self._sender.source

    @property
    def authentication(self) -> str | None:
        """The type of authentication and the id of the key that we send with."""
        settings = self.session.parameters.authentication
        if settings is None:
            return None
        return f"{settings.type.name.lower()}, key {settings.keys[0].id}"
