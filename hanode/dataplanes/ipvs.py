"""The kernel's load balancer, IPVS, over generic netlink.

What is wanted is compared with what the kernel has and the difference is sent
(L{hanode.dataplanes.ipvs_program}); what others change is put back
(L{hanode.dataplanes.ipvs_watch}). A service that is wanted and there already, with
whatever connections, is taken over as it is.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.scalars import IpAddress
from hanode.dataplanes.ipvs_held import Step
from hanode.dataplanes.ipvs_kernel import IpvsKernel, absence, is_loadable, modprobe
from hanode.dataplanes.ipvs_message import (
    DEL_DAEMON,
    FLUSH,
    NEW_DAEMON,
    SET_CONFIG,
    daemon_body,
    read_destination,
    read_destination_usage,
    read_service,
    read_service_usage,
    timeouts_body,
)
from hanode.dataplanes.ipvs_program import MANY_READ, Program
from hanode.dataplanes.ipvs_refusal import daemon_meaning, refusal
from hanode.dataplanes.ipvs_watch import Watch
from hanode.dataplanes.netlink.generic import Questions, open_generic
from hanode.dataplanes.netlink.message import BadMessage
from hanode.dataplanes.slices import Slices
from hanode.interfaces import IBalancer, IBalancerKind, IProcesses
from hanode.lvs import Identity, Service, SyncDaemon, Table, Timeouts, Usage, Usages
from hanode.processes import Exit, Processes

MODPROBE_TIMEOUT = 10.0  # seconds
UNREADABLE = (OSError, BadMessage)

Refused = Callable[[int], object]


@implementer(IBalancer)
class IpvsBalancer:
    """IPVS of this machine, or of the network namespace we live in.

    @param kernel: makes the L{IpvsKernel}, for tests; so does C{processes}.
    """

    log = Logger()
    keyword = "ipvs"

    def __init__(
        self,
        reactor: Any,
        kernel: Callable[..., IpvsKernel] = IpvsKernel,
        processes: IProcesses | None = None,
    ) -> None:
        self._reactor = reactor
        self._processes = processes or Processes(reactor)
        self._kernel = kernel(reactor, self._answered, self._answers_lost)
        self._program = Program(reactor, self._kernel)
        self._watch = Watch(
            reactor, self._kernel, self._program, self._check_daemons, self._absent
        )
        self._asking: dict[Deferred[Usages], Slices] = {}
        self._loading: Deferred[Any] | None = None
        self._timeouts = Timeouts()
        self._daemons: tuple[SyncDaemon, ...] = ()
        self._former_daemons: set[SyncDaemon] = set()  # ours, and to be stopped
        self._daemon_refusals: dict[SyncDaemon, int] = {}
        self._flush = self._is_absent = False

    # -- IBalancer

    def refusal(self, service: Service) -> str:
        """See L{IBalancer.refusal}."""
        return refusal(service)

    def start(self) -> None:
        """See L{IBalancer.start}.

        Where the module is to be loaded first, what is asked of us in the meantime is
        done when it is there.
        """
        try:
            self._open()
            self._watch.start()
        except OSError as error:
            if error.errno != errno.ENOENT or not is_loadable():
                raise
            self.log.info("loading the kernel module ip_vs")
            argv = [modprobe(), "-q", "ip_vs"]
            self._loading = self._processes.run(argv, timeout=MODPROBE_TIMEOUT)
            self._loading.addCallbacks(self._loaded, self._not_loaded)

    def stop(self, remove: bool) -> None:
        """See L{IBalancer.stop}.

        Daemons are none of its business: C{sync(())} stops them, services stay or not.
        """
        self._loading = None
        for done, slices in tuple(self._asking.items()):
            slices.stop()
            done.cancel()
        self._watch.stop()
        self._program.stop(remove)
        self._kernel.close()

    def balance(self, table: Table) -> None:
        """See L{IBalancer.balance}.

        What takes longer than a few milliseconds goes on in the reactor's next turns.
        """
        self._program.want(table)

    def flush(self) -> None:
        """See L{IBalancer.flush}; what was wanted is forgotten with the rest."""
        self._program.forget()
        self._flush = True
        if self._kernel.is_open:
            self._flush_now()

    def usages(self) -> Deferred[Usages]:
        """See L{IBalancer.usages}. The kernel reckons the rates every two seconds."""
        if not self._kernel.is_open:
            return succeed({})
        found: dict[Identity, tuple[Usage, Mapping[tuple[IpAddress, int], Usage]]] = {}
        result: Deferred[Usages] = Deferred(lambda _: self._asked(result))

        def done(failure: Exception | None) -> None:
            self._asked(result)
            if failure is None:
                result.callback(found)
            else:
                result.errback(failure)

        slices = Slices(self._reactor, lambda: self._count(found), done)
        self._asking[result] = slices
        slices.wake()
        return result

    def timeouts(self, timeouts: Timeouts) -> None:
        """See L{IBalancer.timeouts}."""
        self._timeouts = timeouts
        body = timeouts_body(timeouts)
        if body and self._kernel.is_open:
            self._ask(SET_CONFIG, body, self._plainly("set the timeouts"))

    def sync(self, daemons: Sequence[SyncDaemon]) -> None:
        """See L{IBalancer.sync}; those that run as they should are not touched.

        While some are wanted all others are stopped: the kernel has two at most. When
        none is wanted any more ours are stopped, and what others start is theirs.
        """
        self._former_daemons.update(self._daemons)
        self._daemons = tuple(daemons)
        self._daemon_refusals.clear()
        if self._kernel.is_open:
            try:
                self._check_daemons()
            except UNREADABLE as error:
                self.log.error("cannot read the daemons: {error}", error=error)

    # -- opening

    def _open(self) -> None:
        """Open the kernel and bring it to what is wanted. Raises L{OSError}."""
        self._kernel.open()
        try:
            if self._flush:
                self._flush_now()
            self.timeouts(self._timeouts)
            self._check_daemons()
            self._program.start()
        except BadMessage as error:
            self._kernel.close()
            raise OSError(errno.EPROTO, str(error)) from error
        except OSError:
            self._kernel.close()
            raise

    def _loaded(self, exit: Exit) -> None:
        if self._loading is None:
            return  # stopped in the meantime
        self._loading = None
        if not exit.ok:
            self.log.error("modprobe ip_vs {exit}", exit=str(exit))
        try:
            self._open()
        except OSError as error:
            self._absent(error)
        self._watch.start()

    def _not_loaded(self, failure: Any) -> None:
        if self._loading is None:
            return  # stopped in the meantime
        self._loading = None
        self.log.error("cannot load ip_vs: {error}", error=failure.value)
        self._watch.start()  # somebody else may load it

    def _absent(self, failure: Exception) -> None:
        """The kernel cannot be read: somebody may have unloaded the module."""
        if not self._is_absent:
            self._is_absent = True
            self.log.error("IPVS cannot be used: {error}", error=failure)
        self._kernel.close()
        self._program.rest()
        try:
            self._open()
        except OSError:
            return  # the watch comes again
        self._is_absent = False
        self.log.info("IPVS can be used again")

    # -- asking

    def _flush_now(self) -> None:
        self._flush = False
        self._ask(FLUSH, b"", self._plainly("remove all virtual services"))

    def _ask(self, command: int, body: bytes, refused: Refused) -> None:
        self._program.sent += 1
        self._kernel.send([self._kernel.request(command, body)], [refused])

    def _plainly(self, what: str) -> Refused:
        def refused(code: int) -> None:
            reason = os.strerror(code)
            self.log.error("IPVS: cannot {what}: {reason}", what=what, reason=reason)

        return refused

    def _answered(self, tags: Sequence[Any], errors: dict[int, int]) -> None:
        if isinstance(tags[0], Step):
            self._program.answered(tags, errors)
            return
        for position, code in errors.items():
            tags[position](code)

    def _answers_lost(self) -> None:
        self.log.warn("answers of the kernel were lost: reading all anew")
        self._kernel.forget()
        self._program.held.clear()
        self._reactor.callLater(0, self._again)

    def _again(self) -> None:
        if self._kernel.is_open:
            try:
                self._program.start()
            except UNREADABLE as error:
                self._absent(error)

    # -- daemons

    def _check_daemons(self) -> None:
        wanted, former = self._daemons, self._former_daemons
        if not wanted and not former:
            return  # what runs is not ours
        running = self._kernel.daemons()
        for each in running:
            if _is_among(each, wanted):
                continue
            if wanted or _is_among(each, former):
                what = f"stop the {each.state} synchronisation daemon"
                self._ask(DEL_DAEMON, daemon_body(each), self._plainly(what))
        former.clear()
        for each in wanted:
            if not any(_is_same(other, each) for other in running):
                self._ask(NEW_DAEMON, daemon_body(each), self._not_synchronising(each))

    def _not_synchronising(self, daemon: SyncDaemon) -> Refused:
        def refused(code: int) -> None:
            if self._daemon_refusals.get(daemon) != code:
                self._daemon_refusals[daemon] = code
                self.log.error(
                    "the kernel refuses the {state} synchronisation daemon: {reason}",
                    state=daemon.state,
                    reason=daemon_meaning(daemon, code),
                )

        return refused

    # -- counting

    def _count(self, found: dict[Identity, Any]) -> Iterator[None]:
        for body in self._kernel.services():
            identity = read_service(body).identity
            if identity in self._program.wanted:
                found[identity] = read_service_usage(body), {}
        for identity in tuple(found):
            yield
            below = found[identity][1]
            for number, body in enumerate(self._kernel.destinations(identity), 1):
                key = read_destination(body, identity.family).key
                below[key] = read_destination_usage(body)
                if number % MANY_READ == 0:
                    yield

    def _asked(self, result: Deferred[Usages]) -> None:
        slices = self._asking.pop(result, None)
        if slices is not None:
            slices.stop()


def _is_among(running: SyncDaemon, daemons: Iterable[SyncDaemon]) -> bool:
    return any(_is_same(running, each) for each in daemons)


def _is_same(running: SyncDaemon, wanted: SyncDaemon) -> bool:
    """Whether the running daemon is the wanted one; the kernel chose what is 0."""
    return (
        (running.state, running.interface, running.sync_id)
        == (wanted.state, wanted.interface, wanted.sync_id)
        and wanted.group in (None, running.group)
        and wanted.port in (0, running.port)
        and wanted.ttl in (0, running.ttl)
        and wanted.size in (0, running.size)
    )


@implementer(IPlugin, IBalancerKind)
class IpvsBalancerKind:
    """The plug-in."""

    keyword = "ipvs"
    rank = 10

    def missing(self, namespace: str | None = None) -> str:
        """See L{IBalancerKind.missing}."""
        return absence(partial(Questions, partial(open_generic, namespace)))

    def make(self, reactor: Any, namespace: str | None = None) -> IpvsBalancer:
        """See L{IBalancerKind.make}."""
        opened = partial(open_generic, namespace)
        questions = partial(Questions, opened)
        kernel = partial(IpvsKernel, questions=questions, port=opened)
        return IpvsBalancer(reactor, kernel)


ipvsBalancer = IpvsBalancerKind()
