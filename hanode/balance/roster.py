"""Which virtual and real servers there are: what a start and a reload have to do.

What is equal in two configurations is not touched: it keeps its state, its timers and
the results of its checks. The work is done in small steps, so that a reload of
thousands of servers does not hold up the packets of other protocols.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from twisted.logger import Logger

from hanode.balance.real import Key, Real
from hanode.balance.server import Actions, Virtual, real_name
from hanode.checks import Checks, Line
from hanode.config.balance_model import Check, RealServer, VirtualServer

STEP = 50  # real servers between two chances to pause
MANY = 1000  # real servers; with more, the log has one line for each virtual server
Steps = Iterator[None]


class Roster:
    """The virtual servers of the node, in the order of the configuration.

    @param perform: called with what there is to log and to tell.
    @param prepare: called with a virtual server before it starts and after its
        settings have changed.
    @param changed: called with a virtual server and those of its real servers whose
        facts may be new.
    @param gone: called with a virtual server, and with one of its real servers or
        with None for itself, that exists no more.
    """

    log = Logger()

    def __init__(
        self,
        checks: Checks,
        seconds: Callable[[], float],
        perform: Callable[[Actions], object],
        prepare: Callable[[Virtual], object],
        changed: Callable[[Virtual, list[Real]], object],
        gone: Callable[[Virtual, Real | None], object],
    ) -> None:
        self._checks, self._seconds = checks, seconds
        self._perform, self._prepare = perform, prepare
        self._changed, self._gone = changed, gone
        self.virtuals: dict[str, Virtual] = {}
        self._broken: set[str] = set()  # half done: the next time they are made anew
        self._many = False

    def follow(self, wanted: Mapping[str, VirtualServer], init: bool) -> Steps:
        """Have exactly the C{wanted} virtual servers, step by step.

        C{init}: tell of those real servers that are new and up, too. What has changed
        is logged at the end, unless this is a start.
        """
        starting = not self.virtuals
        counts = Counter[str]()
        self._many = sum(len(each.real_servers) for each in wanted.values()) > MANY
        for name, settings in wanted.items():
            try:
                yield from self._have(settings, init, counts)
            except Exception:
                self._failed(name)
            yield
        for name in [each for each in self.virtuals if each not in wanted]:
            counts["removed"] += 1
            virtual = self.virtuals.pop(name)
            try:
                self._remove(virtual)
            except Exception:
                self._failed(name)
                self._sweep_out(virtual)
            yield
        self.virtuals = {
            name: self.virtuals[name] for name in wanted if name in self.virtuals
        }
        self._broken.intersection_update(wanted)
        if counts and not starting:
            self.log.info(
                "Virtual servers: {counts}",
                counts=", ".join(f"{n} {what}" for what, n in counts.items()),
            )

    # -- virtual servers

    def _have(self, settings: VirtualServer, init: bool, counts: Counter[str]) -> Steps:
        """Have this virtual server, as C{settings} say."""
        virtual = self.virtuals.get(settings.name)
        if virtual is None:
            counts["added"] += 1
            yield from self._add(settings, init)
        elif settings.name in self._broken:
            counts["replaced"] += 1
            self._sweep_out(self.virtuals.pop(settings.name))
            yield from self._add(settings, init)
        elif virtual.settings.protocol != settings.protocol:
            counts["replaced"] += 1
            # Its servers get other names.
            self._remove(self.virtuals.pop(settings.name))
            yield from self._add(settings, init)
        elif virtual.settings != settings:
            counts["changed"] += 1
            yield from self._change(virtual, settings)
        self._broken.discard(settings.name)

    def _failed(self, name: str) -> None:
        """One that fails keeps nobody else from being served."""
        self._broken.add(name)
        self.log.failure("VS {name} failed: the next reload tries again", name=name)

    def _sweep_out(self, virtual: Virtual) -> None:
        """Take away what there is of a virtual server that is only half there."""
        self._checks.forget(virtual)
        for real in virtual.reals.values():
            self._gone(virtual, real)
        self._gone(virtual, None)

    def _add(self, settings: VirtualServer, init: bool) -> Steps:
        virtual = Virtual(settings)
        reals: dict[Key, Real] = {}
        lines: list[tuple[Line, Real]] = []
        for number, each in enumerate(settings.real_servers, 1):
            key = each.address, each.port
            if key not in reals:
                reals[key] = self._real(virtual, each, lines)
            if number % STEP == 0:
                yield
        self.virtuals[virtual.name] = virtual
        self._prepare(virtual)
        now = self._seconds()
        self._perform(virtual.start(reals.values(), init, now=now))
        self._join(virtual, lines)
        if not virtual.suspended:
            self.announce("Activating", virtual)
        self._changed(virtual, list(reals.values()))

    def _change(self, virtual: Virtual, settings: VirtualServer) -> Steps:
        before = virtual.reals
        reals: dict[Key, Real] = {}
        lines: list[tuple[Line, Real]] = []
        left: list[tuple[Line, Real]] = []
        touched: list[Real] = []
        for number, each in enumerate(settings.real_servers, 1):
            key = each.address, each.port
            real = before.get(key)
            if number % STEP == 0:
                yield
            if key in reals or (real is not None and real.settings == each):
                reals.setdefault(key, before.get(key) or reals[key])
                continue
            if real is None:
                real = self._real(virtual, each, lines)
            else:
                left += self._renew(virtual, real, each)
            reals[key] = real
            touched.append(real)
        now = self._seconds()
        self._perform(virtual.reconfigure(settings, reals.values(), now=now))
        self._join(virtual, lines)
        for line, real in left:  # not before the new ones have joined: it may be theirs
            self._checks.leave(line, (virtual, real))
        for key, real in before.items():
            if key not in reals:
                self._part(virtual, real)
        self._prepare(virtual)
        self._changed(virtual, touched)

    def _remove(self, virtual: Virtual) -> None:
        self.log.info("Removing Virtual Server {name}", name=virtual.name)
        self._perform(virtual.stop(True))
        for real in virtual.reals.values():
            self._part(virtual, real)
        self._gone(virtual, None)

    def announce_end(self, virtual: Virtual) -> None:
        """Log that its services are taken away because we end."""
        if self._many:
            self.log.info("Shutting down VS {name}", name=virtual.name)
            return
        for real in virtual.reals.values():
            self.log.info(
                "Shutting down service {real} from VS {name}",
                real=real.name,
                name=virtual.name,
            )

    def announce(self, what: str, virtual: Virtual) -> None:
        """Log that its checks are made from now on, or not."""
        if self._many:
            self.log.info(
                "{what} healthcheckers of {n} services for VS {name}",
                what=what,
                n=len(virtual.reals),
                name=virtual.name,
            )
            return
        for real in virtual.reals.values():
            if real.healths:
                self.log.info(
                    "{what} healthchecker for service {real} for VS {name}",
                    what=what,
                    real=real.name,
                    name=virtual.name,
                )

    # -- real servers

    def _real(
        self, virtual: Virtual, settings: RealServer, lines: list[tuple[Line, Real]]
    ) -> Real:
        """A new real server; what it has to join is added to C{lines}."""
        checks: Iterable[Check] = settings.checks
        if len(settings.checks) > 1:
            checks = dict.fromkeys(checks)  # one listed twice is made once
        wanted = [self._checks.line(each) for each in checks]
        name = real_name(virtual.settings, settings)
        healths = [each.health for each in wanted]
        real = Real(settings, name, healths, self._seconds())
        lines += [(each, real) for each in wanted]
        return real

    def _join(self, virtual: Virtual, lines: list[tuple[Line, Real]]) -> None:
        """Have the real servers told of their checks, and catch up with them."""
        for line, real in lines:
            self._checks.join(line, (virtual, real))
            if real.up is not real.healthy:
                self._perform(virtual.judge(real, now=self._seconds()))

    def _renew(
        self, virtual: Virtual, real: Real, settings: RealServer
    ) -> list[tuple[Line, Real]]:
        """C{real} is there already, and gets other settings; what it is to leave.

        A new check of a server that is down counts as failed before its first success:
        a reload alone brings nobody back.
        """
        old = {each: self._checks.of(each) for each in real.settings.checks}
        new: dict[Check, Line] = {}
        for check in settings.checks:
            same = old.get(check) or _similar(check, old)
            new[check] = self._checks.line(check, same, down=not real.up)
        user = virtual, real
        for check, line in new.items():
            if check not in old:
                self._checks.join(line, user)
        real.settings = settings
        real.healths = tuple(each.health for each in new.values())
        return [(line, real) for check, line in old.items() if check not in new]

    def _part(self, virtual: Virtual, real: Real) -> None:
        for check in dict.fromkeys(real.settings.checks):
            self._checks.leave(self._checks.of(check), (virtual, real))
        self._gone(virtual, real)


def _similar(check: Check, lines: Mapping[Check, Line]) -> Line | None:
    """The line of the same check with another schedule."""
    wanted: tuple[Any, ...] = (check.keyword, check.options, check.target)
    for other, line in lines.items():
        if (other.keyword, other.options, other.target) == wanted:
            return line
    return None
