"""notify, notify_master, notify_backup ...: run a script at a change of state.

keepalived starts all scripts at once, so that the one for MASTER may overtake the one
for BACKUP. Here the scripts of one object run one after the other, in the order of
the events; a script that takes longer than L{PATIENCE} is left running and no longer
waited for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.plugin import IPlugin
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode.config.model import GlobalDefs, Script
from hanode.events import Event, ServerEvent
from hanode.interfaces import IMessenger, INotifier
from hanode.processes import Exit
from hanode.scripts import ScriptRunner

PATIENCE = 30.0  # seconds
LAST_PATIENCE = 0.2  # the same when hanode stops: all is over within a second


def scripts(event: Event | ServerEvent) -> Iterator[Script]:
    """What is to be run for C{event}: first notify_STATE, then the plain notify.

    The plain one gets C{KIND NAME STATE PRIORITY} behind its own arguments; it is
    not run for a lower-priority advertisement or a mere change of priority.
    """
    if isinstance(event, ServerEvent):
        if event.script is not None:
            yield event.script
        return
    by_state = {
        "MASTER": event.notify.master,
        "BACKUP": event.notify.backup,
        "FAULT": event.notify.fault,
        "STOP": event.notify.stop,
        "DELETED": event.notify.deleted,
        "MASTER_RX_LOWER_PRI": event.notify.master_rx_lower_pri,
    }
    special = by_state.get(event.state)
    if special is not None:
        yield special
    told = ("MASTER", "BACKUP", "FAULT", "STOP", "DELETED")
    if event.notify.always is not None and event.state in told:
        words = (event.kind, event.name, event.state, str(event.priority))
        yield replace(event.notify.always, argv=event.notify.always.argv + words)


@implementer(IMessenger)
class ScriptMessenger:
    """Runs the scripts of one node, in order per object."""

    log = Logger()

    def __init__(self, world: Any, global_defs: GlobalDefs) -> None:
        self._world = world
        self._runner = ScriptRunner(world.processes, global_defs)
        self._queues: dict[tuple[str, str], deque[Script]] = {}
        self._patience = PATIENCE
        self._waits: dict[tuple[str, str], IDelayedCall] = {}
        self._running = 0
        self._idle: list[Deferred[None]] = []

    def start(self) -> None:
        """See L{IMessenger.start}."""

    def notify(self, event: Event | ServerEvent) -> None:
        """See L{IMessenger.notify}."""
        if event.state == "STOP":
            self._hurry()
        wanted = list(scripts(event))
        if not wanted:
            return
        key = (event.kind, event.name)
        queue = self._queues.get(key)
        if queue is None:
            self._queues[key] = deque(wanted)
            self._next(key)
        else:
            queue.extend(wanted)

    def reconfigure(self, global_defs: GlobalDefs) -> None:
        """See L{IMessenger.reconfigure}."""
        self._runner.global_defs = global_defs

    def idle(self) -> Deferred[None]:
        """See L{IMessenger.idle}."""
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        self._settle()
        return done

    def close(self) -> Deferred[None]:
        """See L{IMessenger.close}: what still runs is left to end by itself."""
        return succeed(None)

    def _hurry(self) -> None:
        self._patience = LAST_PATIENCE
        latest = self._world.clock.seconds() + LAST_PATIENCE
        for call in self._waits.values():
            if call.active() and call.getTime() > latest:
                call.reset(LAST_PATIENCE)

    def _settle(self) -> None:
        if self._running == 0 and not self._queues:
            waiting, self._idle = self._idle, []
            for done in waiting:
                done.callback(None)

    def _next(self, key: tuple[str, str]) -> None:
        queue = self._queues[key]
        if not queue:
            del self._queues[key]
            del self._waits[key]
            self._settle()
            return
        script = queue.popleft()
        self._running += 1
        turn = [lambda: self._next(key)]
        call = self._world.clock.callLater(
            self._patience, self._impatient, script, turn
        )
        self._waits[key] = call

        def ended(result: object) -> None:
            self._running -= 1
            if call.active():
                call.cancel()
            self._ended(script, result)
            if turn:
                turn.pop()()
            self._settle()

        self._runner.run(script).addBoth(ended)

    def _impatient(self, script: Script, turn: list[Any]) -> None:
        self.log.warn(
            "{script} has been running for {seconds} s: not waiting for it any longer",
            script=script.argv[0],
            seconds=self._patience,
        )
        turn.pop()()

    def _ended(self, script: Script, result: object) -> None:
        if isinstance(result, Failure):
            self.log.error(
                "cannot run {script}: {reason}",
                script=script.argv[0],
                reason=result.getErrorMessage(),
            )
        elif isinstance(result, Exit) and not result.ok:
            self.log.warn("{script} {exit}", script=script.argv[0], exit=result)


@implementer(IPlugin, INotifier)
class ScriptNotifier:
    """The plug-in."""

    keyword = "script"

    def make(self, world: Any, global_defs: GlobalDefs) -> ScriptMessenger:
        """See L{INotifier.make}."""
        return ScriptMessenger(world, global_defs)


scriptNotifier = ScriptNotifier()
