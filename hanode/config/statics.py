"""static_ipaddress, static_routes, static_rules, track_group, garp_group -> records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hanode.config import blocks, routes, rules
from hanode.config.draft import Written
from hanode.config.entries import Entry
from hanode.config.findings import Findings
from hanode.config.model import Address
from hanode.config.route_names import USUAL, Names
from hanode.config.static_keywords import STATIC_ROOT
from hanode.config.static_model import GarpGroup, Statics
from hanode.config.tree import Block

_ROWS = {row.word: row for row in STATIC_ROOT}


@dataclass(frozen=True)
class Lookup:
    """What every block of routes and rules reads with, in the order of the file."""

    names: Names
    preferences: Iterator[int]


def lookup(shared: Mapping[str, Any]) -> Lookup:
    """The names of iproute2, and the preferences that are free."""
    usr, etc = shared.get("iproute_usr", USUAL[0]), shared.get("iproute_etc", USUAL[1])
    return Lookup(Names((usr, etc)), rules.preferences())


def everything(
    found: Mapping[str, list[Block]],
    groups: Iterable[Written],
    shared: dict[str, Any],
    findings: Findings,
) -> tuple[Statics, tuple[GarpGroup, ...]]:
    """What is static, and the garp groups; instances find the rest in C{shared}."""
    reading, named = lookup(shared), track_groups(groups)
    shared |= {"reading": reading, "track_groups": named}
    return (
        statics(found, shared, reading, named, findings),
        garp_groups(found["garp_group"], shared, findings),
    )


def statics(
    found: Mapping[str, list[Block]],
    shared: Mapping[str, Any],
    reading: Lookup,
    groups: Mapping[str, tuple[str, ...]],
    findings: Findings,
) -> Statics:
    """What is static in a configuration; C{groups} are the track groups there are."""

    def read(word: str) -> list[Any]:
        row = _ROWS[word]
        return [
            each
            for block in found[word]
            for each in blocks.READERS[row.type](row, block, findings)
        ]

    made = Statics(
        tuple(_addresses(read("static_ipaddress"), shared, findings)),
        routes.routes(read("static_routes"), reading.names, findings, static=True),
        rules.rules(
            read("static_rules"),
            reading.names,
            findings,
            reading.preferences,
            static=True,
        ),
    )
    for group in made.groups:
        if group not in groups:
            findings.warning(
                None, f"track_group {group} not found", f"add track_group {group}"
            )
    return made


def _addresses(
    found: Iterable[Entry[Address]], shared: Mapping[str, Any], findings: Findings
) -> Iterator[Address]:
    seen: set[tuple[object, str]] = set()
    for entry in found:
        address = entry.value
        if not address.device:
            device = str(shared.get("default_interface", "eth0"))
            address = replace(address, device=device)
        place = (address.address, address.device)
        if place in seen:
            text = f"static address {address} is there already - ignoring"
            findings.warning(entry.place, text, "remove one of the two")
            continue
        seen.add(place)
        yield address


def track_groups(found: Iterable[Written]) -> dict[str, tuple[str, ...]]:
    """The track groups: name -> instances; one without members is none."""
    groups = {}
    for written in found:
        names = tuple(dict.fromkeys(written.own.get("members", ())))
        if names:
            groups[written.name] = names
        else:
            text = f"track_group {written.name} has no members - ignoring"
            written.dropped(text, "add group { INSTANCE }")
    return groups


def groups_of(groups: Mapping[str, tuple[str, ...]], instance: str) -> tuple[str, ...]:
    """The track groups that an instance is in."""
    return tuple(name for name, members in groups.items() if instance in members)


def doubts(
    groups: Mapping[str, tuple[str, ...]],
    instances: Mapping[str, object],
    findings: Findings,
) -> None:
    """Warn about members that are no instances."""
    for name, names in groups.items():
        for member in names:
            if member not in instances:
                text = f"track_group {name}: there is no vrrp_instance {member}"
                findings.warning(None, text, "remove it from the group")


def garp_groups(
    found: Iterable[Block], shared: Mapping[str, Any], findings: Findings
) -> tuple[GarpGroup, ...]:
    """The garp groups; of two that name one interface the first has it."""
    groups = []
    taken: set[str] = set()
    for block in found:
        path = ("garp_group",)
        own = blocks.settings(blocks.body(block, findings), path, findings)
        names = set(own.get("interfaces", ()))
        names |= {own["interface"]} if "interface" in own else set()
        for name in sorted(names & taken):
            text = f"garp_group: interface {name} already in another group - ignoring"
            findings.warning(block, text, "remove it from one of the two")
        names -= taken
        taken |= names
        if not names:
            text = "garp_group has no interfaces - ignoring"
            findings.warning(block, text, "add interfaces { IF }")
            continue
        arp, advertisement = (
            own.get(field, shared.get(f"instance.garp.{field}", 0.0))
            for field in ("arp_interval", "na_interval")
        )
        groups.append(GarpGroup(frozenset(names), arp, advertisement))
    return tuple(groups)
