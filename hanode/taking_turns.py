"""Long work a little at a time: when a piece of it is over for now."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


def after(seconds: float) -> Callable[[], Callable[[], bool]]:
    """What twisted.internet.task.Cooperator asks: ends each turn after so long."""

    def begin() -> Callable[[], bool]:
        end = monotonic() + seconds
        return lambda: monotonic() >= end

    return begin
