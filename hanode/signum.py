"""The signals of the daemon, by the names that keepalived has for them."""

from __future__ import annotations

import signal
from collections.abc import Mapping

#: what C{--signum} tells: the numbers of keepalived 2.x on Linux
NUMBERS: Mapping[str, int] = {
    "STOP": signal.SIGTERM,
    "RELOAD": signal.SIGHUP,
    "DATA": signal.SIGUSR1,
    "STATS": signal.SIGUSR2,
    "STATS_CLEAR": signal.SIGRTMAX - 1,
    "JSON": signal.SIGRTMIN + 2,
    "TDATA": signal.SIGRTMAX,
}
