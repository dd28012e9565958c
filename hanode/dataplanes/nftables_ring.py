"""Weights as a ring of numbered places, of which nftables picks one by its number."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

#: rings up to this size take turns one by one; larger ones in runs
FINEST = 256
#: places of the largest ring: numgen and jhash count modulo a 32-bit number
LARGEST = 2**31

#: (first place, last place, index of the weight)
Run = tuple[int, int, int]


def ring(weights: Sequence[int], mixed: bool = True) -> tuple[int, list[Run]]:
    """How many places there are, and which belong to which of C{weights}.

    The shares are exactly those of the weights (all above 0) as long as their sum
    over their greatest common divisor is at most C{LARGEST}. C{mixed}: in a small
    ring the places of one weight are spread over it, so that a heavy server does not
    get all of its connections in one burst.
    """
    parts = _parts(weights)
    total = sum(parts)
    if mixed and total <= FINEST and len(set(parts)) > 1:
        return total, _runs(_turns(parts))
    runs: list[Run] = []
    first = 0
    for index, part in enumerate(parts):
        runs.append((first, first + part - 1, index))
        first += part
    return total, runs


def _parts(weights: Sequence[int]) -> list[int]:
    divisor = gcd(*weights)
    parts = [each // divisor for each in weights]
    total = sum(parts)
    if total > LARGEST:
        room = LARGEST - len(parts)
        parts = [max(1, each * room // total) for each in parts]
    return parts


def _turns(parts: Sequence[int]) -> list[int]:
    """Each index as often as its part says, as evenly spread as can be.

    At each turn everyone gains its part; the richest is taken and pays the total.
    """
    total = sum(parts)
    wealth = [0] * len(parts)
    turns = []
    for _ in range(total):
        wealth = [had + part for had, part in zip(wealth, parts, strict=True)]
        richest = wealth.index(max(wealth))
        wealth[richest] -= total
        turns.append(richest)
    return turns


def _runs(turns: Sequence[int]) -> list[Run]:
    runs: list[Run] = []
    for place, index in enumerate(turns):
        if runs and runs[-1][2] == index:
            runs[-1] = (runs[-1][0], place, index)
        else:
            runs.append((place, place, index))
    return runs
