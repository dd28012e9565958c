"""What systemd is told."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.supervisor import Supervisor


class SupervisorTests(SynchronousTestCase):
    """Claims about L{Supervisor}."""

    def setUp(self) -> None:
        """A socket that listens."""
        self.path = str(Path(mkdtemp()) / "notify")
        self.clock = Clock()
        self.clock.advance(5)
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.heard.close)
        self.heard.bind(self.path)
        self.heard.setblocking(False)

    def supervisor(self, **more: str) -> Supervisor:
        """One that tells our socket."""
        made = Supervisor(self.clock, {"NOTIFY_SOCKET": self.path, **more})
        made.startService()
        return made

    def said(self) -> list[str]:
        """What has come."""
        found = []
        while True:
            try:
                found.append(self.heard.recv(4096).decode())
            except BlockingIOError:
                return found

    def test_life(self) -> None:
        """Ready, a reload with its moment, ready again, stopping."""
        supervisor = self.supervisor()
        supervisor.ready("one instance")
        supervisor.reloading()
        supervisor.ready("two instances")
        supervisor.stopService()
        self.assertEqual(
            self.said(),
            [
                "READY=1\nSTATUS=one instance",
                "RELOADING=1\nMONOTONIC_USEC=5000000",
                "READY=1\nSTATUS=two instances",
                "STOPPING=1",
            ],
        )

    def test_watchdog(self) -> None:
        """A sign of life twice in the time that is asked, from ready to the stop."""
        supervisor = self.supervisor(WATCHDOG_USEC="3000000")
        self.clock.advance(10)
        self.assertEqual(self.said(), [])
        supervisor.ready("")
        self.clock.pump([1.5, 1.5])
        self.assertEqual(self.said(), ["READY=1\nSTATUS="] + ["WATCHDOG=1"] * 3)
        supervisor.stopService()
        self.clock.advance(10)
        self.assertEqual(self.said(), ["STOPPING=1"])

    def test_notForUs(self) -> None:
        """A watchdog of another process, or one that is no number, is not answered."""
        for more in (
            {"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid() + 1)},
            {"WATCHDOG_USEC": "soon"},
        ):
            self.supervisor(**more).ready("")
            self.clock.advance(10)
            self.assertEqual(self.said(), ["READY=1\nSTATUS="])

    def test_nobody(self) -> None:
        """Without a supervisor nothing is sent."""
        alone = Supervisor(self.clock, {})
        alone.ready("")
        alone.stopService()
        self.assertEqual((self.said(), self.clock.getDelayedCalls()), ([], []))

    def test_gone(self) -> None:
        """One that does not listen is worth one line."""
        logged: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        for path in (self.path + "x", "@hanode-nobody"):
            supervisor = Supervisor(self.clock, {"NOTIFY_SOCKET": path})
            supervisor.ready("")
            supervisor.ready("")
        told = [each for each in logged if "supervisor" in each["log_namespace"]]
        self.assertEqual(len(told), 2)
