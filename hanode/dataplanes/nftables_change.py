"""The transaction that takes nftables from one table of services to another.

What does not change is not mentioned, so that it keeps its clients, its counters and
its turn: the clients of a persistent service survive a change of its real servers, and
a restart of the daemon.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from hanode.dataplanes.nftables_rules import (
    BASE_RULES,
    BASES,
    CLIENTS,
    MAPS,
    TABLE,
    Rules,
    rules_of,
)
from hanode.lvs import Identity, Table

_NOTHING = Rules()
_NAME = re.compile(r'^\s+(chain|set|map|counter) "?([^"\s]+)"? \{', re.MULTILINE)


@dataclass(frozen=True)
class Present:
    """The names that a table in the kernel has, whoever made them."""

    chains: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    maps: frozenset[str] = frozenset()
    counters: frozenset[str] = frozenset()


@dataclass
class Transaction:
    """Commands for nft, one per line, and the service that each belongs to."""

    lines: list[str] = field(default_factory=list)
    owners: list[Identity | None] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What nft reads; "" when there is nothing to be done."""
        return "".join(f"{line}\n" for line in self.lines)

    def owner(self, line: int) -> Identity | None:
        """Whose command stands in C{line}, counted from 1 as nft does."""
        return self.owners[line - 1] if 0 < line <= len(self.owners) else None

    def add(self, owner: Identity | None, lines: Iterable[str]) -> None:
        """Append commands of one owner."""
        for line in lines:
            self.lines.append(line)
            self.owners.append(owner)


def change(old: Table, new: Table) -> Transaction:
    """What makes C{new} of a kernel that has C{old}, both not empty."""
    identities = [each for each in old if each not in new] + list(new)
    pairs: list[tuple[Identity, Rules, Rules]] = []
    for each in identities:
        before, after = old.get(each), new.get(each)
        if before == after:
            continue
        had = _NOTHING if before is None else rules_of(before)
        wanted = _NOTHING if after is None else rules_of(after)
        pairs.append((each, had, wanted))
    result = Transaction()
    # In this order nothing is ever used before it is there, nor removed while used.
    for step in (_create, _unhook, _fill, _hook, _remove):
        for identity, had, wanted in pairs:
            result.add(identity, step(had, wanted))
    return result


def rewrite(present: Present | None, new: Table) -> Transaction:
    """What makes C{new} of whatever the kernel has under our table's name.

    C{present} None begins from nothing: whatever was there goes, with its clients
    and counters.
    """
    result = Transaction()
    result.add(None, [f"add table {TABLE}"])
    if present is None:
        result.add(None, [f"delete table {TABLE}"])
        if not new:
            return result
        result.add(None, [f"add table {TABLE}"])
    pairs = [(identity, rules_of(service)) for identity, service in new.items()]
    if present is not None:
        result.add(None, [f"flush table {TABLE}"])
        result.add(None, (f"flush map {TABLE} {each}" for each in sorted(present.maps)))
        result.add(None, _stale(present, [rules for _, rules in pairs]))
    result.add(None, (f"add map {TABLE} {k} {{ type {v}; }}" for k, v in MAPS.items()))
    for chain, hook in BASES.items():
        tail = f" {{ {hook} }}" if hook else ""
        result.add(None, [f"add chain {TABLE} {chain}{tail}"])
    for chain, rules in BASE_RULES.items():
        result.add(None, (f"add rule {TABLE} {chain} {each}" for each in rules))
    for step in (_create, _fill, _hook):
        for identity, wanted in pairs:
            result.add(identity, step(_NOTHING, wanted))
    return result


def read_present(text: str) -> Present:
    """What C{nft -t list table} says is there.

    Its text and not its JSON, which takes ten times as long to read.
    """
    found: dict[str, set[str]] = {"chain": set(), "set": set(), "map": set()}
    found["counter"] = set()
    for kind, name in _NAME.findall(text):
        found[kind].add(name)
    return Present(
        frozenset(found["chain"]),
        frozenset(found["set"]),
        frozenset(found["map"]),
        frozenset(found["counter"]),
    )


def _stale(present: Present, wanted: list[Rules]) -> list[str]:
    """Delete what an earlier run, or somebody else, left in our table."""
    chains = set(BASES)
    sets: set[str] = set()
    counters: set[str] = set()
    for rules in wanted:
        chains.update(rules.chains)
        sets.update(rules.sets)
        counters.update(rules.counters)
    return [
        *(f"delete chain {TABLE} {each}" for each in sorted(present.chains - chains)),
        *(f"delete set {TABLE} {each}" for each in sorted(present.sets - sets)),
        *(f"delete map {TABLE} {each}" for each in sorted(present.maps - set(MAPS))),
        *(
            f"delete counter {TABLE} {each}"
            for each in sorted(present.counters - counters)
        ),
    ]


def _create(had: Rules, wanted: Rules) -> list[str]:
    old_counters = set(had.counters)
    lines = [
        f"add counter {TABLE} {each}"
        for each in wanted.counters
        if each not in old_counters
    ]
    for each, kind in wanted.sets.items():
        if each not in had.sets:
            spec = f"type {kind}; flags dynamic,timeout; size {CLIENTS};"
            lines.append(f"add set {TABLE} {each} {{ {spec} }}")
    lines += [
        f"add chain {TABLE} {each}" for each in wanted.chains if each not in had.chains
    ]
    return lines


def _unhook(had: Rules, wanted: Rules) -> list[str]:
    lines = [
        f"delete element {TABLE} {name} {{ {key} }}"
        for (name, key), value in had.elements.items()
        if wanted.elements.get((name, key)) != value
    ]
    lines += [
        f"flush chain {TABLE} {each}"
        for each, rules in had.chains.items()
        if wanted.chains.get(each) != rules
    ]
    return lines


def _fill(had: Rules, wanted: Rules) -> list[str]:
    return [
        f"add rule {TABLE} {name} {each}"
        for name, rules in wanted.chains.items()
        if had.chains.get(name) != rules
        for each in rules
    ]


def _hook(had: Rules, wanted: Rules) -> list[str]:
    return [
        f"add element {TABLE} {name} {{ {key} : {value} }}"
        for (name, key), value in wanted.elements.items()
        if had.elements.get((name, key)) != value
    ]


def _remove(had: Rules, wanted: Rules) -> list[str]:
    wanted_counters = set(wanted.counters)
    return [
        *(
            f"delete chain {TABLE} {each}"
            for each in had.chains
            if each not in wanted.chains
        ),
        *(f"delete set {TABLE} {each}" for each in had.sets if each not in wanted.sets),
        *(
            f"delete counter {TABLE} {each}"
            for each in had.counters
            if each not in wanted_counters
        ),
    ]
