"""What the node holds whatever its instances do, and who is told when it cannot."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from hanode.config.model import Address
from hanode.config.route_model import Route, Rule
from hanode.config.static_model import Statics
from hanode.facts import Facts
from hanode.interfaces import IDataplane

OWNER = "(static)"


class StaticService:
    """static_ipaddress, static_routes and static_rules, held from start to stop.

    The fact C{static:GROUP} is a tuple of texts: what has this track_group and is not
    in the kernel at present.
    """

    log = Logger()

    def __init__(self, dataplane: IDataplane, facts: Facts) -> None:
        self._dataplane, self._facts = dataplane, facts
        self._statics = Statics()
        self._lacking: frozenset[Address | Route | Rule] = frozenset()

    def configure(self, statics: Statics) -> None:
        """Hold exactly these from now on; before or after the dataplane has started."""
        before, self._statics = self._statics, statics
        if not before and not statics:
            return
        everything = statics.addresses, statics.routes, statics.rules
        self._dataplane.claim(OWNER, *everything)
        self._dataplane.hold(OWNER, *everything)
        for group in set(before.groups) - set(statics.groups):
            self._facts.forget(f"static:{group}")
        self._dataplane.watch(OWNER, self._told)

    def describe(self) -> dict[str, Any]:
        """What there is to see from outside."""
        statics = self._statics
        return {
            "addresses": list(map(str, statics.addresses)),
            "routes": list(map(str, statics.routes)),
            "rules": list(map(str, statics.rules)),
            "lacking": sorted(map(str, self._lacking)),
        }

    def _told(self, lacking: list[Address | Route | Rule]) -> None:
        self._lacking = frozenset(each for each in lacking if each.track)
        for group in self._statics.groups:
            missing = tuple(
                str(each) for each in lacking if each.track and each.group == group
            )
            why = ", ".join(missing) or "all there"
            self._facts.set(f"static:{group}", missing, why)
