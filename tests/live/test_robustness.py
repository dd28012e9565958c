"""What happens to one of two daemons when processes die, hang, or lack something."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from itertools import pairwise

from hanode.rehearsal import syscalls
from tests.live.case import LiveCase, until
from tests.live.clock_jump import BACK, FORWARD
from tests.live.configs import VIPS, instance
from tests.live.daemons import CHECKOUT, Hanode
from tests.live.observer import longest_double

VIP = VIPS[4]
INTERVAL = 0.1
FAST = {"version": 3, "interval": INTERVAL}


class PairCase(LiveCase):
    """A master on host a (priority 150 unless told) and a backup on host b (100)."""

    def pair(self, kind=Hanode, high="", low="", priority=150):
        """Both are up, and the backup follows."""
        self.first = kind(
            self.a, self.folder, instance(1, priority, extra=high, **FAST)
        )
        self.second = kind(self.b, self.folder, instance(2, 100, extra=low, **FAST))
        self.daemons += [self.first, self.second]
        self.first.start()
        self.first.log.wait_for("Entering MASTER STATE")
        until(lambda: self.holds(self.a, VIP))
        self.second.start()
        self.second.log.wait_for("master set to 192.0.2.1")

    def beats(self, count=5):
        """Wait for so many advertisements; return them."""
        at = self.observer.now()
        until(lambda: len(self.observer.adverts(at)) >= count)
        return self.observer.adverts(at)

    def steady(self, since, log_marks=()):
        """Nothing changed since that moment: one master, its beat, no new state."""
        seen = self.observer.adverts(since)
        self.assertEqual({str(each.source) for each in seen}, {"192.0.2.1"})
        self.assertEqual({each.advert.priority for each in seen}, {150})
        for daemon, mark in log_marks:
            self.assertEqual(daemon.log.count("Entering", mark), 0)
        self.assertTrue(self.holds(self.a, VIP))
        self.assertFalse(self.holds(self.b, VIP))

    def marks(self):
        """Where both logs are now."""
        return [(each, each.log.mark()) for each in (self.first, self.second)]


class Killed(PairCase):
    """C{kill -9} of a master, and its next life."""

    def lives_again(self, extra):
        """Kill the first, let the second take over, start the first again."""
        self.pair(high=extra)
        self.first.kill()
        self.second.log.wait_for("Entering MASTER STATE")
        until(lambda: self.holds(self.b, VIP))
        self.assertTrue(self.holds(self.a, VIP))  # the dead one cannot help it
        at = self.observer.now()
        self.first.start()
        self.first.log.wait_for(r"Entering BACKUP STATE \(init\)")
        return at

    def test_preempts(self):
        """Its old address goes before it takes part; then it is master again."""
        at = self.lives_again("")
        self.first.log.wait_for(f"removing {VIP}.*left behind")
        self.first.log.wait_for("Entering MASTER STATE")
        self.second.log.wait_for("Entering BACKUP STATE")
        until(lambda: self.holds(self.a, VIP) and not self.holds(self.b, VIP))
        self.assertLess(longest_double(self.observer.adverts(at), INTERVAL), INTERVAL)

    def test_staysBackup(self):
        """Without preemption it gives its old address up and follows."""
        at = self.lives_again("  nopreempt")
        self.first.log.wait_for("master set to 192.0.2.2")
        self.beats()
        self.assertFalse(self.holds(self.a, VIP))
        self.assertTrue(self.holds(self.b, VIP))
        self.assertEqual(self.first.log.count("Entering MASTER"), 0)
        sources = {str(each.source) for each in self.observer.adverts(at)}
        self.assertEqual(sources, {"192.0.2.2"})

    def test_backup(self):
        """A killed backup comes back as backup; the master does not notice."""
        self.pair()
        at, mark = self.observer.now(), self.first.log.mark()
        self.second.kill()
        self.second.start()
        self.second.log.wait_for("master set to 192.0.2.1")
        self.beats()
        self.steady(at, [(self.first, mark)])


class Stopped(PairCase):
    """SIGSTOP, and SIGCONT after two seconds."""

    def test_successorIsBetter(self):
        """A master that was stopped gives way at once, and its address goes."""
        self.pair(low="  nopreempt", priority=90)
        self.first.process.send_signal(signal.SIGSTOP)
        self.second.log.wait_for("Entering MASTER STATE")
        until(lambda: self.holds(self.b, VIP))
        self.beats(20)
        mark, at = self.first.log.mark(), self.observer.now()
        self.first.process.send_signal(signal.SIGCONT)
        until(lambda: not self.holds(self.a, VIP), 2.0)
        self.assertLess(self.observer.now() - at, 0.5)
        self.first.log.wait_for("Entering BACKUP STATE", start=mark)
        self.assertEqual({str(each.source) for each in self.beats()}, {"192.0.2.2"})
        # Its own advertisement was overdue, and what it had missed came first: the
        # one that may have passed is that of higher_prio_send_advert.
        own = [e for e in self.observer.adverts(at) if str(e.source) == "192.0.2.1"]
        self.assertLessEqual(len(own), 1)
        self.assertTrue(self.holds(self.b, VIP))

    def test_successorIsWorse(self):
        """A master that was stopped answers once, however many adverts waited."""
        self.pair()
        self.first.process.send_signal(signal.SIGSTOP)
        self.second.log.wait_for("Entering MASTER STATE")
        self.beats(15)
        mark, at = self.first.log.mark(), self.observer.now()
        self.first.process.send_signal(signal.SIGCONT)
        self.second.log.wait_for("Entering BACKUP STATE")
        until(lambda: not self.holds(self.b, VIP))
        self.assertTrue(self.holds(self.a, VIP))
        self.beats()
        self.assertEqual(self.first.log.count("forcing new election", mark), 1)
        seen = [e for e in self.observer.adverts(at) if e.at < at + INTERVAL / 2]
        self.assertLessEqual(len(seen), 4)

    def test_both(self):
        """Master and backup stopped together: they go on as they were."""
        self.pair()
        marks = self.marks()
        for each in (self.first, self.second):
            each.process.send_signal(signal.SIGSTOP)
        time.sleep(2)  # there is nothing that could be waited for
        for each in (self.second, self.first):
            each.process.send_signal(signal.SIGCONT)
        at = self.observer.now()
        self.beats(10)
        self.steady(at, marks)


class Scripts(PairCase):
    """Scripts that die."""

    def script(self, name, text):
        """An executable file."""
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    def test_outOfMemory(self):
        """One that eats all memory it may have, and one that the kernel kills."""
        done = self.folder / "done"
        words = [
            f"  notify_backup {self.script('killed', 'kill -9 $$')}",
            f"  notify_master {self.script('eater', f'ulimit -v 60000; {EATER}')}",
            f"  notify {self.script('fine', f'echo $3 >> {done}')}",
        ]
        self.pair(high="\n".join(words))
        self.first.log.wait_for("killed.* killed by signal 9")
        self.first.log.wait_for("eater.* (exited with status|killed by signal)")
        until(lambda: done.exists() and "MASTER" in done.read_text())
        self.assertEqual(done.read_text().split(), ["BACKUP", "MASTER"])
        at = self.observer.now()
        self.beats()
        self.steady(at)

    def test_manyAtOnce(self):
        """Two hundred instances with a script each: no advertisement is missed."""
        told = self.folder / "told"
        told.touch()
        told.chmod(0o666)
        self.folder.chmod(0o755)
        notify = f"  notify {self.script('many', f'echo $2 $3 >> {told}')}"

        def config(me, priority, extra=""):
            return "".join(
                instance(me, priority, **_many(number), extra=extra)
                for number in range(1, 201)
            )

        # Becoming somebody else takes a fork of all our memory for each.
        user = "global_defs {\n script_user nobody\n}\n"
        self.first = self.daemon("hanode", self.a, user + config(1, 150, notify))
        self.second = self.daemon("hanode", self.b, config(2, 100))
        for daemon in (self.second, self.first):
            daemon.detail = False
            daemon.start()
            daemon.log.wait_for(r"\(VI_200\) Entering MASTER STATE")
        self.second.log.wait_for(r"\(VI_200\) Entering BACKUP STATE$", start=200)
        mark, at = self.second.log.mark(), self.observer.now()
        until(lambda: told.read_text().count("MASTER") == 200, 60)
        until(lambda: len(self.observer.adverts(at)) >= 400)
        self.assertEqual(self.second.log.count("Entering MASTER", mark), 0)
        beats = {}
        for seen in self.observer.adverts(at):
            self.assertEqual(str(seen.source), "192.0.2.1")
            beats.setdefault(seen.advert.vrid, []).append(seen.at)
        gaps = [b - a for each in beats.values() for a, b in pairwise(each)]
        self.assertLess(max(gaps), 2.0)


def _many(number):
    """What makes one of many instances different from the others."""
    vip = f"192.0.2.{number + 20}/24"
    return {"name": f"VI_{number}", "vrid": number, "vips": [vip], "version": 3}


EATER = "x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done"


class ToFile(Hanode):
    """hanode with its log and its socket in one folder, which may be full."""

    full = None  # set by the test

    @property
    def socket(self):
        """Where one looks in."""
        return self.full / "socket"

    def start(self):
        """Its log is a file; C{log} follows it."""
        path = self.full / "log"
        out = self.host.call(path.open, "ab", 0)
        environment = dict(os.environ, PYTHONPATH=str(CHECKOUT))
        self.process = self.host.popen(
            self.argv(), stdout=out, stderr=out, env=environment
        )
        out.close()
        return self

    def text(self):
        """All that it could write."""
        return self.host.call((self.full / "log").read_text)


class FullDisk(PairCase):
    """A file system without a free byte and without a free inode."""

    def test_goesOn(self):
        """Neither start, fault, reload nor stop depends on log or socket."""
        place = self.folder / "full"
        place.mkdir()
        options = "size=64k,nr_inodes=3"
        self.a.call(syscalls.mount, "tmpfs", str(place), "tmpfs", 0, options)
        self.addCleanup(self.a.call, subprocess.run, ["umount", str(place)])
        self.a.call(self.fill, place)
        daemon = ToFile(self.a, self.folder, instance(1, 150, **FAST))
        daemon.full = place
        self.daemons.append(daemon)
        daemon.start()
        until(lambda: self.holds(self.a, VIP))
        self.beats()
        self.bridge.unplug(self.a)
        until(lambda: not self.holds(self.a, VIP))
        self.bridge.plug(self.a)
        until(lambda: self.holds(self.a, VIP))
        self.assertEqual(daemon.text(), "")
        self.a.call((place / "filler").unlink)
        daemon.configure(instance(1, 77, **FAST))
        daemon.reload()
        until(lambda: "Reload complete" in daemon.text(), 30)
        until(lambda: 77 in {each.advert.priority for each in self.observer.adverts()})
        self.assertLess(daemon.stop(), 1.5)
        self.assertFalse(self.holds(self.a, VIP))

    @staticmethod
    def fill(place):
        """Leave room for nothing more than the name of the log."""
        (place / "log").touch()
        with (place / "filler").open("wb", 0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                return


class JumpingHanode(Hanode):
    """hanode with a wall clock that jumps as it is told."""

    def argv(self):
        """The command line."""
        python, _, _, *words = super().argv()
        return [python, "-m", "tests.live.clock_jump", *words]

    def jump(self, number, offset):
        """Let the clock jump; return when it has."""
        mark = self.log.mark()
        self.process.send_signal(number)
        self.log.wait_for(f"wall clock: {offset} s", start=mark)


class Clock(PairCase):
    """The wall clock of both is set, while the true one runs on."""

    def test_jumps(self):
        """An hour forward and two back, as master and as backup: nothing happens."""
        self.pair(kind=JumpingHanode)
        for number, offset in (
            (FORWARD, r"\+3600"),
            (BACK, r"\+0"),
            (BACK, "-3600"),
        ):
            marks, at = self.marks(), self.observer.now()
            self.first.jump(number, offset)
            self.second.jump(number, offset)
            self.beats(10)
            self.steady(at, marks)
        mark, at = self.second.log.mark(), time.monotonic()
        self.first.kill()
        moment, _ = self.second.log.wait_for("Entering MASTER STATE", start=mark)
        self.assertLess(moment - at, 1.0)


class News(PairCase):
    """Much that happens in the kernel, and is none of our business."""

    def storm(self, interface):
        """EVENTS of them, 200 a second unless we are slower: an address comes, goes."""
        for number in range(EVENTS // 2):
            due = time.monotonic() + 0.01
            address = f"203.0.113.{number % 200 + 1}/32"
            self.a.add_address(address, interface)
            self.a.remove_address(address, interface)
            time.sleep(max(0.0, due - time.monotonic()))

    def test_storm(self):
        """On our own interface and on another one: no transition, little work."""
        self.pair()
        for interface in ("eth0", "lo"):
            marks, at = self.marks(), self.observer.now()
            used = _processor_time(self.first.process.pid)
            self.storm(interface)
            used = _processor_time(self.first.process.pid) - used
            self.steady(at, marks)
            self.assertLess(used / EVENTS, 0.0025)  # half of 5 ms; it takes a tenth
            beats = [each.at for each in self.observer.adverts(at)]
            gaps = [b - a for a, b in zip(beats, beats[1:], strict=False)]
            self.assertLess(max(gaps), 3 * INTERVAL)

    def test_overrun(self):
        """More news than the kernel keeps for us: all is read anew, and put right."""
        self.pair()
        self.first.process.send_signal(signal.SIGSTOP)
        self.second.log.wait_for("Entering MASTER STATE")
        self.a.remove_address(VIP, "eth0")
        self.a.call(_flood)
        mark = self.first.log.mark()
        self.first.process.send_signal(signal.SIGCONT)
        self.first.log.wait_for("reading all anew", start=mark)
        until(lambda: self.holds(self.a, VIP) and not self.holds(self.b, VIP))
        self.second.log.wait_for("Entering BACKUP STATE")
        self.assertEqual(self.first.log.count("Entering", mark), 0)
        self.assertEqual(self.a.addresses("lo"), ["127.0.0.1/8", "::1/128"])
        self.beats()


EVENTS = 600


def _processor_time(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _flood():
    """An address comes and goes until the kernel has lost some of the news."""
    pair = "".join(f"addr {verb} 10.1.1.1/32 dev lo\n" for verb in ("add", "del"))
    for _ in range(40):
        argv = ["ip", "-batch", "-"]
        subprocess.run(argv, input=pair * 5000, text=True, check=True)
        if _dropped():
            return
    raise AssertionError("the kernel keeps them all")


def _dropped():
    """How many messages for sockets of this namespace found no room (Drops)."""
    with open("/proc/thread-self/net/netlink") as file:
        next(file)
        return sum(int(line.split()[8]) for line in file)
