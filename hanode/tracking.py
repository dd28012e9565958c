"""All trackers of one node: who watches what, and what it does to an instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from twisted.logger import Logger

from hanode.config.model import Model
from hanode.config.track_model import NOTHING, Description, Share, Tracked
from hanode.facts import Facts
from hanode.interfaces import IObservation, ITracker


@runtime_checkable
class Described(Protocol):
    """An L{IObservation} that can say more than its facts do."""

    def describe(self) -> dict[str, dict[str, Any]]:
        """All there is to see of each thing, by name."""


class Tracking:
    """The tracker plug-ins of one node; one that fails does not hold up the others.

    @param plugins: the tracker plug-ins, by keyword.
    @param checkers: the checker plug-ins, by keyword, for trackers that probe.
    """

    log = Logger()

    def __init__(
        self,
        plugins: Mapping[str, ITracker],
        world: Any,
        facts: Facts,
        checkers: Mapping[str, Any],
    ) -> None:
        self._plugins = {each.words.kind: each for each in plugins.values()}
        self._observations: dict[str, IObservation] = {}
        for kind, plugin in self._plugins.items():
            try:
                self._observations[kind] = plugin.make(world, facts, checkers)
            except Exception:
                self.log.failure("{keyword} failed", keyword=plugin.keyword)

    def expect(self, model: Model) -> None:
        """Have the facts stated that C{model} needs, and no others."""
        used = {
            (each.kind, each.name)
            for instance in model.instances.values()
            for each in instance.track
        }
        for kind, observation in self._observations.items():
            all_of_it = self._plugins[kind].words.untracked
            wanted: dict[str, Description] = {
                name: described
                for name, described in model.trackers.get(kind, {}).items()
                if all_of_it or (kind, name) in used
            }
            try:
                observation.expect(wanted)
            except Exception:
                self.log.failure("trackers of kind {kind} failed", kind=kind)

    def describe(self, kind: str) -> dict[str, dict[str, Any]]:
        """More about what is tracked of C{kind} than the facts tell, by name."""
        found = self._observations.get(kind)
        return found.describe() if isinstance(found, Described) else {}

    def close(self) -> None:
        """Give everything back."""
        for kind, observation in self._observations.items():
            try:
                observation.close()
            except Exception:
                self.log.failure("trackers of kind {kind} failed", kind=kind)

    def weigh(self, tracked: Tracked, value: Any) -> Share:
        """What C{tracked} does to an instance whose fact has this value."""
        plugin = self._plugins.get(tracked.kind)
        try:
            return NOTHING if plugin is None else plugin.weigh(tracked, value)
        except Exception:
            self.log.failure("{tracked} cannot be weighed", tracked=str(tracked))
            return NOTHING
