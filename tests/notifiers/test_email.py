"""Claims about mails: when they are sent, and what becomes of those that cannot be."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import directlyProvides
from zope.interface.verify import verifyObject

from hanode.config.model import GlobalDefs, Notify
from hanode.config.notify_model import Mail, NotifyDefs
from hanode.events import Event, ServerEvent
from hanode.interfaces import IMessenger, INotifier
from hanode.letter import Letter
from hanode.notifiers import email as module
from hanode.notifiers.email import (
    FIRST,
    LONGEST,
    OLD,
    EmailMessenger,
    emailNotifier,
    folder,
)
from hanode.spool import Spool
from hanode.submission import Refused
from tests.mail_server import MailServer


def vrrp(state: str, name: str = "VI_1", **more: Any) -> Event:
    """An instance with smtp_alert is now in this state."""
    return Event("INSTANCE", name, state, 100, Notify(), True, **more)


class Case(SynchronousTestCase):
    """A messenger whose server is the test."""

    def setUp(self) -> None:
        """Nothing was sent."""
        self.clock = Clock()
        directlyProvides(self.clock, IReactorTCP)
        self.sent: list[tuple[str, Deferred[Any]]] = []
        self.helos: list[str] = []
        self.mail = Mail(
            ("ops@x",), server="mail.x", sender="ka@x", spool=self.mktemp()
        )
        self.lines: list[str] = []
        lines = self.lines

        class Log:
            def error(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

            info = warn = error

            def failure(self, text: str, failure: Any) -> None:
                raise failure.value

        self.patch(EmailMessenger, "log", Log())
        self.patch(Spool, "log", Log())
        self.now = 1.7e9
        self.patch(module.time, "time", lambda: self.now)

    def submit(self, reactor: Any, letter: Letter, mail: Mail, helo: str) -> Any:
        """A mail goes out."""
        subject = letter.data.decode().split("\n")[2]
        done: Deferred[Any] = Deferred()
        self.helos.append(helo)
        self.sent.append((subject.partition(" - ")[2], done))
        return done

    def messenger(self, **changes: Any) -> EmailMessenger:
        """One that has started."""
        world = SimpleNamespace(clock=self.clock)
        made = EmailMessenger(world, self.defs(**changes), self.submit)
        made.start()
        self.addCleanup(made.close)
        return made

    def defs(self, **changes: Any) -> GlobalDefs:
        """The settings, with another mail."""
        mail = replace(self.mail, **changes)
        return GlobalDefs(router_id="R", notify=NotifyDefs(mail=mail))

    def taken(self, left_out: tuple[str, ...] = ()) -> None:
        """The server takes the last mail."""
        self.sent[-1][1].callback(left_out)
        self.clock.advance(0)

    def subjects(self) -> list[str]:
        """What was sent."""
        return [subject for subject, _ in self.sent]


class SendingTests(Case):
    """Mails go one after the other."""

    def test_contract(self) -> None:
        """The plug-in is a notifier, and what it makes is a messenger."""
        self.assertTrue(INotifier.providedBy(emailNotifier))
        made = emailNotifier.make(SimpleNamespace(clock=Clock()), GlobalDefs())
        verifyObject(IMessenger, made)
        made.start()
        made.notify(vrrp("MASTER"))
        self.successResultOf(made.idle())
        self.successResultOf(made.close())

    def test_order(self) -> None:
        """The next one goes when the one before was taken."""
        messenger = self.messenger(helo="me")
        for state in ("BACKUP", "MASTER", "FAULT"):
            messenger.notify(vrrp(state))
        idle = messenger.idle()
        self.assertEqual(self.subjects(), ["Entering BACKUP state"])
        self.taken()
        self.taken(("b@x",))
        self.assertNoResult(idle)
        self.taken()
        self.successResultOf(idle)
        states = [f"Entering {each} state" for each in ("BACKUP", "MASTER", "FAULT")]
        self.assertEqual((self.subjects(), self.helos), (states, ["me"] * 3))
        done = "SMTP alert successfully sent."
        self.assertEqual(self.lines, [done, "mail.x does not know b@x", done, done])

    def test_twice(self) -> None:
        """The same state of one object is mailed once in a row."""
        messenger = self.messenger()
        real, check = "r/v", "TCP_CHECK"
        for event in (
            vrrp("BACKUP"),
            vrrp("BACKUP"),
            vrrp("BACKUP", "VI_2"),
            vrrp("MASTER"),
            vrrp("MASTER_RX_LOWER_PRI"),
            vrrp("BACKUP", last=True),
            vrrp("BACKUP"),
            ServerEvent("CHECK", real, "UP", None, "", True, check),
            ServerEvent("CHECK", real, "UP", None, "", True, check),
        ):
            messenger.notify(event)
        while len(self.sent) < 7:
            self.taken()
        self.taken()
        backup = "Entering BACKUP state"
        master = "Entering MASTER state"
        wanted = [backup, backup, master, backup, backup, "UP", "UP"]
        self.assertEqual(self.subjects(), wanted)

    def test_not_wanted(self) -> None:
        """Without smtp_alert, or without a server, there is none."""
        self.messenger().notify(Event("INSTANCE", "V", "MASTER", 1, Notify()))
        self.messenger(server="").notify(vrrp("MASTER"))
        self.assertEqual(self.sent, [])

    def test_defaults(self) -> None:
        """Sender and greeting are this machine's own."""
        self.patch(module.socket, "gethostname", lambda: "host")
        self.patch(module.getpass, "getuser", lambda: "root")
        messenger = self.messenger(sender="")
        messenger._defs = replace(messenger._defs, router_id="")
        messenger.notify(vrrp("MASTER"))
        assert messenger._spool is not None
        letter = messenger._spool.first()
        assert letter is not None
        self.assertEqual((letter.sender, self.helos), ("root@host", ["host"]))
        self.assertIn(b"Subject: [host] ", letter.data)

        def nobody() -> str:
            raise KeyError("no such user")

        self.patch(module.getpass, "getuser", nobody)
        self.assertEqual(module._user(), str(os.geteuid()))


class FailureTests(Case):
    """What cannot be sent is kept."""

    def fail(self, problem: Exception) -> None:
        """The last mail could not be sent."""
        self.sent[-1][1].errback(problem)

    def test_again(self) -> None:
        """It is tried again, later and later; one line for each reason."""
        messenger = self.messenger()
        messenger.notify(vrrp("MASTER"))
        idle = messenger.idle()
        pauses = []
        for number in range(7):
            self.fail(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
            before = self.clock.seconds()
            while len(self.sent) == number + 1:
                self.clock.advance(1)
            pauses.append(self.clock.seconds() - before)
        self.successResultOf(idle)
        self.assertEqual(pauses, [FIRST, 4, 8, 16, 32, LONGEST, LONGEST])
        self.assertEqual(len(self.lines), 1)
        self.assertIn("cannot send mail by mail.x: ", self.lines[0])
        self.assertIn("; 1 waiting, trying again", self.lines[0])
        self.taken()
        messenger.notify(vrrp("BACKUP"))
        self.fail(Refused("451 later"))
        self.clock.advance(FIRST)
        self.assertEqual(len(self.sent), 10)

    def test_meanwhile(self) -> None:
        """What comes meanwhile waits behind it."""
        messenger = self.messenger()
        messenger.notify(vrrp("MASTER"))
        self.fail(Refused("451 later"))
        messenger.notify(vrrp("BACKUP"))
        self.assertEqual(len(self.sent), 1)
        self.clock.advance(FIRST)
        self.taken()
        self.assertEqual(
            self.subjects()[-2:], ["Entering MASTER state", "Entering BACKUP state"]
        )

    def test_for_good(self) -> None:
        """What is refused for good is dropped; the next one goes."""
        messenger = self.messenger()
        messenger.notify(vrrp("MASTER"))
        messenger.notify(vrrp("BACKUP"))
        self.fail(Refused("550 spam", True))
        self.assertEqual(self.lines, ["mail.x refuses a mail for good: 550 spam"])
        self.clock.advance(0)
        self.assertEqual(len(self.sent), 2)

    def test_too_old(self) -> None:
        """After five days a mail is given up."""
        messenger = self.messenger()
        messenger.notify(vrrp("MASTER"))
        self.now += OLD + 1
        self.fail(Refused("451 later"))
        self.assertEqual(self.lines, ["a mail is given up after 5 days: 451 later"])
        self.clock.advance(0)
        self.successResultOf(messenger.idle())


class LifeTests(Case):
    """Start, reload, end."""

    def test_restart(self) -> None:
        """What was not sent is sent by the next process."""
        messenger = self.messenger()
        messenger.notify(vrrp("MASTER"))
        messenger.notify(vrrp("STOP"))
        idle = messenger.idle()
        self.successResultOf(messenger.close())
        self.successResultOf(idle)
        self.failureResultOf(self.sent[0][1]) if not self.sent[0][1].called else None
        self.messenger()
        self.taken()
        self.assertEqual(self.subjects()[1:], ["Entering MASTER state", "Stopping"])
        self.assertEqual(self.lines, ["SMTP alert successfully sent."])

    def test_reload(self) -> None:
        """Another server gets what waits; an equal configuration changes nothing."""
        messenger = self.messenger()
        messenger.notify(vrrp("MASTER"))
        messenger.reconfigure(self.defs())
        self.assertEqual(len(self.sent), 1)
        messenger.reconfigure(self.defs(server="other.x"))
        self.assertEqual(self.subjects(), ["Entering MASTER state"] * 2)
        messenger.reconfigure(self.defs(spool=self.mktemp()))
        self.assertEqual(len(self.sent), 2)
        messenger.reconfigure(self.defs(server=""))
        messenger.notify(vrrp("BACKUP"))
        self.assertEqual(len(self.sent), 2)
        messenger.reconfigure(self.defs())
        self.assertEqual(len(self.sent), 3)

    def test_reload_while_waiting(self) -> None:
        """A reload tries at once."""
        messenger = self.messenger()
        messenger.notify(vrrp("MASTER"))
        self.sent[-1][1].errback(Refused("451 later"))
        messenger.reconfigure(self.defs(server="other.x"))
        self.assertEqual(len(self.sent), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_folder(self) -> None:
        """Where mail waits: as written, systemd's, the usual."""
        self.patch(module.os, "environ", {"STATE_DIRECTORY": "/var/lib/x:/var/lib/y"})
        self.assertEqual(folder(Mail(spool="/s")), "/s")
        self.assertEqual(folder(Mail(name="mail_a")), "/var/lib/x/mail_a")
        self.patch(module.os, "environ", {})
        self.assertEqual(folder(Mail()), "/var/lib/hanode/mail")


class RealTests(TestCase):
    """With a real server."""

    async def test_sent(self) -> None:
        """The mail arrives, and nothing is left of it."""
        from twisted.internet import reactor

        server = MailServer()
        self.addCleanup(lambda: Deferred.fromCoroutine(server.close()))
        spool = Path(self.mktemp())
        mail = Mail(
            ("ops@x.example",),
            "ka@x.example",
            "127.0.0.1",
            server.port,
            spool=str(spool),
        )
        world = SimpleNamespace(clock=reactor)
        messenger = EmailMessenger(world, GlobalDefs("R", notify=NotifyDefs(mail=mail)))
        messenger.start()
        messenger.notify(vrrp("MASTER"))
        await messenger.idle()
        self.assertEqual(list(spool.iterdir()), [])
        self.assertIn("Subject: [R] VRRP Instance VI_1 - Entering", server.mails[0])
        await messenger.close()
