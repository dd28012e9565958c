"""Runs the release script of one instance, and tells when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from hanode.config.model import Script

Run = Callable[[Script], Deferred[Any]]


class ReleaseScript:
    """The script of instance C{name}; C{ended()} is called for the latest run only.

    An earlier one that took too long may still be running, and is nobody's affair.
    """

    log = Logger()

    def __init__(self, name: str, ended: Callable[[], object]) -> None:
        self._name, self._ended = name, ended
        self._latest = 0

    def start(self, script: Script, run: Run) -> None:
        """Run it once."""
        self._latest += 1
        run(script).addBoth(self._over, script.argv[0], self._latest)

    def _over(self, result: Any, path: str, number: int) -> None:
        if isinstance(result, Failure):
            result = result.getErrorMessage()
        text = "({name}) release script {path}: {result}"
        self.log.info(text, name=self._name, path=path, result=result)
        if number == self._latest:
            self._ended()
