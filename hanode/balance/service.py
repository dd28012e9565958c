"""The load balancer of one node: checks in, table and facts out.

    checks -> health -> real and virtual servers -> table -> the kernel
                                                 -> facts, notifiers, log

What changes in one turn of the reactor is put into one table. Nothing is built, set or
told when nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode import health
from hanode.balance.description import describe
from hanode.balance.director import Director
from hanode.balance.drains import Drains
from hanode.balance.real import Real
from hanode.balance.roster import Roster, Steps
from hanode.balance.server import Action, Say, Virtual
from hanode.balance.table import WholeTable, complete, services
from hanode.checks import Checks, Line
from hanode.config.balance_model import SyncDefs
from hanode.config.model import Model
from hanode.events import ServerEvent
from hanode.facts import Facts
from hanode.lvs import Identity, SyncDaemon, Usages
from hanode.result import Result

SLICE = 0.004  # seconds of a reload in one go
LOCAL = "addresses:local"
WISH = "admin:real:"  # and VS/RS, or RS for that server of every virtual server
DRAIN = "drain"
DECISIVE = (health.Verdict, health.Weighed)


class BalanceService(Service):
    """All virtual servers of a node.

    @param checkers: the checker plug-ins of both kinds, by keyword.
    @param balancers: the plug-ins of kind IBalancerKind, by keyword.
    @param notify: called with each L{ServerEvent}.
    """

    log = Logger()

    def __init__(
        self,
        world: Any,
        facts: Facts,
        checkers: Mapping[str, Any],
        balancers: Mapping[str, Any],
        notify: Callable[[ServerEvent], object],
    ) -> None:
        self._world, self._facts, self._notify = world, facts, notify
        self._model = Model()
        self.checks = Checks(world, facts, checkers, self._checked)
        self.director = Director(world.clock, balancers, self._chosen)
        self._roster = Roster(
            self.checks,
            world.clock.seconds,
            self._perform,
            self._prepare,
            self._arrived,
            self._gone,
        )
        self._drains = Drains(world.clock, self.director.usages, self._drained)
        self._seconds: Callable[[], float] = world.clock.seconds
        self._table = WholeTable()
        self._refused: dict[str, dict[Identity, str]] = {}
        self._dirty: dict[Virtual, set[Real]] = {}
        self._flushing: IDelayedCall | None = None
        self._steps: Steps = iter(())
        self._stepping: IDelayedCall | None = None
        self._watches: list[Callable[[], None]] = []
        self._local: frozenset[Any] = frozenset()

    # -- life

    def configure(self, model: Model) -> None:
        """Run C{model} from now on, or from the start on.

        While we run, it is done in small steps; what is equal is not touched.
        """
        old, self._model = self._model, model
        if self.running:
            self._finish()
            self._begin(init=False)
            if old.balance.sync != model.balance.sync:
                self._watch()
            self._step()

    def startService(self) -> None:
        """Hand the first table to the kernel, and begin to check."""
        super().startService()
        self._watch()
        self._begin(init=self._model.balance.init_notifies)
        self._finish()
        self._flush()  # whole at once: what the kernel has of it becomes ours
        self.checks.start()

    def stopService(self) -> None:
        """Stop checking; remove what is ours, or leave it working."""
        super().stopService()
        self._finish()
        for unwatch in self._watches:
            unwatch()
        self._watches.clear()
        self._drains.stop()
        self.checks.stop()
        if self._flushing is not None and self._flushing.active():
            self._flushing.cancel()
        self._flushing = None
        defs = self._model.balance
        remove = defs.release == "remove"
        for virtual in self._roster.virtuals.values():
            if remove:
                self._roster.announce_end(virtual)
            self._perform(virtual.stop(False))
        self.director.stop(
            remove or defs.flush_on_stop == "VS",
            flush=defs.flush_on_stop not in ("", "VS"),
        )

    # -- looking in

    def virtuals(self) -> list[Virtual]:
        """The virtual servers, in the order of the configuration."""
        return list(self._roster.virtuals.values())

    async def usages(self) -> Usages:
        """What the kernel counts, nothing where it cannot be asked."""
        return await self.director.usages()

    def describe_each(self, usages: Usages) -> Iterator[dict[str, Any]]:
        """The virtual servers, one after the other: looking at all takes a while."""
        for virtual in self.virtuals():
            yield self._describe(virtual, usages)

    def describe_one(self, name: str, usages: Usages) -> dict[str, Any] | None:
        """The virtual server of that name; None when there is no such server."""
        virtual = self._roster.virtuals.get(name)
        return None if virtual is None else self._describe(virtual, usages)

    def describe_all(self) -> dict[str, Any]:
        """What concerns all of them."""
        return {"dataplane": self.director.keyword, "problem": self.director.problem}

    def _describe(self, virtual: Virtual, usages: Usages) -> dict[str, Any]:
        refused = self._refused.get(virtual.name, {})
        now = self._world.clock.seconds()
        used = not self.director.problem
        return describe(virtual, self.checks, now, refused, usages, used)

    def names(self) -> list[str]:
        """The names of all virtual servers."""
        return list(self._roster.virtuals)

    def real_names(self) -> list[str]:
        """The names of all real servers, as VS/RS."""
        return [
            f"{virtual.name}/{real.name}"
            for virtual in self.virtuals()
            for real in virtual.reals.values()
        ]

    # -- configuration

    def _begin(self, init: bool) -> None:
        """Have steps to do that lead to the configuration in force."""
        defs, wanted = self._model.balance, self._model.virtual_servers
        self.checks.wait = defs.wait
        if wanted and self.director.start(defs):
            self._prepare_all()
        self._steps = self._roster.follow(wanted, init)

    def _step(self) -> None:
        """Do steps for a while; the rest in later turns of the reactor."""
        seconds = self._world.clock.seconds
        end = seconds() + SLICE
        for _ in self._steps:
            if seconds() > end:
                self._stepping = self._world.clock.callLater(0, self._step)
                return

    def _finish(self) -> None:
        """Do all steps that are left."""
        if self._stepping is not None and self._stepping.active():
            self._stepping.cancel()
        for _ in self._steps:
            continue

    def _chosen(self) -> None:
        """There is a plug-in at last."""
        self._prepare_all()
        self._flush()

    def _prepare_all(self) -> None:
        for virtual in self.virtuals():
            self._prepare(virtual)
            self._touch(virtual, ())

    def _prepare(self, virtual: Virtual) -> None:
        """See what of C{virtual} is possible here, and whether it is suspended."""
        refused: dict[Identity, str] = {}
        for identity, service in complete(virtual.settings).items():
            reason = self.director.refusal(service)
            if reason:
                refused[identity] = reason
                self.log.error(
                    "VS {name} ({service}) is not balanced: {reason}",
                    name=virtual.name,
                    service=str(identity),
                    reason=reason,
                )
        self._refused[virtual.name] = refused
        virtual.waits = self._model.balance.wait
        self._suspend(virtual)

    def _arrived(self, virtual: Virtual, reals: list[Real]) -> None:
        """C{reals} are new or have changed; an earlier wish holds for them as well."""
        for real in reals:
            if self._to_drain(virtual, real):
                self._perform(virtual.wish(real, True, now=self._seconds()))
        self._touch(virtual, reals)

    def _gone(self, virtual: Virtual, real: Real | None) -> None:
        if real is not None:
            self._dirty.get(virtual, set()).discard(real)
            self._facts.forget(f"real:{virtual.name}/{real.name}")
            return
        self._dirty.pop(virtual, None)
        self._drains.forget(virtual)
        self._refused.pop(virtual.name, None)
        self._table.place(virtual.name, {})
        self._facts.forget(f"virtual:{virtual.name}")
        self._schedule()

    # -- what others say

    def _watch(self) -> None:
        """Watch the facts that concern us, as the configuration in force wants it."""
        for unwatch in self._watches:
            unwatch()
        watch = self._facts.watch
        self._watches = [
            watch(LOCAL, self._addresses_changed),
            self._facts.watch_kind(WISH, self._wished),
        ]
        sync = self._model.balance.sync
        if sync is None:
            self.director.sync(())
            return
        self._synchronize(sync, None)
        if sync.instance:
            self._watches.append(
                watch(f"vrrp:{sync.instance}", lambda _, s: self._synchronize(sync, s))
            )

    def _synchronize(self, sync: SyncDefs, state: Any) -> None:
        """Who is master tells of its connections, all others listen."""
        states = ["master", "backup"]
        if sync.instance:
            states = ["master" if state == "MASTER" else "backup"]
        self.director.sync(
            [
                SyncDaemon(
                    *(each, sync.interface, sync.sync_id, sync.group),
                    *(sync.port, sync.ttl, sync.size),
                )
                for each in states
            ]
        )

    def _addresses_changed(self, _: str, addresses: frozenset[Any]) -> None:
        self._local = addresses
        for virtual in self.virtuals():
            if virtual.settings.ha_suspend:
                self._suspend(virtual)

    def _suspend(self, virtual: Virtual) -> None:
        """ha_suspend: no checks while none of the addresses is here.

        A mark is no address: who has one is never suspended.
        """
        settings = virtual.settings
        suspended = settings.ha_suspend and not any(
            each.mark or each.address in self._local for each in settings.addresses
        )
        if suspended is virtual.suspended:
            return
        virtual.suspended = suspended
        if virtual.name in self._roster.virtuals:
            what = "Suspending" if suspended else "Activating"
            self._roster.announce(what, virtual)
            for check in {
                check
                for real in virtual.reals.values()
                for check in real.settings.checks
            }:
                self.checks.settle(self.checks.of(check))
            self._touch(virtual, ())

    def _wished(self, fact: str, _: Any) -> None:
        """The operator has another wish for C{VS/RS}, or for C{RS} everywhere."""
        virtual_name, _, real_name = fact.removeprefix(WISH).rpartition("/")
        for virtual in self.virtuals():
            if virtual_name not in ("", virtual.name):
                continue
            for real in virtual.reals.values():
                if real.name == real_name:
                    wish = self._to_drain(virtual, real)
                    self._perform(virtual.wish(real, wish, now=self._seconds()))
                    self._touch(virtual, (real,))

    def _to_drain(self, virtual: Virtual, real: Real) -> bool:
        get = self._facts.get
        return DRAIN in (
            get(f"{WISH}{virtual.name}/{real.name}"),
            get(f"{WISH}{real.name}"),
        )

    # -- what the checks say

    def _checked(self, line: Line, actions: health.Actions) -> None:
        for action in actions:
            if isinstance(action, health.Verdict):
                self._say_verdict(line, action)
            elif isinstance(action, health.Attempt):
                self._say(line, "{check} on service {real} failed", action.result)
            elif isinstance(action, health.Unable):
                self._say(line, "{check} on service {real} not made", action.result)
        if any(isinstance(each, DECISIVE) for each in actions):
            now = self._seconds()
            for virtual, real in tuple(line.users):
                told = virtual.judge(real, now=now)
                self._perform(told)
                if not any(isinstance(each, ServerEvent) for each in told):
                    self._tell_check(virtual, real, line, actions)
                self._touch(virtual, (real,))

    def _tell_check(
        self, virtual: Virtual, real: Real, line: Line, actions: health.Actions
    ) -> None:
        """One of several checks has changed, and its real server has not."""
        for action in actions:
            if isinstance(action, health.Verdict) and len(real.healths) > 1:
                self._notify(
                    ServerEvent(
                        "CHECK",
                        f"{real.name}/{virtual.name}",
                        "UP" if action.up else "DOWN",
                        None,
                        str(action.result),
                        real.settings.smtp_alert,
                        line.check.keyword,
                    )
                )

    def _say_verdict(self, line: Line, verdict: health.Verdict) -> None:
        if verdict.up:
            text = "{check} on service {real} success"
        elif verdict.retries:
            text = "{check} on service {real} failed after {retries} retries"
        else:
            text = "{check} on service {real} failed"
        self._say(line, text, verdict.result, verdict.retries)

    def _say(self, line: Line, text: str, result: Result, retries: int = 0) -> None:
        """One line for each real server, however many virtual servers it serves."""
        detail = f": {result.detail}" if result.detail else ""
        for name in dict.fromkeys(real.name for _, real in line.users):
            self.log.info(
                text + ". ({reason})",
                check=line.check.keyword,
                real=name,
                retries=retries,
                reason=f"{result.reason}{detail}",
            )

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Say):
                self.log.info("{text}", text=action.text)
            else:
                self._notify(action)

    # -- the table and the facts

    def _touch(self, virtual: Virtual, reals: Iterable[Real]) -> None:
        self._dirty.setdefault(virtual, set()).update(reals)
        self._schedule()

    def _schedule(self) -> None:
        if self._flushing is None:
            self._flushing = self._world.clock.callLater(0, self._flush)

    def _flush(self) -> None:
        """Hand over the table if it is another one, and set the facts."""
        if self._flushing is not None and self._flushing.active():
            self._flushing.cancel()
        self._flushing = None
        dirty, self._dirty = self._dirty, {}
        for virtual in dirty:
            wanted = services(virtual.settings, virtual.destinations())
            for identity in self._refused.get(virtual.name, ()):
                wanted.pop(identity, None)
            self._table.place(virtual.name, wanted)
        if self._table.changed:
            self.director.balance(self._table.take())
        for virtual, reals in dirty.items():
            for real in reals:
                name = f"real:{virtual.name}/{real.name}"
                self._facts.set(name, real.state(), real.reason)
            reason = virtual.quorum.reason
            self._facts.set(f"virtual:{virtual.name}", virtual.state(), reason)
            self._drains.look(virtual)

    def _drained(self, virtual: Virtual, actions: Iterable[Action]) -> None:
        self._perform(actions)
        self._touch(virtual, virtual.reals.values())
