"""The console, with a real ssh client: who comes in, and what they can do."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor

from tests.live import bfd_configs
from tests.live.bfd_configs import Link, Timing
from tests.live.case import LiveCase, need, until
from tests.live.configs import instance
from tests.live.daemons import Hanode

PORT = 8022
LOGIN = """hanode {{
    http unix:{folder}/h.sock
    console tcp:8022:interface=127.0.0.1
    console_keys {folder}/operator.pub
    console_view_keys {folder}/viewer.pub
    console_host_key {folder}/host
}}
"""
OPTIONS = (
    "StrictHostKeyChecking=accept-new",
    "IdentitiesOnly=yes",
    "LogLevel=ERROR",
    "ConnectTimeout=10",
)


class ConsoleCase(LiveCase):
    """A daemon with a console on host a, and three keys of which two are known."""

    hosts = ("a",)

    def setUp(self):
        super().setUp()
        need("ssh", "ssh-keygen")
        for name in ("operator", "viewer", "stranger"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name],
                cwd=self.folder,
                check=True,
            )

    def serve(self, config=None):
        """Start the daemon and wait for the console."""
        text = config or instance(1, 150, version=3, interval=0.1)
        daemon = Hanode(self.a, self.folder, text + LOGIN.format(folder=self.folder))
        self.daemons.append(daemon)
        daemon.start()
        daemon.log.wait_for(r"ConsoleFactory starting on 8022")
        return daemon

    def ssh(self, key, *words, typed=None, options=OPTIONS, terminal=False):
        """Run ssh on host a; its status and all that it printed."""
        argv = ["ssh", "-p", str(PORT), "-i", str(self.folder / key)]
        argv += ["-tt"] if terminal else []
        known = f"UserKnownHostsFile={self.folder}/known"
        argv += [f"-o{each}" for each in (known, *options)]
        process = self.a.popen(
            [*argv, "somebody@127.0.0.1", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        out, _ = process.communicate(typed, timeout=30)
        return process.returncode, out


class LoginTests(ConsoleCase):
    """Who comes in."""

    def test_all(self):
        """Known keys do, a foreign key and a password do not; each is in the log."""
        daemon = self.serve()
        for key in ("operator", "viewer"):
            status, out = self.ssh(key, "vrrp")
            self.assertEqual(status, 0, out)
            self.assertIn("VI_1", out)
            daemon.log.wait_for(f"somebody is in as {key} with key SHA256:")
        status, out = self.ssh("stranger", "vrrp")
        self.assertEqual((status, "Permission denied (publickey)" in out), (255, True))
        daemon.log.wait_for("somebody is refused: key SHA256:.* is not known")
        no_key = ("PubkeyAuthentication=no", "BatchMode=yes")
        status, out = self.ssh("operator", "vrrp", options=OPTIONS + no_key)
        self.assertEqual((status, "Permission denied (publickey)" in out), (255, True))

    def test_hostKey(self):
        """It is the same after a restart, and another one when the file is gone."""
        daemon = self.serve()
        self.assertEqual(self.ssh("viewer", "help")[0], 0)
        daemon.stop()
        daemon = self.serve()
        self.assertEqual(self.ssh("viewer", "help")[0], 0)
        daemon.stop()
        (self.folder / "host").unlink()
        self.serve()
        status, out = self.ssh("viewer", "help")
        self.assertEqual(
            (status, "REMOTE HOST IDENTIFICATION HAS CHANGED" in out), (255, True)
        )

    def test_reload(self):
        """A reload without the word closes the port; VRRP does not notice."""
        daemon = self.serve()
        daemon.configure(instance(1, 150, version=3, interval=0.1))
        daemon.reload()
        daemon.log.wait_for(r"\(TCP Port 8022 Closed\)")
        self.assertEqual(self.ssh("viewer", "help")[0], 255)
        self.assertEqual(daemon.log.count("Entering FAULT|Entering BACKUP STATE$"), 0)


class VerbTests(ConsoleCase):
    """What they can do."""

    def test_eachVerb(self):
        """Each verb answers; a mistake has status 2 and says what there is."""
        daemon = self.serve()
        daemon.log.wait_for("Entering MASTER STATE")
        for verb, wanted in (
            ("show", "VI_1"),
            ("vrrp VI_1", "virtual router"),
            ("bfd", "no BFD sessions"),
            ("lvs", "no virtual servers"),
            ("facts vrrp:", "MASTER"),
            ("events 5", "TIME"),
            ("help", "TYPE"),
        ):
            status, out = self.ssh("viewer", verb)
            self.assertEqual((status, wanted in out), (0, True), out)
        status, out = self.ssh("viewer", "import os")
        self.assertEqual((status, out.partition(";")[0]), (2, "there is no 'import'"))
        status, out = self.ssh("viewer", "drain x")
        self.assertEqual((status, out.partition(";")[0]), (2, "there is no 'drain'"))
        status, out = self.ssh("operator", "drain x")
        self.assertEqual(
            (status, out), (0, "there is no VRRP instance or real server 'x'\n")
        )

    def test_viewersPrompt(self):
        """Verbs as words, no Python; Ctrl-D leaves."""
        self.serve()
        status, out = self.ssh(
            "viewer", typed="vrrp VI_1\rimport os\r\x04", terminal=True
        )
        self.assertEqual(status, 0, out)
        self.assertIn("virtual router", out)
        self.assertIn("there is no 'import'", out)

    def test_pythonPrompt(self):
        """Python with the node in it, colours, completion, and the live log."""
        daemon = self.serve()
        typed = "6*7\rnode.model.inst\t\rvrrp\rtail()\r"
        typed += "from twisted.logger import Logger; Logger().info('hear' + ' me')\r"
        status, out = self.ssh("operator", typed=typed + "\r\x04", terminal=True)
        self.assertEqual(status, 0, out)
        for shown in ("\n42\n", "'VI_1': VrrpInstance(", "ADDRESSES", "log follows"):
            self.assertTrue(shown in out, shown)
        self.assertTrue("\x1b[36m7" in out, "a number has a colour")
        daemon.log.wait_for("hear me")


class LoadTests(ConsoleCase):
    """The node goes on."""

    hosts = ("a", "b")

    def test_endlessLoop(self):
        """A hundred BFD sessions of 50 ms x 3 do not flap beside ten ssh sessions,
        one of which types an endless loop again and again."""
        links = [Link(f"b{n}", f"10.1.1.{n}", f"10.1.2.{n}") for n in range(1, 101)]
        for link in links:
            self.a.add_address(f"{link.ours}/16", "eth0")
            self.b.add_address(f"{link.theirs}/16", "eth0")
        timing = Timing(50, 50)
        back = [Link(link.name, link.theirs, link.ours) for link in links]
        other = Hanode(self.b, self.folder, bfd_configs.hanode(back, timing))
        self.daemons.append(other)
        other.start()
        daemon = self.serve(bfd_configs.hanode(links, timing))
        until(lambda: self.sessions_up() == 100, 30, "all sessions")
        mark, its = daemon.log.mark(), other.log.mark()
        loop = "while True: pass\r\r" * 10 + "\x04"
        with ThreadPoolExecutor(10) as pool:
            looped = pool.submit(self.ssh, "operator", typed=loop, terminal=True)
            looks = [pool.submit(self.ssh, "viewer", "show") for _ in range(9)]
            for each in looks:
                self.assertEqual(each.result()[0], 0)
            status, out = looped.result()
        self.assertEqual((status, out.count("TookTooLong: ended after")), (0, 10), out)
        self.assertEqual(self.sessions_up(), 100)
        self.assertEqual(daemon.log.count(r"Entering Down state|Up -> ", mark), 0)
        self.assertEqual(other.log.count(r"Entering Down state|Up -> ", its), 0)
        self.assertEqual(daemon.log.count("what was typed was ended", mark), 10)

    def sessions_up(self):
        """How many sessions of host a are Up."""
        status, out = self.ssh("viewer", "bfd")
        return out.count("  Up  ") if status == 0 else -1
