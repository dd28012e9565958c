"""Notices what others do to our services: IPVS tells nobody, so it is asked.

Services are compared every two seconds: one dump, some 3 us of ours and of the
kernel's for each. Their destinations are many more: of those a thousand are compared
each time, in turn, which costs half a percent of a processor. So C{ipvsadm -C} is made
good within 2 s, and a changed real server within 2 s too in a table of up to a thousand
real servers, within a minute in one of 30,000. Most tables are small, and nobody
who balances by hand under a running daemon expects to be quicker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.dataplanes.ipvs_kernel import IpvsKernel
from hanode.dataplanes.ipvs_message import read_destination, read_service
from hanode.dataplanes.ipvs_program import MANY_READ, Program
from hanode.dataplanes.slices import Slices
from hanode.lvs import Identity, Service

EVERY = 2.0  # seconds
DESTINATIONS = 1000  # compared each time


class Watch:
    """Compares what is held with the kernel, now and then.

    @param also: called at each look, before it.
    @param absent: called instead of a look when the kernel cannot be read.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        kernel: IpvsKernel,
        program: Program,
        also: Callable[[], object],
        absent: Callable[[Exception], object],
    ) -> None:
        self._reactor = reactor
        self._kernel = kernel
        self._program = program
        self._also = also
        self._absent = absent
        self._slices = Slices(reactor, self._look, self._looked)
        self._call: IDelayedCall | None = None
        self._turn: list[Identity] = []  # whose destinations come next, from the end

    def start(self) -> None:
        """Look every two seconds from now on."""
        self._call = self._reactor.callLater(EVERY, self._begin)

    def stop(self) -> None:
        """Look no more."""
        self._slices.stop()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _begin(self) -> None:
        self._call = None
        if not self._kernel.is_open:
            self._looked(ConnectionError("it is closed"))
        elif self._program.busy:
            self.start()
        else:
            self._slices.wake()

    def _looked(self, failure: Exception | None) -> None:
        self.start()
        if failure is not None:
            self._absent(failure)

    def _look(self) -> Iterator[None]:
        self._also()
        program, sent = self._program, self._program.sent
        found: dict[Identity, Service] = {}
        for number, body in enumerate(self._kernel.services(), 1):
            service = read_service(body)
            found[service.identity] = service
            if number % MANY_READ == 0:
                yield
                if program.sent != sent:
                    return  # we changed it meanwhile: what was read is of before
        program.present = found
        removed, changed = [], []
        for identity, held in tuple(program.held.items()):
            if identity not in found:
                del program.held[identity]
                removed.append(identity)
            elif found[identity] != held.settings:
                held.settings = found[identity]
                changed.append(identity)
        program.lost(removed, "were removed")
        program.lost(changed, "were changed")
        program.missing()
        yield
        yield from self._look_below()

    def _look_below(self) -> Iterator[None]:
        """Compare the destinations of those whose turn it is."""
        program, left = self._program, DESTINATIONS
        changed: list[Identity] = []
        for _ in range(len(program.held)):
            if left <= 0 or program.busy:
                break
            self._turn = self._turn or list(reversed(program.held))
            identity = self._turn.pop()
            held = program.held.get(identity)
            if held is None or held.settled is None:
                continue
            sent, now = program.sent, {}
            for number, body in enumerate(self._kernel.destinations(identity), 1):
                each = read_destination(body, identity.family)
                now[each.key] = each
                if number % MANY_READ == 0:
                    yield
            left -= len(now) + 1
            if program.sent != sent:
                break  # we changed something meanwhile: what was read is of before
            if now != held.destinations:
                held.destinations = now
                changed.append(identity)
            yield
        program.lost(changed, "had their real servers changed")
