"""Run before others on a busy machine: a late packet is a false alarm.

sched(7), setpriority(2). Programs that we start begin as anybody else.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.logger import Logger

NICE = -15
AUTOGROUP = Path("/proc/self/autogroup")
TERMINAL = "/dev/tty"

log = Logger()


def be_prompt(nice: int = NICE) -> None:
    """Ask for this nice value, if we may.

    Where the kernel shares the processor between sessions first (autogroups), the
    nice value of the session counts and not that of the process. It is set, too, when
    there is no terminal: then no person's programs are in it.
    """
    policy = os.SCHED_OTHER | os.SCHED_RESET_ON_FORK
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        os.sched_setscheduler(0, policy, os.sched_param(0))
        if AUTOGROUP.exists() and not _has_terminal():
            AUTOGROUP.write_text(str(nice))
    except OSError as problem:
        log.debug("running with ordinary priority: {problem}", problem=problem)


def _has_terminal() -> bool:
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
