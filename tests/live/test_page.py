"""The live page in a real browser: what it shows, how soon, and to whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from tests.live.case import LiveCase, need, until
from tests.live.configs import instance
from tests.live.daemons import CHECKOUT, Hanode

PORT = 8080
ADDRESS = f"http://127.0.0.1:{PORT}/"
SERVE = """hanode {
    dataplane memory
}
virtual_server 192.0.2.100 80 {
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    delay_loop 1
    real_server 127.0.0.1 81 {
        TCP_CHECK {
        }
    }
}
"""
SESSION = """bfd_instance peer {{
    neighbor_ip 192.0.2.{0}
    interface eth0
    min_rx 50
    min_tx 50
    multiplier 3
}}
"""
FAST = {"version": 3, "interval": 0.1}
STATE = "document.querySelector('[data-instance=VI_1] .state')?.textContent === '{}'"


class Remote:
    """A browser on a host."""

    def __init__(self, host):
        environment = dict(os.environ, PYTHONPATH=str(CHECKOUT))
        self.process = host.popen(
            [sys.executable, "-m", "tests.live.browser"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=CHECKOUT,
        )
        self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        assert line, "the browser has ended"
        return json.loads(line)

    def __call__(self, *words):
        """Do it, and wait for the answer."""
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def until(self, script, timeout=10.0):
        """Wait until the expression is true; the moment it was."""
        value, when = self("until", script, timeout)
        assert value, f"{script} did not become true; the page says:\n{when}"
        return when

    def close(self):
        """End it, and its Chromium."""
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


class PageTests(LiveCase):
    """Two nodes; the page of the better one."""

    def setUp(self):
        super().setUp()
        need("chromium", "chromedriver")
        ours = instance(1, 150, **FAST) + SESSION.format(2) + SERVE
        theirs = instance(2, 100, **FAST) + SESSION.format(1)
        self.ours = Hanode(self.a, self.folder / "a", ours)
        self.ours.http = f"tcp:{PORT}:interface=127.0.0.1"
        self.theirs = Hanode(self.b, self.folder / "b", theirs)
        for daemon in (self.ours, self.theirs):
            self.daemons.append(daemon)
            daemon.start()
        self.ours.log.wait_for("Entering MASTER STATE")
        self.ours.log.wait_for("http starting on")
        self.browser = Remote(self.a)
        self.addCleanup(self.browser.close)

    def test_page(self):
        """All of it, in one go, because a browser takes its time to start."""
        self.browser("open", ADDRESS)
        self.shows()
        self.fails_over()
        self.filters()
        self.is_for_everybody()
        self.assertEqual(self.browser("log"), [])
        self.says_when_it_is_lost()

    def shows(self):
        """Instance, session, server, events, and that it is live."""
        for part in (
            STATE.format("MASTER"),
            "document.getElementById('mastery').textContent.includes('VI_1')",
            "document.querySelector('#sessions tbody .state')?.textContent === 'UP'",
            "document.querySelector('#sessions svg polyline') !== null",
            "document.getElementById('servers').textContent.includes('refused')",
            "document.getElementById('events').textContent.includes('vrrp:VI_1')",
            "document.querySelectorAll('#timeline circle').length > 2",
            "document.getElementById('connection-text').textContent === 'live'",
            "document.getElementById('lost').hidden",
        ):
            self.browser.until(part)

    def fails_over(self):
        """When the link is cut and joined again the page follows within a second."""
        began = time.monotonic()
        self.bridge.unplug(self.a)
        seen = self.browser.until(STATE.format("FAULT"))
        self.assertLess(seen - began, 1.0)
        self.browser.until("document.getElementById('news').textContent !== ''")
        self.bridge.plug(self.a)
        self.browser.until(STATE.format("MASTER"))

    def filters(self):
        """Only what is asked for is shown."""
        rows = "[...document.querySelectorAll('#events tbody th')]"
        self.browser("type", "#words", "VI_1")
        self.browser.until(f"{rows}.every(each => each.textContent === 'vrrp:VI_1')")
        self.browser("type", "#words", " nonsense")
        self.browser.until(f"{rows}.length === 0")

    def is_for_everybody(self):
        """No barriers, in both colours; all by keyboard; no wider than a phone."""
        self.assertEqual(self.browser("axe"), [])
        theme = "document.documentElement.dataset.theme"
        self.browser("click", "#theme")
        self.browser.until(f"{theme} === 'dark'")
        self.assertEqual(self.browser("axe"), [])
        self.browser("open", ADDRESS)
        self.browser.until(STATE.format("MASTER"))
        self.browser.until(f"{theme} === 'dark'")
        seen = self.browser("tab", 12)
        for stop in ("theme", "kind", "words", "span"):
            self.assertIn(stop, seen)
        self.assertFalse(self.browser("size", 390, 844), "wider than the window")

    def says_when_it_is_lost(self):
        """When the daemon is gone the page says so, and when it is back, too."""
        self.ours.kill()
        self.browser.until("!document.getElementById('lost').hidden")
        self.ours.start()
        until(lambda: self.ours.log.count("Entering MASTER STATE"))
        self.browser.until("document.getElementById('lost').hidden", 20.0)
        self.browser.until(STATE.format("MASTER"))
