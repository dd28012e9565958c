"""hanode drain, with a client that asks all the time."""

from __future__ import annotations

import subprocess
import sys
import threading
from ipaddress import ip_address

from hanode.rehearsal.ping import Pinger
from tests.live.case import LiveCase, until
from tests.live.configs import VIPS, instance
from tests.live.daemons import CHECKOUT, Hanode, Keepalived

FAST = {"version": 3, "interval": 0.1}


class SwitchoverTests(LiveCase):
    """Host a is master; the watcher asks the address every two milliseconds."""

    def pair(self, kind, extra=""):
        """Two daemons, of which a is master."""
        ours = Hanode(self.a, self.folder / "a", instance(1, 150, **FAST))
        theirs = instance(2, 100, extra=extra, **FAST)
        self.daemons += [ours, kind(self.b, self.folder / "b", theirs)]
        ours.start()
        until(lambda: self.holds(self.a, VIPS[4]), what="the first master")
        until(ours.socket.exists, what="the socket")
        self.daemons[1].start()
        self.daemons[1].log.wait_for("Entering BACKUP STATE")

    def type(self, *words):
        """Run hanode; its status and what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "hanode.cli", words[0]]
            + ["-S", str(self.daemons[0].socket), *words[1:]],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.returncode, done.stdout + done.stderr

    def drained(self, kind, extra=""):
        """Drain a, and take it back; what the client lost meanwhile."""
        self.pair(kind, extra)
        client = Client(self.watcher)
        self.addCleanup(client.end)
        began = client.asked(50)
        status, out = self.type("drain", "VI_1")
        self.assertEqual((status, "safe to stop it" in out), (0, True), out)
        until(lambda: not self.holds(self.a, VIPS[4]), what="the release")
        self.assertTrue(self.holds(self.b, VIPS[4]))
        client.asked(50)
        status, out = self.type("undrain", "VI_1")
        self.assertEqual((status, out), (0, "VI_1: taken back\n"))
        ended = client.asked(50)
        return client.pinger.gaps(began, ended)

    def test_hanode(self):
        """To another hanode, which preempts: nothing is lost."""
        self.assertEqual(self.drained(Hanode), [])

    def test_keepalived(self):
        """To keepalived: nothing is lost."""
        self.assertEqual(self.drained(Keepalived), [])

    def test_nopreempt(self):
        """To a keepalived with nopreempt: nothing is lost."""
        self.assertEqual(
            self.drained(Keepalived, "    state BACKUP\n    nopreempt\n"), []
        )

    def test_alone(self):
        """Without another node the command says so, and the address stays."""
        self.pair(Hanode)
        self.daemons[1].stop()
        status, out = self.type("drain")
        self.assertEqual((status, "nobody takes over" in out), (1, True), out)
        self.assertTrue(self.holds(self.a, VIPS[4]))


class Client:
    """Asks the address every two milliseconds, in a thread of its own."""

    def __init__(self, host):
        address = ip_address(VIPS[4].partition("/")[0])
        self.pinger = Pinger(host, "eth0", address, 0.002)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self):
        while not self._ending.wait(0.001):
            self.pinger.send()
            self.pinger.receive()

    def asked(self, answers):
        """Wait for so many more answers; when the last one came."""
        wanted = len(self.pinger.answers) + answers
        until(lambda: len(self.pinger.answers) >= wanted, what="answers")
        return self.pinger.answers[wanted - 1].at

    def end(self):
        """Ask no more."""
        self._ending.set()
        self._thread.join()
        self.pinger.close()
