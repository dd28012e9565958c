"""How often, and for how long, the process was held up."""

from __future__ import annotations

from twisted.logger import Logger

from hanode.facts import Facts

STALL = 0.05  # seconds; being held up for longer is worth a record


class Stalls:
    """A record of stalls; the latest is the fact C{reactor:stall}, in seconds."""

    log = Logger()

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._count = 0
        self._latest = self._worst = 0.0

    def note(self, seconds: float) -> None:
        """We were held up for so long."""
        self._count += 1
        self._latest = seconds
        self._worst = max(seconds, self._worst)
        self._facts.set("reactor:stall", round(seconds, 3), "held up")
        self.log.warn(
            "The process was held up for {seconds:.3f} s: no session is judged by it",
            seconds=seconds,
        )

    def describe(self) -> dict[str, float]:
        """What there is to see from outside; seconds."""
        return {"count": self._count, "latest": self._latest, "worst": self._worst}
