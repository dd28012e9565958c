"""BFD sessions: C{bfd:NAME} is a L{hanode.path.Path}, set by the BFD service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config import tracker_words
from hanode.config.track_model import Share, Tracked, by_state
from hanode.facts import Facts
from hanode.interfaces import ITracker
from hanode.path import Path
from hanode.trackers.elsewhere import Elsewhere


@implementer(IPlugin, ITracker)
class BfdTrackerPlugin:
    """The plug-in; a session of which nothing is known is not Up."""

    keyword = "track_bfd"
    words = tracker_words.BFD

    def weigh(self, tracked: Tracked, value: Path | None) -> Share:
        """See L{ITracker.weigh}."""
        return by_state(tracked, value is not None and value.up)

    def make(self, world: Any, facts: Facts, checkers: Mapping[str, Any]) -> Elsewhere:
        """See L{ITracker.make}."""
        return Elsewhere()


bfdTracker = BfdTrackerPlugin()
