"""A long answer as JSON in pieces: thousands of records at once hold up packets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hanode.console.plain import plain

Record = Mapping[str, Any]
LONG = 10  # items of a list inside a record that are written at once


def pieces(
    lists: Mapping[str, Iterable[Record]],
    rest: Callable[[], Record] = dict,
) -> Iterator[str]:
    """An object with these C{lists}, one record at a time, and what C{rest} gives then.

    Nothing is asked for before its turn comes.
    """
    opening = "{"
    for name, records in lists.items():
        before = f"{opening}{json.dumps(name)}: ["
        for each in records:
            yield before
            yield from _parts(each)
            before = ", "
        yield "]" if before == ", " else before + "]"
        opening = ", "
    for name, value in rest().items():
        yield f"{opening}{json.dumps(name)}: {written(value)}"
        opening = ", "
    yield "{}" if opening == "{" else "}"


def _parts(record: Record) -> Iterator[str]:
    """A record, whole or, where it has long lists, in parts."""
    long = [name for name, value in record.items() if _is_long(value)]
    if not long:
        yield written(record)
        return
    rest = written({name: value for name, value in record.items() if name not in long})
    yield rest.removesuffix("}")
    opening = ", " if rest != "{}" else ""
    for name in long:
        yield f"{opening}{json.dumps(name)}: ["
        opening = ", "
        items = record[name]
        for at in range(0, len(items), LONG):
            yield (", " if at else "") + written(items[at : at + LONG])[1:-1]
        yield "]"
    yield "}"


def _is_long(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > LONG


def written(value: Any) -> str:
    """C{value} as JSON; what JSON has no words for is null."""
    return json.dumps(plain(value), allow_nan=False)
