"""What concerns the process that hanode is, and not what it does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProcessDefs:
    """How the one process of a node runs; all of it is settled at its start.

    C{instance}: the name of this one among several daemons of a machine, "" for none.
    C{namespace}: the network namespace it lives in (ip-netns(8)), "" for where it is
    started. C{nice}: -20 to 19.
    C{round_robin}: SCHED_RR priority, 0 for none. C{rttime}: RLIMIT_RTTIME in
    microseconds, 0 for none. C{cpus}: the processors it may run on, () for all.
    C{no_swap}: whether its memory is locked. C{name}: of the process, "" as started.
    C{umask}: of the files that it makes, None for that of who starts it.
    """

    instance: str = ""
    namespace: str = ""
    nice: int | None = None
    round_robin: int = 0
    rttime: int = 0
    cpus: tuple[int, ...] = ()
    no_swap: bool = False
    name: str = ""
    umask: int | None = None

    @property
    def suffix(self) -> str:
        """What the names of this daemon's files end in, to tell it from others."""
        return "".join(f"_{part}" for part in (self.namespace, self.instance) if part)
