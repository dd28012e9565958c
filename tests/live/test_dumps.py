"""Signals that ask for files, sent to running daemons: what exporters do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

from tests.exporters import COUNTS, read_data, read_json, read_stats
from tests.live.case import LiveCase, until
from tests.live.configs import instance, password
from tests.live.daemons import CHECKOUT, Hanode
from tests.live.test_daemon import Twistd

FAST = {"version": 3, "interval": 0.1}
ASKED = {"DATA": 10, "STATS": 12, "JSON": 36}
READ = {"DATA": read_data, "STATS": read_stats, "JSON": read_json}
FILES = {"DATA": "k.data", "STATS": "k.stats", "JSON": "k.json"}
SECRET = "hunter22"
ROUNDS = 100
RELOADS = 10


class WithPidFile(Hanode):
    """One that writes its process id."""

    @property
    def pid_file(self):
        """Where."""
        return self.folder / f"{self.host.name}.pid"

    def argv(self):
        """The command line."""
        return [*super().argv(), "-p", str(self.pid_file)]


class TwistdWithPidFile(Twistd):
    """The same under Twisted's own runner, which has such an option itself."""

    pid_file = WithPidFile.pid_file

    def argv(self):
        """The command line."""
        pid_file = f"--pidfile={self.pid_file}"
        return [pid_file if each == "--pidfile=" else each for each in super().argv()]


class Readers:
    """Reads files again and again, and keeps what was wrong with any."""

    def __init__(self, folder):
        self._folder, self._stop = folder, threading.Event()
        self.wrong, self.whole = [], 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._stop.wait(0.001):
            for kind, name in FILES.items():
                try:
                    text = (self._folder / name).read_text()
                except FileNotFoundError:
                    continue
                try:
                    complain(kind, text)
                    self.whole += 1
                except Exception as problem:
                    self.wrong.append((kind, repr(problem), text[-200:]))

    def close(self):
        """Read no more."""
        self._stop.set()
        self._thread.join(10)


def complain(kind, text):
    """Raise when the file is not a whole one with ten or twenty instances."""
    found = READ[kind](text)
    assert len(found) in (10, 20), len(found)
    assert text.endswith("\n")
    if kind == "DATA":
        assert "------< Interfaces >------" in text
        assert all("last_transition" in each for each in found.values())
    if kind == "STATS":
        assert all(len(each) == len(COUNTS) for each in found.values())
    assert SECRET not in text


class DumpCase(LiveCase):
    """Daemons on host a whose files are in the folder of the test."""

    def text(self, count=1, first=None, **mode):
        """The configuration of so many masters."""
        words = ("state_dump_file", "data"), ("stats_dump_file", "stats")
        words += (("json_dump_file", "json"),)
        lines = [f"{word} {self.folder}/k.{ending}" for word, ending in words]
        text = "global_defs {\n" + "\n".join(lines) + "\n}\n"
        for number in range(1, count + 1):
            priority = first if number == 1 and first else 150
            name, vips = f"VI_{number}", [f"10.9.{number}.1/24"]
            text += instance(1, priority, name=name, vrid=number, vips=vips, **mode)
        return text

    def run_daemon(self, kind, text):
        """A running daemon whose first instance is master."""
        daemon = kind(self.a, self.folder, text)
        self.daemons.append(daemon)
        daemon.start()
        daemon.log.wait_for(r"\(VI_1\) Entering MASTER STATE")
        return daemon

    def number(self, kind):
        """The number of the file of this kind; there is none yet: 0."""
        file = self.folder / FILES[kind]
        return file.stat().st_mtime_ns if file.exists() else 0

    def ask(self, pid, kind):
        """Send the signal, and wait for the new file."""
        before = self.number(kind)
        os.kill(pid, ASKED[kind])
        until(lambda: self.number(kind) != before, 15.0, f"a new {FILES[kind]}")
        return (self.folder / FILES[kind]).read_text()


class Exporter(DumpCase):
    """What an exporter does: pid file, number of the signal, signal, file."""

    def numbers(self):
        """What the command says about the numbers."""
        found = {}
        for name in ASKED:
            argv = [sys.executable, "-m", "hanode.cli", f"--signum={name}"]
            environment = dict(os.environ, PYTHONPATH=str(CHECKOUT))
            found[name] = int(subprocess.check_output(argv, env=environment))
        return found

    def looks(self, kind):
        """Each file of a daemon of this kind says that it is master."""
        daemon = self.run_daemon(kind, self.text(**FAST))
        pid = int(daemon.pid_file.read_text().removesuffix("\n"))
        self.assertEqual(pid, daemon.process.pid)
        data = read_data(self.ask(pid, "DATA"))["VI_1"]
        self.assertEqual((data["state"], data["interface"]), (2, "eth0"))
        self.assertEqual(data["vips"], [("10.9.1.1/24", "eth0")])
        stats = read_stats(self.ask(pid, "STATS"))["VI_1"]
        facts, counts = read_json(self.ask(pid, "JSON"))["VI_1"]
        self.assertEqual((facts["state"], facts["vipset"]), (2, True))
        self.assertGreaterEqual(counts["advert_sent"], stats["advert_sent"])
        sent = len(self.observer.adverts())
        self.assertLessEqual(abs(sent - counts["advert_sent"]), 3)
        self.assertEqual((self.folder / "k.json").stat().st_mode & 0o777, 0o600)
        daemon.stop()
        # Once it has shut down, twistd ends itself by the signal that it got.
        self.assertIn(daemon.process.returncode, (0, -signal.SIGTERM))
        self.assertFalse(daemon.pid_file.exists())
        return daemon

    def test_run(self):
        """C{hanode run}."""
        self.assertEqual(self.numbers(), ASKED)
        log = self.looks(WithPidFile).log
        log.wait_for(r"Printing VRRP data for process\(\d+\) on signal")
        log.wait_for(r"Printing VRRP stats for process\(\d+\) on signal")
        log.wait_for(r"Printing VRRP as json for process\(\d+\) on signal")

    def test_twistd(self):
        """C{twistd}."""
        self.looks(TwistdWithPidFile)

    def test_others(self):
        """The other signals: counts from 0 on, and what the reactor waits for."""
        daemon = self.run_daemon(WithPidFile, self.text(**FAST))
        pid = daemon.process.pid
        until(lambda: len(self.observer.adverts()) > 10)
        before = self.number("STATS")
        os.kill(pid, signal.SIGRTMAX - 1)
        until(lambda: self.number("STATS") != before)
        told = read_stats((self.folder / FILES["STATS"]).read_text())
        self.assertGreater(told["VI_1"]["advert_sent"], 9)
        daemon.log.wait_for("Clearing VRRP stats")
        after = read_stats(self.ask(pid, "STATS"))["VI_1"]
        self.assertLess(after["advert_sent"], 10)
        self.assertEqual(after["become_master"], 0)
        os.kill(pid, signal.SIGRTMAX)
        daemon.log.wait_for(r"thread MainThread")


class InPlace(DumpCase):
    """A program called keepalived that is hanode."""

    def setUp(self):
        super().setUp()
        self.program = self.folder / "bin" / "keepalived"
        self.program.parent.mkdir()
        self.program.write_text(
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(CHECKOUT)!r})\n"
            "from hanode.cli import main\nsys.exit(main())\n"
        )
        self.program.chmod(0o755)

    def typed(self, *words):
        """What the program says, and its status; it may leave a daemon behind."""
        argv = [str(self.program), *map(str, words)]
        return self.a.call(
            subprocess.run, argv, capture_output=True, text=True, timeout=30
        )

    def test_questions(self):
        """What exporters ask before they begin: version and number."""
        told = self.typed("-v")
        self.assertEqual((told.returncode, told.stdout), (0, ""))
        self.assertRegex(told.stderr.splitlines()[0], r"^Keepalived v2\.\d+\.\d+ \(")
        self.assertEqual(self.typed("--signum=JSON").stdout, "36\n")
        self.assertEqual(self.typed("-Z").returncode, 1)

    def test_background(self):
        """It ends when the daemon is ready, and the daemon answers signals."""
        config, pid_file = self.folder / "k.conf", self.folder / "k.pid"
        config.write_text(f"hanode {{\nhttp off\n}}\n{self.text(**FAST)}")
        self.assertEqual(self.typed("-t", "-f", config).returncode, 0)
        done = self.typed("-D", "-f", config, "-p", pid_file, "-r", f"{pid_file}.vrrp")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        pid = int(pid_file.read_text())
        self.addCleanup(self.end, pid)
        self.assertEqual(int((self.folder / "k.pid.vrrp").read_text()), pid)
        until(lambda: read_json(self.ask(pid, "JSON"))["VI_1"][0]["state"] == 2)
        os.kill(pid, signal.SIGTERM)
        until(lambda: not pid_file.exists())
        until(lambda: not os.path.exists(f"/proc/{pid}"))

    def end(self, pid):
        """Whatever state it is in: afterwards it is gone."""
        words = Path(f"/proc/{pid}/cmdline")
        if words.exists() and str(self.program) in words.read_text():
            os.kill(pid, signal.SIGKILL)


class Whole(DumpCase):
    """No file is ever half there."""

    def test_underReload(self):
        """A hundred of each kind while the configuration changes all the time."""
        mode = {"interval": 1, "extra": password(SECRET)}
        texts = [self.text(10, 150, **mode), self.text(20, 140, **mode)]
        daemon = self.run_daemon(WithPidFile, texts[0])
        readers = Readers(self.folder)
        self.addCleanup(readers.close)
        rounds = asked = 0
        while rounds < ROUNDS or asked < RELOADS:
            if daemon.log.count("Reload complete") == asked:
                asked += 1
                daemon.configure(texts[asked % 2])
                daemon.reload()
            for kind in ASKED:
                complain(kind, self.ask(daemon.process.pid, kind))
            rounds += 1
        until(lambda: daemon.log.count("Reload complete") == asked)
        readers.close()
        self.assertEqual(readers.wrong, [])
        self.assertGreater(readers.whole, ROUNDS)
        self.assertEqual(daemon.log.count("Reload refused"), 0)
        left = [each.name for each in self.folder.iterdir() if ".k." in each.name]
        self.assertEqual(left, [])

    def test_onTime(self):
        """Files about two hundred instances keep no advertisement waiting."""
        daemon = self.run_daemon(WithPidFile, self.text(200, version=3, interval=1))
        until(lambda: daemon.log.count("Entering MASTER STATE") == 200, 30.0)
        at = self.observer.now()
        for _ in range(5):
            for kind in ASKED:
                self.ask(daemon.process.pid, kind)
        until(lambda: self.observer.now() > at + 3)
        beats = {}
        for seen in self.observer.adverts(at):
            beats.setdefault(seen.advert.vrid, []).append(seen.at)
        self.assertEqual(len(beats), 200)
        gaps = [b - a for each in beats.values() for a, b in pairwise(each)]
        self.assertLess(max(gaps), 1.5)
