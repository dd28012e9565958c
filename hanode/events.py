"""What notifiers are told: one change of state of one object."""

from __future__ import annotations

from dataclasses import dataclass

from hanode.config.model import Notify


@dataclass(frozen=True)
class Event:
    """C{kind} C{name} is now in C{state} with effective C{priority}.

    C{kind} is INSTANCE or GROUP; C{state} is one of MASTER, BACKUP, FAULT, STOP,
    DELETED, MASTER_RX_LOWER_PRI, MASTER_PRIORITY and BACKUP_PRIORITY.
    """

    kind: str
    name: str
    state: str
    priority: int
    notify: Notify
