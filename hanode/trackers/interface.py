"""Interfaces as facts: C{interface:NAME} is a L{hanode.link.Link}, None when absent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorFDSet, IReactorTime
from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config import tracker_words
from hanode.config.link_model import Debounce, LinkDefs
from hanode.config.track_model import Share, Tracked, by_state
from hanode.facts import Facts
from hanode.interfaces import ITracker
from hanode.link import Link
from hanode.trackers.elsewhere import Elsewhere
from hanode.trackers.linkbeat import Linkbeat

_AT_ONCE = Debounce()


class InterfaceTracker:
    """Sets facts from what a dataplane tells; give L{changed} to its C{start}.

    interface_up_down_delays: a change counts when it has lasted for so long; meanwhile
    the fact goes on saying what was. With C{clock} a real reactor, linkbeat is asked.
    """

    log = Logger()

    def __init__(self, facts: Facts, clock: IReactorTime) -> None:
        self._facts, self._clock = facts, clock
        self._links: dict[str, Link | None] = {}  # as they were told
        self._up: dict[str, bool] = {}  # what counts
        self._calls: dict[str, IDelayedCall] = {}
        self._expected: frozenset[str] = frozenset()
        self._defs = LinkDefs()
        self._linkbeat: Linkbeat | None = None
        if IReactorFDSet.providedBy(clock):
            self._linkbeat = Linkbeat(clock, self._consider)

    def configure(self, defs: LinkDefs) -> None:
        """From now on this is what has to be waited for, and asked."""
        self._defs = defs
        for name in list(self._calls):
            self._settle(name)
            self._consider(name)
        if self._linkbeat is not None:
            self._linkbeat.poll(defs.polled)

    def changed(self, name: str, link: Link | None) -> None:
        """The interface is so now; C{link} is None when it is gone."""
        old = self._links.get(name)
        self._links[name] = link
        before, state = _why(old), _why(link)
        if name in self._expected and {before, state} == {"up", "down"}:
            self.log.info("Netlink reports {name} {state}", name=name, state=state)
        self._consider(name)

    def expect(self, names: Iterable[str]) -> None:
        """Call it after the first dump: those of C{names} that are not there are None.

        Without it nobody would be told of an interface that never existed.
        """
        self._expected = frozenset(names)
        for name in sorted(self._expected - self._links.keys()):
            self.changed(name, None)

    def close(self) -> None:
        """Wait for nothing and ask nobody any more."""
        for name in list(self._calls):
            self._settle(name)
        if self._linkbeat is not None:
            self._linkbeat.close()

    def _consider(self, name: str) -> None:
        """Set the fact, now or when the change has lasted for long enough."""
        link = self._links.get(name)
        if link is None:
            self._settle(name)
            self._up.pop(name, None)
            self._facts.set(f"interface:{name}", None, _why(None))
            return
        up = link.up and (self._linkbeat is None or self._linkbeat.up(name))
        was = self._up.setdefault(name, up)
        debounce = self._defs.delays.get(name, _AT_ONCE)
        delay = debounce.up if up else debounce.down
        if up is was or not delay:
            self._settle(name)
            self._state(name, link, up)
            return
        if name not in self._calls:
            self._calls[name] = self._clock.callLater(delay, self._lasted, name)
        self._state(name, link, was)

    def _lasted(self, name: str) -> None:
        del self._calls[name]
        link = self._links.get(name)
        if link is not None:
            self._state(name, link, not self._up[name])

    def _state(self, name: str, link: Link, up: bool) -> None:
        self._up[name] = up
        seen = link if link.up is up else replace(link, up=up)
        self._facts.set(f"interface:{name}", seen, _why(seen))

    def _settle(self, name: str) -> None:
        call = self._calls.pop(name, None)
        if call is not None:
            call.cancel()


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
