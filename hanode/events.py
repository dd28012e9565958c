"""What notifiers are told: one change of state of one object."""

from __future__ import annotations

from dataclasses import dataclass

from hanode.config.model import Notify, Script

#: states that last, and are not mere happenings
STATES = ("MASTER", "BACKUP", "FAULT", "STOP", "DELETED")


@dataclass(frozen=True)
class Event:
    """C{kind} C{name} is now in C{state} with effective C{priority}.

    C{kind} is INSTANCE or GROUP; C{state} is one of L{STATES}, MASTER_RX_LOWER_PRI,
    MASTER_PRIORITY and BACKUP_PRIORITY. C{alert}: it is to be mailed (smtp_alert).
    C{last}: there will be no more of this object.
    """

    kind: str
    name: str
    state: str
    priority: int
    notify: Notify
    alert: bool = False
    last: bool = False


@dataclass(frozen=True)
class ServerEvent:
    """A server of the load balancer is C{UP} or C{DOWN} now.

    C{kind} is VS or RS; C{name} the virtual server, or C{REAL/VIRTUAL}, as the FIFO
    writes them. Of kind CHECK, with a name as RS, is the change of one check that
    leaves its real server as it was: only mails tell of that.

    C{script}: what the configuration wants to be run, None for nothing. C{reason} is
    for people. C{alert}: it is to be mailed (smtp_alert). C{check}: the keyword of
    the check that made the difference, "" for none.
    """

    kind: str
    name: str
    state: str
    script: Script | None = None
    reason: str = ""
    alert: bool = False
    check: str = ""
