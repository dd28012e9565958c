"""track_check: whatever a real server may be checked with tells about an instance.

C{check:NAME} is True or False; it is not there before the first result. The probes are
those of the load balancer, with its retries and its limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.checks import Checks, Line
from hanode.config import track_check
from hanode.config.balance_model import Check
from hanode.config.track_model import Description, Share, Tracked, by_state
from hanode.config.tracker_words import TrackerWords
from hanode.facts import Facts
from hanode.health import Actions, Verdict
from hanode.interfaces import IObservation, ITracker
from hanode.result import Result


class _Instances:
    """For whom it is checked: VRRP, which is never suspended."""

    suspended = False


@implementer(IObservation)
class TrackedChecks:
    """The checks that instances of one node track."""

    log = Logger()

    def __init__(self, world: Any, facts: Facts, checkers: Mapping[str, Any]) -> None:
        self._clock, self._facts = world.clock, facts
        self._checks = Checks(world, facts, checkers, self._changed)
        self._instances = _Instances()
        self._wanted: dict[str, Check] = {}

    def expect(self, described: Mapping[str, Description]) -> None:
        """See L{IObservation.expect}. One that has changed keeps its state for now."""
        old = self._wanted
        self._wanted = {
            name: each.options
            for name, each in described.items()
            if isinstance(each.options, Check)
        }
        for name, check in old.items():
            if self._wanted.get(name) != check:
                self._checks.leave(self._checks.of(check), (self._instances, name))
            if name not in self._wanted:
                self._facts.forget(f"check:{name}")
        for name, check in self._wanted.items():
            if old.get(name) != check:
                self._begin(name, check)
        if self._wanted:
            self._checks.start()

    def close(self) -> None:
        """See L{IObservation.close}."""
        self._checks.stop()

    def _begin(self, name: str, check: Check) -> None:
        # Down until it is known: only so the first success is told, too.
        line = self._checks.line(check, down=True)
        health = line.health
        if health.tried and health.result is not None:
            self._state(name, health.up, health.result)
        elif not line.users:
            health.deadline = self._clock.seconds()  # the first probe is made at once
        self._checks.join(line, (self._instances, name))

    def _changed(self, line: Line, actions: Actions) -> None:
        for action in actions:
            if isinstance(action, Verdict):
                for _, name in tuple(line.users):
                    self._state(name, action.up, action.result)

    def _state(self, name: str, up: bool, result: Result) -> None:
        why = f"{result.reason} ({result.detail})" if result.detail else result.reason
        if self._facts.get(f"check:{name}") is not up:
            what = "succeeded" if up else "failed"
            text = "track_check {name} {what}: {why}"
            self.log.info(text, name=name, what=what, why=why)
        self._facts.set(f"check:{name}", up, why)


@implementer(IPlugin, ITracker)
class CheckTrackerPlugin:
    """The plug-in."""

    keyword = "track_check"
    words = TrackerWords(keyword, track_check.KIND, "check", inline=track_check.inline)

    def weigh(self, tracked: Tracked, value: bool | None) -> Share:
        """See L{ITracker.weigh}."""
        what = "succeeds" if value else "failed"
        return by_state(tracked, value, f"check {tracked.name} {what}")

    def make(
        self, world: Any, facts: Facts, checkers: Mapping[str, Any]
    ) -> TrackedChecks:
        """See L{ITracker.make}."""
        return TrackedChecks(world, facts, checkers)


checkTracker = CheckTrackerPlugin()
