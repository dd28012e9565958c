"""The kernel's side as the load balancer sees it: the plug-in, and its failures.

Whatever goes wrong here is logged and tried again later. It never reaches the rest of
the node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from hanode.balance.choice import choose
from hanode.config.balance_model import BalanceDefs
from hanode.interfaces import IBalancer
from hanode.lvs import Service, SyncDaemon, Table, Timeouts, Usages

AGAIN = 5.0  # seconds until what failed is tried again


class Director:
    """One balancer plug-in at a time, chosen of C{kinds}.

    @param chosen: called when a plug-in has been found later than at the start, so that
        what it refuses can be asked again; it gets the table afterwards.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        kinds: Mapping[str, Any],
        chosen: Callable[[], object] = lambda: None,
    ) -> None:
        self._clock, self._kinds, self._chosen = clock, kinds, chosen
        self._balancer: IBalancer | None = None
        self._open = False
        self._defs = BalanceDefs()  # those in force
        self._wanted = ""
        self._table: Table | None = None
        self._daemons: tuple[SyncDaemon, ...] = ()
        self._again: IDelayedCall | None = None
        self.keyword = ""  # of the plug-in in use
        self.problem = "not started"  # why nothing is balanced, "" if it is

    # -- life

    def start(self, defs: BalanceDefs) -> bool:
        """Choose a plug-in and open it; another choice replaces the earlier one.

        @return: whether there is another plug-in than before.
        """
        self._defs = defs
        if self._wanted == defs.dataplane and self._balancer is not None:
            return False
        self.stop(True)
        self._wanted = defs.dataplane
        if self._choose():
            self._begin()
        return True

    def _choose(self) -> bool:
        """Whether there is a plug-in now; otherwise it is looked for again later."""
        try:
            self._balancer = self._make(self._wanted)
        except Exception:
            problem = f"dataplane {self.keyword or self._wanted} failed"
            self.keyword = ""
            if self.problem != problem:
                self.problem = problem
                self.log.failure("{problem}", problem=problem)
        if self._balancer is None:
            self._again = self._clock.callLater(AGAIN, self._seek)
        return self._balancer is not None

    def _seek(self) -> None:
        """Perhaps a module has been loaded, or a program installed, by now."""
        if self._choose():
            self._chosen()
            self._begin()

    def _make(self, wanted: str) -> IBalancer | None:
        choice = choose(self._kinds, wanted, self._defs.namespace)
        if choice.kind is None:
            if self.problem != choice.reason:
                self.problem = choice.reason
                self.log.error("Nothing is balanced: {reason}", reason=choice.reason)
            return None
        self.keyword = choice.kind.keyword
        balancer: IBalancer = choice.kind.make(self._clock, self._defs.namespace)
        self.log.info(
            "Balancing with dataplane {keyword} ({reason})",
            keyword=self.keyword,
            reason=choice.reason,
        )
        return balancer

    def _begin(self) -> None:
        balancer, defs = self._balancer, self._defs
        assert balancer is not None
        try:
            balancer.start()
        except Exception as problem:
            if self.problem != str(problem):
                self.problem = str(problem)
                self.log.error(
                    "dataplane {keyword} cannot be opened: {problem}",
                    keyword=self.keyword,
                    problem=problem,
                )
            self._again = self._clock.callLater(AGAIN, self._begin)
            return
        self._open, self.problem = True, ""
        if defs.flush:
            self._try("flush")
        if any(defs.timeouts):
            self._try("timeouts", Timeouts(*defs.timeouts))
        self._apply()
        if self._daemons:
            self._apply_sync()

    def stop(self, remove: bool, flush: bool = False) -> None:
        """Close it; C{remove} what is ours before, C{flush} all there is."""
        if self._again is not None and self._again.active():
            self._again.cancel()
        if self._open:
            if flush:
                self._try("flush")
            if self._daemons:
                self._try("sync", ())
            self._try("stop", remove or flush)
        self._balancer, self._open, self._wanted = None, False, ""
        self.keyword, self.problem = "", "not started"

    # -- what is wanted

    def balance(self, table: Table) -> None:
        """From now on exactly C{table} is ours."""
        self._table = table
        self._apply()

    def sync(self, daemons: Sequence[SyncDaemon]) -> None:
        """Exactly these synchronisation daemons are to run."""
        wanted = tuple(daemons)
        if wanted != self._daemons:
            self._daemons = wanted
            self._apply_sync()

    def refusal(self, service: Service) -> str:
        """Why C{service} is impossible with the plug-in in use, "" if it is not."""
        if self._balancer is None:
            return ""
        try:
            return str(self._balancer.refusal(service))
        except Exception:
            self.log.failure("dataplane {keyword} failed", keyword=self.keyword)
            return f"dataplane {self.keyword} failed"

    def usages(self) -> Deferred[Usages]:
        """What the kernel counts; nothing when there is no plug-in, or it fails."""
        if not self._open or self._balancer is None:
            return succeed({})
        try:
            counted: Deferred[Usages] = self._balancer.usages()
        except Exception:
            self.log.failure("dataplane {keyword} failed", keyword=self.keyword)
            return succeed({})
        return counted.addErrback(self._uncounted)

    def _uncounted(self, failure: Any) -> Usages:
        if failure.check(CancelledError):  # nobody wants to know any more
            return {}
        self.log.warn(
            "dataplane {keyword} cannot count: {problem}",
            keyword=self.keyword,
            problem=failure.getErrorMessage(),
        )
        return {}

    # -- inside

    def _apply(self) -> None:
        if not self._open or self._table is None:
            return
        waiting = self._again is not None and self._again.active()
        if not self._try("balance", self._table) and not waiting:
            self._again = self._clock.callLater(AGAIN, self._apply)

    def _apply_sync(self) -> None:
        if self._open:
            self._try("sync", self._daemons)

    def _try(self, verb: str, *args: Any) -> bool:
        try:
            getattr(self._balancer, verb)(*args)
        except Exception:
            self.log.failure(
                "dataplane {keyword} failed: {verb}", keyword=self.keyword, verb=verb
            )
            return False
        return True
