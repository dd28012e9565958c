"""Claims and a copy of the kernel, compared."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address
from hanode.dataplanes.difference import difference
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import (
    RTM_DELADDR,
    RTM_NEWADDR,
    StoredAddress,
    key_of,
    messages,
    parse_address,
)
from hanode.dataplanes.wanted import Slot, Wanted

A = Address(ip_address("10.0.0.1"), 24, "eth0")
B = Address(ip_address("10.0.0.2"), 24, "eth0")
SIX = Address(ip_address("fd00::1"), 64, "eth0")
ABSENT = Address(ip_address("10.0.0.3"), 24, "eth9")
INDICES = {"eth0": 2}


def spoken(requests: list[bytes]) -> list[tuple[int, bytes, int]]:
    """Kind, address and prefix of each request."""
    found = []
    for data in requests:
        ((kind, _, _, _, start, end),) = messages(data, len(data))
        stored = parse_address(data, start, end)
        found.append((kind, stored.key[1], stored.prefix))
    return found


class DifferenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.kernel, self.wanted = Kernel(), Wanted()

    def slots(self, *addresses: Address) -> list[Slot]:
        _, new = self.wanted.claim("VI_1", addresses, INDICES)
        return new

    def test_only_what_is_missing(self) -> None:
        """What the kernel has is not sent, nor what has no interface."""
        slots = self.slots(A, B, ABSENT)
        self.kernel.add(StoredAddress(key_of(A, 2), 0, 24))
        requests, changes = difference(self.kernel, self.wanted, (), slots)
        self.assertEqual(spoken(requests), [(RTM_NEWADDR, B.address.packed, 24)])
        self.assertEqual(changes, [(slots[1], True)])
        self.assertEqual(difference(self.kernel, self.wanted, (), slots), ([], []))

    def test_last_one_first(self) -> None:
        """Removals go backwards, and only for what is there."""
        slots = self.slots(A, B, ABSENT)
        difference(self.kernel, self.wanted, (), slots)
        requests, _ = difference(self.kernel, self.wanted, slots, ())
        self.assertEqual(
            spoken(requests),
            [
                (RTM_DELADDR, B.address.packed, 24),
                (RTM_DELADDR, A.address.packed, 24),
            ],
        )
        self.assertEqual(difference(self.kernel, self.wanted, slots, ()), ([], []))

    def test_what_another_holds(self) -> None:
        """A removal is not sent while somebody else holds the same address."""
        (slot,) = self.slots(A)
        difference(self.kernel, self.wanted, (), [slot])
        labelled = Address(A.address, 24, "eth0", label="eth0:1")
        self.wanted.claim("VI_2", (labelled,), INDICES)
        self.wanted.hold("VI_2", (labelled,))
        self.assertEqual(difference(self.kernel, self.wanted, [slot], ()), ([], []))

    def test_other_prefix(self) -> None:
        """IPv6 with another prefix length is removed with that one, then added."""
        slots = self.slots(SIX)
        self.kernel.add(StoredAddress(key_of(SIX, 2), 0, 128))
        requests, _ = difference(self.kernel, self.wanted, (), slots)
        packed = SIX.address.packed
        self.assertEqual(
            spoken(requests), [(RTM_DELADDR, packed, 128), (RTM_NEWADDR, packed, 64)]
        )


class WantedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.wanted = Wanted()

    def addresses(self, slots: list[Slot] | tuple[Slot, ...]) -> list[Address]:
        return [slot.address for slot in slots]

    def test_claim_again(self) -> None:
        """What is still claimed stays held; what is not is returned."""
        self.wanted.claim("VI_1", (A, B), INDICES)
        self.wanted.hold("VI_1", (A, B))
        gone, new = self.wanted.claim("VI_1", (B, SIX), INDICES)
        self.wanted.forget(gone)
        before, now = self.wanted.hold("VI_1", (B, SIX))
        self.assertEqual(
            [self.addresses(each) for each in (gone, new, before, now)],
            [[A], [SIX], [B], [B, SIX]],
        )
        self.assertEqual(self.wanted.claims("VI_1"), (B, SIX))
        self.assertEqual([slot.address for slot in self.wanted], [B, SIX])

    def test_shared(self) -> None:
        """What a second owner claims is not forgotten with the first."""
        for owner in ("VI_1", "VI_2"):
            self.wanted.claim(owner, (A,), INDICES)
            self.wanted.hold(owner, (A,))
        gone, _ = self.wanted.claim("VI_1", (), INDICES)
        self.wanted.forget(gone)
        self.assertEqual((gone, self.wanted.held(key_of(A, 2))), ([], True))
        gone, _ = self.wanted.claim("VI_2", (), INDICES)
        self.wanted.forget(gone)
        self.assertEqual((self.addresses(gone), self.wanted.by_key), ([A], {}))

    def test_unknown_owner(self) -> None:
        """Who claims nothing holds nothing."""
        self.assertEqual(self.wanted.hold("VI_9", ()), ((), ()))
        self.assertEqual(self.wanted.claims("VI_9"), ())

    def test_another_index(self) -> None:
        """The key follows the index of the interface."""
        _, (slot,) = self.wanted.claim("VI_1", (A,), INDICES)
        keys = [slot.key]
        for index in (7, None):
            self.wanted.bind(slot, index)
            keys.append(slot.key)
        self.assertEqual(keys, [key_of(A, 2), key_of(A, 7), None])
        self.assertEqual((slot.add, slot.remove, self.wanted.by_key), (b"", b"", {}))
