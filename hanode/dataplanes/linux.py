"""The Linux kernel's addresses, kept as they are wanted.

What is wanted (L{hanode.dataplanes.wanted}) is compared with what the kernel has
(L{hanode.dataplanes.kernel}), and the difference goes out in one batch. rtnetlink has
done it when the send returns; answers and notifications are read by the reactor. A held
address that disappears is put back when the socket that told of it has been drained, so
that an address which went and came in the meantime causes nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.model import Address
from hanode.dataplanes.announcer import Announcer
from hanode.dataplanes.difference import Change, difference
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import (
    RTM_DELADDR,
    RTM_GETADDR,
    RTM_GETLINK,
    Key,
    StoredAddress,
)
from hanode.dataplanes.netlink.socket import Notifications, Requests, dump
from hanode.dataplanes.sysctl import PromoteSecondaries
from hanode.dataplanes.wanted import Slot, Wanted
from hanode.interfaces import IDataplane, IDataplaneKind
from hanode.link import Link

RETRY, RETRY_LONGEST = 1.0, 30.0  # seconds; doubled after each refusal
DONE_ADDING = {errno.EEXIST}
DONE_REMOVING = {errno.EADDRNOTAVAIL, errno.ENODEV}
# An old kernel may not know IFA_PROTO.
NOT_UNDERSTOOD = {errno.EINVAL, errno.EOPNOTSUPP}
PUT_BACK = "put back"
SPARE = "removal"  # owner of promote_secondaries while we remove addresses


@implementer(IDataplane)
class LinuxDataplane:
    """The kernel of this machine, or of the network namespace we live in."""

    log = Logger()
    keyword = "linux"

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._wanted = Wanted()
        self._kernel = Kernel()
        self._announcer = Announcer(reactor, self._kernel.mac)
        self._promotion = PromoteSecondaries()
        self._requests: Requests | None = None
        self._news: Notifications | None = None
        self._again: IDelayedCall | None = None
        self._changed: Callable[[str, Link | None], object] | None = None
        self._told: dict[str, Link] = {}
        # What the notifications of one drain spoke of.
        self._lost: dict[Key, int] = {}
        self._dirty: set[int] = set()
        self._moved: set[int] = set()

    # -- IDataplane

    def start(self, changed: Callable[[str, Link | None], object]) -> None:
        """See L{IDataplane.start}. Raises L{OSError} without a usable rtnetlink."""
        self._changed = changed
        self._requests = Requests(self._reactor, self._answered, self._answers_lost)
        # Listening before the dump: nothing can change unseen in between.
        self._news = Notifications(
            self._reactor, self._received, self._drained, self._news_lost
        )
        self._announcer.open()
        self._synchronise()

    def stop(self) -> None:
        """See L{IDataplane.stop}."""
        if self._requests is None or self._news is None:
            return
        held = [slot for slot in self._wanted if slot.holders]
        for owner in tuple(self._wanted.owners):
            self._wanted.hold(owner, ())
        for slot in self._wanted:
            slot.rest()
        self._change(held, ())
        self._requests.doRead()  # the answers are there; a refusal is worth a line
        self._promotion.restore()
        self._announcer.close()
        self._requests.close()
        self._news.close()
        if self._again is not None and self._again.active():
            self._again.cancel()
        self._requests = self._news = self._changed = None
        self._told.clear()

    def claim(self, owner: str, addresses: Sequence[Address]) -> None:
        """See L{IDataplane.claim}."""
        gone, new = self._wanted.claim(owner, addresses, self._kernel.indices)
        self._release(gone)
        self._wanted.forget(gone)
        self._clean(new)
        for name in sorted({slot.address.device for slot in gone + new}):
            self._tell(name)  # a claimed address is not one of the interface's own

    def hold(self, owner: str, addresses: Sequence[Address]) -> None:
        """See L{IDataplane.hold}."""
        addresses = tuple(addresses)
        claims = self._wanted.claims(owner)
        if addresses and addresses != claims:
            strange = [each for each in addresses if each not in claims]
            if strange:
                self.claim(owner, (*claims, *strange))
        before, now = self._wanted.hold(owner, addresses)
        self._release([slot for slot in before if not slot.holders])
        self._change((), [slot for slot in now if not slot.waiting])

    def announce(
        self,
        addresses: Sequence[Address],
        repeat: int = 1,
        arp_interval: float = 0.0,
        na_interval: float = 0.0,
    ) -> None:
        """See L{IDataplane.announce}."""
        self._announcer.announce(addresses, repeat, arp_interval, na_interval)

    def promote_secondaries(self, owner: str, interface: str, wanted: bool) -> None:
        """See L{IDataplane.promote_secondaries}."""
        self._promotion.want(owner, interface, wanted)

    def links(self) -> dict[str, Link]:
        """See L{IDataplane.links}."""
        found = ((name, self._link(name)) for name in self._kernel.indices)
        return {name: link for name, link in found if link is not None}

    # -- to the kernel

    def _change(self, gone: Sequence[Slot], wanted: Iterable[Slot]) -> None:
        """Send what differs between these slots and the kernel, in one batch."""
        if self._requests is None:
            return
        requests, changes = difference(self._kernel, self._wanted, gone, wanted)
        if not requests:
            return
        # Together with the first address of a subnet the kernel would delete the
        # other ones, and some of them are not ours.
        devices = {slot.address.device for slot, adding in changes if not adding}
        claimed = self._wanted.by_key
        devices = {
            each for each in devices if self._kernel.has_secondary(each, claimed)
        }
        for device in devices:
            self._promotion.want(SPARE, device, True)
        self._requests.send(requests, changes)
        for device in devices:
            self._promotion.want(SPARE, device, False)

    def _release(self, gone: Sequence[Slot]) -> None:
        if not gone:
            return
        self._announcer.forget([slot.address for slot in gone])
        for slot in gone:
            slot.rest()
        self._change(gone, ())

    def _clean(self, slots: Iterable[Slot]) -> None:
        """Remove what the kernel has of these although nobody holds it."""
        left = [
            slot
            for slot in slots
            if slot.key and not slot.holders and self._kernel.find(slot.key)
        ]
        if self._requests is not None:
            for slot in left:
                self.log.info(
                    "removing {address}, left behind", address=str(slot.address)
                )
            self._change(left, ())

    def _answered(self, changes: Sequence[Change], errors: dict[int, int]) -> None:
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
            self._change((), [slot])
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
        self._change((), [slot])
        if announce:
            self.announce([slot.address])

    # -- from the kernel

    def _synchronise(self) -> None:
        """Read everything anew, make good what differs, tell about the interfaces."""
        self._kernel.replace(dump(RTM_GETLINK), dump(RTM_GETADDR))
        self._lost.clear()
        self._dirty.clear()
        self._moved.clear()
        self._rebind()
        self._clean(self._wanted)
        self._fill()
        self._tell_all()

    def _answers_lost(self) -> None:
        if self._requests is not None:
            self._requests.forget()
        self._news_lost()

    def _news_lost(self) -> None:
        if self._news is None:
            return  # stopped in the meantime
        self.log.warn("the kernel had more news than we could read: reading all anew")
        try:
            self._synchronise()
        except OSError as error:
            self.log.error("cannot read from the kernel: {error}", error=error)
            if self._again is None or not self._again.active():
                self._again = self._reactor.callLater(RETRY, self._news_lost)

    def _received(
        self, kind: int, port: int, data: bytearray, start: int, end: int
    ) -> None:
        news = self._kernel.apply(kind, data, start, end)
        if isinstance(news, StoredAddress):
            if news.key not in self._wanted.by_key:
                self._dirty.add(news.key[0])
            elif kind == RTM_DELADDR:
                self._lost[news.key] = port
        elif news is not None:
            self._moved.add(news.ifindex)

    def _drained(self) -> None:
        lost, self._lost = self._lost, {}
        dirty, self._dirty = self._dirty, set()
        moved, self._moved = self._moved, set()
        if moved:
            self._rebind()
        # An interface that went down or away took its addresses with it: nobody is to
        # blame, and they are filled in when it is up.
        taken = {key: port for key, port in lost.items() if key[0] not in moved}
        if taken:
            self._put_back(taken)
        if moved:
            self._fill()
            self._tell_all()
        for index in dirty:
            link = self._kernel.links.get(index)
            if link is not None:
                self._tell(link.name)

    def _put_back(self, taken: dict[Key, int]) -> None:
        now = self._reactor.seconds()
        back: list[Slot] = []
        told: list[tuple[Slot, int, str]] = []
        for key, port in taken.items():
            if self._kernel.find(key):
                continue  # it is back already
            for slot in self._wanted.by_key.get(key, ()):
                if not slot.holders or slot.waiting:
                    continue
                outcome = self._outcome(slot, now)
                if outcome == PUT_BACK:
                    back.append(slot)
                if outcome:
                    told.append((slot, port, outcome))
        self._change((), back)
        if back:
            self.announce([slot.address for slot in back])
        for slot, port, outcome in told:
            self._log_loss(slot, port, outcome)

    def _outcome(self, slot: Slot, now: float) -> str:
        """What becomes of a lost address, in words; "" where nothing is to be said."""
        if not slot.address.track:
            return "left so (no_track)"
        # Asking, because the news of its interface may still be on the way.
        if self._requests is None or not self._requests.is_up(slot.address.device):
            return ""
        known = slot.losses.pause
        pause = slot.losses.add(now)
        if not pause:
            return PUT_BACK
        self._later(slot, pause, announce=True)
        return "" if known else "that often that it is put back only after a while"

    def _log_loss(self, slot: Slot, port: int, outcome: str) -> None:
        own = self._requests is not None and port == self._requests.number
        self.log.warn(
            "{address} was removed {by} while {owner} holds it: {outcome}",
            address=str(slot.address),
            by="with the first address of its subnet" if own else "by someone else",
            owner=", ".join(sorted(slot.holders)),
            outcome=outcome,
        )

    def _rebind(self) -> None:
        """Interfaces may have come, gone, or changed their names."""
        indices = self._kernel.indices
        for slot in self._wanted:
            index = indices.get(slot.address.device)
            if index != (None if slot.key is None else slot.key[0]):
                slot.rest()
                self._wanted.bind(slot, index)
                if not slot.address.track and slot.holders:
                    self._change((), [slot])

    def _fill(self) -> None:
        """Set what is held and missing on interfaces that are up (again)."""
        missing = [
            slot
            for slot in self._wanted
            if slot.holders
            and slot.address.track
            and slot.key is not None
            and not slot.waiting
            and self._kernel.find(slot.key) is None
            and self._kernel.is_up(slot.address.device)
        ]
        if missing:
            self._change((), missing)
            self.announce([slot.address for slot in missing])
            for device in sorted({slot.address.device for slot in missing}):
                self.log.info("the addresses held on {device} are set", device=device)

    # -- telling

    def _link(self, name: str) -> Link | None:
        return self._kernel.link(name, self._wanted.by_key)

    def _tell(self, name: str) -> None:
        if self._changed is None:
            return
        link = self._link(name)
        if link == self._told.get(name):
            return
        if link is None:
            del self._told[name]
            self._promotion.vanished(name)
        else:
            if name not in self._told:
                self._promotion.appeared(name)
            self._told[name] = link
        self._changed(name, link)

    def _tell_all(self) -> None:
        for name in sorted(set(self._told) | set(self._kernel.indices)):
            self._tell(name)


@implementer(IPlugin, IDataplaneKind)
class LinuxDataplaneKind:
    """The plug-in."""

    keyword = "linux"

    def make(self, reactor: Any) -> LinuxDataplane:
        """See L{IDataplaneKind.make}."""
        return LinuxDataplane(reactor)


linuxDataplane = LinuxDataplaneKind()
