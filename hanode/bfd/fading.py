"""Sessions that a neighbour opened and that are not Up: they go away after a while."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hanode.bfd.line import Line

FORGET = 60.0  # seconds until an unsolicited session that is not Up is forgotten


class Fading:
    """The lines that fade (RFC 9468, section 2).

    @param forget: called with each line whose time is over.
    """

    def __init__(self, clock: IReactorTime, forget: Callable[[Line], object]) -> None:
        self._clock, self._forget = clock, forget
        self._calls: dict[Line, IDelayedCall] = {}

    def consider(self, line: Line) -> None:
        """C{line} may be in another state, or be wanted by others than before."""
        if line.up or line.wanted or not line.rule:
            self.spare(line)
        elif line not in self._calls:
            self._calls[line] = self._clock.callLater(FORGET, self._over, line)

    def spare(self, line: Line) -> None:
        """C{line} does not fade, or is gone already."""
        call = self._calls.pop(line, None)
        if call is not None:
            call.cancel()

    def _over(self, line: Line) -> None:
        del self._calls[line]
        self._forget(line)
