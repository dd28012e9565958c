"""A long answer as JSON in pieces: thousands of records at once hold up packets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hanode.console.plain import plain

Record = Mapping[str, Any]


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
            yield before + written(each)
            before = ", "
        yield "]" if before == ", " else before + "]"
        opening = ", "
    for name, value in rest().items():
        yield f"{opening}{json.dumps(name)}: {written(value)}"
        opening = ", "
    yield "{}" if opening == "{" else "}"


def written(value: Any) -> str:
    """C{value} as JSON; what JSON has no words for is null."""
    return json.dumps(plain(value), allow_nan=False)
