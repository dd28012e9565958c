"""What a checker plug-in tells the configuration about its keyword.

The configuration imports no plug-in: whoever reads it hands the words of all checkers
down to it, so that a checker in a new file needs no change here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hanode.config.draft import Written
from hanode.config.model import GlobalDefs
from hanode.config.row import Keyword


@dataclass(frozen=True)
class Surroundings:
    """What a checker may need of the servers around it."""

    virtualhost: str  # of the real server, else of the virtual server, else ""
    weight: int  # of the real server
    bfds: frozenset[str]  # names of the bfd_instances that checkers may use
    files: frozenset[str]  # names of the track_files
    #: SSL { password ca certificate key }: paths, and the password as a Secret
    tls: Mapping[str, str]
    #: script_user and enable_script_security for who runs a command
    global_defs: GlobalDefs = field(default_factory=GlobalDefs)
    #: name of each track_file -> its weight, reverse being a change of sign
    file_weights: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckerWords:
    """C{rows} are the checker's own keywords beside those that all checkers have.

    C{options} makes the record of its options, hashable and picklable, of what was
    written (C{written.own}: field -> value); it complains to C{written.findings}, and
    gives None when the check cannot be made at all. C{connects}: whether it has
    connect_ip, connect_port, bindto, bind_port, bind_if, fwmark, connect_timeout.
    C{scheduled}: whether it has delay_loop, retry, delay_before_retry, warmup, alpha,
    log_all_failures.
    C{retry} and C{delay_before_retry} (seconds, None for delay_loop) are its defaults.
    C{port}: whether it makes a difference which port it connects to; else that is 0.

    C{options} is called once for real servers that say the same. The words of all
    checkers are in C{written.own} too, and target and schedule are made of it only
    after C{options} was called: it may put into it what it read elsewhere. A row of
    its own for one of these words takes its place; C{alpha} works for any checker.
    """

    keyword: str
    rows: tuple[Keyword, ...]
    options: Callable[[Written, Surroundings], Hashable | None]
    connects: bool = True
    scheduled: bool = True
    retry: int = 1
    delay_before_retry: float | None = 1.0
    port: bool = True


#: keyword -> its words
Checkers = Mapping[str, CheckerWords]
#: without plug-ins no real server is checked
NO_CHECKERS: Checkers = {}


def nothing(written: Written, around: Surroundings) -> Any:
    """The options of a checker that has none."""
    return ()
