"""The part of the model that is about telling others: FIFOs, mail, scripts of the node.

keepalived.conf(5), "Global definitions".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hanode.config.scalars import Script

SMTP_PORT = 25


@dataclass(frozen=True)
class Fifo:
    """One named pipe for events; without C{user} it belongs to script_user.

    C{script} reads it: it is started with the path as its last argument.
    """

    path: str
    user: str | None = None
    group: str | None = None
    script: Script | None = None


@dataclass(frozen=True)
class Fifos:
    """The named pipes: for all events, for those of VRRP, for those of servers.

    C{states_on_reload}: after a reload the states of VRRP are written again.
    C{replay}: all states are written when somebody begins to read. C{mode}: who may
    read them; by default their owner alone, as with keepalived (0644 less umask 0177).
    """

    everything: Fifo | None = None
    vrrp: Fifo | None = None
    servers: Fifo | None = None
    states_on_reload: bool = False
    replay: bool = False
    mode: int = 0o600


@dataclass(frozen=True)
class Mail:
    """Where mail goes, and how. Without C{server} or C{recipients} none is sent.

    C{sender} and C{helo} "" are this machine's own. C{timeout} is in seconds, for each
    step. C{faults}: FAULT is mailed, too. C{every_check}: each check of a real server
    is, and not only the real server. C{tls}: the server must do STARTTLS and have a
    certificate that C{authorities} vouch for ("" for the system's). C{password_file}
    has the password of C{username}. C{spool} is the folder of what waits, "" for the
    usual one, where it is called C{name}; no more than C{most} mails wait.
    """

    recipients: tuple[str, ...] = ()
    sender: str = ""
    server: str = ""
    port: int = SMTP_PORT
    helo: str = ""
    timeout: float = 30.0
    faults: bool = True
    every_check: bool = True
    tls: bool = False
    authorities: str = ""
    username: str = ""
    password_file: str = ""
    spool: str = ""
    name: str = "mail"
    most: int = 1000


@dataclass(frozen=True)
class Bookend:
    """A script of the whole node: it has C{timeout} seconds."""

    script: Script
    timeout: float = 10.0


@dataclass(frozen=True)
class Release:
    """A script that ends before the addresses go, or has had C{timeout} seconds."""

    script: Script
    timeout: float = 5.0


@dataclass(frozen=True)
class NotifyDefs:
    """All of it: C{startup} runs before anything else, C{shutdown} after all."""

    fifos: Fifos = field(default_factory=Fifos)
    mail: Mail = field(default_factory=Mail)
    startup: Bookend | None = None
    shutdown: Bookend | None = None

    def scripts(self) -> Iterator[Script]:
        """The scripts in it."""
        fifos = self.fifos
        for fifo in (fifos.everything, fifos.vrrp, fifos.servers):
            if fifo is not None and fifo.script is not None:
                yield fifo.script
        for bookend in (self.startup, self.shutdown):
            if bookend is not None:
                yield bookend.script
