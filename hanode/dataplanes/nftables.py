"""Load balancing by nftables, for kernels without IPVS.

The wanted services become one table of rules (L{hanode.dataplanes.nftables_rules}). One
transaction runs at a time; when it has ended, the newest wanted table is compared with
what it left. What the kernel has after a start, or after somebody else touched our
table, is not known in detail: then all rules are written anew, while clients and
counters stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.dataplanes.losses import Losses
from hanode.dataplanes.nftables_change import (
    Present,
    Transaction,
    change,
    read_present,
    rewrite,
)
from hanode.dataplanes.nftables_connections import Connections
from hanode.dataplanes.nftables_conntrack import Counts
from hanode.dataplanes.nftables_hints import Hints
from hanode.dataplanes.nftables_netlink import Watch, delete_table, probe, reason
from hanode.dataplanes.nftables_process import Answer, Nft, find
from hanode.dataplanes.nftables_refusal import refusal
from hanode.dataplanes.nftables_rules import FAMILY, NAME, TABLE
from hanode.dataplanes.nftables_usage import Meter, read_counters
from hanode.interfaces import IBalancer, IBalancerKind
from hanode.lvs import Identity, Service, SyncDaemon, Table, Timeouts, Usages

RETRY, RETRY_LONGEST = 1.0, 30.0  # seconds; doubled after each refusal
# How a transaction gets from what the kernel has to what is wanted.
CHANGE, REWRITE, ANEW = "change", "rewrite", "anew"
NO_TABLE = "No such file or directory"


@implementer(IBalancer)
class NftablesBalancer:
    """The kernel of this machine, or of the network namespace we live in.

    @param start_nft: how to run nft, and C{watch} how to hear of changes, for tests.
    """

    log = Logger()
    keyword = "nftables"

    def __init__(
        self,
        reactor: Any,
        start_nft: Callable[..., Any] = Nft,
        watch: Callable[..., Any] = Watch,
        connections: Any = None,
    ) -> None:
        self._reactor = reactor
        self._start_nft, self._make_watch = start_nft, watch
        self._connections = connections or Connections(reactor)
        self._program = ""
        self._watch: Any = None
        self._run: Any = None
        self._wait: IDelayedCall | None = None
        self._wanted: dict[Identity, Service] | None = None
        # What the kernel has of ours; None when that is not known.
        self._applied: dict[Identity, Service] | None = None
        self._anew = False  # whether nothing of what the kernel has is of use
        self._disturbed = False  # somebody else changed it while we did
        self._broken: dict[Identity, Service] = {}  # what the kernel refuses
        self._refused: dict[Identity, str] = {}
        self._failures = 0
        self._losses = Losses()
        self._meter = Meter()
        self._counters: dict[str, tuple[int, int]] = {}
        self._asking: list[Deferred[Usages]] = []
        self._hints = Hints()

    # -- IBalancer

    def refusal(self, service: Service) -> str:
        """See L{IBalancer.refusal}."""
        return refusal(service)

    def start(self) -> None:
        """See L{IBalancer.start}. Raises L{OSError} without nft or nf_tables."""
        self._program = find()
        if not self._program:
            raise FileNotFoundError("the program nft is not installed")
        self._watch = self._make_watch(
            self._reactor, NAME, self._changed, self._overrun
        )

    def stop(self, remove: bool) -> None:
        """See L{IBalancer.stop}. Established connections go on while they last."""
        if self._watch is None:
            return
        if self._wait is not None:
            self._wait.cancel()
            self._wait = None
        self._watch.close()
        self._watch = None
        self._connections.close()
        self._tell_usages({})
        if not remove:
            return  # a transaction that is on its way may end
        if self._run is not None:
            self._run.kill()  # lest it sets what is removed now
            self._run = None
        try:
            delete_table(NAME)
        except OSError as error:
            self.log.error(
                "cannot remove table {table}: {reason}",
                table=TABLE,
                reason=reason(error),
            )

    def balance(self, table: Table) -> None:
        """See L{IBalancer.balance}."""
        wanted = {}
        refused = {}
        for identity, service in table.items():
            why = refusal(service)
            if why:
                refused[identity] = why
            else:
                wanted[identity] = service
        for identity, why in refused.items():
            if self._refused.get(identity) != why:
                self.log.error(
                    "cannot balance {service}: {why}", service=str(identity), why=why
                )
        self._refused = refused
        self._wanted = wanted
        self._broken = {
            each: service
            for each, service in self._broken.items()
            if wanted.get(each) == service
        }
        self._hints.forwarding(each.family for each in wanted)
        self._work()

    def flush(self) -> None:
        """See L{IBalancer.flush}: of nftables only our table is about services."""
        self._applied, self._anew = None, True
        self._disturbed = self._run is not None
        self.balance({})

    def usages(self) -> Deferred[Usages]:
        """See L{IBalancer.usages}. Who asks while nft is counting shares the answer."""
        asking: Deferred[Usages] = Deferred()
        self._asking.append(asking)
        if len(self._asking) == 1:
            self._count()
        return asking

    def timeouts(self, timeouts: Timeouts) -> None:
        """See L{IBalancer.timeouts}: those of connection tracking are sysctls."""
        if timeouts != Timeouts():
            self._hints.tell(
                "lvs_timeouts need IPVS: with nftables the sysctls"
                " net.netfilter.nf_conntrack_*_timeout* hold"
            )

    def sync(self, daemons: Sequence[SyncDaemon]) -> None:
        """See L{IBalancer.sync}: connection tracking has a daemon of its own."""
        if daemons:
            self._hints.tell(
                "lvs_sync_daemon needs IPVS: with nftables conntrackd can"
                " synchronise connections"
            )

    # -- one transaction at a time

    def _work(self) -> None:
        """Take the next step towards what is wanted, unless one is being taken."""
        busy = self._run is not None or self._wait is not None
        if self._wanted is None or self._watch is None or busy:
            return
        target = self._target()
        if self._applied is None and not self._anew:
            arguments = ("-t", "list", "table", FAMILY, NAME)
            self._spawn(arguments, "", self._listed)
        elif self._applied is None or not self._applied or not target:
            if target or self._applied != target:
                self._commit(ANEW, rewrite(None, target), target)
        elif target != self._applied:
            self._commit(CHANGE, change(self._applied, target), target)

    def _target(self) -> dict[Identity, Service]:
        """What is wanted now and not known to be refused by the kernel."""
        return {
            each: service
            for each, service in (self._wanted or {}).items()
            if each not in self._broken
        }

    def _listed(self, answer: Answer) -> None:
        """The kernel's table is known by its names."""
        target = self._target()
        present: Present | None = None
        if answer.status == 0:
            present = read_present(answer.output)
        elif NO_TABLE not in answer.errors:
            self._again(f"cannot list table {TABLE}: {answer.reason}")
            return
        elif not target:
            self._applied = {}
            return
        if self._disturbed:
            return  # look again
        if not target:
            present = None  # nothing of it is needed
        how = ANEW if present is None else REWRITE
        self._commit(how, rewrite(present, target), target)

    def _commit(
        self,
        how: str,
        transaction: Transaction,
        target: dict[Identity, Service],
    ) -> None:
        def ended(answer: Answer) -> None:
            if answer.status == 0:
                self._done(target)
            else:
                self._failed(how, transaction, target, answer)

        self._spawn(("-f", "-"), transaction.text, ended)

    def _spawn(
        self, arguments: Sequence[str], text: str, ended: Callable[[Answer], object]
    ) -> None:
        def end(answer: Answer) -> None:
            if self._watch is None:
                return  # we were stopped meanwhile
            self._watch.drain()  # while we know which changes are our own
            self._run = None
            ended(answer)
            self._work()

        self._disturbed = False
        try:
            self._run = self._start_nft(self._reactor, self._program, arguments, text)
        except OSError as error:
            self._again(f"cannot run nft: {error}")
            return
        self._run.done.addCallback(end)
        self._run.done.addErrback(self._surprised)

    def _done(self, target: dict[Identity, Service]) -> None:
        before, self._applied = self._applied, target
        self._anew, self._failures = False, 0
        if self._disturbed:
            self._applied = None
        self._connections.cut(before, target)

    def _failed(
        self,
        how: str,
        transaction: Transaction,
        target: dict[Identity, Service],
        answer: Answer,
    ) -> None:
        """Find out what the kernel does not take, and do the rest without it."""
        if how == CHANGE or self._disturbed:  # it has something else than we thought
            self.log.debug("nft: {error}", error=answer.reason)
            self._applied = None
            return
        guilty = 0
        for line, text in answer.complaints():
            owner = transaction.owner(line)
            if owner is None:
                continue
            guilty += 1
            if owner not in self._broken:
                self._broken[owner] = target[owner]
                self.log.error(
                    "cannot set {service}: {reason}", service=str(owner), reason=text
                )
        if guilty:
            return
        if how == REWRITE:
            self.log.warn(
                "cannot rewrite table {table} ({reason}): beginning anew",
                table=TABLE,
                reason=answer.reason,
            )
            self._applied, self._anew = None, True
            return
        self._again(f"cannot set table {TABLE}: {answer.reason}")

    def _again(self, why: str) -> None:
        """Try again later; the first refusal in a row is told."""
        delay = min(RETRY_LONGEST, RETRY * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        if self._failures == 1:
            self.log.error("{why}; trying again until it works", why=why)
        self._applied = None
        self._pause(delay)

    def _pause(self, delay: float) -> None:
        if self._wait is None:
            self._wait = self._reactor.callLater(delay, self._resume)

    def _resume(self) -> None:
        self._wait = None
        self._work()

    def _surprised(self, failure: Any) -> None:
        self.log.failure("nftables", failure=failure)
        self._tell_usages({})  # lest somebody waits for ever

    # -- counting

    def _count(self) -> None:
        table = self._target() if self._applied is None else self._applied
        if not table or self._watch is None:
            self._tell_usages({})
            return
        arguments = ("list", "counters", "table", FAMILY, NAME)
        try:
            counting = self._start_nft(self._reactor, self._program, arguments).done
        except OSError as error:
            self.log.error("cannot run nft: {error}", error=error)
            self._tell_usages({})
            return

        def counted(answer: Answer) -> Any:
            if answer.status == 0:  # else the table is gone, or on its way back
                self._counters = read_counters(answer.output)
            if self._watch is not None:
                return self._connections.count(table).addCallback(measured)

        def measured(counts: Counts) -> None:
            now = self._reactor.seconds()
            self._tell_usages(self._meter.read(table, self._counters, counts, now))

        counting.addCallback(counted).addErrback(self._surprised)

    def _tell_usages(self, usages: Usages) -> None:
        asking, self._asking = self._asking, []
        for each in asking:
            each.callback(usages)

    # -- what others do

    def _changed(self, pid: int, port: int, name: str) -> None:
        """Somebody changed our table; it may have been ourselves."""
        if self._run is not None and self._run.pid in (pid, port):
            return
        who = f"{name} (process {pid})" if pid else "somebody else"
        self._repair(f"table {TABLE} was changed by {who}")

    def _overrun(self) -> None:
        # A large transaction of our own is what usually makes so much news.
        if self._run is None:
            self._repair("the kernel had more news than we could read")

    def _repair(self, what: str) -> None:
        if not self._wanted and not self._applied:
            return  # there is nothing of ours
        if self._run is not None:
            self._disturbed = True
        self._applied = None
        self._broken.clear()
        known = self._losses.pause
        pause = self._losses.add(self._reactor.seconds())
        if pause:
            self._pause(pause)
        if not pause or not known:
            self.log.warn(
                "{what}: {outcome}",
                what=what,
                outcome="that often that it is put back only after a while"
                if pause
                else "putting it back",
            )
        self._work()


@implementer(IPlugin, IBalancerKind)
class NftablesKind:
    """Offers L{NftablesBalancer}."""

    keyword = "nftables"
    rank = 20

    def missing(self, namespace: str | None = None) -> str:
        """See L{IBalancerKind.missing}."""
        if namespace is not None:
            return "net_namespace_ipvs is for dataplane ipvs"
        if not find():
            return "the program nft is not installed (Debian: nftables)"
        try:
            probe()
        except OSError as error:
            return reason(error)
        return ""

    def make(self, reactor: Any, namespace: str | None = None) -> NftablesBalancer:
        """See L{IBalancerKind.make}."""
        return NftablesBalancer(reactor)


nftables = NftablesKind()
