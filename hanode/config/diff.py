"""Two models -> what a reload has to do: everything else is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hanode.config.model import Model

_SHOWN = 20  # names of one kind


@dataclass(frozen=True)
class Difference:
    """The names of the instances that a reload adds, removes, changes and keeps.

    C{removed} and C{unchanged} are in the order of the old configuration,
    C{added} and C{changed} in that of the new one. Where an instance stands in
    its file does not count. C{bfd_...} are the names of bfd_instances; the
    switches tell whether anything differs in global_defs, in what sessions are
    accepted unasked, and in the block C{hanode}. C{virtual_...} are the names of
    virtual servers; C{balance} tells whether anything differs that concerns them all,
    C{trackers} whether anything that can be tracked does, C{statics} whether what the
    node holds in any case does.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    global_defs: bool = False
    bfd_added: tuple[str, ...] = ()
    bfd_removed: tuple[str, ...] = ()
    bfd_changed: tuple[str, ...] = ()
    bfd_unsolicited: bool = False
    node: bool = False
    virtual_added: tuple[str, ...] = ()
    virtual_removed: tuple[str, ...] = ()
    virtual_changed: tuple[str, ...] = ()
    balance: bool = False
    trackers: bool = False
    groups: bool = False
    statics: bool = False

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return any(
            getattr(self, field.name)
            for field in fields(self)
            if field.name != "unchanged"
        )

    def __str__(self) -> str:
        parts = [
            f"{len(names)} {what}" + (f" ({', '.join(names)})" if show else "")
            for what, names, show in (
                ("added", self.added, bool(self.added)),
                ("removed", self.removed, bool(self.removed)),
                ("changed", self.changed, bool(self.changed)),
                ("unchanged", self.unchanged, False),
            )
        ]
        parts += [
            f"{len(names)} {what} ({_listed(names)})"
            for what, names in (
                ("BFD added", self.bfd_added),
                ("BFD removed", self.bfd_removed),
                ("BFD changed", self.bfd_changed),
                (_servers("added", self.virtual_added), self.virtual_added),
                (_servers("removed", self.virtual_removed), self.virtual_removed),
                (_servers("changed", self.virtual_changed), self.virtual_changed),
            )
            if names
        ]
        parts += [
            what
            for what, differs in (
                ("bfd_unsolicited changed", self.bfd_unsolicited),
                ("sync groups changed", self.groups),
                ("hanode block changed", self.node),
                ("load balancing settings changed", self.balance),
                ("trackers changed", self.trackers),
                ("static addresses, routes or rules changed", self.statics),
            )
            if differs
        ]
        return ", ".join(parts)


def _servers(what: str, names: tuple[str, ...]) -> str:
    return f"virtual server{'s' if len(names) > 1 else ''} {what}"


def _listed(names: tuple[str, ...]) -> str:
    """The first names: a log line is not the place for hundreds."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def diff(old: Model, new: Model) -> Difference:
    """Compare C{old} with C{new}, instance by instance."""
    added, removed, changed = _compare(old.instances, new.instances)
    bfd_added, bfd_removed, bfd_changed = _compare(old.bfd_instances, new.bfd_instances)
    virtual = _compare(old.virtual_servers, new.virtual_servers)
    return Difference(
        added,
        removed,
        changed,
        unchanged=tuple(
            name
            for name, instance in old.instances.items()
            if instance == new.instances.get(name)
        ),
        global_defs=old.global_defs != new.global_defs,
        bfd_added=bfd_added,
        bfd_removed=bfd_removed,
        bfd_changed=bfd_changed,
        bfd_unsolicited=old.bfd_unsolicited != new.bfd_unsolicited,
        node=old.node != new.node,
        virtual_added=virtual[0],
        virtual_removed=virtual[1],
        virtual_changed=virtual[2],
        balance=old.balance != new.balance,
        trackers=old.trackers != new.trackers,
        groups=old.groups != new.groups,
        statics=(old.statics, old.garp_groups) != (new.statics, new.garp_groups),
    )


def _compare(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The names of what was added, of what was removed and of what has changed."""
    return (
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
        tuple(name for name in after if name in before and before[name] != after[name]),
    )
