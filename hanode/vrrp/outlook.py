"""What one instance watches: its interface, and everything that it tracks."""

from __future__ import annotations

from collections.abc import Callable

from hanode.config.model import VrrpInstance
from hanode.facts import Facts, Watcher
from hanode.link import Link
from hanode.path import Path
from hanode.vrrp.priority import Standing, standing


class Outlook:
    """Facts that concern one instance, and what they amount to.

    @param judge: called without arguments when the verdict may have changed.
    @param found: called with a path whose session is Up (again) and the same.
    @param lost: called with a path whose session has died.
    """

    def __init__(
        self,
        facts: Facts,
        judge: Callable[[], object],
        found: Callable[[Path], object],
        lost: Callable[[Path], object],
    ) -> None:
        self._facts, self._judge, self._found, self._lost = facts, judge, found, lost
        self._settings: VrrpInstance | None = None
        self._watches: dict[str, Callable[[], None]] = {}
        self._paths: dict[str, Path] = {}
        self._identities: dict[str, int] = {}  # of who was Up last, by fact
        self.link: Link | None = None  # the instance's own interface

    def watch(self, settings: VrrpInstance) -> None:
        """Watch what C{settings} speak of, and nothing else."""
        self._settings = settings
        interfaces = {each.name for each in settings.track_interfaces}
        interfaces |= {settings.interface} - {""}
        wanted: dict[str, Watcher] = {
            f"interface:{name}": self._interface_changed for name in interfaces
        }
        wanted |= {
            f"bfd:{each.name}": self._path_changed for each in settings.track_bfds
        }
        if settings.fast_failover is not None:
            wanted[f"fast_failover:{settings.name}"] = self._path_changed
        for fact in set(self._watches) - set(wanted):
            self._watches.pop(fact)()
            self._paths.pop(fact, None)
        for fact in sorted(set(wanted) - set(self._watches)):
            # The watch may be told the present value before it is stored here.
            self._watches[fact] = self._facts.watch(fact, wanted[fact])

    def close(self) -> None:
        """Watch nothing any more."""
        for unwatch in self._watches.values():
            unwatch()
        self._watches.clear()

    def verdict(self) -> Standing:
        """What the trackers make of the instance."""
        assert self._settings is not None, "watch comes first"
        return standing(self._settings, self._is_up, self._bfd_is_up)

    def own_faults(self) -> tuple[str, ...]:
        """Why the instance cannot run on its own interface, () when it can."""
        settings = self._settings
        assert settings is not None, "watch comes first"
        if settings.unicast_fault_no_peer and not settings.unicast_peers:
            return ("no unicast peers",)
        if not settings.interface:
            return ()
        if self.link is None:
            return (f"interface {settings.interface} doesn't exist",)
        if not self.link.up and settings.track_primary:
            return (f"interface {settings.interface} down",)
        return ()

    def _interface_changed(self, fact: str, link: Link | None) -> None:
        settings = self._settings
        if settings is not None and fact == f"interface:{settings.interface}":
            self.link = link
        self._judge()

    def _path_changed(self, fact: str, path: Path) -> None:
        """BFD tells about a neighbour: a tracker, and perhaps our master's death.

        Only the loss of a session that was Up counts. One that is lost is not
        trusted, and cannot be lost, before it was Up again.
        """
        was = self._paths.get(fact)
        self._paths[fact] = path
        name = fact.removeprefix("bfd:")
        tracked = self._settings.track_bfds if self._settings is not None else ()
        lines = [each for each in tracked if each.name == name]
        if lines:
            self._judge()
        if path.up:
            if path.identity == self._identities.get(fact):  # else it was restarted
                self._found(path)
            self._identities[fact] = path.identity
        died = was is not None and was.up and path.died
        if died and not any(each.weight == 0 for each in lines):
            self._lost(path)

    def _is_up(self, name: str) -> bool:
        link = self._facts.get(f"interface:{name}")
        return link is not None and link.up

    def _bfd_is_up(self, name: str) -> bool:
        path = self._facts.get(f"bfd:{name}")
        return path is not None and path.up
