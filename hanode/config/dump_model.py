"""Where a signal has the state of the node written to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DumpDefs:
    """What global_defs say of the files that SIGUSR1 and others ask for.

    C{state}, C{stats} and C{json} are absolute paths, "" for a file in the daemon's
    own directory; one that ends in "/" is a directory. C{json_version} is 1, a list of
    instances, or 2, an object. C{use_instance}: the names of the files tell the
    daemons of one machine apart.
    """

    state: str = ""
    stats: str = ""
    json: str = ""
    json_version: int = 1
    use_instance: bool = False
