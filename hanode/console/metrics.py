"""The metrics as text, a little at a time (OpenMetrics, written by prometheus_client).

All samples of a family stand together in the text, and a node may have tens of
thousands: they are made a few descriptions at a time, so that others get their turn.

This module loads prometheus_client; nothing imports it before the node has started.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import PLATFORM_COLLECTOR, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    StateSetMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.utils import floatToGoString

from hanode.console.families import FAMILIES, STATES, Sample

CONTENT_TYPE = OPENMETRICS
AT_ONCE = 100  # samples
_KINDS: dict[str, Any] = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
    "histogram": HistogramMetricFamily,
    "stateset": StateSetMetricFamily,
}
_END = "# EOF\n"


class _Some:
    """What prometheus_client takes for a registry: a few families."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """These."""
        return self._families


def exposition(samples: Iterable[Sample]) -> Iterator[str]:
    """The whole text in pieces; "" where only time has passed."""
    bodies: dict[str, list[str]] = {}
    heads: dict[str, str] = {}
    some: list[Sample] = []
    for sample in samples:
        some.append(sample)
        if len(some) >= AT_ONCE:
            _write(some, heads, bodies)
            some.clear()
            yield ""
    _write(some, heads, bodies)
    for family, head in heads.items():
        yield head
        yield from bodies[family]
    yield _text([*ProcessCollector(registry=None).collect()])
    yield _text([*PLATFORM_COLLECTOR.collect()])
    yield _END.rstrip("\n")


def _write(
    samples: list[Sample], heads: dict[str, str], bodies: dict[str, list[str]]
) -> None:
    families: dict[tuple[str, tuple[str, ...]], Any] = {}
    for name, labels, value in samples:
        key = name, tuple(labels)
        family = families.get(key)
        if family is None:
            kind, help = FAMILIES[name]
            family = families[key] = _KINDS[kind](name, help, labels=tuple(labels))
        _add(family, name, list(labels.values()), value)
    for (name, _), family in families.items():
        lines = _text([family]).splitlines(keepends=True)
        heads.setdefault(name, "".join(each for each in lines if each[0] == "#"))
        body = "".join(each for each in lines if each[0] != "#")
        bodies.setdefault(name, []).append(body)


def _add(family: Any, name: str, labels: list[str], value: Any) -> None:
    if name in STATES:
        family.add_metric(labels, {state: state == value for state in STATES[name]})
    elif family.type == "histogram":
        buckets = [
            (floatToGoString(float("inf") if bound is None else bound), count)
            for bound, count in value["buckets"]
        ]
        family.add_metric(labels, buckets, value["sum"])
    else:
        family.add_metric(labels, value)


def _text(families: list[Metric]) -> str:
    registry: Any = _Some(families)
    written: bytes = generate_latest(registry)
    return written.decode().removesuffix(_END)
