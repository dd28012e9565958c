"""A request that is answered with an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class Refusal(Exception):
    """Status C{status} with C{text}; C{more} are further JSON members.

    @param headers: further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        text: str,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(text)
        self.status, self.text, self.more = status, text, more
        self.headers = dict(headers or {})


def unknown(what: str, name: str, known: Iterable[str]) -> Refusal:
    """There is no such thing, but these there are."""
    return Refusal(404, f"there is no {what} {name!r}", known=sorted(known))
