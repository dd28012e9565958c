"""Run before others on a busy machine: a late packet is a false alarm.

sched(7), setpriority(2), mlockall(2). Programs that we start begin as anybody else.
"""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from hanode.config.process_model import ProcessDefs

NICE = -15
AUTOGROUP = Path("/proc/self/autogroup")
TERMINAL = "/dev/tty"
COMM = Path("/proc/self/comm")
RLIMIT_RTTIME = 15  # asm-generic/resource.h; Python has no name for it
MCL_CURRENT, MCL_FUTURE = 1, 2  # asm-generic/mman.h

log = Logger()


def settle(defs: ProcessDefs) -> None:
    """Run as C{defs} say; what the kernel refuses is logged and left."""
    be_prompt(NICE if defs.nice is None else defs.nice)
    if defs.rttime:
        limit = (defs.rttime, defs.rttime)
        _try("rlimit_rttime", resource.setrlimit, RLIMIT_RTTIME, limit)
    if defs.round_robin:
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        priority = os.sched_param(defs.round_robin)
        _try("rt_priority", os.sched_setscheduler, 0, policy, priority)
    if defs.cpus:
        _try("cpu_affinity", os.sched_setaffinity, 0, defs.cpus)
    if defs.no_swap:
        _try("no_swap", _lock_memory)
    if defs.name:
        _try("process_name", COMM.write_text, defs.name[:15])
    if defs.umask is not None:
        os.umask(defs.umask)


def _try(word: str, act: Callable[..., Any], *args: Any) -> None:
    try:
        act(*args)
    except (OSError, ValueError) as problem:
        log.warn("{word}: refused: {problem}", word=word, problem=problem)


def _lock_memory() -> None:
    """All that is in memory stays there (mlockall(2)). Raises L{OSError}."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(MCL_CURRENT | MCL_FUTURE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


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
