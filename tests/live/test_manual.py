"""Every command that README and manual tell people to type works as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT

from tests.live.case import LiveCase, until
from tests.live.configs import instance
from tests.live.daemons import CHECKOUT, Hanode, Log

COMMAND = re.compile(r"^    (?:\$ )?((?:hanode|twistd|make) (?!{)[^#\[\n]*)", re.M)
TWISTD = "from twisted.scripts.twistd import run; run()"
PROGRAMS = {
    "hanode": [sys.executable, "-m", "hanode.cli"],
    "twistd": [sys.executable, "-c", TWISTD, "--pidfile="],
}

ENDINGS = "The address moved each time|The requests always found who can answer"
LOOKS = (
    "hanode status",
    "hanode why",
    "hanode events",
    "hanode vrrp",
    "hanode reload",
    "hanode undrain",
)
PEER = "bfd_instance peer {\n neighbor_ip 127.0.0.2\n}\n"


def commands():
    """All of them, each once."""
    pages = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
    found = [
        shlex.join(shlex.split(line))
        for page in pages
        for line in COMMAND.findall(page.read_text())
    ]
    return sorted(set(found))


class ManualTests(LiveCase):
    """One test for each kind of command; together they must leave none out."""

    def setUp(self):
        super().setUp()
        pair = CHECKOUT / "etc" / "pair"
        for name, file in (("lb1", "a.conf"), ("lb2", "b.conf")):
            (self.folder / name).mkdir()
            shutil.copy(pair / file, self.folder / name / "keepalived.conf")
        shutil.copy(CHECKOUT / "etc" / "node.conf", self.folder)

    def words(self, command):
        """The command with our interpreter and, for /etc/hanode, our folder."""
        program, *rest = shlex.split(command.replace("/etc/hanode", str(self.folder)))
        return [*PROGRAMS[program], *rest]

    def environment(self):
        """As a person's, but with the checkout on the path."""
        environment = dict(os.environ, PYTHONPATH=str(CHECKOUT), PYTHONUNBUFFERED="1")
        environment.pop("JOURNAL_STREAM", None)
        return environment

    def test_noneLeftOut(self):
        """Every command of the manual is of a kind that is tested here."""
        kinds = {" ".join(command.split()[:2]) for command in commands()}
        # make test is what runs this; make demo is hanode lab --fast: see test_lab.
        known = {"hanode check", "hanode run", "hanode lab", "hanode bfd", "twistd -n"}
        known |= {*LOOKS, "hanode drain", "hanode signum"}  # drain: see test_switchover
        # make bench takes an hour, and prints figures instead of asserting them.
        self.assertEqual(kinds - {"make demo", "make test", "make bench"}, known)

    def test_check(self):
        """hanode check says that the file would run."""
        for command in commands():
            if command.startswith("hanode check") and "--diff" not in command:
                done = subprocess.run(
                    self.words(command),
                    env=self.environment(),
                    capture_output=True,
                    text=True,
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                self.assertIn("would run: 1 vrrp_instance", done.stdout)

    def test_run(self):
        """hanode run and twistd become ready, and end in order at SIGTERM."""
        for command in commands():
            if command.startswith(("hanode run", "twistd")):
                process = self.a.popen(
                    self.words(command),
                    stdout=PIPE,
                    stderr=STDOUT,
                    text=True,
                    env=self.environment(),
                    cwd=self.folder,
                )
                log = Log(process.stdout)
                log.wait_for("hanode is ready: 1 instances")
                process.terminate()
                status = process.wait(5)
                log.wait_for("Main loop terminated")
                # Once it has shut down, twistd ends itself by the signal that it got.
                ended = -signal.SIGTERM if command.startswith("twistd") else 0
                self.assertEqual(status, ended, str(log))

    def test_signum(self):
        """hanode signum prints a number."""
        for command in commands():
            if command.startswith("hanode signum"):
                done = subprocess.run(
                    self.words(command),
                    env=self.environment(),
                    capture_output=True,
                    text=True,
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""), command)
                self.assertGreater(int(done.stdout), 0)

    def test_bfd(self):
        """hanode bfd, against a daemon with a session of that name."""
        daemon = Hanode(self.a, self.folder, PEER).start()
        self.addCleanup(daemon.end)
        daemon.log.wait_for("hanode is ready")
        until(daemon.socket.exists, what="the socket")
        for command in commands():
            if command.startswith("hanode bfd"):
                words = self.words(command)
                after = words.index("bfd") + 1
                words[after:after] = ["-S", str(daemon.socket)]
                done = subprocess.run(
                    words,
                    env=self.environment(),
                    capture_output=True,
                    text=True,
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""), command)

    def test_looks(self):
        """Every command that asks a daemon, against one with that instance."""
        daemon = Hanode(self.a, self.folder, instance(1, 150)).start()
        self.addCleanup(daemon.end)
        daemon.log.wait_for("hanode is ready")
        until(daemon.socket.exists, what="the socket")
        for command in commands():
            if command.startswith(LOOKS) or "--diff" in command:
                done = subprocess.run(
                    [*self.words(command), "-S", str(daemon.socket)],
                    env=self.environment(),
                    capture_output=True,
                    text=True,
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""), command)
                self.assertNotEqual(done.stdout, "", command)

    def test_lab(self):
        """hanode lab with the files of a person."""
        for command in commands():
            if command.startswith("hanode lab "):
                done = subprocess.run(
                    self.words(command),
                    env=self.environment(),
                    capture_output=True,
                    text=True,
                    cwd=self.folder,
                    timeout=90,
                )
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertRegex(done.stdout, ENDINGS)

    def test_lines(self):
        """The log lines that the manual quotes are the ones that a daemon prints."""
        page = (Path(CHECKOUT) / "docs" / "vrrp.md").read_text()
        source = "".join(
            file.read_text() for file in (CHECKOUT / "hanode" / "vrrp").glob("*.py")
        )
        quoted = re.findall(r"^    \(VI_1\):? (\w+ \w+)", page, re.M)
        self.assertGreater(len(quoted), 4)
        for words in quoted:
            self.assertTrue(
                words in source or words.startswith("Entering"), f"{words} not found"
            )
