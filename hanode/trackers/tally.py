"""rise and fall: how many results in a row change a verdict (pure)."""

from __future__ import annotations


class Tally:
    """The results of one script; C{up} is the verdict, None before the first result.

    C{rise} successes in a row make it up again, C{fall} failures down. The first
    result counts at once, unless C{assumed} says that a verdict stands before it: then
    False is kept until there were C{rise} successes (init_fail), True is not (a script
    that is new at a reload).
    """

    __slots__ = ("rise", "fall", "up", "heard", "_row")

    def __init__(self, rise: int = 1, fall: int = 1, assumed: bool | None = None):
        self.rise, self.fall, self.up = rise, fall, assumed
        self.heard = False  # whether there was any result
        self._row = 0  # results in a row that speak against the verdict

    def record(self, ok: bool) -> bool:
        """There is a result; return whether the verdict has changed."""
        first, self.heard = not self.heard, True
        if ok is self.up:
            self._row = 0
            return False
        self._row += 1
        needed = self.rise if ok else self.fall
        if first and self.up is not False:
            needed = 1
        if self._row < needed:
            return False
        self.up, self._row = ok, 0
        return True

    def adopt(self, old: Tally) -> None:
        """Go on from the verdict of C{old}, the same script with other numbers."""
        self.up, self.heard = old.up, old.heard
