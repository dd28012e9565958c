"""Two models -> what a reload has to do: everything else is left alone."""

from __future__ import annotations

from dataclasses import dataclass

from hanode.config.model import Model


@dataclass(frozen=True)
class Difference:
    """The names of the instances that a reload adds, removes, changes and keeps.

    C{removed} and C{unchanged} are in the order of the old configuration,
    C{added} and C{changed} in that of the new one. Where an instance stands in
    its file does not count.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    global_defs: bool = False

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.changed or self.global_defs)

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
        return ", ".join(parts)


def diff(old: Model, new: Model) -> Difference:
    """Compare C{old} with C{new}, instance by instance."""
    before, after = old.instances, new.instances
    return Difference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(
            name for name in after if name in before and before[name] != after[name]
        ),
        unchanged=tuple(name for name in before if before[name] == after.get(name)),
        global_defs=old.global_defs != new.global_defs,
    )
