"""The echo ports of one node, one for each interface and address family."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from hanode.bfd import echo
from hanode.bfd.line import Line
from hanode.bfd.table import Table
from hanode.interfaces import IEchoPort, INetwork

Where = tuple[int, str]


class Echoes:
    """Opens the port as soon as a session needs it.

    @param returned: called with a line and the number of its echo packet that is back.
    """

    log = Logger()

    def __init__(
        self,
        network: INetwork,
        table: Table,
        returned: Callable[[Line, int], object],
    ) -> None:
        self._network, self._table, self._returned = network, table, returned
        self._ports: dict[Where, IEchoPort] = {}
        self._users: dict[Where, set[Line]] = {}
        self._reflecting: set[Where] = set()
        self._refused: set[str] = set()  # what was complained about

    def adjust(self, line: Line) -> None:
        """Open or close what C{line} needs by its state and its parameters."""
        where = (line.route.neighbour.version, line.route.device)
        users = self._users.setdefault(where, set())
        parameters = line.session.parameters
        if not line.up or not (parameters.echo_rx or line.session.echo.active):
            self.leave(line)
            return
        users.add(line)
        reflect = any(user.session.parameters.echo_rx for user in users)
        if where in self._ports and reflect == (where in self._reflecting):
            line.echo_port = self._ports[where]
            return
        self._open(where, reflect)

    def leave(self, line: Line) -> None:
        """C{line} needs no echo port; the last one closes it."""
        where = (line.route.neighbour.version, line.route.device)
        users = self._users.get(where, set())
        users.discard(line)
        line.echo_port = None
        if not users:
            self._users.pop(where, None)
            self._close(where)

    def drain(self) -> None:
        """Read everything that waits."""
        for port in tuple(self._ports.values()):
            port.drain()

    def reopen(self, device: str) -> None:
        """The interface C{device} is another one now: bind to that."""
        for where in tuple(self._ports):
            if where[1] == device:
                self._open(where, where in self._reflecting)

    def close(self) -> None:
        """Close everything."""
        for where in tuple(self._ports):
            self._close(where)

    def _open(self, where: Where, reflect: bool) -> None:
        self._close(where)
        for line in self._users[where]:
            line.echo_port = None
        family, device = where
        try:
            if not device:
                raise OSError("the interface of the session must be configured")
            port = self._network.echo(family, device, self._arrived, reflect)
        except OSError as problem:
            text = f"no BFD echo on {device or 'any interface'}: {problem}"
            if text not in self._refused:
                self._refused.add(text)
                self.log.error("{text}", text=text)
            return
        self._ports[where] = port
        if reflect:
            self._reflecting.add(where)
        for line in self._users[where]:
            line.echo_port = port

    def _close(self, where: Where) -> None:
        port = self._ports.pop(where, None)
        self._reflecting.discard(where)
        if port is not None:
            port.close()

    def _arrived(self, payload: bytes) -> None:
        found = echo.decode(payload)
        if found is None:
            return
        discriminator, number, token = found
        line = self._table.of_discriminator(discriminator)
        if line is not None and line.echo_token == token:
            self._returned(line, number)
