"""The file that tells tools which process to send their signals to."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.application.service import Service
from twisted.logger import Logger

from hanode import whole_file

MODE = 0o644


class PidFile(Service):
    """The file C{path} while the daemon runs."""

    log = Logger()

    def __init__(self, path: str) -> None:
        self._path = path

    def startService(self) -> None:
        """Write it; that it cannot be written does not keep the daemon from running."""
        super().startService()
        try:
            os.makedirs(os.path.dirname(self._path) or ".", 0o755, exist_ok=True)
            whole_file.write(self._path, [f"{os.getpid()}\n"], MODE)
        except OSError as problem:
            text = "Can't write the pid file {path}: {problem}"
            self.log.error(text, path=self._path, problem=problem)

    def stopService(self) -> None:
        """Remove it, unless it is another one's by now."""
        super().stopService()
        path = Path(self._path)
        try:
            if path.read_text() == f"{os.getpid()}\n":
                path.unlink()
        except (OSError, ValueError) as problem:
            self.log.debug("no pid file: {problem}", problem=problem)


def path_of(given: str, suffix: str, name: str = "hanode") -> str:
    """Where the file is: C{given}, or below it when that is a directory (it ends in
    "/"); C{suffix} tells several daemons apart there."""
    return f"{given}{name}{suffix}.pid" if given.endswith("/") else given
