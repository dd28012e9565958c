"""Virtual servers as plain dicts, for who looks in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hanode.balance.real import Key, Real
from hanode.balance.server import Virtual, real_name
from hanode.balance.table import identify, port_of
from hanode.checks import Checks, Line
from hanode.config.balance_model import RealServer
from hanode.lvs import Identity, Usage, Usages

Record = dict[str, Any]
REFUSED = "refused"


def describe(
    virtual: Virtual,
    checks: Checks,
    now: float,
    refused: Mapping[Identity, str],
    usages: Usages,
    used: bool = True,
) -> Record:
    """One virtual server; times are seconds ago.

    C{balanced} is C{yes}, C{refused} or C{partly refused} by the dataplane, or C{off}
    when there is none (C{used}); where nothing is balanced no weight is in use.

    C{usage} has the sums over all services of a group, None where the kernel knows
    nothing.
    """
    settings, quorum = virtual.settings, virtual.quorum
    state = virtual.state()
    identities = [identify(each, settings.protocol) for each in settings.addresses]
    balanced = _balanced(identities, refused) if used else "off"
    weights: dict[Key, int] = {}
    if balanced not in ("off", REFUSED):
        found = virtual.destinations()
        weights = {(each.address, each.port): weight for each, weight in found}
    return {
        "name": virtual.name,
        "group": settings.group,
        "protocol": settings.protocol,
        "services": [str(each) for each in identities],
        "scheduler": settings.scheduler,
        "persistence": settings.persistence,
        "state": "UP" if quorum.up else "DOWN",
        "since": now - quorum.since,
        "reason": quorum.reason,
        "quorum": settings.quorum,
        "hysteresis": settings.hysteresis,
        "weight": state.weight,
        "alive": state.alive,
        "suspended": virtual.suspended,
        "balanced": balanced,
        "refused": {str(each): reason for each, reason in refused.items()},
        "sorry_server": _sorry(virtual),
        "real_servers": [
            _real(each, virtual, checks, now, weights)
            | {"usage": _sum(_counts(each.settings, identities, usages))}
            for each in (*virtual.reals.values(), *virtual.leaving.values())
        ],
        "usage": _sum([usages[each][0] for each in identities if each in usages]),
    }


def _balanced(identities: list[Identity], refused: Mapping[Identity, str]) -> str:
    there = [each for each in identities if each in refused]
    if not there:
        return "yes"
    return REFUSED if len(there) == len(identities) else "partly refused"


def _sorry(virtual: Virtual) -> Record | None:
    spare = virtual.settings.sorry
    if spare is None:
        return None
    return {
        "name": real_name(virtual.settings, spare),
        "active": virtual.sorry is not None,
    }


def _real(
    real: Real,
    virtual: Virtual,
    checks: Checks,
    now: float,
    weights: Mapping[Key, int],
) -> Record:
    settings = real.settings
    leaving = virtual.leaving.get(real.key) is real
    used = [] if leaving else [checks.of(each) for each in settings.checks]
    return {
        "name": real.name,
        "address": str(settings.address),
        "port": settings.port,
        "state": "UP" if real.up else "DOWN",
        "since": now - real.since,
        "reason": real.reason,
        "weight": real.weight,
        "configured_weight": settings.weight,
        "weight_in_use": weights.get(real.key),
        "method": settings.method,
        "drain": "" if real.drain is None else str(real.drain),
        "leaving": leaving,
        "checks": [_check(each, now) for each in dict.fromkeys(used)],
    }


def _check(line: Line, now: float) -> Record:
    health, check = line.health, line.check
    result = health.result
    return {
        "check": check.keyword,
        "address": str(check.target.address),
        "port": check.target.port,
        "state": "UP" if health.up else "DOWN",
        "since": now - health.since,
        "tried": health.tried,
        "failures": health.failures,
        "probes": line.probes,
        "users": len(line.users),
        "running": line.running is not None,
        "result": None
        if result is None
        else {
            "ok": result.ok,
            "reason": result.reason,
            "detail": result.detail,
            "seconds": result.seconds,
            "ago": now - health.began,
        },
    }


def _counts(
    real: RealServer, identities: list[Identity], usages: Usages
) -> list[Usage]:
    """What the kernel counts of one real server, below each service."""
    below = [
        usages[each][1].get((real.address, port_of(each, real)))
        for each in identities
        if each in usages
    ]
    return [each for each in below if each is not None]


def _sum(usages: list[Usage]) -> dict[str, int] | None:
    if not usages:
        return None
    records = [asdict(each) for each in usages]
    return {name: sum(each[name] for each in records) for name in records[0]}
