"""Brings the kernel's services to what is wanted, in short slices.

For each service that differs the steps go out in batches; the kernel has done them and
answered when the send returns. What it refuses is logged with its meaning and tried
again after a while, alone; the rest goes on.
"""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.dataplanes.ipvs_held import Held, Key, Step, as_kernel, body
from hanode.dataplanes.ipvs_kernel import IpvsKernel
from hanode.dataplanes.ipvs_message import (
    DEL_DEST,
    DEL_SERVICE,
    NEW_DEST,
    NEW_SERVICE,
    SET_DEST,
    read_destination,
    read_service,
    service_key,
)
from hanode.dataplanes.ipvs_refusal import destination_meaning, place, service_meaning
from hanode.dataplanes.losses import Losses
from hanode.dataplanes.netlink.message import BadMessage
from hanode.dataplanes.slices import Slices
from hanode.lvs import Identity, Service, Table

BATCH = 32  # requests in one send: some 2 ms of the kernel's time
RETRY, RETRY_LONGEST = 1.0, 60.0  # seconds; an unknown scheduler costs a modprobe
MANY, WINDOW = 5, 60.0  # so many losses in so many seconds are made good at once
MANY_READ = 100  # destinations read without a look at the time: 1 ms
NAMED = 5  # services named in a line about many

# Somebody else was quicker: what the kernel has is not what we know.
SURPRISES = {
    NEW_SERVICE: {errno.EEXIST},
    NEW_DEST: {errno.EEXIST, errno.ESRCH},
    SET_DEST: {errno.ENOENT, errno.ESRCH},
}
REMOVALS = (DEL_SERVICE, DEL_DEST)
GONE = {errno.ESRCH, errno.ENOENT}  # what is to go has gone already


class Program:
    """What is wanted, what is held, and the way from one to the other.

    C{present} are the services in the kernel, ours and others', without their
    destinations, as of the last look. What we set or took over is ours until the
    kernel has answered that it is gone, whatever happens in between: it may be
    unreadable for a while.
    """

    log = Logger()

    def __init__(self, reactor: Any, kernel: IpvsKernel) -> None:
        self._reactor = reactor
        self._kernel = kernel
        self._slices = Slices(reactor, self._work, self._done)
        self._dirty: dict[Identity, None] = {}
        self._batch: list[tuple[bytes, Step]] = []
        self._refused: dict[tuple[Identity, Key | None], int] = {}
        self._waiting: dict[Identity, IDelayedCall] = {}
        self._attempts: dict[Identity, int] = {}
        self._losses: dict[Identity, Losses] = {}
        self._ours: dict[Identity, None] = {}
        self.wanted: dict[Identity, Service] = {}
        self.held: dict[Identity, Held] = {}
        self.present: dict[Identity, Service] = {}
        self.sent = 0  # requests, ever

    @property
    def busy(self) -> bool:
        """Whether there is something left to do now."""
        return bool(self._dirty) or self._slices.busy

    # -- what is to be done

    def want(self, table: Table) -> None:
        """From now on exactly this; what it was before is left unfinished."""
        before, self.wanted = self.wanted, dict(table)
        dropped = {each for each in before if each not in table}
        self._drop(dropped)
        if not self._kernel.is_open:
            return
        for identity, service in table.items():
            if before.get(identity) is service:
                continue
            held = self.held.get(identity)
            if held is not None and held.settled is service:
                continue
            if identity not in self._waiting or before.get(identity) != service:
                self._mark(identity)
        for identity in before:
            if identity in dropped:
                self._mark(identity)
        self.wake()

    def _drop(self, identities: set[Identity]) -> None:
        """What went wrong with these counts no more: they are to go."""
        for identity in identities:
            self._attempts.pop(identity, None)
            self._losses.pop(identity, None)
        for subject in tuple(self._refused):
            identity = subject[0]
            # What was to go before stays: it is the removal that was refused.
            going = identity in self._ours and identity not in identities
            if identity not in self.wanted and not going:
                del self._refused[subject]

    def start(self) -> None:
        """Read what there is and begin. Raises L{OSError}."""
        self.look()
        self.held.clear()
        for identity in self.wanted:
            self._mark(identity)
        self._mark_leftovers()
        self.wake()

    def look(self) -> None:
        """Read the services anew. Raises L{OSError}."""
        found = map(read_service, self._kernel.services())
        self.present = {each.identity: each for each in found}

    def wake(self) -> None:
        """Do what is to be done."""
        if self._dirty and self._kernel.is_open:
            self._slices.wake()

    def stop(self, remove: bool) -> None:
        """Leave off; before, C{remove} what is ours."""
        self._slices.stop()
        if self._kernel.is_open:
            self._send()  # what was begun may be a removal
        self.rest()
        if not remove or not self._kernel.is_open:
            return
        named = [each for each in self.wanted if each in self.present]
        for identity in dict.fromkeys((*self.held, *named, *self._ours)):
            self._remove(identity)
        self._send()
        self.rest()  # what was refused now is not tried again

    def rest(self) -> None:
        """Leave off; what was known and wanted stays so."""
        self._slices.stop()
        for call in self._waiting.values():
            call.cancel()
        self._waiting.clear()
        self._batch.clear()
        self._dirty.clear()

    def forget(self) -> None:
        """The kernel has nothing any more, and nothing is wanted."""
        self.rest()
        self.wanted.clear()
        self.held.clear()
        self.present.clear()
        self._refused.clear()
        self._ours.clear()

    def missing(self) -> None:
        """Begin what was never done, or was given up after a failure.

        That is what is wanted, and what is to go. C{present} is of just now.
        """
        for identity in self.wanted:
            if identity not in self.held and identity not in self._waiting:
                self._mark(identity)
        self._mark_leftovers()
        self.wake()

    def lost(self, identities: Sequence[Identity], what: str) -> None:
        """Somebody else changed these, which are ours: make it good, with restraint."""
        at_once = []
        for identity in identities:
            held = self.held.get(identity)
            if held is not None:
                held.settled = None
            pause = self._loss(identity)
            if pause:
                self._later(identity, pause)
            else:
                at_once.append(identity)
        if not identities:
            return
        later = len(identities) - len(at_once)
        self.log.warn(
            "{count} of our services {what} by someone else: {outcome}: {names}",
            count=len(identities),
            what=what,
            outcome="put back" if not later else "that often that some wait a while",
            names=_names(identities),
        )
        for identity in at_once:
            self._mark(identity)
        self.wake()

    # -- doing it

    def _mark(self, identity: Identity) -> None:
        call = self._waiting.pop(identity, None)
        if call is not None:
            call.cancel()
        self._dirty[identity] = None

    def _mark_leftovers(self) -> None:
        """Mark what is ours and not wanted, and still there."""
        for identity in [each for each in self._ours if each not in self.wanted]:
            if identity not in self.present:
                del self._ours[identity]
            elif identity not in self._waiting:
                self._mark(identity)

    def _work(self) -> Iterator[None]:
        while self._dirty:
            identity = next(iter(self._dirty))
            del self._dirty[identity]
            yield from self._bring(identity)
            if not self._dirty:
                self._send()  # an answer may bring more to do

    def _done(self, failure: Exception | None) -> None:
        if failure is not None:
            self.log.error("IPVS cannot be programmed: {error}", error=failure)
            self.rest()  # the next look at the kernel begins anew
            self.held.clear()

    def _bring(self, identity: Identity) -> Iterator[None]:
        """Bring one service to what is wanted of it."""
        goal = self.wanted.get(identity)
        held = self.held.get(identity)
        if goal is None:
            self._remove(identity)
            yield
            return
        if held is None and identity in self.present:
            held = yield from self._take_over(self.present[identity])
            if self.wanted.get(identity) is not goal:
                return  # another table, which has marked it
        if held is None:
            held = self._add(as_kernel(goal))
            yield
        for step in held.steps(as_kernel(goal)):
            if (
                self.wanted.get(identity) is not goal
                or self.held.get(identity) is not held
            ):
                return  # another table, or a surprise
            held.apply(step)
            if self._put(held.body(step), step):
                yield
        if self.held.get(identity) is held and self.wanted.get(identity) is goal:
            held.settled = goal
        yield

    def _take_over(self, settings: Service) -> Generator[None, None, Held]:
        identity = settings.identity
        found = {}
        for number, data in enumerate(self._kernel.destinations(identity), 1):
            each = read_destination(data, identity.family)
            found[each.key] = each
            if number % MANY_READ == 0:
                yield
        held = self.held[identity] = Held(settings, found)
        self._ours[identity] = None
        if identity not in self._losses:
            self.log.info(
                "taking over {service} with {count} real servers, and its connections",
                service=str(identity),
                count=len(found),
            )
        yield
        return held

    def _add(self, goal: Service) -> Held:
        """Ask for the service itself and read the answer before its destinations go."""
        step = Step(NEW_SERVICE, as_settings(goal))
        held = Held(step.service, {})
        self.held[goal.identity] = held
        self.present[goal.identity] = step.service
        self._ours[goal.identity] = None
        self._put(held.body(step), step)
        self._send()
        return held

    def _remove(self, identity: Identity) -> None:
        held = self.held.pop(identity, None)
        known = self.present.pop(identity, None)
        settings = known if held is None else held.settings
        if settings is not None:
            step = Step(DEL_SERVICE, settings)
            self._put(body(step, service_key(identity)), step)

    def _put(self, data: bytes, step: Step) -> bool:
        self._batch.append((data, step))
        if len(self._batch) < BATCH:
            return False
        self._send()
        return True

    def _send(self) -> None:
        batch, self._batch = self._batch, []
        if batch:
            self.sent += len(batch)
            requests = [
                self._kernel.request(step.command, data) for data, step in batch
            ]
            self._kernel.send(requests, [step for _, step in batch])

    # -- what became of it

    def answered(self, steps: Sequence[Step], errors: dict[int, int]) -> None:
        """The kernel's answers to a batch: an errno for each step that failed."""
        for position, step in enumerate(steps):
            if step.destination is None:
                self._own(step, errors.get(position, 0))
        if self._refused:
            for position, step in enumerate(steps):
                if position not in errors and step.subject in self._refused:
                    del self._refused[step.subject]
                    self._attempts.pop(step.identity, None)
                    done = "removed" if step.command in REMOVALS else "set"
                    what = _named(step)
                    self.log.info("{what} is {done} at last", what=what, done=done)
        for position in sorted(errors):
            self._failed(steps[position], errors[position])

    def _own(self, step: Step, code: int) -> None:
        """Whose a service is after an answer about it."""
        if step.command == NEW_SERVICE and code == 0:
            self._ours[step.identity] = None  # its removal may be of the same batch
        elif (step.command == DEL_SERVICE and code in (0, *GONE)) or (
            step.command == NEW_SERVICE and code not in SURPRISES[NEW_SERVICE]
        ):
            self._ours.pop(step.identity, None)

    def _failed(self, step: Step, code: int) -> None:
        removing = step.command in REMOVALS
        held = self.held.get(step.identity)
        if removing and code in GONE:
            if step.command == DEL_DEST and code == errno.ESRCH:
                self._surprised(step.identity)
        elif code in SURPRISES.get(step.command, {errno.ESRCH}):
            self._surprised(step.identity)
        else:
            if step.command == NEW_SERVICE:
                self.held.pop(step.identity, None)
                self.present.pop(step.identity, None)
            elif step.command == DEL_SERVICE:
                self.present.setdefault(step.identity, as_settings(step.service))
            elif held is not None:
                held.undo(step)
            self._refuse(step, code)

    def _refuse(self, step: Step, code: int) -> None:
        if self._refused.get(step.subject) != code:
            self._refused[step.subject] = code
            if step.destination is None:
                reason = service_meaning(step.service, code)
            else:
                reason = destination_meaning(step.service, step.destination, code)
            self.log.error(
                "the kernel refuses to {verb} {what}: {reason} ({code})",
                verb="remove" if step.command in REMOVALS else "set",
                what=_named(step),
                reason=reason,
                code=errno.errorcode.get(code, code),
            )
        if step.identity in self._waiting:
            return
        if step.identity in self.wanted or step.identity in self._ours:
            attempts = self._attempts.get(step.identity, 0)
            self._attempts[step.identity] = min(attempts + 1, 16)
            self._later(step.identity, min(RETRY_LONGEST, RETRY * 2**attempts))

    def _surprised(self, identity: Identity) -> None:
        """What the kernel has of it is not what we thought: look, and do it again."""
        if identity in self._dirty or identity in self._waiting:
            return
        self.held.pop(identity, None)
        try:
            found = self._kernel.service(identity)
        except (OSError, BadMessage) as error:
            self.log.error("cannot read {name}: {error}", name=identity, error=error)
            found = None
        if found is None:
            self.present.pop(identity, None)
        else:
            self.present[identity] = found
        pause = self._loss(identity)
        if pause:
            self._later(identity, pause)
        else:
            self._mark(identity)

    def _loss(self, identity: Identity) -> float:
        losses = self._losses.setdefault(identity, Losses(MANY, WINDOW))
        return losses.add(self._reactor.seconds())

    def _later(self, identity: Identity, delay: float) -> None:
        if identity not in self._waiting:
            self._dirty.pop(identity, None)
            again = self._reactor.callLater(delay, self._again, identity)
            self._waiting[identity] = again

    def _again(self, identity: Identity) -> None:
        del self._waiting[identity]
        self._dirty[identity] = None
        self.wake()


def as_settings(service: Service) -> Service:
    """The service without its destinations."""
    return Held(service, {}).service


def _named(step: Step) -> str:
    if step.destination is None:
        return f"virtual service {step.identity}"
    return f"real server {place(step.destination)} of {step.identity}"


def _names(identities: Iterable[Identity]) -> str:
    words = [str(each) for each in identities]
    more = ["..."] if len(words) > NAMED else []
    return ", ".join(words[:NAMED] + more)
