"""Cross checks of what a model says about BFD."""

from __future__ import annotations

from collections.abc import Iterator

from hanode.config.bfd_model import (
    SINGLE_HOP_TTL,
    BfdInstance,
    BfdParameters,
    BfdRoute,
)
from hanode.config.model import Model, VrrpInstance
from hanode.config.problems import Place, Problem, Severity

MOST = 4000  # sessions that one node is made for

_HASTY = 10_000  # microseconds: a process may wait that long for its processor
_LONG = 10_000_000  # microseconds: keepalived 2.4 warns above, too
_MANY = 10  # packets: keepalived 2.4 warns above, too
_OWNER = 255

Doubts = Iterator[tuple[str, str]]


def doubts(model: Model) -> Iterator[Problem]:
    """Every doubt about the sessions of C{model} and who depends on them."""
    if len(model.bfd_instances) > MOST:
        first = list(model.bfd_instances.values())[MOST]
        yield Problem(
            Severity.ERROR,
            first.place,
            f"{len(model.bfd_instances)} BFD sessions are more than {MOST}",
            "spread them over more nodes",
        )
    for each in model.bfd_instances.values():
        yield from _about(each.name, each.place, _parameters(each.parameters))
        yield from _about(each.name, each.place, _route(each.route))
    for accepted in model.bfd_unsolicited:
        name, place = accepted.device, accepted.place
        yield from _about(name, place, _parameters(accepted.parameters))
    for instance in model.instances.values():
        name, place = instance.name, instance.place
        yield from _about(name, place, _fast_failover(instance))
        yield from _about(name, place, _tracked(instance, model))


def _about(name: str, place: Place | None, found: Doubts) -> Iterator[Problem]:
    for message, remedy in found:
        yield Problem(Severity.WARNING, place, f"({name}) {message}", remedy)


def _parameters(settings: BfdParameters) -> Doubts:
    detection = settings.multiplier * max(settings.min_tx, settings.min_rx)
    if detection < _HASTY:
        yield (
            f"a silence of {detection / 1000:g} ms ends the session: it will flap "
            "on a machine under load",
            "raise min_rx, min_tx or multiplier until it is 10 ms or more",
        )
    if settings.multiplier == 1:
        yield (
            "multiplier 1: one lost packet ends the session",
            "use at least 2, better 3",
        )
    if settings.multiplier > _MANY:
        yield (
            f"multiplier {settings.multiplier} is more than {_MANY}",
            "3 to 5 are enough where few packets are lost",
        )
    for field in ("min_rx", "min_tx", "idle_tx"):
        interval: int = getattr(settings, field)
        if interval > _LONG:
            yield (
                f"{field} {interval / 1000:g} is more than 10 s",
                "the unit is milliseconds",
            )


def _route(route: BfdRoute) -> Doubts:
    if route.ttl < SINGLE_HOP_TTL and not route.multihop:
        yield (
            f"ttl {route.ttl}: neighbours that follow RFC 5881 section 5 drop "
            "packets with less than 255",
            "remove ttl or hoplimit",
        )
    if route.source == route.neighbour:
        yield (
            f"neighbor address {route.neighbour} is this node's own source address",
            "name the neighbour's address",
        )


def _fast_failover(instance: VrrpInstance) -> Doubts:
    if instance.fast_failover is None:
        return
    if instance.priority == _OWNER:
        yield (
            "fast_failover has no effect: priority 255 follows no other master",
            "other nodes have no session with it either: use a priority below 255",
        )
    yield from _parameters(instance.fast_failover)


def _tracked(instance: VrrpInstance, model: Model) -> Doubts:
    peers = {peer.address for peer in instance.unicast_peers}
    for tracked in instance.track:
        if tracked.kind != "bfd":
            continue
        session: BfdInstance | None = model.bfd_instances.get(tracked.name)
        if session is None:
            continue
        neighbour = session.route.neighbour
        if tracked.weight and neighbour.version != instance.family:
            yield (
                f"track_bfd {tracked.name} is a session with {neighbour}, and masters "
                f"are seen by their IPv{instance.family} address: its loss changes "
                "the priority only, fast failover does not find it",
                f"use a session over IPv{instance.family}",
            )
        if not tracked.weight and not tracked.reverse and neighbour in peers:
            yield (
                f"track_bfd {tracked.name} without weight: when {neighbour} fails "
                "this instance goes to FAULT instead of taking over",
                "give it a weight, or use fast_failover",
            )
