"""Routes or rules of a kernel in memory: the fake of L{hanode.dataplanes.kept}."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from twisted.logger import Logger

from hanode.config.route_model import Route, Rule

Record = TypeVar("Record", bound=Route | Rule)


class Remembered(Generic[Record]):
    """Records of one kind; C{present} is what the kernel has, in order.

    @param devices: the interfaces without which there can be no such record.
    @param is_up: whether an interface is there and up.
    """

    log = Logger()

    def __init__(
        self,
        devices: Callable[[Record], Sequence[str]],
        is_up: Callable[[str], bool],
    ) -> None:
        self._devices, self._is_up = devices, is_up
        self._claims: dict[str, tuple[Record, ...]] = {}
        self._held: dict[str, tuple[Record, ...]] = {}
        self._left: list[Record] = []
        self.running = False
        self.present: list[Record] = []

    def start(self) -> None:
        """Remove what was left behind, set what is held."""
        self.running = True
        for owner in tuple(self._claims):
            self._clean(self._claims[owner])
        self.fill()

    def stop(self) -> None:
        """Nothing is held any more."""
        for owner in tuple(self._held):
            self.limit(owner, ())
        self.running = False

    def claim(self, owner: str, records: Sequence[Record]) -> None:
        """See L{hanode.interfaces.IDataplane.claim}."""
        before = self._claims.pop(owner, ())
        if records:
            self._claims[owner] = tuple(records)
        held = self._held.get(owner, ())
        self.limit(owner, tuple(each for each in held if each in records))
        self._clean([each for each in records if each not in before])

    def limit(self, owner: str, records: Sequence[Record]) -> None:
        """C{owner} wants exactly these: what else it held goes."""
        before = self._held.pop(owner, ())
        if records:
            self._held[owner] = tuple(records)
        kept = self._all_held()
        for record in reversed(before):
            if record not in kept and self.running and record in self.present:
                self.present.remove(record)
            if record not in kept and record in self._left:
                self._left.remove(record)

    def fill(self) -> None:
        """Set what is held and can be."""
        for record in self._all_held() if self.running else ():
            ready = all(map(self._is_up, self._devices(record)))
            if ready and record not in self.present and record not in self._left:
                self.present.append(record)

    def disturbed(self) -> None:
        """Interfaces have changed: what needs one that is not up is gone."""
        self.present[:] = [
            each for each in self.present if all(map(self._is_up, self._devices(each)))
        ]
        self.fill()

    def lacking(self, owner: str) -> list[Record]:
        """What C{owner} holds and the kernel does not have."""
        return [e for e in self._held.get(owner, ()) if e not in self.present]

    def someone_removes(self, record: Record) -> None:
        """Another program removes it; what is held and tracked comes back."""
        self.present.remove(record)
        if record not in self._all_held():
            return
        if not record.track:
            self._left.append(record)
        else:
            self.log.warn(
                "{record} was removed by someone else: put back", record=str(record)
            )
        self.fill()

    def _all_held(self) -> list[Record]:
        return [each for held in self._held.values() for each in held]

    def _clean(self, records: Sequence[Record]) -> None:
        kept = self._all_held()
        for record in records if self.running else ():
            if record in self.present and record not in kept:
                self.present.remove(record)
