"""What a signal asks for: the state of the node in a file, for keepalived's tools.

A thousand instances are described a few at a time, with the reactor in between, and
the files are written by a thread: no packet waits for either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Cooperator
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from hanode import whole_file
from hanode.config.model import Model
from hanode.console import dumps_balance, dumps_data, dumps_json, dumps_stats
from hanode.console.dumps_counts import Counts, counts, since
from hanode.console.dumps_places import places
from hanode.console.dumps_words import Seen
from hanode.console.plain import plain
from hanode.console.view import View, Watched
from hanode.link import Link
from hanode.taking_turns import after

FOLDER = "/run/hanode"
SLICE = 0.002  # seconds of describing before others get their turn
UMASK = 0o177  # keepalived's own
WORLD = 0o007  # nobody else, whatever the configuration says
TRACKED = ("script", "process")


class Dumped(Watched, Protocol):
    """The node, as far as it is written into files."""

    @property
    def model(self) -> Model:
        """The configuration in force."""

    def trackers(self, kind: str) -> dict[str, dict[str, Any]]:
        """What is tracked of this kind, by name."""


class Dumping:
    """The files of one node.

    @param wall: the time of day, in seconds since 1970.
    @param aside: runs a function that takes its time.
    @param folder: the daemon's own directory; RUNTIME_DIRECTORY unless told.
    """

    log = Logger()

    def __init__(
        self,
        node: Dumped,
        view: View,
        clock: Any,
        wall: Callable[[], float],
        aside: Callable[..., Deferred[Any]] = deferToThread,
        folder: str | None = None,
    ) -> None:
        self._node, self._view, self._wall, self._aside = node, view, wall, aside
        self._folder = own_folder() if folder is None else folder
        self._cooperator = Cooperator(
            terminationPredicateFactory=after(SLICE),
            scheduler=lambda work: clock.callLater(0, work),
        )
        self._cleared: dict[str, Counts] = {}
        self._busy: set[str] = set()
        self._waiting: dict[str, list[Deferred[None]]] = {}
        self._kinds: dict[str, Callable[[], Any]] = {
            "DATA": self._data,
            "STATS": self._stats,
            "STATS_CLEAR": self._clear,
            "JSON": self._json,
        }

    def ask(self, kind: str) -> Deferred[None]:
        """Write the files of DATA, STATS, STATS_CLEAR or JSON; fires when they are
        there, or cannot be. Who asks meanwhile gets what is written afterwards."""
        asked: Deferred[None] = Deferred()
        self._waiting.setdefault(kind, []).append(asked)
        if kind not in self._busy:
            self._begin(kind)
        return asked

    def _begin(self, kind: str) -> None:
        self._busy.add(kind)
        waiting = self._waiting.pop(kind)
        done: Deferred[Any] = ensureDeferred(self._kinds[kind]())
        done.addErrback(
            lambda failure: self.log.failure("{kind} failed", failure, kind=kind)
        )
        done.addCallback(lambda _: self._end(kind, waiting))

    def _end(self, kind: str, waiting: list[Deferred[None]]) -> None:
        self._busy.discard(kind)
        for each in waiting:
            each.callback(None)
        if kind in self._waiting and kind not in self._busy:
            self._begin(kind)

    # -- the kinds

    async def _data(self) -> None:
        self.log.info("Printing VRRP data for process({n}) on signal", n=os.getpid())
        node = self._node
        model = node.model
        groups = [plain(each.describe()) for each in node.groups()]
        found = self._seen(model)
        lines = dumps_data.pieces(model, found, groups, self._trackers(), self._links())
        await self._write("data", lines)
        if model.virtual_servers:
            records = node.balance.describe_each(await node.balance.usages())
            await self._write("check", dumps_balance.servers(map(plain, records)))
        if model.bfd_instances:
            records = node.bfd.describe_each()
            await self._write("bfd", dumps_balance.sessions(map(plain, records)))

    async def _stats(self) -> None:
        self.log.info("Printing VRRP stats for process({n}) on signal", n=os.getpid())
        await self._write("stats", dumps_stats.pieces(self._seen(self._node.model)))

    async def _clear(self) -> None:
        """Tell the counts, and count from there on; /metrics does not notice."""
        self.log.info("Printing VRRP stats for process({n}) on signal", n=os.getpid())
        self.log.info("Clearing VRRP stats on signal")
        cleared: dict[str, Counts] = {}
        found = self._seen(self._node.model, cleared)
        await self._write("stats", dumps_stats.pieces(found))
        self._cleared = cleared

    async def _json(self) -> None:
        self.log.info("Printing VRRP as json for process({n}) on signal", n=os.getpid())
        model = self._node.model
        trackers = self._trackers()
        version = model.dumps.json_version
        lines = dumps_json.pieces(version, self._seen(model), trackers)
        await self._write("json", lines)

    # -- what there is

    def _seen(
        self, model: Model, counted: dict[str, Counts] | None = None
    ) -> Iterator[Seen]:
        """The instances one after the other; C{counted} gets what each has counted."""
        for described in self._view.instances():
            name = described["name"]
            settings = model.instances.get(name)
            if settings is None:
                continue  # a reload has come in between
            age = described["since"]
            at = 0.0 if age is None else self._wall() - age
            now = counts(described["counters"])
            if counted is not None:
                counted[name] = now
            yield Seen(settings, described, at, since(now, self._cleared.get(name)))

    def _trackers(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What the instances track, with the weight of its own, kind by kind."""
        node = self._node
        described = node.model.trackers
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for kind in TRACKED:
            own = described.get(kind, {})
            found[kind] = {
                name: {**each, "weight": _weight(own.get(name))}
                for name, each in node.trackers(kind).items()
            }
        files = described.get("file", {})
        found["file"] = {
            name: {"value": node.facts.get(f"file:{name}"), "weight": _weight(each)}
            for name, each in files.items()
        }
        tracked = (e for s in node.model.instances.values() for e in s.track)
        for each in tracked:
            if each.kind == "bfd":
                path = node.facts.get(each.fact)
                up = path is not None and path.up
                record = {"up": up, "weight": each.weight}
                found.setdefault("bfd", {}).setdefault(each.name, record)
        return found

    def _links(self) -> list[Link]:
        facts = self._node.facts.snapshot().values()
        links = [each.value for each in facts if isinstance(each.value, Link)]
        return sorted(links, key=lambda link: link.index)

    # -- files

    async def _write(self, what: str, lines: Iterable[str]) -> None:
        """Have a file written; that it cannot be is told, and is no failure."""
        model = self._node.model
        path = places(model.dumps, model.process.suffix, self._folder)[what]
        umask = UMASK if model.process.umask is None else model.process.umask
        found: list[str] = []
        await self._cooperator.coiterate(map(found.append, lines))
        try:
            if path.startswith(f"{self._folder}/"):
                os.makedirs(self._folder, 0o755, exist_ok=True)
            await self._aside(whole_file.write, path, found, 0o666 & ~(umask | WORLD))
        except OSError as problem:
            self.log.error("Can't write {path}: {problem}", path=path, problem=problem)


def _weight(description: Any) -> int:
    return 0 if description is None else int(description.weight)


def own_folder() -> str:
    """The directory that systemd made for us (systemd.exec(5)), or the usual one."""
    return os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or FOLDER
