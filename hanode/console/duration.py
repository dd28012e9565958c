"""Seconds as a person reads them."""

from __future__ import annotations

UNKNOWN = "-"
#: each unit with the next smaller one, which is shown beside it
PAIRS = ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"))


def elapsed(seconds: float | None) -> str:
    """How long something has lasted: the two largest units, C{3m 12s}."""
    if seconds is None:
        return UNKNOWN
    whole = max(0, int(seconds))
    for size, unit, smaller, smaller_unit in PAIRS:
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // smaller}{smaller_unit}"
    return f"{whole}s"


def interval(seconds: float | None) -> str:
    """A short time in its natural unit, with up to three decimals: C{33.3ms}."""
    if seconds is None:
        return UNKNOWN
    micro = round(seconds * 1_000_000)
    for size, unit in ((1_000_000, "s"), (1000, "ms")):
        if abs(micro) >= size:
            return f"{round(micro / size, 3):g}{unit}"
    return f"{micro}us" if micro else "0s"
