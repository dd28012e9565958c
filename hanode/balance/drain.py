"""Taking a real server out without cutting its connections (pure).

It keeps them with weight 0, until they are gone or the time is up.
"""

from __future__ import annotations

from math import inf


class Drain:
    """One real server that is being drained, since C{since}.

    @param limit: seconds that it gets at most; 0 for no limit.
    """

    __slots__ = ("since", "until", "done")

    def __init__(self, limit: float, *, now: float) -> None:
        self.since = now
        self.until = now + limit if limit else inf
        self.done = False

    def counted(self, connections: int | None, *, now: float) -> bool:
        """So many are left, None if unknown; whether it is done by that."""
        if self.done or (connections != 0 and now < self.until):
            return False
        self.done = True
        return True

    def __str__(self) -> str:
        return "drained" if self.done else "draining"
