"""smtp_alert: a mail about each change of state.

keepalived.conf(5). Subjects and bodies are keepalived's. Other than there, a mail that
cannot be sent is kept (L{hanode.spool}) and tried again, and it can go by STARTTLS and
with a login. Mails go one after the other, in the order of what they tell; nobody waits
for them. The same state of one object is not mailed twice in a row.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTCP
from twisted.logger import Logger
from twisted.plugin import IPlugin
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode.config.model import GlobalDefs
from hanode.config.notify_model import Mail
from hanode.events import Event, ServerEvent
from hanode.interfaces import IMessenger, INotifier
from hanode.letter import Letter, compose, wanted
from hanode.spool import Spool

FIRST, LONGEST = 2.0, 60.0  # seconds before the next try, twice as long each time
OLD = 5 * 86400.0  # seconds after which a mail is given up (RFC 5321, 4.5.4.1)
STATE = "/var/lib/hanode"


@implementer(IMessenger)
class EmailMessenger:
    """Sends the mails of one node.

    @param submit: as L{hanode.submission.submit}, which is loaded when it is needed.
    """

    log = Logger()

    def __init__(self, world: Any, global_defs: GlobalDefs, submit: Any = None) -> None:
        self._reactor, self._defs, self._submit = world.clock, global_defs, submit
        self._spool: Spool | None = None
        self._told: dict[tuple[str, str], str] = {}
        self._sending: Deferred[Any] | None = None
        self._again: IDelayedCall | None = None
        self._pause = FIRST
        self._problem = ""  # as logged
        self._idle: list[Deferred[None]] = []

    @property
    def _mail(self) -> Mail:
        return self._defs.notify.mail

    # -- life

    def start(self) -> None:
        """See L{IMessenger.start}; what an earlier process has left is sent."""
        if not IReactorTCP.providedBy(self._reactor):
            return  # a rehearsal sends no mail
        if self._mail.server and self._mail.recipients:
            self._spool = Spool(folder(self._mail), self._mail.most)
            self._spool.open()
            self._next()

    def reconfigure(self, global_defs: GlobalDefs) -> None:
        """See L{IMessenger.reconfigure}."""
        old, self._defs = self._mail, global_defs
        if old == self._mail:
            return
        self._cancel()
        if self._spool is not None:
            if folder(old) == folder(self._mail) and self._mail.server:
                self._spool.most = self._mail.most
                self._next()
                return
            self._spool.close()
            self._spool = None
        self.start()

    def idle(self) -> Deferred[None]:
        """See L{IMessenger.idle}; what waits for its next try counts as failed."""
        if self._sending is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        return done

    def close(self) -> Deferred[None]:
        """See L{IMessenger.close}; what is on disk is for the next start."""
        self._cancel()
        if self._spool is not None:
            self._spool.close()
            self._spool = None
        self._settle()
        return succeed(None)

    def _cancel(self) -> None:
        if self._again is not None and self._again.active():
            self._again.cancel()
        self._again = None
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.cancel()
        self._pause, self._problem = FIRST, ""

    # -- what happens

    def notify(self, event: Event | ServerEvent) -> None:
        """See L{IMessenger.notify}."""
        if self._spool is None or not wanted(event, self._mail):
            return
        sender = self._mail.sender or f"{_user()}@{socket.gethostname()}"
        node = self._defs.router_id or socket.gethostname()
        letter = compose(event, self._mail, sender, node, time.time())
        if letter is None or self._is_known(event):
            return
        self._spool.put(letter)
        self._next()

    def _is_known(self, event: Event | ServerEvent) -> bool:
        if event.kind == "CHECK":  # its verdicts alternate, and several have one name
            return False
        key = event.kind, event.name
        known = self._told.get(key) == event.state
        self._told[key] = event.state
        if isinstance(event, Event) and event.last:
            del self._told[key]
        return known

    # -- sending

    def _next(self) -> None:
        """Send the oldest, unless something is under way."""
        if self._sending is not None or self._again is not None:
            return
        letter = None if self._spool is None else self._spool.first()
        if letter is None:
            self._settle()
            return
        if self._submit is None:
            from hanode.submission import submit

            self._submit = submit
        helo = self._mail.helo or socket.gethostname()
        self._sending = sending = self._submit(self._reactor, letter, self._mail, helo)
        sending.addCallbacks(self._sent, self._failed, errbackArgs=(letter,))
        sending.addErrback(lambda failure: self.log.failure("mail", failure))

    def _sent(self, left_out: tuple[str, ...]) -> None:
        if left_out:
            self.log.warn(
                "{server} does not know {names}",
                server=self._mail.server,
                names=", ".join(left_out),
            )
        self.log.info("SMTP alert successfully sent.")
        self._pause, self._problem = FIRST, ""
        self._done()

    def _failed(self, failure: Failure, letter: Letter) -> None:
        if failure.check(CancelledError) and self._sending is None:
            return  # we did that
        reason = failure.getErrorMessage()
        if getattr(failure.value, "permanent", False):
            self.log.error(
                "{server} refuses a mail for good: {reason}",
                server=self._mail.server,
                reason=reason,
            )
            self._done()
        elif time.time() - letter.created > OLD:
            self.log.error("a mail is given up after 5 days: {reason}", reason=reason)
            self._done()
        else:
            self._try_later(reason)

    def _done(self) -> None:
        """The oldest is off our hands."""
        assert self._spool is not None, "who sends has a spool"
        self._sending = None
        self._spool.drop()
        # Not at once: a thousand mails that fail at once would be a deep recursion.
        self._again = self._reactor.callLater(0, self._go_on)

    def _try_later(self, reason: str) -> None:
        self._sending = None
        if reason != self._problem:
            self._problem = reason
            self.log.warn(
                "cannot send mail by {server}: {reason}; {n} waiting, trying again",
                server=self._mail.server,
                reason=reason,
                n=len(self._spool or ()),
            )
        self._again = self._reactor.callLater(self._pause, self._go_on)
        self._pause = min(2 * self._pause, LONGEST)
        self._settle()

    def _go_on(self) -> None:
        self._again = None
        self._next()

    def _settle(self) -> None:
        waiting, self._idle = self._idle, []
        for done in waiting:
            done.callback(None)


def folder(mail: Mail) -> str:
    """Where mail waits: as configured, else where systemd or Debian put such things."""
    if mail.spool:
        return mail.spool
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd.exec(5)
    return os.path.join(given or STATE, mail.name)


def _user() -> str:
    try:
        return getpass.getuser()
    except KeyError:
        return str(os.geteuid())


@implementer(IPlugin, INotifier)
class EmailNotifier:
    """The plug-in."""

    keyword = "email"

    def make(self, world: Any, global_defs: GlobalDefs) -> EmailMessenger:
        """See L{INotifier.make}."""
        return EmailMessenger(world, global_defs)


emailNotifier = EmailNotifier()
