"""Claims about notify FIFOs, with real ones and programs of the test."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hanode.config.model import GlobalDefs, Notify, Script
from hanode.config.notify_model import Fifo, Fifos, NotifyDefs
from hanode.events import Event, ServerEvent
from hanode.interfaces import IMessenger, INotifier
from hanode.notifiers import fifo as module
from hanode.notifiers.fifo import Channel, FifoMessenger, fifoNotifier, line
from tests.notifiers.test_script import Programs
from tests.turns import Turns

PIPE = 65536


def vrrp(state: str, name: str = "VI_1", priority: int = 150, **more: Any) -> Event:
    """An instance, or a group, is now in this state."""
    kind = more.pop("kind", "INSTANCE")
    return Event(kind, name, state, priority, Notify(), **more)


def server(kind: str, name: str, state: str) -> ServerEvent:
    """A server is now in this state."""
    return ServerEvent(kind, name, state)


class LineTests(SynchronousTestCase):
    """The bytes."""

    def test_vrrp(self) -> None:
        """Kind, name in quotes, state, priority."""
        states = (
            *("MASTER", "BACKUP", "FAULT", "STOP", "DELETED"),
            *("MASTER_RX_LOWER_PRI", "MASTER_PRIORITY", "BACKUP_PRIORITY"),
        )
        for state in states:
            wanted = f'INSTANCE "VI_1" {state} 150\n'.encode()
            self.assertEqual(line(vrrp(state)), wanted)
        group = vrrp("MASTER", "G1", 0, kind="GROUP")
        self.assertEqual(line(group), b'GROUP "G1" MASTER 0\n')

    def test_servers(self) -> None:
        """A real server has its virtual server behind it."""
        real, virtual = "[1.2.3.4]:tcp:80", "[192.168.201.15]:tcp:80"
        lines = [
            line(server("VS", virtual, "UP")),
            line(server("RS", f"{real}/{virtual}", "DOWN")),
            line(server("VS", "[WEB]:80", "UP")),
            line(server("RS", f"{real}/FWM 3", "UP")),
        ]
        wanted = [
            b"VS [192.168.201.15]:tcp:80 UP\n",
            b"RS [1.2.3.4]:tcp:80 [192.168.201.15]:tcp:80 DOWN\n",
            b"VS [WEB]:80 UP\n",
            b"RS [1.2.3.4]:tcp:80 FWM 3 UP\n",
        ]
        self.assertEqual(lines, wanted)


class FifoCase(SynchronousTestCase):
    """A messenger with three FIFOs."""

    def setUp(self) -> None:
        """It is started."""
        self.patch(os, "geteuid", lambda: os.getuid())
        self.reactor, self.programs = Turns(), Programs()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.world = SimpleNamespace(clock=self.reactor, processes=self.programs)
        self.fifos = Fifos(self.fifo("all"), self.fifo("vrrp"), self.fifo("lvs"))
        self.lines: list[str] = []
        lines = self.lines

        class Log:
            def error(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

            warn = error

        for each in (FifoMessenger, Channel):
            self.patch(each, "log", Log())

    def fifo(self, name: str, **more: Any) -> Fifo:
        """A FIFO in the test's own folder."""
        return Fifo(str(self.folder / name), **more)

    def defs(self, **changes: Any) -> GlobalDefs:
        """The settings, with other FIFOs."""
        return GlobalDefs(notify=NotifyDefs(replace(self.fifos, **changes)))

    def messenger(self, **changes: Any) -> FifoMessenger:
        """One that has started."""
        made = fifoNotifier.make(self.world, self.defs(**changes))
        made.start()
        self.addCleanup(made.close)
        return made

    def reader(self, name: str) -> int:
        """Somebody opens a FIFO."""
        fd = os.open(self.folder / name, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, fd)
        self.reactor.turn()
        return fd

    def read(self, fd: int) -> str:
        """What there is to read."""
        try:
            return os.read(fd, PIPE).decode()
        except BlockingIOError:
            return ""


class MessengerTests(FifoCase):
    """Who is told what."""

    def test_contract(self) -> None:
        """The plug-in is a notifier, and what it makes is a messenger."""
        self.assertTrue(INotifier.providedBy(fifoNotifier))
        verifyObject(IMessenger, self.messenger())

    def test_which(self) -> None:
        """notify_fifo has everything, the two others their half."""
        messenger = self.messenger()
        messenger.notify(vrrp("BACKUP"))
        messenger.notify(server("VS", "[::1]:tcp:80", "UP"))
        told = {name: self.read(self.reader(name)) for name in ("all", "vrrp", "lvs")}
        one, other = 'INSTANCE "VI_1" BACKUP 150\n', "VS [::1]:tcp:80 UP\n"
        self.assertEqual(told, {"all": one + other, "vrrp": one, "lvs": other})

    def test_none(self) -> None:
        """Without FIFOs nothing happens."""
        messenger = self.messenger(everything=None, vrrp=None, servers=None)
        messenger.notify(vrrp("BACKUP"))
        self.successResultOf(messenger.idle())
        self.successResultOf(messenger.close())
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_rehearsal(self) -> None:
        """Without a reactor that reads and writes there is no FIFO."""
        world = SimpleNamespace(clock=Clock(), processes=self.programs)
        messenger = FifoMessenger(world, self.defs())
        messenger.start()
        messenger.notify(vrrp("BACKUP"))
        messenger.reconfigure(self.defs(vrrp=None))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_close(self) -> None:
        """What was made is removed."""
        messenger = self.messenger()
        self.assertEqual(len(list(self.folder.iterdir())), 3)
        self.successResultOf(messenger.close())
        self.assertEqual(list(self.folder.iterdir()), [])
        self.assertEqual((self.reactor.readers, self.reactor.writers), (set(), set()))

    def test_refused(self) -> None:
        """What cannot be used is logged, and the others are used."""
        (self.folder / "vrrp").write_text("")
        everything = self.fifo("no/such/folder")
        servers = self.fifo("lvs", user="no-such-user")
        messenger = self.messenger(everything=everything, servers=servers)
        messenger.notify(vrrp("BACKUP"))
        start = f"notify FIFO {self.folder}"
        self.assertEqual(
            self.lines,
            [
                f"{start}/no/such/folder is not used: No such file or directory",
                f"{start}/vrrp is not used: there is something that is no FIFO: move"
                " it away",
                f"{start}/lvs is not used: Invalid user/group - ignoring: getpwnam():"
                " name not found: 'no-such-user'",
            ],
        )

    def test_idle(self) -> None:
        """It waits for what had no room in a pipe."""
        messenger = self.messenger(vrrp=None, servers=None)
        for _ in range(4000):
            messenger.notify(vrrp("BACKUP"))
        done = messenger.idle()
        self.assertNoResult(done)
        reader = self.reader("all")
        while self.read(reader):
            self.reactor.turn()
        self.successResultOf(done)


class ReloadTests(FifoCase):
    """A reload touches what has changed."""

    def test_unchanged(self) -> None:
        """A FIFO that is in both configurations is the same one."""
        messenger = self.messenger()
        before = os.stat(self.folder / "all").st_ino
        messenger.reconfigure(self.defs(vrrp=None, servers=self.fifo("new")))
        self.assertEqual(os.stat(self.folder / "all").st_ino, before)
        names = sorted(each.name for each in self.folder.iterdir())
        self.assertEqual(names, ["all", "new"])

    def test_states(self) -> None:
        """fifo_write_vrrp_states_on_reload writes the states of VRRP again."""
        messenger = self.messenger(states_on_reload=True)
        reader = self.reader("all")
        for event in (
            vrrp("BACKUP"),
            vrrp("MASTER"),
            vrrp("MASTER_PRIORITY", priority=140),
            vrrp("MASTER_RX_LOWER_PRI"),
            vrrp("MASTER", "G", 0, kind="GROUP"),
            vrrp("MASTER", "VI_2"),
            vrrp("FAULT", "VI_2", 0, last=True),
            server("VS", "x", "UP"),
        ):
            messenger.notify(event)
        self.read(reader)
        messenger.reconfigure(self.defs(states_on_reload=True))
        self.reactor.advance(0)
        wanted = 'INSTANCE "VI_1" MASTER 140\nGROUP "G" MASTER 0\n'
        self.assertEqual(self.read(reader), wanted)
        messenger.reconfigure(self.defs())
        self.reactor.advance(0)
        self.assertEqual(self.read(reader), "")


class ReplayTests(FifoCase):
    """fifo_replay: who begins to read is told how things stand."""

    def setUp(self) -> None:
        """Two instances have a state."""
        super().setUp()
        self.told = self.messenger(vrrp=None, servers=None, replay=True)
        for event in (vrrp("BACKUP"), vrrp("MASTER"), vrrp("FAULT", "VI_2")):
            self.told.notify(event)
        self.history = (
            'INSTANCE "VI_1" BACKUP 150\n'
            'INSTANCE "VI_1" MASTER 150\n'
            'INSTANCE "VI_2" FAULT 150\n'
        )
        self.states = "".join(self.history.splitlines(True)[1:])

    def test_history(self) -> None:
        """Who finds all of it in the pipe is told nothing twice."""
        self.assertEqual(self.read(self.reader("all")), self.history)

    def test_next_reader(self) -> None:
        """Who comes later is told the states, and what has happened meanwhile."""
        first = os.open(self.folder / "all", os.O_RDONLY | os.O_NONBLOCK)
        self.reactor.turn()
        os.read(first, PIPE)
        os.close(first)
        self.reactor.turn()
        self.told.notify(vrrp("BACKUP", "VI_2"))
        meanwhile = 'INSTANCE "VI_2" BACKUP 150\n'
        second = self.reader("all")
        wanted = meanwhile + self.states.splitlines(True)[0]
        self.assertEqual(self.read(second), wanted)
        third = self.reader("all")
        self.assertEqual((self.read(second), self.read(third)), ("", ""))

    def test_waiting(self) -> None:
        """What waits for room in the pipe is not repeated."""
        reader = os.open(self.folder / "all", os.O_RDONLY | os.O_NONBLOCK)
        os.close(reader)
        self.reactor.turn()
        for _ in range(3000):
            self.told.notify(vrrp("BACKUP", "VI_3"))
        data, reader = "", self.reader("all")
        while more := self.read(reader):
            data += more
            self.reactor.turn()
        self.assertEqual(data, self.history + 'INSTANCE "VI_3" BACKUP 150\n' * 3000)

    def test_impossible(self) -> None:
        """Without inotify there is no replay, and that is said."""

        def refuse(*_: object) -> None:
            raise OSError("too many")

        self.patch(module, "Openings", refuse)
        self.messenger(everything=self.fifo("x"), vrrp=None, replay=True)
        self.assertEqual(self.lines[-1], "fifo_replay is not possible: too many")


class ScriptTests(FifoCase):
    """notify_fifo_script."""

    def test_argv(self) -> None:
        """It gets the path of the FIFO behind its own arguments, and ends with it."""
        script = Script(("/r", "one"), "nobody", ":")
        messenger = self.messenger(everything=self.fifo("all", script=script))
        (run,) = self.programs.runs
        wanted = (["/r", "one", str(self.folder / "all")], "nobody", ":")
        self.assertEqual((run.argv, run.user, run.group), wanted)
        closed = messenger.close()
        self.assertNoResult(closed)
        run.end()
        self.successResultOf(closed)


class OwnerTests(SynchronousTestCase):
    """Whom a FIFO belongs to."""

    def test_owner(self) -> None:
        """The user behind the path, else script_user, else nobody in particular."""
        defs = GlobalDefs(script_user="nobody", set_supplementary_groups=True)
        owner = module.owner
        self.patch(os, "geteuid", lambda: 1)
        self.assertEqual(owner(Fifo("/f"), defs), (65534, 65534))
        self.assertEqual(owner(Fifo("/f", "root", ":daemon"), defs), (0, 1))
        self.assertEqual(owner(Fifo("/f"), GlobalDefs()), (-1, -1))
