"""One daemon and the kernel: signals, crashes, and what other people do to it."""

from __future__ import annotations

import os
import signal
import stat
import sys
import time

from hanode.rehearsal.namespaces import Host
from tests.live.case import LiveCase, until
from tests.live.configs import VIPS, instance
from tests.live.daemons import Hanode

VIP = VIPS[4]
FAST = {"version": 3, "interval": 0.1}


class Twistd(Hanode):
    """The same service under Twisted's own runner."""

    def argv(self):
        """The command line."""
        run = "from twisted.scripts.twistd import run; run()"
        words = ["-n", "--pidfile=", "hanode", "-c", str(self.file)]
        return [sys.executable, "-c", run, *words]


class DaemonCase(LiveCase):
    """One master on host a."""

    def master(self, config=None, kind=Hanode):
        """Start a daemon and wait until it holds the address."""
        daemon = kind(self.a, self.folder, config or instance(1, 150, **FAST))
        self.daemons.append(daemon)
        daemon.start()
        daemon.log.wait_for("Entering MASTER STATE")
        until(lambda: self.holds(self.a, VIP))
        return daemon

    def goodbyes(self, since=0.0):
        """The advertisements with priority 0."""
        return [s for s in self.observer.adverts(since) if s.advert.priority == 0]


class Life(DaemonCase):
    """Start, stop, crash."""

    def test_terminates(self):
        """SIGTERM: priority 0, no address left, over within a second."""
        daemon = self.master()
        self.assertLess(daemon.stop(), 1.0)
        self.assertEqual(daemon.process.returncode, 0)
        self.assertFalse(self.holds(self.a, VIP))
        self.assertEqual(len(self.goodbyes()), 1)

    def test_underTwistd(self):
        """Twisted's own runner runs the same service."""
        daemon = self.master(kind=Twistd)
        self.assertLess(daemon.stop(), 1.5)
        self.assertFalse(self.holds(self.a, VIP))
        self.assertEqual(len(self.goodbyes()), 1)

    def test_afterKill(self):
        """What a killed daemon left behind is gone once the next one has started."""
        self.master().kill()
        self.assertTrue(self.holds(self.a, VIP))
        # The next one must not take it for its own: it follows a better master.
        next_one = self.daemon("hanode", self.a, instance(1, 100, **FAST))
        next_one.start()
        next_one.log.wait_for(r"Entering BACKUP STATE \(init\)")
        until(lambda: not self.holds(self.a, VIP) or self.became(next_one))
        self.assertIn("192.0.2.1/24", self.a.addresses("eth0"))
        self.assertIn("192.0.2.100", str(next_one.log))

    @staticmethod
    def became(daemon):
        """Whether it has been master by now."""
        return daemon.log.count("Entering MASTER STATE") > 0

    def test_refusesBrokenFile(self):
        """A file that cannot be read: every problem on standard error, status 2."""
        daemon = Hanode(self.a, self.folder, "include_check\nincludea /nowhere\n")
        self.daemons.append(daemon)
        daemon.start()
        self.assertEqual(daemon.process.wait(10), 2)
        daemon.log.wait_for("/nowhere")


class Kernel(DaemonCase):
    """Other people's hands."""

    def test_addressDeleted(self):
        """A deleted address is back at once, and the log says what happened."""
        daemon = self.master()
        mark = daemon.log.mark()
        for _ in range(3):
            self.a.remove_address(VIP, "eth0")
            gone = time.monotonic()
            until(lambda: self.holds(self.a, VIP), 1.0)
            # The figure is 50 ms; here a busy machine may take longer.
            self.assertLess(time.monotonic() - gone, 0.5)
        at, _ = daemon.log.wait_for(r"192\.0\.2\.100/24 .*VI_1", start=mark)
        self.assertEqual(daemon.log.count("Entering", mark), 0)

    def test_allFlushed(self):
        """After the interface lost all addresses, ours come back with its own."""
        daemon = self.master()
        self.a.remove_address(VIP, "eth0")
        self.a.remove_address("192.0.2.1/24", "eth0")
        daemon.log.wait_for("entering FAULT state")
        until(lambda: not self.holds(self.a, VIP))
        mark = daemon.log.mark()
        self.a.add_address("192.0.2.1/24", "eth0")
        daemon.log.wait_for("Entering MASTER STATE", start=mark)
        until(lambda: self.holds(self.a, VIP))

    def test_interfaceDown(self):
        """Interface down: FAULT; up again: BACKUP, then MASTER."""
        daemon = self.master()
        for down, up in (
            (lambda: self.bridge.unplug(self.a), lambda: self.bridge.plug(self.a)),
            (
                lambda: self.a.set_link("eth0", "down"),
                lambda: self.a.set_link("eth0", "up"),
            ),
        ):
            mark = daemon.log.mark()
            down()
            daemon.log.wait_for(
                r"\(VI_1\): entering FAULT state \(interface eth0 down\)", start=mark
            )
            daemon.log.wait_for("Entering FAULT STATE", start=mark)
            until(lambda: not self.holds(self.a, VIP))
            up()
            daemon.log.wait_for("Entering BACKUP STATE", start=mark)
            daemon.log.wait_for("Entering MASTER STATE", start=mark)
            until(lambda: self.holds(self.a, VIP))

    def test_interfaceAppears(self):
        """An interface that does not exist yet: FAULT, then the usual life."""
        late = Host("late")
        self.addCleanup(late.close)
        daemon = Hanode(late, self.folder, instance(3, 150, **FAST))
        self.daemons.append(daemon)
        daemon.start()
        daemon.log.wait_for(r"Entering FAULT STATE \(init\)")
        self.bridge.connect(late, "eth0", "192.0.2.3/24")
        daemon.log.wait_for("Entering MASTER STATE")
        until(lambda: self.holds(late, VIP))


class HeldUp(DaemonCase):
    """A process that did not run for a while."""

    def test_backup(self):
        """A backup that was stopped for 2 s reads what came before it judges."""
        self.master()
        backup = self.daemon("hanode", self.b, instance(2, 100, **FAST)).start()
        backup.log.wait_for("master set to 192.0.2.1")
        for _ in range(3):
            mark, at = backup.log.mark(), self.observer.now()
            backup.process.send_signal(signal.SIGSTOP)
            until(lambda at=at: len(self.observer.adverts(at)) > 20)
            backup.process.send_signal(signal.SIGCONT)
            at = self.observer.now()
            until(lambda at=at: len(self.observer.adverts(at)) > 5)
            self.assertEqual(backup.log.count("Entering MASTER", mark), 0)

    def test_master(self):
        """A master that was stopped finds its successor, and takes the address back."""
        master = self.master()
        backup = self.daemon("hanode", self.b, instance(2, 100, **FAST)).start()
        backup.log.wait_for("master set to 192.0.2.1")
        master.process.send_signal(signal.SIGSTOP)
        backup.log.wait_for("Entering MASTER STATE")
        mark = backup.log.mark()
        master.process.send_signal(signal.SIGCONT)
        backup.log.wait_for("Entering BACKUP STATE", start=mark)
        until(lambda: self.holds(self.a, VIP) and not self.holds(self.b, VIP))


class Reload(DaemonCase):
    """SIGHUP."""

    def test_unchanged(self):
        """An equal file: same state, no priority 0, the beat goes on."""
        daemon = self.master()
        mark, at = daemon.log.mark(), self.observer.now()
        daemon.reload()
        daemon.log.wait_for("Reload complete", start=mark)
        until(lambda: len(self.observer.adverts(at)) > 5)
        self.assertEqual(self.goodbyes(), [])
        self.assertEqual(daemon.log.count("Entering", mark), 0)
        beats = [seen.at for seen in self.observer.adverts(at)]
        gaps = [b - a for a, b in zip(beats, beats[1:], strict=False)]
        self.assertLess(max(gaps), 0.3)

    def test_priority(self):
        """A changed priority is in the next advertisement, which goes out at once."""
        daemon = self.master(instance(1, 150, version=2))
        daemon.configure(instance(1, 77, version=2))
        at = self.observer.now()
        daemon.reload()
        until(lambda: any(s.advert.priority == 77 for s in self.observer.adverts(at)))
        self.assertEqual(self.goodbyes(), [])
        self.assertTrue(self.holds(self.a, VIP))

    def test_brokenFile(self):
        """A broken file changes nothing, and the log says why."""
        daemon = self.master()
        daemon.configure(instance(1, 77, **FAST)[:-3])  # the last brace is missing
        mark, at = daemon.log.mark(), self.observer.now()
        daemon.reload()
        daemon.log.wait_for("missing '}'", start=mark)
        daemon.log.wait_for("old configuration stays", start=mark)
        until(lambda: len(self.observer.adverts(at)) > 3)
        told = {seen.advert.priority for seen in self.observer.adverts(at)}
        self.assertEqual(told, {150})

    def test_addressesChange(self):
        """Addresses leave and arrive without a change of state."""
        daemon = self.master()
        new = "192.0.2.101/24"
        daemon.configure(instance(1, 150, vips=[new], **FAST))
        mark = daemon.log.mark()
        daemon.reload()
        until(lambda: self.holds(self.a, new) and not self.holds(self.a, VIP))
        until(lambda: self.observer.announcements("192.0.2.101"))
        self.assertEqual(daemon.log.count("Entering", mark), 0)

    def test_instancesComeAndGo(self):
        """A new instance starts, a removed one says goodbye, the third stays."""
        first = instance(1, 150, **FAST)
        second = {"name": "VI_2", "vrid": 52, "vips": ["192.0.2.102/24"]}
        third = {"name": "VI_3", "vrid": 53, "vips": ["192.0.2.103/24"]}
        daemon = self.master(first + instance(1, 150, **second, **FAST))
        until(lambda: self.holds(self.a, "192.0.2.102/24"))
        daemon.configure(first + instance(1, 150, **third, **FAST))
        mark = daemon.log.mark()
        daemon.reload()
        until(lambda: self.holds(self.a, "192.0.2.103/24"))
        self.assertFalse(self.holds(self.a, "192.0.2.102/24"))
        self.assertEqual({seen.advert.vrid for seen in self.goodbyes()}, {52})
        self.assertEqual(daemon.log.count(r"\(VI_1\)", mark), 0)


class Scripts(DaemonCase):
    """notify, with keepalived's arguments, in order."""

    def test_notify(self):
        """Every state is told in its order, down to STOP."""
        out = self.folder / "told"
        script = self.folder / "notify.sh"
        script.write_text(f'#!/bin/sh\necho "$@" >> {out}\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        notify = f"  notify {script}\n  notify_master \"{script} 'it is me'\""
        daemon = self.master(instance(1, 150, extra=notify, **FAST))
        until(lambda: out.exists() and "MASTER" in out.read_text())
        self.bridge.unplug(self.a)
        until(lambda: "FAULT" in out.read_text())
        self.bridge.plug(self.a)
        until(lambda: out.read_text().count("MASTER") == 2)
        daemon.stop()
        self.assertEqual(
            out.read_text().splitlines(),
            [
                "INSTANCE VI_1 BACKUP 150",
                "it is me",
                "INSTANCE VI_1 MASTER 150",
                "INSTANCE VI_1 FAULT 150",
                "INSTANCE VI_1 BACKUP 150",
                "it is me",
                "INSTANCE VI_1 MASTER 150",
                "INSTANCE VI_1 STOP 150",
            ],
        )

    def test_hungScript(self):
        """A script that hangs delays neither the advertisements nor the end."""
        script, pids = self.folder / "hang.sh", self.folder / "pids"
        script.write_text(f"#!/bin/sh\necho $$ >> {pids}\nexec sleep 30\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        self.addCleanup(self.kill_all, pids)
        daemon = self.master(instance(1, 150, extra=f"  notify {script}", **FAST))
        at = self.observer.now()
        until(lambda: len(self.observer.adverts(at)) > 5)
        self.assertLess(daemon.stop(), 1.5)
        self.assertFalse(self.holds(self.a, VIP))

    @staticmethod
    def kill_all(pids):
        """End the scripts that wrote their process identifiers down."""
        for pid in pids.read_text().split():
            os.kill(int(pid), signal.SIGKILL)
