"""track_script: run a program now and then; its exit status is the state.

keepalived.conf(5), "VRRP script(s)". C{script:NAME} is True or False. Before the first
result it is not there; what cannot be started the first time is L{DISABLED}, and
counts for nothing. 0 is success; any other status, a signal and the time limit are
failures. A run that has not ended when the next one is due is not doubled.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.plugin import IPlugin
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode.calendar import Calendar
from hanode.config.draft import Written
from hanode.config.model import GlobalDefs, Script
from hanode.config.row import Keyword
from hanode.config.track_model import NOTHING, Description, Share, Tracked, by_state
from hanode.config.tracker_words import TrackerWords
from hanode.facts import Facts
from hanode.interfaces import IObservation, ITracker
from hanode.processes import Exit
from hanode.scripts import ScriptRunner
from hanode.stream import OUR_ERRORS
from hanode.trackers.tally import Tally

DISABLED = "disabled"
LATE = 0.25  # seconds that a program may need to start, and to end when asked to
GAP = 0.01  # seconds between two first runs, less where there are many
LONGEST = 4294.0  # seconds
SHORTEST = 0.001  # seconds
MOST_RUNS = 2**31 - 1
_DEFAULT = 1.0  # seconds between two runs

ROWS = (
    Keyword("script", "script", "script"),
    Keyword(
        "interval", "interval", "seconds", "s", SHORTEST, LONGEST, default=_DEFAULT
    ),
    Keyword("timeout", "timeout", "seconds", "s", SHORTEST, LONGEST),
    Keyword("rise", "rise", "integer", "runs", 1, MOST_RUNS, default=1),
    Keyword("fall", "fall", "integer", "runs", 1, MOST_RUNS, default=1),
    Keyword("user", "user", "user"),
    Keyword("init_fail", "init_fail", "flag", default=False),
)

#: of global_defs, what makes a difference to how a script runs
_RULES = (
    "script_user",
    "script_group",
    "enable_script_security",
    "use_symlink_paths",
    "set_supplementary_groups",
)


@dataclass(frozen=True)
class ScriptOptions:
    """One vrrp_script; C{timeout} and C{interval} in seconds, C{rise}, C{fall} in runs.

    C{init_fail}: it has failed until it succeeds. C{rules} are those of global_defs
    that concern scripts.
    """

    script: Script
    interval: float = _DEFAULT
    timeout: float = _DEFAULT
    rise: int = 1
    fall: int = 1
    init_fail: bool = False
    rules: GlobalDefs = GlobalDefs()


def options(written: Written, global_defs: GlobalDefs) -> ScriptOptions | None:
    """What the block says; without a script there is nothing to run."""
    own = written.own
    script: Script | None = own.get("script")
    if script is None:
        written.dropped(
            f"No script set for vrrp_script {written.name} - removing",
            "add script COMMAND",
        )
        return None
    user, group = own.get("user", (script.user, script.group))
    interval = own.get("interval", _DEFAULT)
    return ScriptOptions(
        replace(script, user=user, group=group),
        interval,
        own.get("timeout", interval),
        own.get("rise", 1),
        own.get("fall", 1),
        own.get("init_fail", False),
        GlobalDefs(**{name: getattr(global_defs, name) for name in _RULES}),
    )


class _Line:
    """One script; C{due} belongs to the calendar, C{following} is when it is next."""

    __slots__ = (
        "name",
        "options",
        "runner",
        "tally",
        "due",
        "running",
        "guard",
        "told",
    )

    def __init__(self, name: str, options: ScriptOptions, runner: ScriptRunner) -> None:
        self.name, self.options, self.runner = name, options, runner
        self.tally = Tally(options.rise, options.fall)
        self.due = inf
        self.running: Deferred[Exit] | None = None
        self.guard: IDelayedCall | None = None
        self.told = ""  # the last outcome

    def __repr__(self) -> str:
        return f"<vrrp_script {self.name}>"


@implementer(IObservation)
class Scripts:
    """The scripts of one node. One is started in each turn of the reactor at most."""

    log = Logger()

    def __init__(self, world: Any, facts: Facts) -> None:
        self._world, self._facts = world, facts
        self._processes = getattr(world, "launcher", None) or world.processes
        self._lines: dict[str, _Line] = {}
        self._calendar: Calendar[_Line] = Calendar(world.clock, self._turn, at_once=1)
        self._started = False

    def expect(self, described: Mapping[str, Description]) -> None:
        """See L{IObservation.expect}.

        A script that is new at a reload is taken for good until its first result, one
        that has changed goes on from where it was, and is run anew.
        """
        reload, self._started = self._started, True
        for name in self._lines.keys() - described.keys():
            self._end(self._lines.pop(name))
            self._facts.forget(f"script:{name}")
        fresh: list[_Line] = []
        for name, each in described.items():
            wanted: Any = each.options
            old = self._lines.get(name)
            if old is None or old.options != wanted:
                fresh.append(self._begin(name, wanted, old, reload))
        self._stagger(fresh)

    def close(self) -> None:
        """See L{IObservation.close}."""
        for line in self._lines.values():
            self._end(line)
        self._lines.clear()
        self._calendar.halt()

    def describe(self) -> dict[str, dict[str, Any]]:
        """The scripts by name; C{up} is None as long as nobody knows."""
        return {name: _described(line) for name, line in self._lines.items()}

    def _begin(
        self, name: str, options: ScriptOptions, old: _Line | None, reload: bool
    ) -> _Line:
        runner = ScriptRunner(self._processes, options.rules)
        line = self._lines[name] = _Line(name, options, runner)
        if old is not None:
            self._end(old)
        if old is not None and old.tally.up is not None:
            line.tally.adopt(old.tally)
        elif options.init_fail:
            line.tally.up = False
            self._facts.set(f"script:{name}", False, "init_fail")
        elif reload:
            line.tally.up = True
            self.log.info(
                "VRRP_Script({name}) considered successful on reload", name=name
            )
            self._facts.set(f"script:{name}", True, "considered successful on reload")
        return line

    def _stagger(self, lines: list[_Line]) -> None:
        """The first runs: one after the other, all before the first is due again."""
        if not lines:
            return
        shortest = min(line.options.interval for line in lines)
        gap = min(GAP, shortest / len(lines))
        now = self._world.clock.seconds()
        for number, line in enumerate(lines):
            self._calendar.put(line, now + number * gap)

    def _end(self, line: _Line) -> None:
        self._calendar.remove(line)
        self._unguard(line)
        running, line.running = line.running, None
        if running is not None:
            running.cancel()

    def _unguard(self, line: _Line) -> None:
        guard, line.guard = line.guard, None
        if guard is not None and guard.active():
            guard.cancel()

    # -- runs

    def _turn(self, line: _Line, due: float) -> None:
        interval, now = line.options.interval, self._world.clock.seconds()
        following = due + interval
        self._calendar.put(line, following if following > now else now + interval)
        if line.running is not None:
            text = "Track script {name} is running, expect idle - skipping run"
            self.log.debug(text, name=line.name)
            return
        timeout = line.options.timeout
        running = line.running = line.runner.run(line.options.script, timeout)
        # The runner ends it then; what cannot be ended has failed all the same.
        if not running.called:
            guard = self._world.clock.callLater(timeout + LATE, self._overdue, line)
            line.guard = guard
        running.addCallbacks(
            self._exited, self._failed, (line, running), {}, (line, running), {}
        )

    def _overdue(self, line: _Line) -> None:
        line.guard = None
        self._record(line, False, "timed_out")

    def _exited(self, end: Exit, line: _Line, running: Deferred[Exit]) -> None:
        if line.running is not running:
            return
        line.running = None
        counted = line.guard is None and end.timed_out
        self._unguard(line)
        if not counted:
            status = end.status if end.signal is None and not end.timed_out else None
            self._record(line, end.ok, _outcome(end), status)

    def _failed(self, failure: Failure, line: _Line, running: Deferred[Exit]) -> None:
        """It could not be started, unless it was we who ended it."""
        if line.running is not running:
            return
        line.running = None
        self._unguard(line)
        number = getattr(failure.value, "errno", None)
        reason = f"cannot be started: {_reason(failure)}"
        if number in OUR_ERRORS:
            if line.told != reason:
                self.log.error("VRRP_Script({name}) {why}", name=line.name, why=reason)
            line.told = reason
        elif line.tally.heard:
            self._record(line, False, f"failed ({reason})")
        else:
            self._disable(line, reason)

    def _disable(self, line: _Line, reason: str) -> None:
        self._calendar.remove(line)
        text = "VRRP_Script({name}) {why} - disabling: it counts for nothing"
        self.log.error(text, name=line.name, why=reason)
        self._facts.set(f"script:{line.name}", DISABLED, f"disabled: {reason}")

    def _record(
        self, line: _Line, ok: bool, outcome: str, status: int | None = None
    ) -> None:
        if outcome != line.told and line.told:
            text = "Script `{name}` now returning {what}"
            what = outcome if status is None else status
            self.log.debug(text, name=line.name, what=what)
        line.told = outcome
        if line.tally.record(ok):
            text = "VRRP_Script({name}) {outcome}"
            self.log.info(text, name=line.name, outcome=outcome)
        if line.tally.up is not None:
            self._facts.set(f"script:{line.name}", line.tally.up, outcome)


def _described(line: _Line) -> dict[str, Any]:
    options = line.options
    return {
        "command": list(options.script.argv),
        "user": options.script.user,
        "interval": options.interval,
        "timeout": options.timeout,
        "rise": options.rise,
        "fall": options.fall,
        "up": line.tally.up,
        "running": line.running is not None,
    }


def _outcome(end: Exit) -> str:
    if end.ok:
        return "succeeded"
    if end.timed_out:
        return "timed_out"
    if end.signal is not None:
        return f"failed (due to signal {end.signal})"
    return f"failed (exited with status {end.status})"


def _reason(failure: Failure) -> str:
    problem = failure.value
    if isinstance(problem, OSError) and problem.errno:
        known = {errno.ENOENT: "there is no such file", errno.EACCES: "not executable"}
        text = known.get(problem.errno, problem.strerror)
        return f"{text} ({problem.filename})" if problem.filename else str(text)
    if isinstance(problem, LookupError):
        return f"unknown user or group: {failure.getErrorMessage()}"
    return failure.getErrorMessage()


@implementer(IPlugin, ITracker)
class ScriptTrackerPlugin:
    """The plug-in."""

    keyword = "track_script"
    words = TrackerWords(
        keyword,
        "script",
        "script",
        lenient=True,
        blocks=("vrrp_script",),
        rows=ROWS,
        options=options,
    )

    def weigh(self, tracked: Tracked, value: bool | str | None) -> Share:
        """See L{ITracker.weigh}."""
        if isinstance(value, str):
            return NOTHING
        return by_state(tracked, value, f"due to script {tracked.name}")

    def make(self, world: Any, facts: Facts, checkers: Mapping[str, Any]) -> Scripts:
        """See L{ITracker.make}."""
        return Scripts(world, facts)


scriptTracker = ScriptTrackerPlugin()
