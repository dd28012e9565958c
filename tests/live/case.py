"""What live tests share: a bridge with two hosts, an observer, daemons on them."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.rehearsal.namespaces import Bridge, Host
from hanode.rehearsal.permission import NotPermitted
from tests.live.daemons import Hanode, Keepalived
from tests.live.observer import Observer

KINDS = {"hanode": Hanode, "keepalived": Keepalived}


def need(*programs):
    """Skip the running test, with the reason, when a program is missing."""
    for program in programs:
        if not shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin"):
            raise SkipTest(f"{program} is not installed")


def until(condition, timeout=15.0, what="it"):
    """Wait until C{condition()} is true; return what it returned.

    Raises L{AssertionError} when that takes longer than C{timeout} seconds.
    """
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {timeout} s")
        time.sleep(0.005)


class LiveCase(SynchronousTestCase):
    """Two hosts C{a} and C{b} on one bridge, and a C{watcher} that sees all frames."""

    hosts = ("a", "b")

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hanode-live-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.daemons = []
        try:
            self.bridge = Bridge()
            self.addCleanup(self.bridge.close)
            for number, name in enumerate(self.hosts, 1):
                host = Host(name)
                self.addCleanup(host.close)
                setattr(self, name, host)
                self.bridge.connect(
                    host, "eth0", f"192.0.2.{number}/24", f"fd00::{number}/64"
                )
            self.watcher = Host("watcher")
            self.addCleanup(self.watcher.close)
            self.bridge.connect(self.watcher, "eth0", "192.0.2.99/24", "fd00::99/64")
        except NotPermitted as missing:
            raise SkipTest(str(missing)) from missing
        self.observer = self.watcher.call(Observer, "eth0")
        self.addCleanup(self.observer.close)
        self.addCleanup(self._end_daemons)

    def _end_daemons(self):
        for daemon in self.daemons:
            daemon.end()

    def flood(self):
        """Let the bridge forget at once where a host is: the watcher sees unicast."""

        def forget(ipr):
            index = ipr.link_lookup(ifname="br0")[0]
            ipr.link("set", index=index, kind="bridge", br_ageing_time=0)

        self.bridge.route(forget)

    def daemon(self, kind, host, config):
        """A daemon of C{kind} (its name), not yet started."""
        if kind == "keepalived":
            need("keepalived")
        daemon = KINDS[kind](host, self.folder, config)
        self.daemons.append(daemon)
        return daemon

    def holds(self, host, address, interface="eth0"):
        """Whether C{host} has C{address} (with its prefix) in its kernel."""
        return address in host.addresses(interface)
