"""What was logged, as an operator reads it."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase


class Logs:
    """Remembers what is logged until the test ends."""

    def __init__(self, case: SynchronousTestCase) -> None:
        self.events: list[LogEvent] = []
        observer: Any = self.events.append
        globalLogPublisher.addObserver(observer)
        case.addCleanup(globalLogPublisher.removeObserver, observer)

    def lines(self, least: str = "warn") -> list[str]:
        """The lines of this level or above, in order."""
        level = LogLevel.levelWithName(least)
        levels = list(LogLevel.iterconstants())
        return [
            formatEvent(each)
            for each in self.events
            if levels.index(each["log_level"]) >= levels.index(level)
            and str(each.get("log_namespace", "")).startswith("hanode.")
        ]

    def clear(self) -> None:
        """Forget all."""
        self.events.clear()
