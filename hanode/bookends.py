"""startup_script and shutdown_script: what runs before everything and after all."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from hanode.config.notify_model import Bookend
from hanode.scripts import ScriptRunner

log = Logger()


def run_bookend(runner: ScriptRunner, bookend: Bookend, what: str) -> Deferred[Any]:
    """Run the C{what} script; the Deferred fires when it has ended, however it did."""
    script = bookend.script
    log.info("Running {what} script {path}", what=what, path=script.argv[0])

    def ended(result: Any) -> None:
        if isinstance(result, Failure):
            if not result.check(CancelledError):
                reason = result.getErrorMessage()
                log.error(
                    "Call of {what} script {path} failed: {reason}",
                    what=what,
                    path=script.argv[0],
                    reason=reason,
                )
        elif result.ok:
            log.info("{what} script succeeded", what=what)
        else:
            log.warn("{what} script failed: it {end}", what=what, end=result)

    return runner.run(script, bookend.timeout).addBoth(ended)
