"""Which plug-in balances (pure): the one that is named, or the best that works here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AUTO = "auto"


@dataclass(frozen=True)
class Choice:
    """C{kind} is an L{hanode.interfaces.IBalancerKind}, or None; C{reason} why."""

    kind: Any
    reason: str


def choose(
    kinds: Mapping[str, Any], wanted: str, namespace: str | None = None
) -> Choice:
    """Of C{kinds} by keyword, the one that C{wanted} names; C{auto} leaves it to us."""
    if wanted != AUTO:
        kind = kinds.get(wanted)
        if kind is None:
            known = ", ".join(sorted(kinds)) or "none"
            return Choice(None, f"there is no dataplane {wanted}: known are {known}")
        missing = kind.missing(namespace)
        if missing:
            return Choice(None, f"dataplane {wanted} cannot be used: {missing}")
        return Choice(kind, "the configuration names it")
    refused: list[str] = []
    ranked = [each for each in kinds.values() if each.rank is not None]
    for kind in sorted(ranked, key=lambda each: (each.rank, each.keyword)):
        missing = kind.missing(namespace)
        if not missing:
            return Choice(kind, "; ".join(refused) or "it is the first that auto tries")
        refused.append(f"{kind.keyword}: {missing}")
    return Choice(None, "; ".join(refused) or "no dataplane is installed")
