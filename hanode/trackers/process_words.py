"""The words of vrrp_track_process, and which processes are meant (pure).

keepalived.conf(5), "VRRP track processes".
"""

from __future__ import annotations

from dataclasses import dataclass

from hanode.config.draft import Written
from hanode.config.model import GlobalDefs, Script
from hanode.config.row import Keyword
from hanode.proc import Process
from hanode.trackers.quorum import Bounds

NAME = 15  # bytes of a process name that the kernel keeps (TASK_COMM_LEN)
MOST = 65535
LONGEST = 3600.0  # seconds
SHORTEST = 0.000001  # seconds
EXACT, INITIAL, PARTIAL = "exact", "initial", "partial"


def _delay(word: str) -> Keyword:
    return Keyword(word, word, "seconds", "s", SHORTEST, LONGEST, default=0.0)


ROWS = (
    Keyword("process", "process", "command"),
    Keyword("param_match", "match", "choice", choices=(INITIAL, PARTIAL)),
    Keyword("quorum", "quorum", "integer", "processes", 1, MOST, default=1),
    Keyword("quorum_max", "quorum_max", "integer", "processes", 0, MOST),
    _delay("delay"),
    _delay("terminate_delay"),
    _delay("fork_delay"),
    Keyword("full_command", "full", "flag", default=False),
)


@dataclass(frozen=True)
class ProcessOptions:
    """C{words}: the program and its parameters. C{match} "": by name alone.

    With C{match} the program is compared with the first word of the command line, and
    the parameters: all of them (exact), those that are named (partial), or all but
    that the last one may go on (initial).
    """

    words: tuple[str, ...]
    match: str = ""
    bounds: Bounds = Bounds()

    def concerns(self, process: Process) -> bool:
        """Whether the process is one of these."""
        program = self.words[0]
        if not self.match:
            name = program.rpartition("/")[2]
            return process.name == _encoded(name)[:NAME]
        first, _, rest = process.command.partition(b"\0")
        if "/" not in program:
            first = first.rpartition(b"/")[2]
        if first != _encoded(program):
            return False
        wanted = b"".join(_encoded(word) + b"\0" for word in self.words[1:])
        if self.match == EXACT:
            return rest == wanted
        if self.match == INITIAL:
            wanted = wanted[:-1]
        return rest.startswith(wanted)


def _encoded(word: str) -> bytes:
    return word.encode("utf-8", "surrogateescape")


def options(written: Written, global_defs: GlobalDefs) -> ProcessOptions | None:
    """What the block says; without a process there is nothing to look for."""
    own = written.own
    process: Script | None = own.get("process")
    if process is None:
        written.dropped(
            f"No process set for vrrp_track_process {written.name} - removing",
            "add process NAME, or process PATH PARAMETER ...",
        )
        return None
    words = process.argv
    match = own.get("match", EXACT if len(words) > 1 else "")
    if len(words) == 1:
        # param_match without parameters: there must be none. With full_command alone
        # they do not matter.
        match = EXACT if "match" in own else PARTIAL if "full" in own else ""
    delay = own.get("delay", 0.0)
    least, most = own.get("quorum", 1), own.get("quorum_max")
    if most == 0 and "quorum" not in own:
        least = 0
    elif most is not None and most < least:
        written.warning(
            f"quorum {least} exceeds quorum_max {most}: ignoring quorum_max",
            "make quorum_max at least as large",
        )
        most = None
    bounds = Bounds(
        least,
        most,
        own.get("fork_delay", delay),
        own.get("terminate_delay", delay),
    )
    return ProcessOptions(words, match, bounds)
