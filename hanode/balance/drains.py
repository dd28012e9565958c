"""Waiting until real servers that are being drained have no connections left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hanode.balance.real import Key
from hanode.balance.server import Actions, Virtual
from hanode.balance.table import identify, port_of
from hanode.lvs import Usages

INTERVAL = 1.0  # seconds between two looks at the kernel


def connections(virtual: Virtual, usages: Usages) -> dict[Key, int]:
    """How many connections the real servers of C{virtual} have, over all its services.

    A server that the kernel does not have below a service has none there; without a
    word from the kernel nothing is known.
    """
    found: dict[Key, int] = {}
    settings = virtual.settings
    for address in settings.addresses:
        identity = identify(address, settings.protocol)
        if identity not in usages:
            continue
        below = usages[identity][1]
        for key, real in (*virtual.reals.items(), *virtual.leaving.items()):
            usage = below.get((key[0], port_of(identity, real.settings)))
            count = 0 if usage is None else usage.active + usage.inactive
            found[key] = found.get(key, 0) + count
    return found


class Drains:
    """Asks the kernel from time to time, while somebody is being drained.

    @param usages: asks the kernel.
    @param drained: called with a virtual server and what is to be told, when one of
        its real servers is done.
    """

    def __init__(
        self,
        clock: IReactorTime,
        usages: Callable[[], Deferred[Usages]],
        drained: Callable[[Virtual, Actions], object],
    ) -> None:
        self._clock, self._usages, self._drained = clock, usages, drained
        self._waiting: dict[Virtual, None] = {}
        self._call: IDelayedCall | None = None
        self._asking: Deferred[Any] | None = None

    def look(self, virtual: Virtual) -> None:
        """One of its real servers may have begun to be drained."""
        if virtual.draining:
            self._waiting[virtual] = None
            self._go_on()

    def forget(self, virtual: Virtual) -> None:
        """It exists no more."""
        self._waiting.pop(virtual, None)

    def stop(self) -> None:
        """Nobody is waited for any more."""
        self._waiting.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()

    def _go_on(self) -> None:
        if self._waiting and self._call is None and self._asking is None:
            self._call = self._clock.callLater(INTERVAL, self._ask)

    def _ask(self) -> None:
        self._call = None
        self._asking = asking = self._usages()
        asking.addCallbacks(self._answered, lambda _: None)

    def _answered(self, usages: Usages) -> None:
        self._asking = None
        now = self._clock.seconds()
        for virtual in tuple(self._waiting):
            actions = virtual.counted(connections(virtual, usages), now=now)
            if actions:
                self._drained(virtual, actions)
            if not virtual.draining:
                self._waiting.pop(virtual, None)
        self._go_on()
