"""The fact C{addresses:local}: every address that this machine has now.

Those that the interfaces have of their own, and those of the VRRP instances of which we
are master.
"""

from __future__ import annotations

from typing import Any

from hanode.config.model import Model
from hanode.config.scalars import IpAddress
from hanode.facts import Facts
from hanode.link import Link

FACT = "addresses:local"


class LocalAddresses:
    """Watches interfaces and instances once anybody is interested in the addresses."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._model = Model()
        self._own: dict[str, tuple[IpAddress, ...]] = {}
        self._masters: set[str] = set()
        self._watching = False

    def configure(self, model: Model) -> None:
        """C{model} tells which addresses a master has, and who is interested."""
        self._model = model
        if not self._watching and any(
            each.ha_suspend for each in model.virtual_servers.values()
        ):
            self._watching = True
            self._facts.watch_kind("interface:", self._interface)
            self._facts.watch_kind("vrrp:", self._instance)
        self._state()

    def _interface(self, fact: str, link: Link | None) -> None:
        addresses = () if link is None else link.addresses
        if self._own.get(fact, ()) != addresses:
            self._own[fact] = addresses
            self._state()

    def _instance(self, fact: str, state: Any) -> None:
        name = fact.removeprefix("vrrp:")
        if (state == "MASTER") is not (name in self._masters):
            self._masters ^= {name}
            self._state()

    def _state(self) -> None:
        if not self._watching:
            return
        found = {each for addresses in self._own.values() for each in addresses}
        for name, instance in self._model.instances.items():
            if name in self._masters:
                found.update(each.address for each in instance.all_addresses)
        self._facts.set(FACT, frozenset(found), "addresses of this machine")
