"""Real daemons in real namespaces, and what they say."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from subprocess import PIPE, STDOUT, TimeoutExpired

CHECKOUT = Path(__file__).resolve().parents[2]


class Log:
    """The lines a process prints, each with the moment it came."""

    def __init__(self, stream):
        self.lines = []
        self._more = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        for line in stream:
            with self._more:
                self.lines.append((time.monotonic(), line.rstrip("\n")))
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def wait_for(self, pattern, timeout=15.0, start=0):
        """The moment and number of the first line from C{start} on that matches.

        Raises L{AssertionError} with the whole log when none comes in time.
        """
        wanted, until = re.compile(pattern), time.monotonic() + timeout
        at = start
        with self._more:
            while True:
                while at < len(self.lines):
                    moment, line = self.lines[at]
                    if wanted.search(line):
                        return moment, at
                    at += 1
                left = until - time.monotonic()
                if left <= 0 or (self._ended and at >= len(self.lines)):
                    raise AssertionError(f"no {pattern!r} in:\n{self}")
                self._more.wait(left)

    def count(self, pattern, start=0):
        """How many lines from C{start} on match."""
        with self._more:
            return sum(1 for _, line in self.lines[start:] if re.search(pattern, line))

    def mark(self):
        """The number of the next line."""
        with self._more:
            return len(self.lines)

    def __str__(self):
        with self._more:
            return "\n".join(line for _, line in self.lines)


class Daemon:
    """One daemon with one configuration on one host; C{argv} comes from the kind."""

    detail = True  # whether it logs details

    def __init__(self, host, folder, config):
        self.host, self.folder = host, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / f"{host.name}.conf"
        self.configure(config)
        self.process = self.log = None

    def configure(self, config):
        """Write the configuration; a running daemon takes it at C{reload}."""
        self.file.write_text(config)

    def start(self):
        """Start it; its log begins anew."""
        environment = dict(os.environ, PYTHONPATH=str(CHECKOUT), PYTHONUNBUFFERED="1")
        environment.pop("JOURNAL_STREAM", None)
        self.process = self.host.popen(
            self.argv(), stdout=PIPE, stderr=STDOUT, text=True, env=environment
        )
        self.log = Log(self.process.stdout)
        return self

    def stop(self, timeout=10.0):
        """SIGTERM, and wait; return how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout)
        return time.monotonic() - began

    def kill(self):
        """SIGKILL: what it held stays behind."""
        self.process.kill()
        self.process.wait(5)

    def reload(self):
        """SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    def end(self):
        """Whatever state it is in: afterwards it is gone."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


class Hanode(Daemon):
    """Our own."""

    kind = "hanode"
    http = ""  # where one looks in, if not by the socket

    @property
    def socket(self):
        """Where one looks in; several daemons on one machine need several."""
        return self.folder / f"{self.host.name}.sock"

    def argv(self):
        """The command line."""
        detail = ["-D"] if self.detail else []
        words = ["-m", "hanode.cli", "run", *detail, "-c", str(self.file)]
        words += ["-H", self.http or f"unix:{self.socket}"]
        return [sys.executable, *words]


class Keepalived(Daemon):
    """Debian's keepalived."""

    kind = "keepalived"

    def argv(self):
        """The command line: VRRP only, everything to standard error, own pid files."""
        pids = [f"{flag}{self.folder}/{self.host.name}{flag}" for flag in ("-p", "-r")]
        program = shutil.which("keepalived") or "/usr/sbin/keepalived"
        detail = ["-D"] if self.detail else []
        return [program, "-n", "-l", *detail, "-P", "-f", str(self.file), *pids]
