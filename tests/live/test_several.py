"""Several daemons on one machine: names, network namespaces, the same name twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.live.case import LiveCase, until
from tests.live.configs import instance
from tests.live.daemons import CHECKOUT, Hanode

FAST = {"version": 3, "interval": 0.1}
NOWHERE = 2  # status of a command line that cannot be followed


class Named(Hanode):
    """One that listens where its configuration says, in a file of its own."""

    def __init__(self, host, folder, config, name):
        super().__init__(host, folder / name, config)

    def argv(self):
        """The command line, without a socket."""
        return [sys.executable, "-m", "hanode.cli", "run", "-c", str(self.file)]


class SeveralCase(LiveCase):
    """All daemons are on host C{a}."""

    def named(self, name, config):
        """A running daemon; C{name} is that of its folder."""
        daemon = Named(self.a, self.folder, config, name)
        self.daemons.append(daemon)
        return daemon.start()

    def ask(self, *words):
        """What C{hanode vrrp --json} says on host C{a}; None when nobody answers."""
        argv = [sys.executable, "-m", "hanode.cli", "vrrp", "--json", *words]
        environment = dict(os.environ, PYTHONPATH=str(CHECKOUT))
        done = self.a.call(
            subprocess.run, argv, capture_output=True, text=True, env=environment
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def state(self, *words):
        """Names and states of the instances of one daemon."""
        found = until(lambda: self.ask(*words))
        return [(each["name"], each["state"]) for each in found["instances"]]


class Instances(SeveralCase):
    """C{instance NAME}."""

    def test_apart(self):
        """Two daemons with names: each has its instance, its address, its socket."""
        for name, vrid in (("one", 51), ("two", 52)):
            vips = {"name": f"VI_{name}", "vrid": vrid, "vips": [f"192.0.2.1{vrid}/24"]}
            text = instance(1, 150, **vips, **FAST)
            self.named(name, f"instance {name}\n{text}")
        for daemon in self.daemons:
            daemon.log.wait_for("Entering MASTER STATE")
        until(lambda: self.holds(self.a, "192.0.2.151/24"))
        until(lambda: self.holds(self.a, "192.0.2.152/24"))
        self.assertEqual(self.state("-I", "one"), [("VI_one", "MASTER")])
        self.assertEqual(self.state("-I", "two"), [("VI_two", "MASTER")])
        self.assertIsNone(self.ask())
        self.daemons[0].stop()
        self.assertFalse(self.holds(self.a, "192.0.2.151/24"))
        self.assertTrue(self.holds(self.a, "192.0.2.152/24"))
        self.assertEqual(self.state("-I", "two"), [("VI_two", "MASTER")])
        for daemon in self.daemons:
            self.assertEqual(daemon.log.count("put back|removed by"), 0)

    def test_sameNameTwice(self):
        """The second one says so and ends; the first one goes on undisturbed."""
        text = instance(1, 150, **FAST)
        first = self.named("one", "instance one\n" + text)
        first.log.wait_for("Entering MASTER STATE")
        until(lambda: self.holds(self.a, "192.0.2.100/24"))
        mark, at = first.log.mark(), self.observer.now()
        second = self.named("again", "instance one\n" + text)
        self.assertEqual(second.process.wait(10), 1)
        second.log.wait_for("already running.*instance one")
        until(lambda: len(self.observer.adverts(at)) > 5)
        self.assertEqual(first.log.count(".", mark), 0)
        self.assertTrue(self.holds(self.a, "192.0.2.100/24"))
        self.assertEqual({s.advert.priority for s in self.observer.adverts()}, {150})
        self.assertEqual(self.state("-I", "one"), [("VI_1", "MASTER")])

    def test_afterKill(self):
        """A killed daemon does not stand in the way of the next one of its name."""
        text = "instance one\n" + instance(1, 150, **FAST)
        first = self.named("one", text)
        first.log.wait_for("Entering MASTER STATE")
        until(lambda: self.ask("-I", "one"))
        first.kill()
        self.named("again", text).log.wait_for("Entering MASTER STATE")
        self.assertEqual(self.state("-I", "one"), [("VI_1", "MASTER")])


class Namespaces(SeveralCase):
    """C{net_namespace NAME}."""

    def add_namespace(self, name):
        """A named namespace on host C{a}, with a card C{eth0} of its own."""

        def ip(*words):
            subprocess.run(["ip", *words], check=True, capture_output=True)

        def build():
            ip("netns", "add", name)
            peer = ["peer", "name", "eth0", "netns", name]
            ip("link", "add", f"to-{name}", "type", "veth", *peer)
            ip("link", "set", f"to-{name}", "up")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "addr", "add", "192.0.2.1/24", "dev", "eth0")

        self.a.call(build)

    def addresses_in(self, name):
        """The IPv4 addresses of C{eth0} in a named namespace of host C{a}."""
        argv = ["ip", "-n", name, "-4", "-o", "addr", "show", "dev", "eth0"]
        done = self.a.call(
            subprocess.run, argv, capture_output=True, text=True, check=True
        )
        return [line.split()[3] for line in done.stdout.splitlines()]

    def test_apart(self):
        """The same configuration in two namespaces: two masters, two sockets."""
        for name in ("red", "blue"):
            self.add_namespace(name)
            text = instance(1, 150, **FAST)
            self.named(name, f"net_namespace {name}\n{text}")
        for name in ("red", "blue"):
            until(lambda name=name: "192.0.2.100/24" in self.addresses_in(name))
            self.assertEqual(self.state("-I", name), [("VI_1", "MASTER")])
        self.assertFalse(self.holds(self.a, "192.0.2.100/24"))
        red, _ = self.daemons
        red.stop()
        self.assertEqual(self.addresses_in("red"), ["192.0.2.1/24"])
        self.assertIn("192.0.2.100/24", self.addresses_in("blue"))
        self.assertEqual(self.state("-I", "blue"), [("VI_1", "MASTER")])

    def test_withInstance(self):
        """Both words: both names tell the socket apart."""
        self.add_namespace("red")
        self.named("x", "net_namespace red\ninstance x\n" + instance(1, 150, **FAST))
        self.assertEqual(self.state("-I", "red_x")[0][0], "VI_1")

    def test_missing(self):
        """There is none of that name: the log says so, and nothing was touched."""
        daemon = self.named("x", "net_namespace no\n" + instance(1, 150, **FAST))
        self.assertEqual(daemon.process.wait(10), NOWHERE)
        daemon.log.wait_for("Unable to set network namespace no: No such file")
        self.assertEqual(self.observer.adverts(), [])
