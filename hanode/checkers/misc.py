"""MISC_CHECK: run a program; its exit status is the result (keepalived.conf(5)).

0 is success, anything else failure. With C{misc_dynamic}, 2 to 255 is success too, and
asks for a weight of two less; 0 asks for the configured weight. Where several checks of
a real server are dynamic, their differences from the configured weight add up.

After misc_timeout (delay_loop without it) the process group gets SIGTERM, 2 s later
SIGKILL; a program that outlives even that, in a system call that does not return, is
called failed 1 s later, and not started again before it has gone. Thus a probe takes
misc_timeout and 3 s at most.

Reasons: C{exited with status N}, success or failure. Failures: C{timed out}, C{killed
by signal N}, C{still running}, C{not found}, C{not executable}, C{unsafe permissions}
(enable_script_security), C{unknown user}, C{cannot start}.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.plugin import IPlugin
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode.config.balance_model import Check
from hanode.config.checker_words import CheckerWords, Surroundings
from hanode.config.draft import Written
from hanode.config.model import GlobalDefs, Script
from hanode.config.row import Keyword
from hanode.interfaces import IChecker
from hanode.probe import CANCELLED
from hanode.processes import KILL_AFTER, Exit
from hanode.result import FAULT, Result
from hanode.scripts import ScriptRunner
from hanode.stream import OUR_ERRORS

GRACE = KILL_AFTER + 1.0  # seconds after the time limit
MOST_SECONDS = 4294

ROWS = (
    Keyword("misc_path", "script", "command"),
    Keyword("misc_timeout", "timeout", "whole seconds", "s", high=MOST_SECONDS),
    Keyword("misc_dynamic", "dynamic", "flag", default=False),
    Keyword("user", "user", "user"),
)
NAMES = {
    errno.ENOENT: "not found",
    errno.ENOTDIR: "not found",
    errno.EACCES: "not executable",
    errno.ENOEXEC: "not executable",
}


@dataclass(frozen=True)
class MiscOptions:
    """C{timeout} 0 is delay_loop. C{weight}: the configured one, None if not dynamic.

    C{security}: enable_script_security.
    """

    script: Script
    timeout: float = 0.0
    weight: int | None = None
    security: bool = False


def options(written: Written, around: Surroundings) -> MiscOptions | None:
    """The options that the block names; without misc_path there is nothing to do."""
    own, shared = written.own, around.global_defs
    script: Script | None = own.get("script")
    if script is None:
        written.warning(
            "No script path has been specified for MISC_CHECK",
            "the check is skipped; write misc_path COMMAND",
        )
        return None
    user, group = own.get("user") or (shared.script_user, shared.script_group)
    return MiscOptions(
        replace(script, user=user, group=group),
        own.get("timeout", 0.0),
        around.weight if own.get("dynamic") else None,
        shared.enable_script_security,
    )


def judged(outcome: Exit, weight: int | None) -> Result:
    """What the end of the program means; C{weight} is None if it is not dynamic."""
    status = outcome.status
    ok = outcome.ok
    change = None
    if weight is not None and status is not None and not outcome.timed_out:
        ok = status != 1
        change = (status - 2 - weight if status else 0) if ok else None
    return Result(ok, str(outcome), change=change)


def not_started(failure: Failure) -> Result:
    """Why the program could not be started."""
    error = failure.value
    detail = failure.getErrorMessage()
    if isinstance(error, LookupError):
        return Result(False, "unknown user", detail)
    if not isinstance(error, OSError):
        return Result(False, FAULT, detail, ours=True)
    number = error.errno
    if isinstance(error, PermissionError) and number is None:
        return Result(False, "unsafe permissions", detail)
    name = NAMES.get(number or 0, "cannot start")
    return Result(False, name, detail, ours=number in OUR_ERRORS)


def limit_of(check: Check) -> float:
    """Seconds until the program is asked to end."""
    options: Any = check.options
    return float(options.timeout or check.schedule.delay_loop)


class _Run:
    """One run of a program; C{stuck}: the checks whose program cannot be killed."""

    def __init__(self, clock: Any, check: Check, stuck: set[Check]) -> None:
        self._clock, self._check, self._stuck = clock, check, stuck
        self._began = clock.seconds()
        self._guard: IDelayedCall | None = None
        self._exit: Deferred[Any] | None = None
        self.done: Deferred[Result] = Deferred(self._cancelled)

    def start(self, runner: ScriptRunner) -> None:
        """Run it."""
        options: Any = self._check.options
        limit = limit_of(self._check)
        self._guard = self._clock.callLater(limit + GRACE, self._expire)
        self._exit = runner.run(options.script, limit)
        self._exit.addCallbacks(self._over, self._failed)

    def _over(self, outcome: Exit) -> None:
        options: Any = self._check.options
        self._stuck.discard(self._check)
        self._tell(judged(outcome, options.weight))

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._tell(not_started(failure))

    def _expire(self) -> None:
        self._stuck.add(self._check)
        self._tell(Result(False, "timed out", "it cannot even be killed"))

    def _tell(self, result: Result) -> None:
        if self.done.called:
            return
        self._release()
        seconds = self._clock.seconds() - self._began
        self.done.callback(replace(result, seconds=seconds))

    def _cancelled(self, done: Deferred[Result]) -> None:
        self._release()
        if self._exit is not None:
            self._exit.cancel()
        done.callback(Result(False, CANCELLED))

    def _release(self) -> None:
        if self._guard is not None and self._guard.active():
            self._guard.cancel()


@implementer(IPlugin, IChecker)
class MiscChecker:
    """The plug-in; it remembers which programs cannot be killed."""

    keyword = "MISC_CHECK"
    words = CheckerWords(
        keyword, ROWS, options, connects=False, retry=0, delay_before_retry=None
    )

    def __init__(self) -> None:
        self._stuck: set[Check] = set()

    def longest(self, check: Check) -> float:
        """See L{IChecker}."""
        return limit_of(check) + GRACE

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        """See L{IChecker.probe}; it takes the time limit and 3 seconds at most."""
        if check in self._stuck:
            return succeed(Result(False, "still running"))
        options: Any = check.options
        rules = GlobalDefs(enable_script_security=options.security)
        run = _Run(world.clock, check, self._stuck)
        run.start(ScriptRunner(world.processes, rules))
        return run.done


miscChecker = MiscChecker()
