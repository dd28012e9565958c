"""Reader of virtual_routes and static_routes: one route on each line.

keepalived.conf(5), "Static routes/addresses/rules"; ip-route(8). The options that make
next hops are in L{hanode.config.hops}, the metrics in L{hanode.config.metrics}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hanode.config.findings import Findings
from hanode.config.hops import HOP_WORDS, HopDraft, hops
from hanode.config.line_words import LineWords, read_lines, whole
from hanode.config.metrics import METRIC_WORDS, MetricsDraft
from hanode.config.model import IpAddress
from hanode.config.route_model import KEEPALIVED, MAIN, IpNetwork, Route
from hanode.config.route_names import Names
from hanode.config.tree import Block, Word

_NOWHERE = frozenset({"blackhole", "unreachable", "prohibit", "throw"})
_CASTS = frozenset({"unicast", "local", "broadcast", "anycast", "multicast"})
KINDS = _NOWHERE | _CASTS | {"nat", "xresolve"}
_PLACES = frozenset({"add", "prepend", "append"})
_UINT = 4294967295


@dataclass
class RouteDraft:
    """One line while it is being read."""

    words: LineWords
    kind: str = "unicast"
    version: int = 0
    destination: IpNetwork | None = None
    is_default: bool = False
    source: IpAddress | None = None
    source_network: IpNetwork | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    hops: HopDraft = field(default_factory=HopDraft)
    metrics: MetricsDraft = field(default_factory=MetricsDraft)


def routes(
    lines: list[Block], names: Names, findings: Findings, static: bool = False
) -> tuple[Route, ...]:
    """The routes of a block, in its order; a bad or a second one is left out.

    @param static: a track_group is allowed.
    """

    def read(words: LineWords) -> Route:
        return _read(words, static)

    found: dict[Route, None] = {}
    for route, line in read_lines("route", lines, names, findings, read):
        if route in found:
            text = f"route {route} is there already - ignoring"
            findings.warning(line, text, "remove one of the two")
        found[route] = None
    return tuple(found)


def _read(words: LineWords, static: bool) -> Route:
    draft = RouteDraft(words)
    for word in words:
        text = word.text
        if text in HOP_WORDS:
            HOP_WORDS[text](draft.hops, words)
        elif text in METRIC_WORDS:
            METRIC_WORDS[text](draft.metrics, words, text)
        elif text in _OPTIONS:
            _OPTIONS[text](draft, words)
        elif text in KINDS:
            draft.kind = text
        elif text in _PLACES:
            draft.fields["place"] = text
        elif text in ("inet", "inet6"):
            draft.version = 6 if text == "inet6" else 4
        elif text == "track_group" and static:
            draft.fields["group"] = words.take().text
        elif text == "to" or not (draft.destination or draft.is_default):
            _destination(draft, words.take() if text == "to" else word)
        else:
            words.unknown(word)
    return _finish(draft)


def _destination(draft: RouteDraft, word: Word) -> None:
    draft.is_default = True
    draft.destination = draft.words.network(word, draft.version)


def _source(draft: RouteDraft, words: LineWords) -> None:
    draft.source = words.address("src")


def _source_network(draft: RouteDraft, words: LineWords) -> None:
    draft.source_network = words.network(words.take(), draft.version or 6)


def _number(name: str, low: int, high: int, file: str = "") -> Callable[..., None]:
    def read(draft: RouteDraft, words: LineWords) -> None:
        draft.fields[name] = words.number(name, low, high, file)

    return read


def _preference(draft: RouteDraft, words: LineWords) -> None:
    word = words.take()
    known = {"low": 3, "medium": 0, "high": 1}  # RFC 4191, section 2.1
    if word.text not in known:
        words.bad(word, f"invalid pref '{word}'", "write low, medium or high")
    draft.fields["preference"] = known[word.text]


def _propagate(draft: RouteDraft, words: LineWords) -> None:
    word = words.take()
    known = {"enabled": 1, "disabled": 0}
    if word.text not in known:
        words.bad(word, f"invalid ttl-propagate '{word}'", "write enabled or disabled")
    draft.fields["ttl_propagate"] = known[word.text]


def _untracked(draft: RouteDraft, words: LineWords) -> None:
    draft.fields["track"] = False


def _vrf(draft: RouteDraft, words: LineWords) -> None:
    word = words.take()
    text = f"vrf {word} is not looked up for a route - removing route"
    words.bad(word, text, "write table N with the table of the VRF")


_metric = _number("metric", 0, _UINT)
_tos = _number("tos", 0, 255, "rt_dsfield")

_OPTIONS: Mapping[str, Callable[[RouteDraft, LineWords], None]] = {
    "src": _source,
    "from": _source_network,
    "table": _number("table", 1, _UINT, "rt_tables"),
    "protocol": _number("protocol", 0, 255, "rt_protos"),
    "scope": _number("scope", 0, 255, "rt_scopes"),
    "metric": _metric,
    "priority": _metric,
    "preference": _metric,
    "tos": _tos,
    "dsfield": _tos,
    "expires": _number("expires", 0, _UINT),
    "pref": _preference,
    "ttl-propagate": _propagate,
    "no_track": _untracked,
    "vrf": _vrf,
}


def _finish(draft: RouteDraft) -> Route:
    words = draft.words
    version = _family(draft)
    destination = draft.destination or whole(version)
    hopless = draft.kind in _NOWHERE
    found = () if hopless else hops(draft.hops, words, version)
    if not found and not hopless:
        text = f"route to {destination} leads nowhere: neither via nor dev"
        words.bad(words.line, text, "write via GATEWAY, dev INTERFACE, or blackhole")
    metrics, locked = draft.metrics.finish()
    fields = dict(draft.fields)
    tracked = fields.get("track", True)
    if (
        fields.get("protocol", KEEPALIVED) != KEEPALIVED
        and tracked
        and draft.hops.alone
    ):
        words.findings.warning(
            words.line,
            "Route cannot be tracked if protocol is not RTPROT_KEEPALIVED(18),"
            " resetting protocol",
            "remove protocol, or add no_track",
        )
        fields["protocol"] = KEEPALIVED
    return Route(
        destination,
        draft.kind,
        found,
        table=fields.pop("table", MAIN),
        source=draft.source,
        source_network=draft.source_network,
        metrics=metrics,
        locked=locked,
        **fields,
    )


def _family(draft: RouteDraft) -> int:
    """4 or 6: of what was said, of the destination, of the addresses, else IPv4."""
    words = draft.words
    if draft.destination is None and not draft.is_default:
        text = "Route must have a destination"
        words.bad(words.line, text, "write the network, or default")
    versions = {draft.version} if draft.version else set[int]()
    versions |= {draft.destination.version} if draft.destination else set()
    versions |= {draft.source.version} if draft.source else set()
    if not versions:
        versions = draft.hops.versions
    if len(versions) > 1:
        text = "Cannot mix IPv4 and IPv6 addresses for route"
        words.bad(words.line, text, "write via inet6 ADDRESS if that is meant")
    return versions.pop() if versions else 4
