"""notify_fifo, vrrp_notify_fifo, lvs_notify_fifo: a line for each event, in order.

keepalived.conf(5). The lines are keepalived's, to the byte. Other than there, no line
is lost while the reader is slow (L{hanode.fifo}), a reload leaves a FIFO alone that is
in both configurations, and a script that reads one is started again when it ends.

With fifo_replay, who begins to read while nobody else does is told the present state of
everything, but for what still waits in the pipe. A FIFO has one stream for all
readers: with a second one nothing is repeated, because the first might get it.
"""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.model import GlobalDefs, Script
from hanode.config.notify_model import Fifo, Fifos
from hanode.events import STATES, Event, ServerEvent
from hanode.fifo import FifoWriter
from hanode.fifo_script import FifoScript
from hanode.interfaces import IMessenger, INotifier
from hanode.openings import Openings
from hanode.scripts import ScriptRunner, identity

Key = tuple[str, str]  # kind and name
LEVELS = (*STATES, "MASTER_PRIORITY", "BACKUP_PRIORITY", "UP", "DOWN")


def line(event: Event | ServerEvent) -> bytes:
    """What is written for C{event}."""
    if isinstance(event, Event):
        text = f'{event.kind} "{event.name}" {event.state} {event.priority}\n'
    else:
        real, _, virtual = event.name.partition("/")
        name = f"{real} {virtual}" if event.kind == "RS" else event.name
        text = f"{event.kind} {name} {event.state}\n"
    return text.encode("utf-8", "surrogateescape")


def state_line(event: Event | ServerEvent) -> bytes | None:
    """What says how things stand after C{event}, None when it tells of no state."""
    if event.state not in LEVELS:
        return None
    state = event.state.removesuffix("_PRIORITY")
    return line(replace(event, state=state))


class Channel:
    """One open FIFO: its writer, who reads, and what was said of whom."""

    log = Logger()

    def __init__(
        self, clock: Any, fifo: Fifo, settings: Fifos, runner: ScriptRunner
    ) -> None:
        self.fifo = fifo
        self._writer = FifoWriter(
            clock, fifo.path, owner(fifo, runner.global_defs), settings.mode
        )
        self._states: dict[Key, tuple[bytes, int]] = {}
        self._openings: Openings | None = None
        self._reader: FifoScript | None = None
        self._writer.open()
        if settings.replay:
            self._watch(clock)
        if fifo.script is not None:
            argv = (*fifo.script.argv, fifo.path)
            script = replace(fifo.script, argv=argv)
            what = f"notify FIFO {fifo.path}"
            self._reader = FifoScript(clock, runner, script, what)
            self._reader.start()

    def _watch(self, clock: Any) -> None:
        try:
            self._openings = Openings(clock, self.fifo.path, self._opened)
        except OSError as error:
            self.log.warn("fifo_replay is not possible: {error}", error=error)

    def write(self, event: Event | ServerEvent) -> None:
        """Say what has happened."""
        self._writer.write(line(event))
        key, state = (event.kind, event.name), state_line(event)
        if isinstance(event, Event) and event.last:
            self._states.pop(key, None)
        elif state is not None:
            self._states[key] = state, self._writer.end

    def repeat(self, kinds: tuple[str, ...] = ()) -> None:
        """Write the states again of all C{kinds}, () for those nobody waits to read."""
        read = self._writer.written - self._writer.unread()
        for key, (state, end) in list(self._states.items()):
            if key[0] in kinds or (not kinds and end <= read):
                self._writer.write(state)
                self._states[key] = state, self._writer.end

    def _opened(self) -> None:
        self.repeat()

    def idle(self) -> Deferred[None]:
        """See L{IMessenger.idle}."""
        return self._writer.idle()

    def close(self) -> Deferred[None] | None:
        """Give everything back; fires when the script has ended, None without one."""
        if self._openings is not None:
            self._openings.close()
        self._writer.close()
        return None if self._reader is None else self._reader.stop()


def owner(fifo: Fifo, defs: GlobalDefs) -> tuple[int, int]:
    """Whom C{fifo} is to belong to. Raises L{OSError} for an unknown user or group."""
    script = Script((), fifo.user, fifo.group)
    user, group = identity(script, replace(defs, set_supplementary_groups=False))
    if user is None:
        return -1, -1
    try:
        entry = pwd.getpwnam(user)
        name = (group or "").removeprefix(":")
        return entry.pw_uid, grp.getgrnam(name).gr_gid if name else entry.pw_gid
    except KeyError as error:
        raise OSError(f"Invalid user/group - ignoring: {error.args[0]}") from None


@implementer(IMessenger)
class FifoMessenger:
    """Writes to the FIFOs of one node."""

    log = Logger()

    def __init__(self, world: Any, global_defs: GlobalDefs) -> None:
        self._clock, self._defs = world.clock, global_defs
        self._runner = ScriptRunner(world.processes, global_defs)
        self._channels: dict[str, Channel] = {}  # by field of Fifos
        self._started = False

    def start(self) -> None:
        """See L{IMessenger.start}."""
        if IReactorFDSet.providedBy(self._clock):  # a rehearsal has no FIFOs
            self._started = True
            self._open()

    def notify(self, event: Event | ServerEvent) -> None:
        """See L{IMessenger.notify}."""
        if event.kind == "CHECK":
            return
        wanted = "vrrp" if isinstance(event, Event) else "servers"
        for field in ("everything", wanted):
            channel = self._channels.get(field)
            if channel is not None:
                channel.write(event)

    def reconfigure(self, global_defs: GlobalDefs) -> None:
        """See L{IMessenger.reconfigure}."""
        old, self._defs = self._defs.notify.fifos, global_defs
        self._runner.global_defs = global_defs
        new = global_defs.notify.fifos
        for field, fifo in _wanted(old):
            same = dict(_wanted(new)).get(field) == fifo
            if not same or (old.replay, old.mode) != (new.replay, new.mode):
                self._close(field)
        if self._started:
            self._open()
        if new.states_on_reload:
            self._clock.callLater(0, self._repeat)

    def idle(self) -> Deferred[None]:
        """See L{IMessenger.idle}."""
        waiting = [channel.idle() for channel in self._channels.values()]
        done: Deferred[Any] = DeferredList(waiting)
        return done.addCallback(lambda _: None)

    def close(self) -> Deferred[None]:
        """See L{IMessenger.close}."""
        self._started = False
        ends = [self._close(field) for field in tuple(self._channels)]
        done: Deferred[Any] = DeferredList([end for end in ends if end is not None])
        return done.addCallback(lambda _: None)

    def _open(self) -> None:
        settings = self._defs.notify.fifos
        for field, fifo in _wanted(settings):
            if field in self._channels:
                continue
            try:
                channel = Channel(self._clock, fifo, settings, self._runner)
            except OSError as error:
                self.log.error(
                    "notify FIFO {path} is not used: {reason}",
                    path=fifo.path,
                    reason=error.strerror or str(error),
                )
            else:
                self._channels[field] = channel

    def _close(self, field: str) -> Deferred[None] | None:
        channel = self._channels.pop(field, None)
        return None if channel is None else channel.close()

    def _repeat(self) -> None:
        for channel in self._channels.values():
            channel.repeat(("INSTANCE", "GROUP"))


def _wanted(fifos: Fifos) -> Iterator[tuple[str, Fifo]]:
    for field in ("everything", "vrrp", "servers"):
        fifo = getattr(fifos, field)
        if fifo is not None:
            yield field, fifo


@implementer(IPlugin, INotifier)
class FifoNotifier:
    """The plug-in."""

    keyword = "fifo"

    def make(self, world: Any, global_defs: GlobalDefs) -> FifoMessenger:
        """See L{INotifier.make}."""
        return FifoMessenger(world, global_defs)


fifoNotifier = FifoNotifier()
