"""hanode with a wall clock that jumps: one hour per signal, forward or back.

SIGUSR1 sets it forward and SIGUSR2 back. It says so on standard output once it is done.
"""

from __future__ import annotations

import os
import signal
import sys
import time

HOUR = 3600
_true = time.time
_offset = 0


def _jump(number, frame):
    global _offset
    _offset += HOUR if number == signal.SIGUSR1 else -HOUR
    os.write(1, f"wall clock: {_offset:+} s\n".encode())


time.time = lambda: _true() + _offset
signal.signal(signal.SIGUSR1, _jump)
signal.signal(signal.SIGUSR2, _jump)

if __name__ == "__main__":
    from hanode.cli import main  # only now: it binds time.time as it is imported

    sys.exit(main(sys.argv[1:]))
