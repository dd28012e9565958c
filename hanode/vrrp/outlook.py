"""What one instance watches: its interface, and everything that it tracks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.logger import Logger

from hanode.config.model import IpAddress, VrrpInstance
from hanode.config.track_model import Share, Tracked
from hanode.facts import Facts, Watcher
from hanode.link import Link
from hanode.path import Path
from hanode.vrrp.priority import Standing, standing

Weigh = Callable[[Tracked, Any], Share]


class Outlook:
    """Facts that concern one instance, and what they amount to.

    @param weigh: what a tracked object does to an instance, given its fact's value.
    @param judge: called without arguments when the verdict may have changed.
    @param found: called with a path whose session is Up (again) and the same.
    @param lost: called with a path whose session has died.
    """

    log = Logger()

    def __init__(
        self,
        facts: Facts,
        weigh: Weigh,
        judge: Callable[[], object],
        found: Callable[[Path], object],
        lost: Callable[[Path], object],
    ) -> None:
        self._facts, self._weigh = facts, weigh
        self._judge, self._found, self._lost = judge, found, lost
        self._settings: VrrpInstance | None = None
        self._watches: dict[str, Callable[[], None]] = {}
        self._paths: dict[str, Path] = {}
        self._identities: dict[str, int] = {}  # of who was Up last, by fact
        self.link: Link | None = None  # the instance's own interface
        self.virtual: Link | None = None  # that of its virtual MAC or ipvlan
        self._homes: dict[str, tuple[IpAddress, ...]] = {}  # addresses by fact
        self._forget_homes: Callable[[], None] | None = None

    def watch(self, settings: VrrpInstance) -> None:
        """Watch what C{settings} speak of, and nothing else."""
        self._settings = settings
        wanted: dict[str, Watcher] = {
            each.fact: self._changed for each in settings.track
        }
        for each in settings.track:
            if each.kind == "bfd":
                wanted[each.fact] = self._path_changed
        if settings.interface:
            wanted[f"interface:{settings.interface}"] = self._interface_changed
        if self._main():
            wanted[f"interface:{self._main()}"] = self._interface_changed
        for group in settings.track_groups:
            wanted[f"static:{group}"] = self._changed
        if settings.fast_failover is not None:
            wanted[f"fast_failover:{settings.name}"] = self._path_changed
        for fact in set(self._watches) - set(wanted):
            self._watches.pop(fact)()
            self._paths.pop(fact, None)
        for fact in sorted(set(wanted) - set(self._watches)):
            # The watch may be told the present value before it is stored here.
            self._watches[fact] = self._facts.watch(fact, wanted[fact])
        self._watch_homes(settings.track_source and not settings.interface)

    def close(self) -> None:
        """Watch nothing any more."""
        for unwatch in self._watches.values():
            unwatch()
        self._watches.clear()
        self._watch_homes(False)

    def verdict(self) -> Standing:
        """What the trackers make of the instance."""
        assert self._settings is not None, "watch comes first"
        return standing(self._settings.priority, self._shares())

    def describe(self) -> list[dict[str, Any]]:
        """What is tracked, and what that amounts to now."""
        found = []
        for tracked, share in self._shares():
            fact = self._facts.find(tracked.fact)
            described: dict[str, Any] = {
                "kind": tracked.kind,
                "name": tracked.name,
                "weight": tracked.weight,
                "reverse": tracked.reverse,
                "points": share.points,
                "fault": share.fault,
                "state": "not known yet" if fact is None else fact.why,
            }
            found.append(described)
        return found

    def _shares(self) -> Iterator[tuple[Tracked, Share]]:
        assert self._settings is not None, "watch comes first"
        for tracked in self._settings.track:
            yield tracked, self._weigh(tracked, self._facts.get(tracked.fact))

    def own_faults(self) -> tuple[str, ...]:
        """Why the instance cannot run on its own interface, () when it can."""
        settings = self._settings
        assert settings is not None, "watch comes first"
        for group in settings.track_groups:
            lacking = self._facts.get(f"static:{group}")
            if lacking:
                return tuple(f"static {each} is missing" for each in lacking)
        if settings.unicast_fault_no_peer and not settings.unicast_peers:
            return ("no unicast peers",)
        if not settings.interface:
            return self._homeless(settings)
        if self.link is None:
            return (f"interface {settings.interface} doesn't exist",)
        if not self.link.up and settings.track_primary:
            return (f"interface {settings.interface} down",)
        if not self._main():
            return ()
        if self.virtual is None:
            return (f"interface {self._main()} doesn't exist",)
        return ()  # it is as up as the interface below, whose delays hold for it

    def _homeless(self, settings: VrrpInstance) -> tuple[str, ...]:
        """track_src_ip without an interface: the address may be on any."""
        if self._forget_homes is None:
            return ()
        if any(settings.source in each for each in self._homes.values()):
            return ()
        return ("src address not configured",)

    def _watch_homes(self, wanted: bool) -> None:
        if wanted and self._forget_homes is None:
            # What is there already is told before this returns.
            self._forget_homes = lambda: None
            self._forget_homes = self._facts.watch_kind("interface:", self._moved)
        elif not wanted and self._forget_homes is not None:
            self._forget_homes()
            self._forget_homes = None
            self._homes.clear()

    def _moved(self, fact: str, link: Link | None) -> None:
        addresses = () if link is None else link.addresses
        if self._homes.get(fact, ()) != addresses:
            self._homes[fact] = addresses
            self._judge()

    def vouches(self, neighbour: IpAddress | None) -> bool:
        """Whether BFD says that C{neighbour} lives."""
        paths = self._paths.values()
        return any(each.up and each.neighbour == neighbour for each in paths)

    def _main(self) -> str:
        """The name of the instance's virtual link, "" without one."""
        main = None if self._settings is None else self._settings.virtual.main
        return "" if main is None else main.name

    def _changed(self, fact: str, value: object) -> None:
        self._judge()

    def _interface_changed(self, fact: str, link: Link | None) -> None:
        if fact == f"interface:{self._main()}":
            was, self.virtual = self.virtual, link
        else:
            was, self.link = self.link, link
        # Hundreds of instances on one interface: an address that comes and goes
        # there is no reason for all of them to weigh everything anew.
        if was is None or link is None or self._core(was) != self._core(link):
            self._judge()

    def _core(self, link: Link) -> tuple[object, ...]:
        """What the instance needs of its interface."""
        source = None if self._settings is None else self._settings.source
        return link.core, source is not None and source in link.addresses

    def _path_changed(self, fact: str, path: Path) -> None:
        """BFD tells about a neighbour: a tracker, and perhaps our master's death.

        Only the loss of a session that was Up counts. One that is lost is not
        trusted, and cannot be lost, before it was Up again.
        """
        was = self._paths.get(fact)
        self._paths[fact] = path
        settings = self._settings
        tracked = () if settings is None else settings.track
        lines = [each for each in tracked if each.fact == fact]
        if lines:
            if settings is not None and (was is None or was.up != path.up):
                self.log.info(
                    "VRRP_Instance({name}) Tracked BFD instance {session} is {state}",
                    name=settings.name,
                    session=lines[0].name,
                    state="UP" if path.up else "DOWN",
                )
            self._judge()
        if path.up:
            if path.identity == self._identities.get(fact):  # else it was restarted
                self._found(path)
            self._identities[fact] = path.identity
        died = was is not None and was.up and path.died
        if died and not any(each.weight == 0 for each in lines):
            self._lost(path)
