"""Packets that were not accepted: counted by reason, told once of each sender."""

from __future__ import annotations

from collections import Counter

from twisted.logger import Logger

from hanode.bfd.line import Line
from hanode.bfd.packet import BadPacket
from hanode.config.model import IpAddress

MOST_COMPLAINTS = 100  # in the log: a stranger must not be able to fill it


class Refusals:
    """C{rejected} are the packets that belong to no session; lines have their own."""

    log = Logger()

    def __init__(self) -> None:
        self.rejected: Counter[str] = Counter()
        self._told: set[tuple[str, IpAddress | None]] = set()

    def note(
        self, problem: BadPacket, line: Line | None, source: IpAddress | None
    ) -> None:
        """A packet from C{source} (None: not known), for C{line} if any, is refused."""
        if line is None:
            self.rejected[problem.reason] += 1
        else:
            line.dropped[problem.reason] += 1
            source = source or line.route.neighbour
        key = (problem.reason, source)
        if key in self._told or len(self._told) >= MOST_COMPLAINTS:
            return
        self._told.add(key)
        self.log.warn(
            "({name}) dropped a BFD packet from {source}: {problem}",
            name=line.name if line else "bfd",
            source=source or "someone on the link",
            problem=problem,
        )
