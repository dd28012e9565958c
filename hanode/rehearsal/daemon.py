"""One real hanode in a private host, and what it says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from time import mktime, monotonic, strptime, time

from hanode.rehearsal.namespaces import Host

STATE = re.compile(r"\((?P<name>[^)]+)\) Entering (?P<state>\w+) STATE")
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+) ")
LINES_KEPT = 200
STOP_LIMIT = 3.0  # seconds a daemon gets for its goodbye


class Daemon:
    """C{hanode run} with one file; C{tell(moment, line)} is called for each line."""

    def __init__(
        self, host: Host, file: str, tell: Callable[[Daemon, float, str], object]
    ) -> None:
        self.host, self.name = host, host.name
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.states: dict[str, str] = {}  # by instance
        self._tell = tell
        self._argv = [
            *(sys.executable, "-m", "hanode.cli", "run"),
            *("--config", os.path.abspath(file), "--config-id", host.name),
            *("--http", "off"),  # several daemons would want the same socket
        ]
        self._child: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def start(self) -> int:
        """Start it; return the descriptor that its lines are read from."""
        environment = {k: v for k, v in os.environ.items() if k != "JOURNAL_STREAM"}
        self._child = self.host.popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        assert self._child.stdout is not None
        descriptor = self._child.stdout.fileno()
        os.set_blocking(descriptor, False)
        return descriptor

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child is not None and self._child.poll() is None

    @property
    def status(self) -> int | None:
        """How it ended; None while it runs or before it started."""
        return None if self._child is None else self._child.poll()

    def read(self) -> bool:
        """Take in what it has said; False at the end of it."""
        assert self._child is not None and self._child.stdout is not None
        try:
            data = os.read(self._child.stdout.fileno(), 65536)
        except BlockingIOError:
            return True
        now, behind = monotonic(), time()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for raw in lines:
            line = raw.decode("utf-8", "replace")
            self.lines.append(line)
            found = STATE.search(line)
            if found:
                self.states[found["name"]] = found["state"]
            self._tell(self, _moment(line, now, behind), line)
        return bool(data)

    def ask_to_end(self) -> None:
        """Send SIGTERM: it is to say goodbye."""
        if self._child is not None and self.running:
            self._child.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """See that it is gone, within a few seconds."""
        if self._child is None:
            return
        try:
            self._child.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self.states.clear()
        self._rest = b""


def _moment(line: str, now: float, wall: float) -> float:
    """When C{line} was said: a daemon writes its lines a little later, with the time.

    @param now: the monotonic clock, and C{wall} the wall clock, both in seconds.
    """
    found = STAMP.match(line)
    if found is None:
        return now
    said = mktime(strptime(found[1], "%Y-%m-%dT%H:%M:%S")) + float(found[2])
    ago = wall - said
    return now - ago if 0.0 <= ago < 1.0 else now
