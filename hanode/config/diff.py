"""Two models -> what a reload has to do: everything else is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hanode.config.model import Model


@dataclass(frozen=True)
class Difference:
    """The names of the instances that a reload adds, removes, changes and keeps.

    C{removed} and C{unchanged} are in the order of the old configuration,
    C{added} and C{changed} in that of the new one. Where an instance stands in
    its file does not count. C{bfd_...} are the names of bfd_instances; the
    switches tell whether anything differs in global_defs, in what sessions are
    accepted unasked, and in the block C{hanode}.
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
            f"{len(names)} BFD {what} ({', '.join(names)})"
            for what, names in (
                ("added", self.bfd_added),
                ("removed", self.bfd_removed),
                ("changed", self.bfd_changed),
            )
            if names
        ]
        if self.bfd_unsolicited:
            parts.append("bfd_unsolicited changed")
        if self.node:
            parts.append("hanode block changed")
        return ", ".join(parts)


def diff(old: Model, new: Model) -> Difference:
    """Compare C{old} with C{new}, instance by instance."""
    added, removed, changed = _compare(old.instances, new.instances)
    bfd_added, bfd_removed, bfd_changed = _compare(old.bfd_instances, new.bfd_instances)
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
