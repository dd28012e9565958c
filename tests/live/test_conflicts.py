"""A foreign host with one of our addresses is noticed; an old master is not one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.live.case import LiveCase, need, until
from tests.live.configs import instance
from tests.live.daemons import CHECKOUT

FAST = {"version": 3, "interval": 0.2}
SIX = "  virtual_ipaddress_excluded {\n 2001:db8::100/64\n }"


class ConflictTests(LiveCase):
    def status(self, daemon):
        """What C{hanode vrrp} says in JSON."""
        words = ["vrrp", "--json", "-S", str(daemon.socket)]
        done = daemon.host.call(
            subprocess.run,
            [sys.executable, "-m", "hanode.cli", *words],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ, PYTHONPATH=str(CHECKOUT)),
        )
        return json.loads(done.stdout)

    def addr(self, host, *words):
        """Run C{ip addr} on C{host}."""
        host.call(subprocess.run, ["ip", "addr", *words], check=True)

    def test_foreign_host(self):
        """It is logged with its MAC address, counted and shown; then it is over."""
        stranger = [("192.0.2.100/24",), ("2001:db8::100/64", "nodad")]
        for words in stranger:
            self.addr(self.b, "add", *words, "dev", "eth0")
        ours = self.daemon("hanode", self.a, instance(1, 100, extra=SIX, **FAST))
        ours.start()
        started, _ = ours.log.wait_for("Entering MASTER STATE")
        mac = self.b.mac("eth0")
        for address in ("192.0.2.100/24", "2001:db8::100/64"):
            text = f"address conflict: {mac} answers for {address} dev eth0, which VI_1"
            found, _ = ours.log.wait_for(text, timeout=12)
        self.assertEqual(ours.log.count("Entering BACKUP STATE"), 1)
        shown = json.dumps(self.status(ours))
        self.assertIn(f'"192.0.2.100": "{mac}"', shown)
        self.assertIn('"address conflicts": 2', shown)
        for words in stranger:
            self.addr(self.b, "del", words[0], "dev", "eth0")
        for address in ("192.0.2.100/24", "2001:db8::100/64"):
            ours.log.wait_for(f"conflict over: {address}", timeout=12)

    def test_no_false_alarm(self):
        """Taking over from keepalived, giving back, and its last words alarm nobody."""
        need("keepalived")
        theirs = self.daemon("keepalived", self.b, instance(2, 100, **FAST))
        ours = self.daemon("hanode", self.a, instance(1, 150, **FAST))
        theirs.start()
        until(lambda: self.holds(self.b, "192.0.2.100/24"))
        ours.start()
        until(lambda: self.holds(self.a, "192.0.2.100/24"))
        taken = self.observer.now()
        until(lambda: self.observer.now() > taken + 6.0)
        self.assertEqual(ours.log.count("conflict"), 0, str(ours.log))
