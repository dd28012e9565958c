"""Where log lines go: standard output, or the system log.

Lines read as keepalived's users grep them. Under systemd each line carries its level
(sd-daemon(3)); the system log is written without ever waiting for it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections import deque
from collections.abc import Callable
from time import localtime, strftime
from typing import IO, Any

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    globalLogBeginner,
)
from twisted.python.threadable import isInIOThread
from zope.interface import implementer

DAEMON = 3  # syslog facility, syslog(3)
SEVERITIES = {
    LogLevel.debug: 7,
    LogLevel.info: 6,
    LogLevel.warn: 4,
    LogLevel.error: 3,
    LogLevel.critical: 2,
}
DEV_LOG = "/dev/log"
LATER = 0.1  # seconds that a line may wait
#: each step of each login is a line of information to them
CHATTY = ("twisted.conch", "hanode.console.login.Connection")


def severity(event: LogEvent) -> int:
    """The syslog severity of C{event} (RFC 5424, section 6.2.1)."""
    return SEVERITIES.get(event.get("log_level", LogLevel.info), 6)


def text(event: LogEvent) -> str:
    """The line of C{event}, and behind it the traceback if it carries one."""
    line = formatEvent(event) or ""
    failure = event.get("log_failure")
    return f"{line}\n{failure.getTraceback()}" if failure is not None else line


def stamped(event: LogEvent) -> str:
    """A line for people: local time to the millisecond, level unless it is info."""
    at = event["log_time"]
    time = strftime("%Y-%m-%dT%H:%M:%S", localtime(at)) + f".{int(at % 1 * 1000):03d}"
    level = event.get("log_level", LogLevel.info)
    mark = "" if level in (LogLevel.info, LogLevel.debug) else f" {level.name}:"
    return f"{time}{mark} {text(event)}\n"


def journal(event: LogEvent) -> str:
    """A line for journald, which has its own clock: level and text."""
    mark = f"<{severity(event)}>"
    return "".join(f"{mark}{line}\n" for line in text(event).splitlines())


@implementer(ILogObserver)
class Stream:
    """Writes lines to a file object."""

    def __init__(self, out: IO[str], line: Callable[[LogEvent], str]) -> None:
        self._out, self._line = out, line

    def __call__(self, event: LogEvent) -> None:
        """Write one line."""
        self._out.write(self._line(event))
        self._out.flush()


@implementer(ILogObserver)
class Syslog:
    """Writes datagrams to the system log; counts what it did not take."""

    def __init__(self, ident: str, path: str = DEV_LOG, facility: int = DAEMON) -> None:
        self._ident, self._path, self._facility = ident, path, facility
        self._socket = socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
        )
        self.lost = 0

    def __call__(self, event: LogEvent) -> None:
        """Send one datagram per line."""
        head = (
            f"<{self._facility << 3 | severity(event)}>{self._ident}[{os.getpid()}]: "
        )
        for line in text(event).splitlines():
            data = (head + line).encode("utf-8", "surrogateescape")
            try:
                self._socket.sendto(data, self._path)
            except OSError:
                # A full or absent system log must never hold up an advertisement.
                self.lost += 1


@implementer(ILogObserver)
class Unhurried:
    """Passes events on a moment later: first we act, then we tell.

    When two hundred instances take over at once, every line of the log would delay
    the addresses of the instances behind it.
    """

    def __init__(self, reactor: Any, observer: Callable[[LogEvent], None]) -> None:
        self._reactor, self._observer = reactor, observer
        self._waiting: deque[LogEvent] = deque()
        self.lost = 0  # events that the observer could not write
        reactor.addSystemEventTrigger("after", "shutdown", self._flush)

    def __call__(self, event: LogEvent) -> None:
        """Keep the event for a moment, if the reactor will come round again."""
        self._waiting.append(event)
        if not (self._reactor.running and isInIOThread()):
            self._flush()
        elif len(self._waiting) == 1:
            self._reactor.callLater(LATER, self._flush)

    def _flush(self) -> None:
        while self._waiting:
            event = self._waiting.popleft()
            try:
                self._observer(event)
            except Exception:
                # Nobody is left to tell; those behind it must not wait for ever.
                self.lost += 1


def destination(syslog: bool = False, facility: int = DAEMON) -> Stream | Syslog:
    """Where the command line wants the lines; the journal is recognised by itself."""
    if syslog:
        return Syslog("hanode", facility=facility)
    return Stream(sys.stdout, journal if "JOURNAL_STREAM" in os.environ else stamped)


def begin(
    reactor: Any, syslog: bool = False, detail: bool = False, facility: int = DAEMON
) -> None:
    """Log there from now on (for C{hanode run}; twistd begins by itself)."""
    level = LogLevelFilterPredicate(LogLevel.debug if detail else LogLevel.info)
    if not detail:
        for chatty in CHATTY:
            level.setLogLevelForNamespace(chatty, LogLevel.warn)
    unhurried = Unhurried(reactor, destination(syslog, facility))
    observer = FilteringLogObserver(unhurried, [level])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
