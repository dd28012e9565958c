"""The sessions of a node, found by what a packet or an owner knows of them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hanode.bfd.line import Line
from hanode.bfd.reception import Entrance
from hanode.bfd.session import Session
from hanode.config.bfd_model import BfdRoute
from hanode.config.model import IpAddress


class Table:
    """All lines by name, discriminator, ends, and the packet that each expects.

    C{expected} leads from the exact bytes to the session that they would tell nothing
    new: a dict, because it is asked for every packet.
    """

    def __init__(self) -> None:
        self.expected: dict[bytes, Session] = {}
        self._names: dict[str, Line] = {}
        self._discriminators: dict[int, Line] = {}
        self._ends: dict[tuple[Entrance, IpAddress], Line] = {}

    def __iter__(self) -> Iterator[Line]:
        return iter(tuple(self._names.values()))

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, line: object) -> bool:
        return isinstance(line, Line) and self._names.get(line.name) is line

    def add(self, line: Line) -> None:
        """C{line} exists from now on."""
        self._names[line.name] = line
        self._discriminators[line.session.discriminator] = line
        # Of several to the same neighbour, the first one gets what is new from there.
        self._ends.setdefault(self._between(line), line)

    def remove(self, line: Line) -> None:
        """C{line} exists no more."""
        self.unexpect(line)
        if line in self:
            del self._names[line.name]
            del self._discriminators[line.session.discriminator]
            if self._ends.get(self._between(line)) is line:
                del self._ends[self._between(line)]

    def _between(self, line: Line) -> tuple[Entrance, IpAddress]:
        return Entrance.of(line.route), line.route.neighbour

    def rename(self, line: Line, name: str) -> None:
        """C{line} is called C{name} from now on, which no other line is."""
        del self._names[line.name]
        line.name = name
        self._names[name] = line

    def free_discriminator(self, random: Random) -> int:
        """One that no session has: random and not 0 (RFC 5880, section 6.8.1)."""
        discriminator = 0
        while not discriminator or discriminator in self._discriminators:
            discriminator = random.getrandbits(32)
        return discriminator

    def names(self) -> list[str]:
        """The names of all lines."""
        return list(self._names)

    def named(self, name: str) -> Line | None:
        """The line of that name."""
        return self._names.get(name)

    def of_discriminator(self, discriminator: int) -> Line | None:
        """The line with that discriminator of ours."""
        return self._discriminators.get(discriminator)

    def of_ends(self, entrance: Entrance, neighbour: IpAddress) -> Line | None:
        """The line with that neighbour behind that entrance."""
        return self._ends.get((entrance, neighbour))

    def behind(self, entrance: Entrance, neighbour: IpAddress) -> Line | None:
        """The same; without one, the line with that neighbour that is not bound."""
        line = self.of_ends(entrance, neighbour)
        return line or self.of_ends(entrance.unbound, neighbour)

    def to(self, route: BfdRoute) -> Line | None:
        """The line to the neighbour of C{route}, on its device or bound to none."""
        return self.behind(Entrance.of(route), route.neighbour)

    def expect(self, line: Line, data: bytes) -> None:
        """C{data} is what C{line} has processed; the same again is nothing new."""
        self.unexpect(line)
        if line.repeatable and not line.route.multihop:
            line.expected = data
            self.expected[data] = line.session

    def unexpect(self, line: Line) -> None:
        """From now on every packet for C{line} is looked at closely."""
        if line.expected:
            self.expected.pop(line.expected, None)
            line.expected = b""
