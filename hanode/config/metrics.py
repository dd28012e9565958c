"""The metrics of a route, which TCP and path MTU discovery use: ip-route(8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hanode.config.line_words import LineWords

_UINT = 4294967295
_RTO_LEAST = 200  # milliseconds: TCP_RTO_MIN of the kernel

#: times: word -> how many units of the kernel a millisecond has
_TIMES = {"rtt": 8, "rttvar": 4, "rto_min": 1}
_UNITS = {"ms": 1, "msec": 1, "msecs": 1, "s": 1000, "sec": 1000, "secs": 1000}
#: word -> highest value
_NUMBERS = {
    "mtu": _UINT,
    "advmss": _UINT,
    "reordering": _UINT,
    "cwnd": _UINT,
    "ssthresh": _UINT,
    "window": _UINT,
    "initcwnd": _UINT,
    "initrwnd": _UINT,
    "hoplimit": 255,
    "quickack": 1,
    "fastopen_no_cookie": 1,
}


@dataclass
class MetricsDraft:
    """The metrics so far."""

    values: dict[str, int | str] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)

    def finish(self) -> tuple[tuple[tuple[str, int | str], ...], frozenset[str]]:
        """Pairs of word and value, and the words that are locked."""
        return tuple(sorted(self.values.items())), frozenset(self.locked)


def _lock(draft: MetricsDraft, words: LineWords, name: str) -> None:
    if words.skip("lock"):
        draft.locked.add(name)


def _number(draft: MetricsDraft, words: LineWords, name: str) -> None:
    _lock(draft, words, name)
    draft.values[name] = words.number(name, 0, _NUMBERS[name])


def _time(draft: MetricsDraft, words: LineWords, name: str) -> None:
    """C{N[ms|s]}, without a unit in the kernel's own: eighths or quarters of a ms.

    keepalived raises what is below the kernel's least timeout.
    """
    _lock(draft, words, name)
    word = words.take()
    digits = word.text.rstrip("msec")
    suffix, least = word.text[len(digits) :], _RTO_LEAST * _TIMES[name]
    unit = _UNITS.get(suffix) if suffix else 0
    if unit is None or not (digits.isascii() and digits.isdigit()):
        words.bad(word, f"invalid {name} '{word}'", "write it as in 300ms or 2s")
    value = int(digits[:10]) * (unit * _TIMES[name] or 1)
    if value < least:
        words.findings.warning(
            word,
            f"{name} value {word} below minimum {_RTO_LEAST}ms, resetting",
            f"write {_RTO_LEAST}ms or more, with its unit",
        )
        value = least
    draft.values[name] = min(value, _UINT)


def _features(draft: MetricsDraft, words: LineWords, name: str) -> None:
    word = words.take()
    if word.text != "ecn":
        words.bad(word, f"feature {word} not supported", "write features ecn")
    draft.values[name] = 1  # RTAX_FEATURE_ECN


def _algorithm(draft: MetricsDraft, words: LineWords, name: str) -> None:
    _lock(draft, words, name)
    draft.values[name] = words.take().text


METRIC_WORDS: Mapping[str, Callable[[MetricsDraft, LineWords, str], None]] = {
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_TIMES, _time),
    "features": _features,
    "congctl": _algorithm,
}
