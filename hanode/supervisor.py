"""Tells systemd how we are: ready, reloading, stopping, alive (sd_notify(3)).

The protocol is datagrams of C{NAME=VALUE} lines to the socket that the environment
names; without it nothing is sent. A watchdog that the unit asks for (WatchdogSec=) is
answered from the reactor: who gets no answer knows that nothing else is done either.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

SOCKET, WATCHDOG, PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"


class Supervisor(Service):
    """Whoever started us and watches over us, if there is somebody.

    @param environment: the process's own, unless a test has another.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, environment: Mapping[str, str] | None = None
    ) -> None:
        given = os.environ if environment is None else environment
        self._reactor = reactor
        self._path = given.get(SOCKET, "")
        self._interval = _interval(given)
        self._call: IDelayedCall | None = None
        self._complained = False

    def stopService(self) -> None:
        """We are about to end; to end in order may take a moment."""
        super().stopService()
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self.tell("STOPPING=1")

    def ready(self, status: str) -> None:
        """The start, or a reload, is done; C{status} is a line for people."""
        self.tell("READY=1", f"STATUS={status}")
        if self._interval and self._call is None:
            self._alive()

    def reloading(self) -> None:
        """A reload has begun: L{ready} tells of its end."""
        moment = int(self._reactor.seconds() * 1_000_000)
        self.tell("RELOADING=1", f"MONOTONIC_USEC={moment}")

    def tell(self, *lines: str) -> None:
        """Send these lines; whether anybody hears them is not our concern."""
        if not self._path:
            return
        path = self._path
        if path.startswith("@"):
            path = "\0" + path[1:]
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        try:
            with socket.socket(socket.AF_UNIX, kind) as sender:
                sender.sendto("\n".join(lines).encode(), path)
        except OSError as problem:
            if not self._complained:
                self._complained = True
                self.log.warn("cannot tell the supervisor: {problem}", problem=problem)

    def _alive(self) -> None:
        self.tell("WATCHDOG=1")
        self._call = self._reactor.callLater(self._interval, self._alive)


def _interval(environment: Mapping[str, str]) -> float:
    """Seconds between two signs of life, 0 for none: half of what is asked."""
    text = environment.get(WATCHDOG, "")
    meant = environment.get(PID, str(os.getpid()))
    if not text.isdecimal() or meant != str(os.getpid()):
        return 0.0
    return int(text) / 2_000_000
