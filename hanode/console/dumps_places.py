"""Where the files are that signals ask for."""

from __future__ import annotations

import os.path
from collections.abc import Mapping

from hanode.config.dump_model import DumpDefs

_NAMES = {
    "state": "keepalived.data",
    "stats": "keepalived.stats",
    "json": "keepalived.json",
}


def places(defs: DumpDefs, suffix: str, folder: str) -> Mapping[str, str]:
    """The paths of C{data}, C{check}, C{bfd}, C{stats} and C{json}.

    @param suffix: what tells this daemon from others, as in C{_NETNS_INSTANCE}.
    @param folder: the daemon's own directory; names in it are always its own.
    """
    found = {}
    for what, name in _NAMES.items():
        given: str = getattr(defs, what)
        path = given + name if given.endswith("/") else given or f"{folder}/{name}"
        stem, extension = os.path.splitext(path)
        own = suffix and (defs.use_instance or not given)
        end = f".{suffix.lstrip('_')}{extension}" if own else extension
        found[what] = stem, end
    data, end = found.pop("state")
    return {
        "data": f"{data}{end}",
        "check": f"{data}_check{end}",
        "bfd": f"{data}_bfd{end}",
        **{what: stem + rest for what, (stem, rest) in found.items()},
    }
