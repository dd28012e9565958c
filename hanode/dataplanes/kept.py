"""Records of one kind, kept in the kernel as they are wanted: routes, or rules.

What they are and how the kernel is told is the business of a
L{hanode.dataplanes.form.Form}. The kernel does
not tell of everything: when an interface goes down or an address goes, the IPv4 routes
that need it vanish in silence. So news are only a reason to read again what there is
(a dump of our own protocol number), and what is missing then is put back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.config.route_model import Route, Rule
from hanode.dataplanes.form import Form
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.losses import BREATH, Losses
from hanode.dataplanes.netlink.message import Buffer
from hanode.dataplanes.netlink.socket import Notifications, Requests

Record = TypeVar("Record", bound=Route | Rule)

RETRY, RETRY_LONGEST = 1.0, 30.0  # seconds; doubled after each refusal
SHARE = 20  # reading takes one part of so many of our time at most
ABSENT = frozenset({errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.ENETDOWN})
NOT_NOW = frozenset({errno.ENODEV, errno.ENETDOWN})  # its interface has just gone


@dataclass(eq=False)
class Keep(Generic[Record]):
    """One claimed record and how it is faring.

    C{there}: the kernel has it, as far as we know; C{asked}: it has not answered yet,
    or not been heard. C{away}: it is missing for a reason
    that is nobody's fault, as its interface being down. C{removal} takes back what was
    set. C{refusals}, C{losses} and C{retry} are as for addresses.
    """

    record: Record
    kept: Kept[Record]
    claims: set[str] = field(default_factory=set)
    holders: set[str] = field(default_factory=set)
    there: bool = False
    asked: bool = False
    away: bool = True
    left: bool = False  # somebody removed it and it is not put back
    removal: bytes = b""
    refusals: int = 0
    losses: Losses = field(default_factory=lambda: Losses(breath=BREATH))
    retry: IDelayedCall | None = None

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
        self.left = False
        self.losses.clear()


class Kept(Generic[Record]):
    """All claimed records of one form."""

    log = Logger()

    def __init__(self, form: Form[Record], reactor: Any, kernel: Kernel) -> None:
        self.form, self._reactor, self._kernel = form, reactor, kernel
        self._keeps: dict[Record, Keep[Record]] = {}
        self._claims: dict[str, tuple[Keep[Record], ...]] = {}
        self._held: dict[str, tuple[Keep[Record], ...]] = {}
        self._requests: Requests | None = None
        self._news: Notifications | None = None
        self._listening = False
        self._disturbed = False
        self._rested = 0.0  # when it may be read again, seconds of the clock
        self._later: IDelayedCall | None = None

    # -- life

    def open(self, requests: Requests, news: Notifications) -> None:
        """From now on there is a kernel to talk to."""
        self._requests, self._news = requests, news
        self._listening = False
        self._listen()

    def read_first(self) -> None:
        """Remove everything like ours that is left behind, then set what is held."""
        if self._keeps and self._requests is not None:
            self._clean(self._keeps.values())
            for owner in self._held:
                self.set(owner)

    def close(self) -> None:
        """Remove everything that is held; there is no kernel any more after that."""
        held = [keep for keep in self._keeps.values() if keep.holders]
        for owner in tuple(self._held):
            self.limit(owner, ())
        for keep in held:
            keep.rest()
        if self._later is not None and self._later.active():
            self._later.cancel()
        self._requests = self._news = None

    # -- what is wanted

    def claim(self, owner: str, records: Sequence[Record]) -> None:
        """See L{hanode.interfaces.IDataplane.claim}."""
        before = self._claims.pop(owner, ())
        if not before and not records:
            return
        new = [
            self._keeps.setdefault(record, Keep(record, self))
            for record in dict.fromkeys(records)
            if record not in self._keeps
        ]
        claimed = tuple(self._keeps[record] for record in dict.fromkeys(records))
        for keep in claimed:
            keep.claims.add(owner)
        if claimed:
            self._claims[owner] = claimed
        self._hold(owner, [k for k in self._held.get(owner, ()) if k in claimed])
        for keep in set(before) - set(claimed):
            keep.claims.discard(owner)
            if not keep.claims:
                del self._keeps[keep.record]
        self._listen()
        if new and self._requests is not None:
            self._clean(new)

    def limit(self, owner: str, records: Sequence[Record]) -> None:
        """C{owner} wants exactly these: what else it held goes."""
        if not records and owner not in self._held:
            return
        claims = tuple(keep.record for keep in self._claims.get(owner, ()))
        strange = [each for each in records if each not in claims]
        if strange:
            self.claim(owner, (*claims, *strange))
        self._hold(owner, [self._keeps[each] for each in dict.fromkeys(records)])

    def set(self, owner: str) -> None:
        """Have the kernel have what C{owner} holds."""
        held = self._held.get(owner)
        if held and self._requests is not None:
            self._add([k for k in held if not k.there and not k.waiting])

    def lacking(self, owner: str) -> list[Record]:
        """What C{owner} holds and the kernel does not have."""
        return [keep.record for keep in self._held.get(owner, ()) if not keep.there]

    def _hold(self, owner: str, keeps: Sequence[Keep[Record]]) -> None:
        before = self._held.pop(owner, ())
        for keep in before:
            keep.holders.discard(owner)
        for keep in keeps:
            keep.holders.add(owner)
        if keeps:
            self._held[owner] = tuple(keeps)
        gone = [keep for keep in before if not keep.holders]
        for keep in gone:
            keep.rest()
            keep.away = True
        self._remove([keep for keep in reversed(gone) if keep.there])

    # -- to the kernel

    def _remove(self, keeps: Sequence[Keep[Record]]) -> None:
        for keep in keeps:
            keep.there = False
        if keeps and self._requests is not None:
            self._requests.send(
                [keep.removal for keep in keeps], [(keep, False) for keep in keeps]
            )

    def _add(self, keeps: Sequence[Keep[Record]]) -> None:
        requests: list[bytes] = []
        tags: list[tuple[Keep[Record] | None, bool]] = []
        for keep in keeps:
            if not self._is_ready(keep):
                keep.away = True
                continue
            adding = self.form.add(keep.record, self._kernel)
            keep.removal = self.form.remove(keep.record, self._kernel)
            keep.there, keep.away, keep.left = True, False, False
            keep.asked = True
            requests += adding
            tags += [(None, True)] * (len(adding) - 1) + [(keep, True)]
        if requests and self._requests is not None:
            self._requests.send(requests, tags)

    def _is_ready(self, keep: Keep[Record]) -> bool:
        return all(map(self._kernel.is_up, self.form.devices(keep.record)))

    def answered(
        self,
        changes: Sequence[tuple[Keep[Record] | None, bool]],
        errors: dict[int, int],
    ) -> None:
        """The kernel's answers to one batch."""
        for position, (keep, adding) in enumerate(changes):
            code = errors.get(position)
            if keep is None:
                continue  # it only made way
            keep.asked = False
            if code is None:
                if adding and keep.refusals:
                    keep.refusals = 0
                    self._say(keep, "{noun} {record} is set at last")
            elif adding and keep.holders:
                self._refused(keep, code)
            elif not adding and code not in ABSENT:
                self.log.error(
                    "cannot remove {noun} {record}: {reason}",
                    noun=self.form.noun,
                    record=str(keep.record),
                    reason=os.strerror(code),
                )

    def _refused(self, keep: Keep[Record], code: int) -> None:
        if code == errno.EEXIST and getattr(keep.record, "place", "") != "add":
            return  # exactly this one
        keep.there = False
        if code in NOT_NOW:
            keep.away = True
            return
        delay = min(RETRY_LONGEST, RETRY * 2**keep.refusals)
        keep.refusals = min(keep.refusals + 1, 16)
        if keep.refusals == 1:
            self.log.error(
                "cannot set {noun} {record}: {reason}; trying again until it works",
                noun=self.form.noun,
                record=str(keep.record),
                reason=os.strerror(code),
            )
        self._wait(keep, delay)

    def _wait(self, keep: Keep[Record], delay: float) -> None:
        if not keep.waiting:
            keep.retry = self._reactor.callLater(delay, self._retry, keep)

    def _retry(self, keep: Keep[Record]) -> None:
        keep.retry = None
        if keep.holders and not keep.there:
            self._add([keep])

    # -- from the kernel

    def received(
        self, kind: int, port: int, data: Buffer, start: int, end: int
    ) -> bool:
        """A message came; tell whether it is of this form.

        @param port: the netlink port of who caused it.
        """
        if not self._listening or not self.form.concerns(kind, data, start, end):
            return False
        own = self._requests is not None and port == self._requests.number
        self._disturbed = self._disturbed or not own
        return True

    def forget(self) -> None:
        """Answers were lost: what there is will be read."""
        for keep in self._keeps.values():
            keep.asked = False

    def disturb(self) -> None:
        """Interfaces or addresses have changed: look again when that is over."""
        self._disturbed = bool(self._keeps)

    def rebind(self) -> None:
        """Interfaces may have got other names: what was set on them is taken back."""
        moved = []
        for keep in self._keeps.values():
            devices = self.form.devices(keep.record)
            if not keep.there or not devices:
                continue
            known = all(device in self._kernel.indices for device in devices)
            if not known or keep.removal != self.form.remove(keep.record, self._kernel):
                moved.append(keep)
        self._remove(moved)
        for keep in moved:
            keep.away = True

    def drained(self) -> None:
        """All news have come: read what there is, at the pace that is left to us."""
        if not self._disturbed or self._later is not None:
            return
        wait = self._rested - self._reactor.seconds()
        if wait > 0:
            self._later = self._reactor.callLater(wait, self._look)
        else:
            self._look()

    def _look(self) -> None:
        self._later = None
        self._disturbed = False
        if self._requests is None or not any(self._held.values()):
            return
        began = self._reactor.seconds()
        try:
            stored = self.form.read(self._keeps)
        except OSError as error:
            self._cannot_read(error)
            self._disturbed = True
            self._later = self._reactor.callLater(RETRY, self._look)
            return
        now = self._reactor.seconds()
        self._rested = now + (now - began) * SHARE
        self._compare(stored, now)

    def _compare(self, stored: Sequence[Any], now: float) -> None:
        """Put back what is held and missing; say so where somebody took it."""
        back: list[Keep[Record]] = []
        fresh: list[Keep[Record]] = []
        for keep in self._keeps.values():
            if not keep.holders or keep.asked:
                continue
            was, keep.there = keep.there, self._is_there(keep, stored)
            if keep.there or keep.left:
                continue
            if not self._is_ready(keep):
                keep.away = True
            elif keep.away or keep.waiting:
                fresh.append(keep)
            elif was and self._is_put_back(keep, now):
                back.append(keep)
        # Refused before: what has changed may be what it waited for.
        fresh = [keep for keep in fresh if not keep.waiting or keep.refusals]
        for keep in fresh:
            if keep.retry is not None and keep.retry.active():
                keep.retry.cancel()
        self._add(back + fresh)
        if fresh:
            self.log.debug(
                "{count} {noun}s are set again", count=len(fresh), noun=self.form.noun
            )

    def _is_there(self, keep: Keep[Record], stored: Iterable[Any]) -> bool:
        same = self.form.is_same
        return any(same(each, keep.record, self._kernel) for each in stored)

    def _is_put_back(self, keep: Keep[Record], now: float) -> bool:
        """Say what becomes of one that was removed; tell whether it is put back now."""
        if not self.form.track(keep.record):
            keep.left = True
            self._say_lost(keep, "left so (no_track)")
            return False
        known = keep.losses.pause
        pause = keep.losses.add(now)
        if not keep.losses.pause:
            self._say_lost(keep, "put back")
        if not pause:
            return True
        self._wait(keep, pause)
        if keep.losses.pause and not known:
            self._say_lost(keep, "that often that it is put back only after a while")
        return False

    def _say_lost(self, keep: Keep[Record], outcome: str) -> None:
        self.log.warn(
            "{noun} {record} was removed by someone else while {owner} holds it:"
            " {outcome}",
            noun=self.form.noun,
            record=str(keep.record),
            owner=", ".join(sorted(keep.holders)),
            outcome=outcome,
        )

    # -- what is left behind

    def _clean(self, keeps: Iterable[Keep[Record]]) -> None:
        """Remove what stands in the place of these although nobody holds it."""
        wanted = list(keeps)
        try:
            stored = self.form.read(keep.record for keep in wanted)
        except OSError as error:
            self._cannot_read(error)
            return
        left = [
            each
            for each in stored
            if any(self.form.is_alike(each, keep.record) for keep in wanted)
            and not any(
                keep.there and self.form.is_same(each, keep.record, self._kernel)
                for keep in self._keeps.values()
            )
        ]
        if left and self._requests is not None:
            self.log.info(
                "removing {count} {noun}(s) left behind",
                count=len(left),
                noun=self.form.noun,
            )
            requests = [self.form.remove_stored(each) for each in left]
            self._requests.send(requests, [(None, False)] * len(requests))

    def _cannot_read(self, error: OSError) -> None:
        text = "cannot read {noun}s from the kernel: {error}"
        self.log.error(text, noun=self.form.noun, error=error)

    def _listen(self) -> None:
        wanted = bool(self._keeps)
        if self._news is not None and wanted != self._listening:
            self._listening = wanted
            for group in self.form.groups:
                self._news.listen(group, wanted)

    def _say(self, keep: Keep[Record], text: str) -> None:
        self.log.info(text, noun=self.form.noun, record=str(keep.record))
