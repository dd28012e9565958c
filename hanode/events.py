"""What notifiers are told: one change of state of one object."""

from __future__ import annotations

from dataclasses import dataclass

from hanode.config.model import Notify, Script


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


@dataclass(frozen=True)
class ServerEvent:
    """A server of the load balancer is C{UP} or C{DOWN} now.

    C{kind} is VS or RS; C{name} the virtual server, or C{REAL/VIRTUAL}, as the FIFO
    writes them. C{script}: what the configuration wants to be run, None for nothing.
    C{reason} is for people.
    """

    kind: str
    name: str
    state: str
    script: Script | None = None
    reason: str = ""
