"""What has happened, line by line, with the time of day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from hanode.console.plain import plain
from hanode.console.table import table
from hanode.facts import Fact, Facts

HEADS = ("TIME", "FACT", "VALUE", "WHY")
WIDEST = 60  # characters of a value


class Timeline:
    """Facts of the reactor's clock as records with the time of day.

    @param seconds: the clock of the facts; C{wall} the time of day, in seconds.
    """

    def __init__(self, seconds: Callable[[], float], wall: Callable[[], float]) -> None:
        self._seconds, self._wall = seconds, wall

    def record(self, fact: Fact) -> dict[str, Any]:
        """C{fact} as plain data; C{time} is the time of day in seconds since 1970."""
        time = self._wall() - self.age(fact)
        return {
            "time": round(time, 6),
            "fact": fact.name,
            "value": plain(fact.value),
            "why": fact.why,
        }

    def age(self, fact: Fact) -> float:
        """For how many seconds C{fact} has held."""
        return self._seconds() - fact.since

    def latest(self, facts: Facts, count: int) -> list[dict[str, Any]]:
        """The last C{count} events of C{facts}, oldest first, each with its number."""
        found = list(facts.events)[-count:] if count > 0 else []
        first = facts.count - len(found) + 1
        return [
            {"id": number, **self.record(each)}
            for number, each in enumerate(found, first)
        ]


def timeline(records: Iterable[dict[str, Any]], most: int = 200) -> str:
    """One line for each record."""
    rows = list(islice(map(_row, records), most))
    return table(HEADS, rows) if rows else "nothing has happened"


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    at = datetime.fromtimestamp(record["time"])
    return (
        at.strftime("%H:%M:%S.") + f"{at.microsecond // 1000:03d}",
        str(record["fact"]),
        value_text(record["value"]),
        str(record["why"]),
    )


def value_text(value: Any) -> str:
    """A fact's value, short: of a record what is set in it."""
    if value is None:
        return "-"
    if isinstance(value, dict):
        text = " ".join(_members(value))
    elif isinstance(value, list):
        text = ", ".join(map(value_text, value)) or "none"
    else:
        text = str(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."


def _members(value: dict[str, Any]) -> Iterator[str]:
    for name, each in value.items():
        if each is True:
            yield name
        elif each not in (None, False, "", [], {}):
            yield f"{name}={value_text(each)}"
