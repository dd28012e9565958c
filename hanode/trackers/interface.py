"""Interfaces as facts: C{interface:NAME} is a L{hanode.link.Link}, None when absent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config import tracker_words
from hanode.config.track_model import Share, Tracked, by_state
from hanode.facts import Facts
from hanode.interfaces import ITracker
from hanode.link import Link
from hanode.trackers.elsewhere import Elsewhere


class InterfaceTracker:
    """Sets facts from what a dataplane tells; give L{changed} to its C{start}."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._known: set[str] = set()

    def changed(self, name: str, link: Link | None) -> None:
        """The interface is so now; C{link} is None when it is gone."""
        self._known.add(name)
        self._facts.set(f"interface:{name}", link, _why(link))

    def expect(self, names: Iterable[str]) -> None:
        """Call it after the first dump: those of C{names} that are not there are None.

        Without it nobody would be told of an interface that never existed.
        """
        for name in sorted(set(names) - self._known):
            self.changed(name, None)


def _why(link: Link | None) -> str:
    if link is None:
        return "no such interface"
    return "up" if link.up else "down"


@implementer(IPlugin, ITracker)
class InterfaceTrackerPlugin:
    """The plug-in; the facts are there anyway, of each interface of the machine."""

    keyword = "track_interface"
    words = tracker_words.INTERFACE

    def weigh(self, tracked: Tracked, value: Link | None) -> Share:
        """See L{ITracker.weigh}."""
        return by_state(tracked, value is not None and value.up)

    def make(self, world: Any, facts: Facts, checkers: Mapping[str, Any]) -> Elsewhere:
        """See L{ITracker.make}."""
        return Elsewhere()


interfaceTracker = InterfaceTrackerPlugin()
