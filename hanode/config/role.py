"""The role of an instance: wanted state, priority, and when it preempts."""

from __future__ import annotations

from hanode.config.draft import Draft

_OWNER = 255  # RFC 9568, section 5.2.4: the priority of the address owner


def role(draft: Draft) -> tuple[int, str]:
    """Priority and wanted state; each is the default of the other."""
    state = draft.own.get("state")
    priority = draft.own.get("priority")
    if priority is None:
        priority = _OWNER if state == "MASTER" else 100
        if state == "MASTER":
            draft.warning(
                "state MASTER without priority means priority 255, address owner",
                "write the priority",
            )
    owner = "MASTER" if priority == _OWNER else "BACKUP"
    if draft.strict and state not in (None, owner):
        draft.warning(
            "State MASTER must match being address owner", f"starting as {owner}"
        )
        state = owner
    return priority, state or owner


def preemption(draft: Draft, priority: int, state: str) -> tuple[bool, float]:
    """preempt and preempt_delay, cleared where they cannot work."""
    preempt, delay = bool(draft.get("preempt")), float(draft.get("preempt_delay"))
    if not preempt and (state == "MASTER" or priority == _OWNER):
        message = "nopreempt is incompatible with priority 255. resetting nopreempt"
        if state == "MASTER":
            message = (
                "Warning - nopreempt will not work with initial state MASTER - clearing"
            )
        draft.warning(
            message,
            "use state BACKUP and a priority below 255 on every node",
        )
        preempt = True
    if delay and (state == "MASTER" or not preempt):
        message = "preempt_delay is incompatible with nopreempt mode - resetting"
        if state == "MASTER":
            message = (
                "Warning - preempt delay will not work with initial state MASTER"
                " - clearing"
            )
        draft.warning(
            message,
            "use state BACKUP, and preempt_delay without nopreempt",
        )
        delay = 0.0
    return preempt, delay
