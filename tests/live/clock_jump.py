"""hanode with a wall clock that jumps: one hour per signal, forward or back.

FORWARD sets it forward and BACK back, signals that the daemon has no use for. It says
so on standard output once it is done.
"""

from __future__ import annotations

import os
import signal
import sys
import time

HOUR = 3600
FORWARD, BACK = signal.SIGRTMIN + 20, signal.SIGRTMIN + 21
_true = time.time
_offset = 0


def _jump(number, frame):
    global _offset
    _offset += HOUR if number == FORWARD else -HOUR
    os.write(1, f"wall clock: {_offset:+} s\n".encode())


if __name__ == "__main__":
    time.time = lambda: _true() + _offset
    signal.signal(FORWARD, _jump)
    signal.signal(BACK, _jump)
    from hanode.cli import main  # only now: it binds time.time as it is imported

    sys.exit(main(sys.argv[1:]))
