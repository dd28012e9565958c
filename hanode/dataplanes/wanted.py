"""What is wanted: which addresses are claimed by whom, and which are to be held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from twisted.internet.interfaces import IDelayedCall

from hanode.config.model import Address
from hanode.dataplanes.losses import BREATH, Losses
from hanode.dataplanes.netlink.message import (
    RTPROT_KEEPALIVED,
    Key,
    add_address,
    key_of,
    remove_address,
)


@dataclass(eq=False)
class Slot:
    """One claimed address and how it is faring.

    C{key} and the two encoded requests hold for the interface's present index and are
    None or empty while there is no such interface. C{refusals} counts how often in a
    row the kernel did not take it; C{retry} is the next attempt when it has to wait.
    """

    address: Address
    claims: set[str] = field(default_factory=set)
    holders: set[str] = field(default_factory=set)
    key: Key | None = None
    add: bytes = b""
    remove: bytes = b""
    protocol: int | None = RTPROT_KEEPALIVED
    refusals: int = 0
    losses: Losses = field(default_factory=lambda: Losses(breath=BREATH))
    retry: IDelayedCall | None = None

    def bind(self, index: int | None) -> None:
        """Encode the requests for the interface with this index, None for absent."""
        if index is None:
            self.key, self.add, self.remove = None, b"", b""
            return
        self.key = key_of(self.address, index)
        self.add = add_address(self.address, index, self.protocol)
        self.remove = remove_address(self.address, index)

    @property
    def waiting(self) -> bool:
        """Whether it is not to be sent before its retry is due."""
        return self.retry is not None and self.retry.active()

    def rest(self) -> None:
        """Forget a retry that was planned, and why."""
        if self.retry is not None and self.retry.active():
            self.retry.cancel()
        self.retry = None
        self.refusals = 0
        self.losses.clear()


@dataclass
class Owner:
    """One owner: what it claims, in order, and what of that it holds."""

    claimed: tuple[Address, ...] = ()
    slots: tuple[Slot, ...] = ()
    held: tuple[Slot, ...] = ()


class Wanted:
    """All claims. It knows no kernel; it says what changes when claims change."""

    def __init__(self) -> None:
        self.owners: dict[str, Owner] = {}
        self.slots: dict[Address, Slot] = {}
        self.by_key: dict[Key, list[Slot]] = {}

    def claim(
        self, owner: str, addresses: Sequence[Address], indices: Mapping[str, int]
    ) -> tuple[list[Slot], list[Slot]]:
        """Replace what C{owner} claims; what it still claims it still holds.

        @return: the slots that it had and that nobody holds now, and the new ones.
        """
        addresses = tuple(dict.fromkeys(addresses))
        entry = self.owners.setdefault(owner, Owner())
        before = entry.slots
        added = [self._open(each, indices) for each in addresses if each not in self]
        entry.claimed = addresses
        entry.slots = tuple(self.slots[each] for each in addresses)
        for slot in entry.slots:
            slot.claims.add(owner)
        kept = set(entry.slots)
        entry.held = tuple(slot for slot in entry.held if slot in kept)
        dropped = [slot for slot in before if slot not in kept]
        for slot in dropped:
            slot.claims.discard(owner)
            slot.holders.discard(owner)
        if not addresses:
            del self.owners[owner]
        return [slot for slot in dropped if not slot.holders], added

    def hold(
        self, owner: str, addresses: Sequence[Address]
    ) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
        """C{owner} holds exactly C{addresses}, which it has claimed.

        @return: the slots that it held before, and those that it holds now.
        """
        entry = self.owners.get(owner)
        if entry is None:
            return (), ()
        before = entry.held
        addresses = tuple(addresses)
        # Nearly always all or nothing: comparing is cheaper than looking up.
        if addresses == entry.claimed:
            entry.held = entry.slots
        else:
            entry.held = tuple(self.slots[each] for each in addresses)
        for slot in before:
            slot.holders.discard(owner)
        for slot in entry.held:
            slot.holders.add(owner)
        return before, entry.held

    def held_by(self, owner: str) -> tuple[Slot, ...]:
        """What C{owner} holds, in order."""
        entry = self.owners.get(owner)
        return () if entry is None else entry.held

    def claims(self, owner: str) -> tuple[Address, ...]:
        """What C{owner} claims at present."""
        entry = self.owners.get(owner)
        return () if entry is None else entry.claimed

    def forget(self, slots: Iterable[Slot]) -> None:
        """Forget those that nobody claims any more."""
        for slot in slots:
            if not slot.claims:
                slot.rest()
                self.bind(slot, None)
                self.slots.pop(slot.address, None)

    def bind(self, slot: Slot, index: int | None) -> None:
        """The slot's interface has this index now, None when it does not exist."""
        if slot.key is not None:
            sharers = self.by_key[slot.key]
            sharers.remove(slot)
            if not sharers:
                del self.by_key[slot.key]
        slot.bind(index)
        if slot.key is not None:
            self.by_key.setdefault(slot.key, []).append(slot)

    def on(self, device: str) -> list[Slot]:
        """The slots on interface C{device}."""
        return [slot for slot in self if slot.address.device == device]

    def held(self, key: Key) -> bool:
        """Whether somebody holds an address with this key."""
        return any(slot.holders for slot in self.by_key.get(key, ()))

    def __contains__(self, address: Address) -> bool:
        return address in self.slots

    def __iter__(self) -> Iterator[Slot]:
        return iter(tuple(self.slots.values()))

    def _open(self, address: Address, indices: Mapping[str, int]) -> Slot:
        slot = self.slots[address] = Slot(address)
        self.bind(slot, indices.get(address.device))
        return slot
