"""The addresses of the kernel, kept as they are wanted.

What is wanted (L{hanode.dataplanes.wanted}) is compared with what the kernel has
(L{hanode.dataplanes.kernel}), and the difference goes out in one batch. What the
kernel refuses is tried again; what somebody else removes is put back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from typing import Any

from twisted.logger import Logger

from hanode.config.model import Address
from hanode.dataplanes.announcer import Announcer
from hanode.dataplanes.difference import Change, difference
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import Key
from hanode.dataplanes.netlink.socket import Requests
from hanode.dataplanes.sysctl import PromoteSecondaries
from hanode.dataplanes.wanted import Slot, Wanted

RETRY, RETRY_LONGEST = 1.0, 30.0  # seconds; doubled after each refusal
DONE_ADDING = {errno.EEXIST}
DONE_REMOVING = {errno.EADDRNOTAVAIL, errno.ENODEV}
# An old kernel may not know IFA_PROTO.
NOT_UNDERSTOOD = {errno.EINVAL, errno.EOPNOTSUPP}
PUT_BACK = "put back"
SPARE = "removal"  # owner of promote_secondaries while we remove addresses


class Addresses:
    """All claimed addresses; C{requests} is None while the dataplane is closed."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        kernel: Kernel,
        announcer: Announcer,
        promotion: PromoteSecondaries,
    ) -> None:
        self._reactor, self._kernel = reactor, kernel
        self._announcer, self._promotion = announcer, promotion
        self.wanted = Wanted()
        self.requests: Requests | None = None

    # -- what is wanted

    def claim(self, owner: str, addresses: Sequence[Address]) -> set[str]:
        """See L{hanode.interfaces.IDataplane.claim}; returns the devices concerned."""
        gone, new = self.wanted.claim(owner, addresses, self._kernel.indices)
        self.release(gone)
        self.wanted.forget(gone)
        self.clean(new)
        return {slot.address.device for slot in gone + new}

    def strange(self, owner: str, addresses: tuple[Address, ...]) -> list[Address]:
        """Those of C{addresses} that C{owner} has not claimed."""
        claims = self.wanted.claims(owner)
        if not addresses or addresses == claims:
            return []
        return [each for each in addresses if each not in claims]

    def limit(self, owner: str, addresses: Sequence[Address]) -> None:
        """C{owner} wants exactly these: what else it held goes."""
        before, _ = self.wanted.hold(owner, addresses)
        self.release([slot for slot in before if not slot.holders])

    def set(self, owner: str) -> None:
        """Have the kernel have what C{owner} holds."""
        held = self.wanted.held_by(owner)
        if held:
            self.change((), [slot for slot in held if not slot.waiting])

    def stop(self) -> None:
        """Remove everything that is held."""
        held = [slot for slot in self.wanted if slot.holders]
        for owner in tuple(self.wanted.owners):
            self.wanted.hold(owner, ())
        for slot in self.wanted:
            slot.rest()
        self.change(held, ())

    def lacking(self, owner: str) -> list[Address]:
        """What C{owner} holds and the kernel does not have."""
        return [
            slot.address
            for slot in self.wanted.held_by(owner)
            if slot.key is None or self._kernel.find(slot.key) is None
        ]

    # -- to the kernel

    def change(self, gone: Sequence[Slot], wanted: Iterable[Slot]) -> None:
        """Send what differs between these slots and the kernel, in one batch."""
        if self.requests is None:
            return
        requests, changes = difference(self._kernel, self.wanted, gone, wanted)
        if not requests:
            return
        # Together with the first address of a subnet the kernel would delete the
        # other ones, and some of them are not ours.
        devices = {slot.address.device for slot, adding in changes if not adding}
        claimed = self.wanted.by_key
        devices = {
            each for each in devices if self._kernel.has_secondary(each, claimed)
        }
        for device in devices:
            self._promotion.want(SPARE, device, True)
        self.requests.send(requests, changes)
        for device in devices:
            self._promotion.want(SPARE, device, False)

    def release(self, gone: Sequence[Slot]) -> None:
        if not gone:
            return
        self._announcer.forget([slot.address for slot in gone])
        for slot in gone:
            slot.rest()
        self.change(gone, ())

    def clean(self, slots: Iterable[Slot]) -> None:
        """Remove what the kernel has of these although nobody holds it."""
        left = [
            slot
            for slot in slots
            if slot.key and not slot.holders and self._kernel.find(slot.key)
        ]
        if self.requests is not None:
            for slot in left:
                self.log.info(
                    "removing {address}, left behind", address=str(slot.address)
                )
            self.change(left, ())

    def answered(self, changes: Sequence[Change], errors: dict[int, int]) -> None:
        for position, (slot, adding) in enumerate(changes):
            code = errors.get(position)
            if code is None:
                if adding and slot.refusals:
                    slot.refusals = 0
                    self.log.info("{address} is set at last", address=str(slot.address))
            elif adding:
                self._add_refused(slot, code)
            elif code not in DONE_REMOVING:
                self.log.error(
                    "cannot remove {address}: {reason}",
                    address=str(slot.address),
                    reason=os.strerror(code),
                )

    def _add_refused(self, slot: Slot, code: int) -> None:
        if code in DONE_ADDING or slot.key is None or not slot.holders:
            return
        self._kernel.remove(slot.key)
        if code == errno.ENODEV:
            return  # it is sent when the interface is back
        if code in NOT_UNDERSTOOD and slot.protocol is not None:
            slot.protocol = None
            slot.bind(slot.key[0])
            self.change((), [slot])
            return
        delay = min(RETRY_LONGEST, RETRY * 2**slot.refusals)
        slot.refusals = min(slot.refusals + 1, 16)
        if slot.refusals == 1:
            self.log.error(
                "cannot set {address}: {reason}; trying again until it works",
                address=str(slot.address),
                reason=os.strerror(code),
            )
        self._later(slot, delay)

    def _later(self, slot: Slot, delay: float, announce: bool = False) -> None:
        if slot.waiting:
            return
        slot.retry = self._reactor.callLater(delay, self._retry, slot, announce)

    def _retry(self, slot: Slot, announce: bool) -> None:
        slot.retry = None
        self.change((), [slot])
        if announce:
            self._announcer.announce([slot.address])

    def put_back(self, taken: dict[Key, int]) -> None:
        now = self._reactor.seconds()
        back: list[Slot] = []
        told: list[tuple[Slot, int, str]] = []
        for key, port in taken.items():
            if self._kernel.find(key):
                continue  # it is back already
            for slot in self.wanted.by_key.get(key, ()):
                if not slot.holders or slot.waiting:
                    continue
                outcome = self._outcome(slot, now)
                if outcome == PUT_BACK:
                    back.append(slot)
                if outcome:
                    told.append((slot, port, outcome))
        self.change((), back)
        if back:
            self._announcer.announce([slot.address for slot in back])
        for slot, port, outcome in told:
            self._log_loss(slot, port, outcome)

    def _outcome(self, slot: Slot, now: float) -> str:
        """What becomes of a lost address, in words; "" where nothing is to be said."""
        if not slot.address.track:
            return "left so (no_track)"
        # Asking, because the news of its interface may still be on the way.
        if self.requests is None or not self.requests.is_up(slot.address.device):
            return ""
        known = slot.losses.pause
        pause = slot.losses.add(now)
        if not pause:
            return PUT_BACK
        self._later(slot, pause, announce=True)
        if not slot.losses.pause:
            return "put back in a moment"
        return "" if known else "that often that it is put back only after a while"

    def _log_loss(self, slot: Slot, port: int, outcome: str) -> None:
        own = self.requests is not None and port == self.requests.number
        self.log.warn(
            "{address} was removed {by} while {owner} holds it: {outcome}",
            address=str(slot.address),
            by="with the first address of its subnet" if own else "by someone else",
            owner=", ".join(sorted(slot.holders)),
            outcome=outcome,
        )

    def rebind(self) -> None:
        """Interfaces may have come, gone, or changed their names."""
        indices = self._kernel.indices
        for slot in self.wanted:
            index = indices.get(slot.address.device)
            if index != (None if slot.key is None else slot.key[0]):
                old, removal = slot.key, slot.remove
                slot.rest()
                self.wanted.bind(slot, index)
                if old is not None and self._kernel.find(old):
                    self._leave(slot, old, removal)
                if not slot.address.track and slot.holders:
                    self.change((), [slot])

    def _leave(self, slot: Slot, key: Key, removal: bytes) -> None:
        """The interface has another name now: our address goes from it."""
        if self.requests is not None and not self.wanted.held(key):
            self._kernel.remove(key)
            self.requests.send([removal], [(slot, False)])

    def fill(self) -> None:
        """Set what is held and missing on interfaces that are up (again)."""
        missing = [
            slot
            for slot in self.wanted
            if slot.holders
            and slot.address.track
            and slot.key is not None
            and not slot.waiting
            and self._kernel.find(slot.key) is None
            and self._kernel.is_up(slot.address.device)
        ]
        if missing:
            self.change((), missing)
            self._announcer.announce([slot.address for slot in missing])
            for device in sorted({slot.address.device for slot in missing}):
                self.log.info("the addresses held on {device} are set", device=device)
