"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass

#: the reason of a result that an exception of ours has instead of an answer
FAULT = "checker failed"


@dataclass(frozen=True, slots=True)
class Result:
    """One outcome: C{reason} names it in few words, for example C{refused}.

    C{detail} tells more, for the log. C{weight} is the weight that the real server is
    to have now, C{change} what is to be added to its configured one; None says
    nothing about it. C{seconds} is how long it took. C{ours}: this machine could not
    look (no descriptors, no memory, a mistake in the checker), so that it says nothing
    about the real server.
    """

    ok: bool
    reason: str
    detail: str = ""
    weight: int | None = None
    change: int | None = None
    seconds: float = 0.0
    ours: bool = False
