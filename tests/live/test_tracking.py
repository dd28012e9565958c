"""What is tracked, with real programs, real processes and keepalived beside us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, TestCase

from hanode.config.link_model import ETHTOOL, IOCTL
from hanode.config.track_model import Description
from hanode.facts import Facts
from hanode.proc_connector import ProcConnector
from hanode.trackers.linkbeat import carrier
from hanode.trackers.process import Census
from hanode.trackers.process_words import ProcessOptions
from hanode.trackers.quorum import Bounds
from tests.dataplanes.contract import DEVICE
from tests.live.case import LiveCase, need, until
from tests.live.configs import instance
from tests.live.veth import PEER, Namespace, create_interface, ip, reason_to_skip

FAST = {"version": 3, "interval": 0.2}
DEFS = "global_defs {\n  script_user root\n}\n"


def script(name, file, weight=0, more=""):
    """A vrrp_script that succeeds while C{file} is there."""
    return (
        f'vrrp_script {name} {{\n  script "/usr/bin/test -e {file}"\n'
        f"  interval 1\n  weight {weight}\n{more}\n}}\n"
    )


def track(*names):
    """The block that tracks these scripts."""
    return "  track_script {\n" + "".join(f"    {n}\n" for n in names) + "  }"


class Beside(LiveCase):
    """hanode and keepalived with the same words."""

    def file(self, name):
        """A file that may be there."""
        return self.folder / name

    def there(self, **files):
        """From now on these are there, or not."""
        for name, wanted in files.items():
            if wanted:
                self.file(name).touch()
            else:
                self.file(name).unlink(missing_ok=True)

    def test_prioritiesOnTheWire(self):
        """The same weights make the same priorities: scripts, reversed ones, files."""
        need("keepalived")
        text = DEFS + "".join(
            [
                script("plus", self.file("plus"), 20),
                script("minus", self.file("minus"), -30),
                script("turned", self.file("turned"), "5 reverse"),
                f"track_file load {{\n  file {self.file('load')}\n  weight 2\n}}\n",
            ]
        )
        self.there(plus=True, minus=True, turned=False)
        self.file("load").write_text("0\n")
        tracks = track("plus", "minus", "turned") + "\n  track_file {\n    load\n  }"
        for number, (kind, host) in enumerate(
            (("hanode", self.a), ("keepalived", self.b)), 1
        ):
            own = instance(
                number,
                100,
                vrid=50 + number,
                vips=[f"192.0.2.{100 + number}/24"],
                extra=tracks,
                **FAST,
            )
            self.daemon(kind, host, text + own).start()
        for states, load, priority in (
            ({}, 0, 120),
            ({"minus": False}, 0, 90),
            ({"plus": False}, 7, 84),
            ({"turned": True}, -3, 59),
            ({"plus": True, "minus": True, "turned": False}, 200, 254),
        ):
            self.there(**states)
            self.file("load").write_text(f"{load}\n")
            seen = until(
                lambda wanted=priority: self.both(wanted),
                what=f"both advertise {priority}",
            )
            self.assertEqual(seen, {51: priority, 52: priority})

    def both(self, priority):
        """The last priority of each router, if both are that one."""
        last = {
            each.advert.vrid: each.advert.priority for each in self.observer.adverts()
        }
        return last if list(last.values()) == [priority] * 2 else None


class Three(LiveCase):
    """The table of the guides, with real daemons of both kinds."""

    hosts = ("a", "b", "c")

    def test_mechanics(self):
        """50, 1 and 2 with +100: as computed, so in the kernel's addresses."""
        need("keepalived")
        vip = "192.0.2.100/24"
        files = [self.folder / name for name in "abc"]
        kinds = ("hanode", "keepalived", "hanode")
        for number, (kind, priority) in enumerate(zip(kinds, (50, 1, 2), strict=True)):
            files[number].touch()
            host = getattr(self, "abc"[number])
            text = DEFS + script("chk", files[number], 100, "  fall 1\n  rise 1")
            text += instance(number + 1, priority, extra=track("chk"), **FAST)
            self.daemon(kind, host, text).start()
        for works, master in (
            ("abc", "a"),
            ("bc", "c"),
            ("b", "b"),
            ("", "a"),
            ("c", "c"),
            ("ab", "a"),
        ):
            for name, file in zip("abc", files, strict=True):
                if name in works:
                    file.touch()
                else:
                    file.unlink(missing_ok=True)
            until(
                lambda wanted=[master]: self.holders(vip) == wanted,
                what=f"with {works or 'nothing'} working, {master} alone is master",
            )

    def holders(self, vip):
        """Who has the address."""
        return [name for name in "abc" if self.holds(getattr(self, name), vip)]


HANGS = """#!/bin/sh
[ -e {go} ] && exit 0
trap '' TERM
sh -c 'trap "" TERM; echo $$ >> {pids}; while :; do sleep 1; done' &
echo $$ >> {pids}
while :; do sleep 1; done
"""


class Alone(LiveCase):
    """One daemon."""

    hosts = ("a",)

    def start(self, text, **more):
        """hanode with this and an instance; its log."""
        daemon = self.daemon("hanode", self.a, DEFS + text + instance(1, 100, **more))
        daemon.start()
        return daemon

    def test_hangs(self):
        """A hanging script has failed, is killed with its children, and runs again."""
        pids, go = self.folder / "pids", self.folder / "go"
        hanging = self.folder / "hanging"
        hanging.write_text(HANGS.format(pids=pids, go=go))
        hanging.chmod(0o755)
        text = (
            f"vrrp_script chk {{\n  script {hanging}\n  interval 1\n  timeout 1\n}}\n"
        )
        daemon = self.start(text, extra=track("chk"), **FAST)
        began, _ = daemon.log.wait_for(r"waiting for script chk")
        failed, _ = daemon.log.wait_for(r"VRRP_Script\(chk\) timed_out")
        daemon.log.wait_for(r"Entering FAULT STATE \(init\)")
        self.assertLess(failed - began, 2.0)
        both = until(lambda: len(pids.read_text().split()) >= 2 and pids.read_text())
        first = both.split()[:2]
        until(
            lambda: not any(os.path.exists(f"/proc/{pid}") for pid in first),
            what="the script and its child are gone",
        )
        go.touch()
        daemon.log.wait_for(r"VRRP_Script\(chk\) succeeded")
        daemon.log.wait_for("Entering MASTER STATE")
        daemon.stop()
        left = [
            pid for pid in pids.read_text().split() if os.path.exists(f"/proc/{pid}")
        ]
        self.assertEqual(left, [])

    def test_missing(self):
        """A script that is not there is disabled, by name; the instance runs."""
        text = "vrrp_script chk {\n  script /no/such/script\n}\n"
        daemon = self.start(text, extra=track("chk"), **FAST)
        daemon.log.wait_for(r"VRRP_Script\(chk\) .*/no/such/script.* disabling")
        daemon.log.wait_for("Entering MASTER STATE")

    def test_reload(self):
        """A script that is the same keeps its state, a new one is taken for good."""
        up = self.folder / "up"
        up.touch()
        text = script("one", up)
        daemon = self.start(text, extra=track("one"), **FAST)
        daemon.log.wait_for("Entering MASTER STATE")
        mark = daemon.log.mark()
        text += script("two", self.folder / "down", -20)
        daemon.configure(
            DEFS + text + instance(1, 100, extra=track("one", "two"), **FAST)
        )
        daemon.reload()
        daemon.log.wait_for(r"VRRP_Script\(two\) considered successful on reload")
        daemon.log.wait_for(r"VRRP_Script\(two\) failed \(exited with status 1\)")
        daemon.log.wait_for("Changing effective priority from 100 to 80")
        self.assertEqual(daemon.log.count("Entering", mark), 0)
        self.assertEqual(daemon.log.count(r"VRRP_Script\(one\)", mark), 0)

    def test_processWithoutNews(self):
        """In a namespace the kernel tells nothing: processes are looked at."""
        worker = self.folder / "hv-worker"
        shutil.copy(shutil.which("sleep"), worker)
        text = f"vrrp_track_process w {{\n  process {worker}\n  quorum 2\n}}\n"
        extra = "  track_process {\n    w weight 50\n  }"
        daemon = self.start(text, extra=extra, **FAST)
        daemon.log.wait_for("the kernel does not tell of processes")
        workers = [subprocess.Popen([worker, "60"]) for _ in range(2)]
        try:
            daemon.log.wait_for("Quorum gained for tracked process w")
            daemon.log.wait_for("Changing effective priority from 100 to 150")
        finally:
            for each in workers:
                each.kill()
                each.wait()
        daemon.log.wait_for("Quorum lost for tracked process w")
        daemon.log.wait_for("Changing effective priority from 150 to 100")

    def test_check(self):
        """A server is asked with no script: while it does not answer, FAULT."""
        text = """track_check web {
            HTTP_GET {
                connect_ip 127.0.0.1
                connect_port 8123
                connect_timeout 1
                retry 0
                url {
                    path /
                }
            }
        }"""
        daemon = self.start("", extra=text, **FAST)
        daemon.log.wait_for(r"entering FAULT state|Entering FAULT STATE \(init\)")
        page = Path(self.folder) / "index.html"
        page.write_text("well\n")
        argv = [sys.executable, "-m", "http.server", "8123", "-d", str(self.folder)]
        server = self.a.popen(
            argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            daemon.log.wait_for("track_check web succeeded")
            daemon.log.wait_for("Entering MASTER STATE")
        finally:
            server.kill()
            server.wait()
        daemon.log.wait_for(r"entering FAULT state \(check web failed\)")


class Processes(TestCase):
    """The kernel tells of processes."""

    timeout = 20

    def setUp(self):
        """A program of a name that nobody else has."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.worker = self.folder / f"hv{os.getpid()}"
        shutil.copy(shutil.which("sleep"), self.worker)
        self.facts = Facts(reactor)
        try:
            self.census = Census(reactor, self.facts, self.connect)
            self.census._connector = ProcConnector(reactor, self.census)
        except OSError as error:
            raise SkipTest(f"the kernel tells of no processes here: {error}") from error
        self.addCleanup(self.census.close)

    def connect(self, clock, listener):
        """It was connected already."""
        raise AssertionError

    async def becomes(self, name, value):
        """Wait until the fact is so."""
        done = Deferred()

        def told(_, now):
            if now is value and not done.called:
                done.callback(None)

        unwatch = self.facts.watch(f"process:{name}", told)
        await done
        unwatch()

    async def test_comesAndGoes(self):
        """A process is noticed when it begins, and when it ends, and by its words."""
        options = {
            "name": ProcessOptions((str(self.worker),)),
            "two": ProcessOptions((str(self.worker),), bounds=Bounds(2, 2)),
            "words": ProcessOptions((str(self.worker), "61"), "exact"),
        }
        self.census.expect(
            {
                name: Description("process", name, options=each)
                for name, each in options.items()
            }
        )
        for name in options:
            await self.becomes(name, False)
        running = [subprocess.Popen([self.worker, "60"])]
        try:
            await self.becomes("name", True)
            running.append(subprocess.Popen([self.worker, "61"]))
            await self.becomes("two", True)
            await self.becomes("words", True)
            running[1].kill()  # it stays a zombie for now
            await self.becomes("two", False)
            await self.becomes("words", False)
            self.assertEqual(self.facts.get("process:name"), True)
            running[0].kill()
            await self.becomes("name", False)
        finally:
            for each in running:
                each.kill()
                each.wait()


class Carrier(TestCase):
    """linkbeat, on a real pair of interfaces."""

    def test_veth(self):
        """A driver that has ETHTOOL tells when the other end is switched off."""
        reason = reason_to_skip()
        if reason:
            raise SkipTest(reason)
        namespace = Namespace()
        try:
            create_interface()
            for method in ("", ETHTOOL, IOCTL):
                ip("link", "set", PEER, "up")
                until(lambda m=method: carrier(DEVICE, m)[0], what="a carrier")
                ip("link", "set", PEER, "down")
                until(lambda m=method: not carrier(DEVICE, m)[0], what="none")
            self.assertEqual(carrier(DEVICE, "")[1], ETHTOOL)
        finally:
            namespace.leave()
