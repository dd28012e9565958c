"""Claims about notify scripts, with programs that only the test ends."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from errno import ENOENT, ENOEXEC
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hanode import scripts as module
from hanode.config.model import GlobalDefs, Notify, Script
from hanode.events import Event
from hanode.interfaces import IMessenger, INotifier, IProcesses
from hanode.notifiers.script import (
    LAST_PATIENCE,
    PATIENCE,
    ScriptMessenger,
    scriptNotifier,
    scripts,
)
from hanode.processes import Exit
from hanode.scripts import DEFAULT_USER, default_user

NOTIFY = Notify(
    master=Script(("/n/master", "one", "two words")),
    backup=Script(("/n/backup",)),
    fault=Script(("/n/fault",)),
    stop=Script(("/n/stop",)),
    deleted=Script(("/n/deleted",)),
    master_rx_lower_pri=Script(("/n/lower",)),
    always=Script(("/n/always", "arg")),
)


def event(state: str, notify: Notify = NOTIFY, name: str = "VI_1") -> Event:
    """The instance is now in this state."""
    return Event("INSTANCE", name, state, 150, notify)


@dataclass
class Run:
    """One program that was started."""

    argv: list[str]
    user: str | None
    group: str | None
    done: Deferred[Any] = field(default_factory=Deferred)

    def end(self, status: int = 0) -> None:
        """It ends with this status."""
        self.done.callback(Exit(status))


@implementer(IProcesses)
class Programs:
    """Programs that run until the test ends them."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.refuse: dict[str, Exception] = {}

    def run(
        self,
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Any]:
        """See L{IProcesses.run}."""
        run = Run(list(argv), user, group)
        self.runs.append(run)
        if argv[0] in self.refuse:
            run.done.errback(self.refuse[argv[0]])
        return run.done

    @property
    def started(self) -> list[str]:
        """The names of the programs, in the order of their start."""
        return [run.argv[0] for run in self.runs]


class ArgumentTests(SynchronousTestCase):
    """What is run for which event, with which words."""

    def argvs(self, state: str, kind: str = "INSTANCE") -> list[tuple[str, ...]]:
        """The commands for one event."""
        told = Event(kind, "VI_1", state, 150, NOTIFY)
        return [each.argv for each in scripts(told)]

    def test_states(self) -> None:
        """notify_STATE with its own arguments, then notify with four more."""
        own: dict[str, tuple[str, ...]] = {
            "MASTER": ("/n/master", "one", "two words"),
            "BACKUP": ("/n/backup",),
            "FAULT": ("/n/fault",),
            "STOP": ("/n/stop",),
            "DELETED": ("/n/deleted",),
        }
        for state, argv in own.items():
            always = ("/n/always", "arg", "INSTANCE", "VI_1", state, "150")
            self.assertEqual(self.argvs(state), [argv, always])

    def test_lower_priority(self) -> None:
        """notify_master_rx_lower_pri alone, without more arguments."""
        self.assertEqual(self.argvs("MASTER_RX_LOWER_PRI"), [("/n/lower",)])

    def test_changes_of_priority(self) -> None:
        """A mere change of priority runs nothing."""
        for state in ("MASTER_PRIORITY", "BACKUP_PRIORITY"):
            self.assertEqual(self.argvs(state), [])

    def test_group(self) -> None:
        """A group is told as GROUP."""
        self.assertEqual(
            self.argvs("MASTER", "GROUP")[1],
            ("/n/always", "arg", "GROUP", "VI_1", "MASTER", "150"),
        )

    def test_nothing_configured(self) -> None:
        """Without scripts nothing is run."""
        self.assertEqual(list(scripts(event("MASTER", Notify()))), [])

    def test_only_one_of_them(self) -> None:
        """Each of the two kinds is run without the other."""
        alone = Notify(always=Script(("/a",), "u", "g"))
        self.assertEqual(
            list(scripts(event("BACKUP", alone))),
            [Script(("/a", "INSTANCE", "VI_1", "BACKUP", "150"), "u", "g")],
        )
        alone = Notify(backup=Script(("/b",)))
        self.assertEqual(list(scripts(event("BACKUP", alone))), [Script(("/b",))])


class MessengerTestCase(SynchronousTestCase):
    """A messenger with programs and a clock of the test."""

    def setUp(self) -> None:
        """As an ordinary user: nobody else's identity comes in."""
        self.patch(os, "geteuid", lambda: 1000)
        self.clock, self.programs = Clock(), Programs()
        self.world = SimpleNamespace(clock=self.clock, processes=self.programs)
        self.messenger = ScriptMessenger(self.world, GlobalDefs())

    def idle(self) -> list[None]:
        """Gets one element when all has been delivered."""
        told: list[None] = []
        self.messenger.idle().addCallback(told.append)
        return told

    def messages(self) -> list[str]:
        """The log lines from now on."""
        lines: list[str] = []

        class Log:
            def warn(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

            error = warn

        self.patch(ScriptMessenger, "log", Log())
        return lines


class OrderTests(MessengerTestCase):
    """One after the other for one object, at once for different ones."""

    def test_contract(self) -> None:
        """The plug-in is a notifier, and what it makes is a messenger."""
        self.assertTrue(INotifier.providedBy(scriptNotifier))
        made = scriptNotifier.make(self.world, GlobalDefs())
        self.assertTrue(IMessenger.providedBy(made))

    def test_one_object(self) -> None:
        """The next script of an object starts when the one before has ended."""
        self.messenger.notify(event("BACKUP"))
        self.messenger.notify(event("MASTER"))
        expected = ["/n/backup", "/n/always", "/n/master", "/n/always"]
        for number in range(4):
            self.assertEqual(self.programs.started, expected[: number + 1])
            self.programs.runs[number].end()
        self.assertEqual(self.programs.started, expected)
        self.assertEqual(self.programs.runs[2].argv[1:], ["one", "two words"])

    def test_different_objects(self) -> None:
        """Objects do not wait for each other; a group is not its namesake."""
        only = Notify(master=Script(("/m",)))
        self.messenger.notify(event("MASTER", only, "VI_1"))
        self.messenger.notify(event("MASTER", only, "VI_2"))
        self.messenger.notify(Event("GROUP", "VI_1", "MASTER", 0, only))
        self.assertEqual(self.programs.started, ["/m"] * 3)

    def test_again_after_all_has_ended(self) -> None:
        """An object whose scripts have ended starts the next at once."""
        only = Notify(master=Script(("/m",)))
        for number in range(3):
            self.messenger.notify(event("MASTER", only))
            self.assertEqual(len(self.programs.runs), number + 1)
            self.programs.runs[number].end()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failing_scripts(self) -> None:
        """A script that fails is logged, and the next one starts."""
        lines = self.messages()
        self.messenger.notify(event("MASTER"))
        self.programs.runs[0].end(3)
        self.programs.runs[1].done.callback(Exit(None, 9))
        self.assertEqual(
            lines,
            ["/n/master exited with status 3", "/n/always killed by signal 9"],
        )

    def test_cannot_start(self) -> None:
        """A script that cannot be started is logged, and the next one starts."""
        lines = self.messages()
        self.programs.refuse["/n/master"] = OSError(ENOENT, "No such file", "/n/master")
        self.messenger.notify(event("MASTER"))
        self.assertEqual(self.programs.started, ["/n/master", "/n/always"])
        self.assertEqual(len(lines), 1)
        self.assertIn("cannot run /n/master", lines[0])
        self.assertIn("No such file", lines[0])

    def test_unknown_user(self) -> None:
        """An unknown user is such a failure too."""
        lines = self.messages()
        self.programs.refuse["/n/always"] = KeyError("name not found: 'x'")
        self.messenger.notify(event("MASTER"))
        self.programs.runs[0].end()
        self.assertIn("cannot run /n/always", lines[0])
        self.assertEqual(len(self.idle()), 1)

    def test_without_interpreter(self) -> None:
        """A script without #! line is read by the shell, with its arguments."""
        problem = OSError(ENOEXEC, "Exec format error")
        self.programs.refuse["/n/master"] = problem
        self.messenger.notify(event("MASTER"))
        self.assertEqual(
            [run.argv for run in self.programs.runs],
            [
                ["/n/master", "one", "two words"],
                ["/bin/sh", "/n/master", "one", "two words"],
            ],
        )
        self.programs.runs[1].end()
        self.assertEqual(self.programs.started[2:], ["/n/always"])

    def test_command_without_path(self) -> None:
        """A command without path is looked up in PATH."""
        only = Notify(master=Script(("sh", "-c", ":")))
        self.messenger.notify(event("MASTER", only))
        argv = self.programs.runs[0].argv
        self.assertEqual((os.path.isabs(argv[0]), argv[1:]), (True, ["-c", ":"]))


class PatienceTests(MessengerTestCase):
    """A script that hangs holds up nobody for long."""

    def test_impatient(self) -> None:
        """After 30 s the next script starts, and the slow one is left running."""
        lines = self.messages()
        self.messenger.notify(event("MASTER"))
        self.clock.advance(PATIENCE - 0.001)
        self.assertEqual((self.programs.started, lines), (["/n/master"], []))
        self.clock.advance(0.001)
        self.assertEqual(self.programs.started, ["/n/master", "/n/always"])
        self.assertEqual(
            lines,
            ["/n/master has been running for 30.0 s: not waiting for it any longer"],
        )

    def test_slow_one_ends_later(self) -> None:
        """The end of the slow one starts nothing a second time."""
        self.messenger.notify(event("MASTER"))
        self.messenger.notify(event("BACKUP"))
        self.clock.advance(PATIENCE)
        self.programs.runs[0].end()
        self.assertEqual(self.programs.started, ["/n/master", "/n/always"])
        self.programs.runs[1].end()
        self.assertEqual(self.programs.started[2:], ["/n/backup"])

    def test_each_has_its_own_time(self) -> None:
        """The time of a script counts from its own start."""
        self.messenger.notify(event("MASTER"))
        self.clock.advance(20)
        self.programs.runs[0].end()
        self.clock.advance(20)
        self.messenger.notify(event("BACKUP"))
        self.assertEqual(len(self.programs.runs), 2)

    def test_hurry_at_the_end(self) -> None:
        """At STOP the waits in progress and all later ones are short."""
        self.messenger.notify(event("MASTER"))
        self.messenger.notify(event("STOP"))
        for number in range(1, 4):
            self.assertEqual(len(self.programs.runs), number)
            self.clock.advance(LAST_PATIENCE)
        self.assertEqual(
            self.programs.started, ["/n/master", "/n/always", "/n/stop", "/n/always"]
        )

    def test_hurry_without_stop_script(self) -> None:
        """At STOP all hurries, even where nothing is to be run for STOP itself."""
        both = Notify(master=Script(("/m",)), backup=Script(("/b",)))
        self.messenger.notify(event("MASTER", both))
        self.messenger.notify(event("BACKUP", both))
        self.messenger.notify(event("STOP", both))
        self.clock.advance(LAST_PATIENCE)
        self.assertEqual(self.programs.started, ["/m", "/b"])

    def test_hurry_makes_nobody_slower(self) -> None:
        """Who has almost used up its time gets none back at STOP."""
        self.messenger.notify(event("MASTER"))
        self.clock.advance(PATIENCE - 0.05)
        self.messenger.notify(event("STOP"))
        self.clock.advance(0.05)
        self.assertEqual(len(self.programs.runs), 2)

    def test_idle(self) -> None:
        """idle() fires when all scripts have ended, at once if there is none."""
        self.assertEqual(len(self.idle()), 1)
        self.messenger.notify(event("MASTER"))
        first, second = self.idle(), self.idle()
        self.programs.runs[0].end()
        self.assertEqual((first, second), ([], []))
        self.programs.runs[1].end(1)
        self.assertEqual((len(first), len(second)), (1, 1))

    def test_idle_waits_for_those_left_running(self) -> None:
        """A script that nobody waits for any longer still keeps idle() back."""
        self.messenger.notify(event("MASTER"))
        self.clock.advance(PATIENCE)
        told = self.idle()
        self.programs.runs[1].end()
        self.assertEqual(told, [])
        self.programs.runs[0].end()
        self.assertEqual(len(told), 1)


class UserTests(MessengerTestCase):
    """Who the scripts run as."""

    def identity(self, script: Script, global_defs: GlobalDefs) -> Any:
        """The user and group that a script is started with."""
        self.messenger.reconfigure(global_defs)
        self.messenger.notify(event("MASTER", Notify(master=script)))
        run = self.programs.runs[-1]
        run.end()
        return (run.user, run.group)

    def test_own_user(self) -> None:
        """The script's own user comes first, with its group."""
        defs = GlobalDefs(script_user="all", script_group="every")
        self.assertEqual(self.identity(Script(("/m",), "me", "us"), defs), ("me", "us"))
        self.assertEqual(self.identity(Script(("/m",), "me"), defs), ("me", None))

    def test_script_user(self) -> None:
        """Then script_user of the global definitions."""
        defs = GlobalDefs(script_user="all", script_group="every")
        self.assertEqual(self.identity(Script(("/m",)), defs), ("all", "every"))

    def test_default(self) -> None:
        """Else keepalived_script, or ourselves."""
        self.patch(module, "default_user", lambda: "somebody")
        self.assertEqual(
            self.identity(Script(("/m",)), GlobalDefs()), ("somebody", None)
        )

    def test_default_user(self) -> None:
        """keepalived_script only where root runs us and only if it exists."""
        entry = SimpleNamespace(pw_name=DEFAULT_USER)
        self.patch(pwd, "getpwnam", {DEFAULT_USER: entry}.__getitem__)
        self.assertIsNone(default_user())
        self.patch(os, "geteuid", lambda: 0)
        self.assertEqual(default_user(), DEFAULT_USER)
        self.patch(pwd, "getpwnam", {}.__getitem__)
        self.assertIsNone(default_user())
