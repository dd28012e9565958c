"""Blocks -> sync groups, and what the instances take from theirs.

The messages are keepalived's where it has some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hanode.config.draft import Written
from hanode.config.group_model import SyncGroup
from hanode.config.instances import notify
from hanode.config.model import VrrpInstance
from hanode.config.tracking import Trackables, merged, tracked

_OWNER = 255


def groups(
    found: Iterable[Written],
    trackables: Trackables,
    drafts: Mapping[str, Written],
    instances: dict[str, VrrpInstance],
    alert: bool = False,
) -> dict[str, SyncGroup]:
    """The groups that C{found} describe; C{instances} learn whose members they are.

    C{drafts}: what each instance was made of, to complain about. C{alert}: whether a
    group is mailed that does not say (smtp_alert_vrrp).
    """
    accepted: dict[str, SyncGroup] = {}
    for written in found:
        members = _members(written, instances)
        if not members:
            written.dropped(
                f"Sync group {written.name} has no virtual router(s) - removing",
                "name its instances in group { ... }",
            )
            continue
        if len(members) == 1:
            written.warning(
                f"Sync group {written.name} has only 1 virtual router(s)"
                " - this probably isn't what you want",
                "name two or more instances in group { ... }",
            )
        accepted[written.name] = SyncGroup(
            written.name,
            members,
            notify(written),
            bool(written.own.get("smtp_alert", alert)),
            written.block.keyword.place,
        )
        _agree(written, [instances[name] for name in members], instances)
        shared = tracked(written, trackables)
        counted = bool(written.own.get("weights_count"))
        for name in members:
            own, mine = instances[name].track, drafts[name]
            track = merged(own, shared, mine, written.name, counted)
            instances[name] = replace(instances[name], track=track)
    return accepted


def _members(written: Written, instances: dict[str, VrrpInstance]) -> tuple[str, ...]:
    """Those that exist and belong to no other group."""
    members: dict[str, None] = {}
    for entry in written.own.get("members", ()):
        name = entry.value
        if name not in instances:
            message = f"Virtual router {name} specified in sync group {written.name}"
            message += " doesn't exist - ignoring"
            remedy = f"add vrrp_instance {name}, or mend the one that is dropped"
        elif name in members or instances[name].group:
            message = f"Virtual router {name} cannot exist in more than one sync group"
            if name in members:
                message = f"Virtual router {name} is named twice"
            message += f"; ignoring {written.name}"
            remedy = "remove one of the two"
        else:
            members[name] = None
            continue
        written.findings.warning(entry.place, message, remedy)
    return tuple(members)


def _agree(
    written: Written, members: list[VrrpInstance], instances: dict[str, VrrpInstance]
) -> None:
    """What must be the same for all members is made so."""
    changes: dict[str, Any] = {"group": written.name}
    if len({each.state for each in members}) > 1:
        changes["state"] = "BACKUP"
        names = ", ".join(each.name for each in members if each.state == "MASTER")
        written.warning(
            f"only {names} with initial state MASTER: all members start as BACKUP",
            "give all members of the group the same state",
        )
    if len({each.priority == _OWNER for each in members}) > 1:
        names = ", ".join(each.name for each in members if each.priority == _OWNER)
        written.warning(
            f"{names} with priority 255, address owner, and the other members not:"
            " the owner waits for them",
            "give all members of the group the same priority",
        )
    if written.own.get("notify_priority_changes"):
        changes["notify_priority_changes"] = True
    for each in members:
        instances[each.name] = replace(each, **changes)
