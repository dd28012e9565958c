"""From what is wanted and what there is, the requests that make them equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import StoredAddress, remove_address
from hanode.dataplanes.wanted import Slot, Wanted

Change = tuple[Slot, bool]  # a slot, and whether its address is added


def difference(
    kernel: Kernel, wanted: Wanted, gone: Sequence[Slot], held: Iterable[Slot]
) -> tuple[list[bytes], list[Change]]:
    """Requests after which the kernel has C{held} and not C{gone}, and what they do.

    C{kernel} is brought to the state after them; what fails has to be taken back.
    """
    requests: list[bytes] = []
    changes: list[Change] = []
    # The last one first: together with the first address of a subnet the kernel
    # would delete its secondary addresses.
    for slot in reversed(gone):
        stored = None if slot.key is None else kernel.find(slot.key)
        if stored is not None and not wanted.held(stored.key):
            requests.append(_removal(slot, stored))
            changes.append((slot, False))
            kernel.remove(stored.key)
    for slot in held:
        if slot.key is None:
            continue  # its interface does not exist; it is sent when it appears
        stored, prefix = kernel.find(slot.key), slot.address.prefix
        if stored is not None and stored.prefix == prefix:
            continue
        if stored is not None:  # IPv6 with another prefix length
            requests.append(_removal(slot, stored))
            changes.append((slot, False))
        requests.append(slot.add)
        changes.append((slot, True))
        kernel.add(StoredAddress(slot.key, 0, prefix))
    return requests, changes


def _removal(slot: Slot, stored: StoredAddress) -> bytes:
    if stored.prefix == slot.address.prefix:
        return slot.remove
    return remove_address(slot.address, stored.key[0], stored.prefix)
