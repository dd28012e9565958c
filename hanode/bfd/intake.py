"""Which session gets which packet, and when there is time for it.

A packet goes the short way if its bytes are those that a session expects: then it only
shows that the neighbour lives, and a thousand of them are dealt with in a millisecond.
All others are decoded, assigned to a session by our discriminator or by their ends
(RFC 5880, section 6.3), and given to its machine. That is fifty times dearer; so they
queue, and get a slice of each turn. Otherwise sessions that come Up would hold up the
packets of those that are Up, which would go Down, and so on without end. Where many
wait, the latest of a neighbour takes the place of its earlier ones, as if those had
been lost: what it said before is no news, and answers to old news go round for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from hanode.bfd.line import Line
from hanode.bfd.packet import YOUR_DISCRIMINATOR, BadPacket, Control, State, decode
from hanode.bfd.reception import Entrance
from hanode.bfd.refusals import Refusals
from hanode.bfd.table import Table
from hanode.interfaces import Datagram

CROWD = 50  # packets that wait; from then on, of each neighbour only the latest counts
MOST = 20_000  # packets that may wait; more is a flood


@dataclass(eq=False, slots=True)
class _Waiting:
    """A packet in the queue."""

    data: bytes
    entrance: Entrance | None
    datagram: Datagram | None
    line: Line | None


class Intake:
    """All packets that come in.

    @param opened: called with an entrance and a datagram that belongs to no session;
        gives the session that it opens, or None.
    @param accepted: called with the line of each packet that was accepted.
    @param more: called when packets are left for the next turn.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        table: Table,
        refusals: Refusals,
        opened: Callable[[Entrance, Datagram], Line | None],
        accepted: Callable[[Line], object],
        more: Callable[[], object],
    ) -> None:
        self._clock, self._table, self._refusals = clock, table, refusals
        self._opened, self._accepted, self._more = opened, accepted, more
        self._queue: deque[_Waiting] = deque()
        self._latest: dict[Line, _Waiting] = {}
        self.slice = 0.005  # seconds of one turn for packets that must be looked at
        self.holding = False  # while sockets are drained: they only queue

    def known(self, batch: list[bytes]) -> None:
        """Packets that name one of our discriminators: hot."""
        now = self._clock.seconds()
        expected = self._table.expected.get
        for data in batch:
            session = expected(data)
            if session is not None:
                session.heard = now
                session.repeated += 1
            else:
                self._put(data, None, None)
        if self._queue and not self.holding:
            self.work()

    def stranger(self, entrance: Entrance, datagram: Datagram) -> None:
        """A packet of which everything is known."""
        self._put(datagram.data, entrance, datagram)
        if not self.holding:
            self.work()

    def work(self) -> None:
        """Look at the packets that wait, for a slice of time."""
        queue, seconds = self._queue, self._clock.seconds
        now = seconds()
        end = now + self.slice
        while queue and now < end:
            first = queue.popleft()
            line = first.line
            if line is not None:
                line.waiting -= 1
                if not line.waiting:
                    del self._latest[line]
            try:
                self._receive(first.data, now, first.entrance, first.datagram)
            except Exception:
                self.log.failure("a BFD packet could not be dealt with")
            now = seconds()
        if queue:
            self._more()

    def close(self) -> None:
        """Forget what waits."""
        self._queue.clear()
        self._latest.clear()

    def _put(
        self, data: bytes, entrance: Entrance | None, datagram: Datagram | None
    ) -> None:
        line = self._line(data, entrance, datagram)
        if line is not None:
            latest = self._latest.get(line)
            if latest is not None and len(self._queue) >= CROWD:
                latest.data = data
                latest.entrance, latest.datagram = entrance, datagram
                return
        if len(self._queue) >= MOST:
            self._refusals.rejected["too many at once"] += 1
            return
        waiting = _Waiting(data, entrance, datagram, line)
        self._queue.append(waiting)
        if line is not None:
            line.waiting += 1  # it is not silent, whatever its timer says
            self._latest[line] = waiting

    def _line(
        self, data: bytes, entrance: Entrance | None, datagram: Datagram | None
    ) -> Line | None:
        """The session that a packet seems to be for, without looking closely."""
        yours = data[YOUR_DISCRIMINATOR : YOUR_DISCRIMINATOR + 4]
        line = self._table.of_discriminator(int.from_bytes(yours))
        if line is None and entrance is not None and datagram is not None:
            line = self._table.behind(entrance, datagram.source)
        return line

    def _receive(
        self,
        data: bytes,
        now: float,
        entrance: Entrance | None,
        datagram: Datagram | None,
    ) -> None:
        line: Line | None = None
        try:
            control, section = decode(data)
            line = self._assign(control, entrance, datagram)
            line.accept(data, control, section, now)
        except BadPacket as problem:
            source = None if datagram is None else datagram.source
            self._refusals.note(problem, line, source)
            return
        if line in self._table:
            self._table.expect(line, data)
            self._accepted(line)

    def _assign(
        self, control: Control, entrance: Entrance | None, datagram: Datagram | None
    ) -> Line:
        """The session of a packet (RFC 5880, section 6.3). Raises L{BadPacket}."""
        line: Line | None = None
        if control.yours:
            line = self._table.of_discriminator(control.yours)
        elif entrance is not None and datagram is not None:
            line = self._table.behind(entrance, datagram.source)
            if line is None and control.state is not State.ADMIN_DOWN:
                line = self._opened(entrance, datagram)
        if line is None:
            raise BadPacket("no session", control.yours or None)
        if entrance is None or datagram is None:
            if line.route.multihop:
                raise BadPacket("single-hop packet for a multihop session")
        elif not entrance.leads_to(line.route):
            raise BadPacket("wrong port or interface", datagram.device)
        elif datagram.source != line.route.neighbour:
            raise BadPacket("source address", datagram.source)
        elif datagram.ttl < line.route.least_ttl:
            raise BadPacket("TTL", datagram.ttl)
        return line
