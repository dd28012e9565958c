"""track_process: count processes; C{process:NAME} tells whether there are enough.

keepalived.conf(5), "VRRP track processes". The kernel tells of processes that begin and
end; where it does not (another namespace, no CAP_NET_ADMIN), all are looked at once a
second. Before they were looked at for the first time the fact is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorFDSet
from twisted.internet.task import Cooperator, TaskStopped
from twisted.logger import Logger
from twisted.plugin import IPlugin
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode import proc
from hanode.config.track_model import Description, Share, Tracked, by_state
from hanode.config.tracker_words import MOST_OF_NUMBERS, TrackerWords
from hanode.facts import Facts
from hanode.interfaces import IObservation, ITracker
from hanode.proc_connector import ProcConnector
from hanode.taking_turns import after
from hanode.trackers.process_words import ROWS, ProcessOptions, options
from hanode.trackers.quorum import Quorum

EVERY = 1.0  # seconds between two looks where the kernel tells nothing
SLICE = 0.002  # seconds of looking before others get their turn

Names = frozenset[str]
NOBODY: Names = frozenset()


@implementer(IObservation)
class Census:
    """The processes of one node.

    @param connect: makes a L{ProcConnector} that tells us. Raises L{OSError}.
    @param root: where /proc is.
    """

    log = Logger()

    def __init__(
        self,
        clock: Any,
        facts: Facts,
        connect: Callable[..., Any] = ProcConnector,
        root: str = proc.PROC,
    ) -> None:
        self._clock, self._facts = clock, facts
        self._connect, self._root = connect, root
        self._wanted: dict[str, ProcessOptions] = {}
        self._quorums: dict[str, Quorum] = {}
        self._known: dict[int, Names] = {}  # which groups a process belongs to
        self._seen: set[int] | None = None  # while looking at all: who was there
        self._commands = False  # whether any group needs command lines
        self._connector: Any = None
        self._refused = False
        self._again: IDelayedCall | None = None
        self._expiry: IDelayedCall | None = None
        self._cooperator = Cooperator(
            terminationPredicateFactory=after(SLICE),
            scheduler=lambda work: clock.callLater(0, work),
        )
        self._search: Any = None

    # -- IObservation

    def expect(self, described: Mapping[str, Description]) -> None:
        """See L{IObservation.expect}."""
        wanted: dict[str, Any] = {
            name: each.options for name, each in described.items()
        }
        for name in self._wanted.keys() - wanted.keys():
            self._facts.forget(f"process:{name}")
            del self._quorums[name]
        fresh = {name for name in wanted if self._wanted.get(name) != wanted[name]}
        self._wanted = wanted
        self._commands = any(each.match for each in wanted.values())
        for name in fresh:
            old, new = self._quorums.get(name), Quorum(wanted[name].bounds)
            if old is not None:
                new.up, new.count = old.up, old.count
            self._quorums[name] = new
        if not wanted:
            self.close()
        elif not IReactorFDSet.providedBy(self._clock):
            for name in fresh:  # rehearsal: no processes but those one imagines
                self._facts.set(f"process:{name}", True, "assumed to run")
        elif fresh:
            self._listen()
            self._look_at_all()

    def close(self) -> None:
        """See L{IObservation.close}."""
        if self._connector is not None:
            self._connector.close()
            self._connector = None
        for call in (self._again, self._expiry):
            if call is not None and call.active():
                call.cancel()
        if self._search is not None:
            self._search.stop()
            self._search = None
        self._seen = None
        self._known.clear()

    def describe(self) -> dict[str, dict[str, Any]]:
        """The groups of processes by name; C{up} is None before the first count."""
        return {
            name: {
                "words": list(self._wanted[name].words),
                "match": self._wanted[name].match,
                "least": quorum.bounds.least,
                "most": quorum.bounds.most,
                "count": quorum.count,
                "up": quorum.up,
                "fork_delay": quorum.bounds.fork_delay,
                "terminate_delay": quorum.bounds.terminate_delay,
                "waiting": quorum.deadline is not None,
            }
            for name, quorum in self._quorums.items()
        }

    # -- what the kernel tells

    def forked(self, parent: int, child: int) -> None:
        """See L{hanode.proc_connector.Listener}."""
        names = self._known.get(parent, NOBODY)
        if names:
            self._note(child, names)

    def changed(self, pid: int) -> None:
        """See L{hanode.proc_connector.Listener}."""
        self._note(pid, self._groups(pid))

    def ended(self, pid: int) -> None:
        """See L{hanode.proc_connector.Listener}."""
        self._known.pop(pid, None)
        if self._seen is not None:
            self._seen.discard(pid)

    def drained(self) -> None:
        """See L{hanode.proc_connector.Listener}."""
        if self._seen is None:
            self._count()

    def lost(self) -> None:
        """See L{hanode.proc_connector.Listener}."""
        self.log.warn("track_process: the kernel's news were lost: looking at all")
        self._look_at_all()

    def _listen(self) -> None:
        if self._connector is not None or self._refused:
            return
        try:
            self._connector = self._connect(self._clock, self)
        except OSError as error:
            self._refused = True
            self.log.warn(
                "track_process: the kernel does not tell of processes ({reason}):"
                " looking at all of them every {seconds:g} s",
                reason=error.strerror or str(error),
                seconds=EVERY,
            )

    # -- looking at all

    def _look_at_all(self) -> None:
        """Look at each process, a few at a time; news that come meanwhile count."""
        if self._search is not None:
            self._search.stop()
        if self._again is not None and self._again.active():
            self._again.cancel()
        self._search = search = self._cooperator.cooperate(self._steps())
        search.whenDone().addErrback(self._gave_up)

    def _gave_up(self, failure: Failure) -> None:
        if not failure.check(TaskStopped):
            self.log.failure("track_process: /proc cannot be read", failure)
            self._seen = self._search = None
            self._again = self._clock.callLater(EVERY, self._look_at_all)

    def _steps(self) -> Iterator[None]:
        self._seen = set()
        for pid in proc.listed(self._root):
            names = self._groups(pid)
            if names:
                self._note(pid, names)
            yield
        self._known = {
            pid: names for pid, names in self._known.items() if pid in self._seen
        }
        self._seen = self._search = None
        self._count()
        if self._connector is None:
            self._again = self._clock.callLater(EVERY, self._look_at_all)

    def _groups(self, pid: int) -> Names:
        process = proc.look(pid, self._commands, self._root)
        if process is None:
            return NOBODY
        return frozenset(
            name for name, each in self._wanted.items() if each.concerns(process)
        )

    def _note(self, pid: int, names: Names) -> None:
        if names:
            self._known[pid] = names
            if self._seen is not None:
                self._seen.add(pid)
        else:
            self._known.pop(pid, None)

    # -- what it amounts to

    def _count(self) -> None:
        counts = dict.fromkeys(self._quorums, 0)
        for names in self._known.values():
            for name in names & counts.keys():
                counts[name] += 1
        now = self._clock.seconds()
        for name, quorum in self._quorums.items():
            first = quorum.up is None
            if quorum.counted(counts[name], now=now):
                self._state(name, quorum, first)
        self._arm()

    def _expire(self) -> None:
        now = self._clock.seconds()
        for name, quorum in self._quorums.items():
            if quorum.expire(now=now):
                self._state(name, quorum)
        self._arm()

    def _arm(self) -> None:
        if self._expiry is not None and self._expiry.active():
            self._expiry.cancel()
        due = [q.deadline for q in self._quorums.values() if q.deadline is not None]
        if due:
            delay = max(0.0, min(due) - self._clock.seconds())
            self._expiry = self._clock.callLater(delay, self._expire)

    def _state(self, name: str, quorum: Quorum, first: bool = False) -> None:
        count = quorum.count
        what = "gained" if quorum.up else "lost"
        if not (first and quorum.up):
            text = "Quorum {what} for tracked process {name} ({count} running)"
            self.log.info(text, what=what, name=name, count=count)
        self._facts.set(f"process:{name}", quorum.up, f"{count} running")


@implementer(IPlugin, ITracker)
class ProcessTrackerPlugin:
    """The plug-in."""

    keyword = "track_process"
    words = TrackerWords(
        keyword,
        "process",
        "process",
        MOST_OF_NUMBERS,
        lenient=True,
        blocks=("vrrp_track_process",),
        rows=ROWS,
        options=options,
    )

    def weigh(self, tracked: Tracked, value: bool | None) -> Share:
        """See L{ITracker.weigh}."""
        state = "is" if value else "not"
        fault = f"tracked process {tracked.name} quorum {state} achieved"
        return by_state(tracked, value, fault)

    def make(self, world: Any, facts: Facts, checkers: Mapping[str, Any]) -> Census:
        """See L{ITracker.make}."""
        return Census(world.clock, facts)


processTracker = ProcessTrackerPlugin()
