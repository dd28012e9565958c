"""BFD daemons in real namespaces: BIRD, FRR's bfdd, keepalived, and our own."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from subprocess import PIPE, STDOUT, run

from hanode.console.client import Client, Unreachable
from tests.live.bfd_configs import frr_peer
from tests.live.daemons import CHECKOUT, Daemon, Hanode, Keepalived, Log

FRR = Path("/usr/lib/frr")
PATH = "/usr/sbin:/sbin:/usr/bin:/bin"


def _told(argv):
    """What a command line tool prints. Raises L{AssertionError} when it fails."""
    done = run([str(word) for word in argv], capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class BfdHanode(Hanode):
    """hanode with a socket to look in."""

    @property
    def socket(self):
        """Where C{hanode bfd} finds it."""
        return self.folder / f"{self.host.name}.sock"

    def argv(self):
        """The command line."""
        return [*super().argv(), "-H", f"unix:{self.socket}"]

    def page(self):
        """What C{/api/v1/bfd} shows; None while nothing answers."""
        try:
            return Client(str(self.socket)).get("bfd")
        except Unreachable:
            return None

    def sessions(self):
        """All sessions by name, as the socket shows them."""
        return {
            each["name"]: each for each in (self.page() or {"sessions": []})["sessions"]
        }

    def state(self, link):
        """The state of a session, C{UP} for example; "" when it is not there."""
        return self.sessions().get(link.name, {"state": ""})["state"].lower()

    def intervals(self, link):
        """Our interval, the peer's and the detection time, in milliseconds."""
        session = self.sessions()[link.name]
        keys = ("tx_interval", "rx_interval", "detection_time")
        return tuple(round((session[key] or 0) * 1000) for key in keys)

    def cli(self, *words):
        """What C{hanode bfd WORDS} prints."""
        program = [self.argv()[0], "-m", "hanode.cli", "bfd", "-S", self.socket]
        done = run(
            [str(word) for word in (*program, *words)],
            capture_output=True, text=True, timeout=20, cwd=CHECKOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Bird(Daemon):
    """Debian's BIRD 2, with a control socket of its own."""

    kind = "bird"

    def argv(self):
        """The command line: in the foreground; what it logs is up to the file."""
        files = ["-s", str(self.socket), "-P", str(self.folder / "bird.pid")]
        return [shutil.which("bird", path=PATH), "-f", "-c", str(self.file), *files]

    @property
    def socket(self):
        """Where birdc talks to it."""
        return self.folder / f"{self.host.name}.bird"

    def start(self):
        """Start it; it listens for birdc afterwards."""
        self.socket.unlink(missing_ok=True)
        super().start()
        self.log.wait_for("Started")
        return self

    def ctl(self, *words):
        """What birdc answers."""
        return _told([shutil.which("birdc", path=PATH), "-s", self.socket, *words])

    def reload(self):
        """Take the file as it is now."""
        told = self.ctl("configure")
        assert "Reconfigured" in told or "in progress" in told, told

    def sessions(self):
        """Neighbour -> state, interval, detection time; in words and milliseconds.

        The interval is the one at which it sends, the detection time is ours to keep.
        """
        found = {}
        for line in self.ctl("show", "bfd", "sessions").splitlines():
            words = line.split()
            if len(words) == 6 and words[4][:1].isdigit():
                tx, detection = (round(float(word) * 1000) for word in words[4:])
                found[words[0]] = (words[2].lower(), tx, detection)
        return found

    def state(self, link):
        """The state of a session; "" when it is not there."""
        return self.sessions().get(link.ours, ("", 0, 0))[0]

    def disable(self):
        """Forget all sessions. BIRD 2.0 does not say AdminDown: it falls silent."""
        self.ctl("disable", "bfd1")

    def enable(self):
        """End a L{disable}."""
        self.ctl("enable", "bfd1")


class Frr(Daemon):
    """Debian's FRR: zebra and bfdd alone, with every file in a folder of their own."""

    kind = "frr"
    zebra = None

    def argv(self):
        """The command line of bfdd."""
        return self._argv("bfdd", self.file, "--bfdctl", self.run / "bfdd.sock")

    @property
    def run(self):
        """The folder of sockets and pid files."""
        return self.folder / f"{self.host.name}.frr"

    def _argv(self, program, file, *more):
        own = ["-f", file, "-i", self.run / f"{program}.pid", "--vty_socket", self.run]
        # It insists on the group of its sockets.
        who = ["-u", "root", "-g", "frrvty", "-P", "0", "-z", self.run / "zserv.api"]
        log = ["--log", "stdout", "--log-level", "debug"]
        return [str(word) for word in (FRR / program, *own, *who, *log, *more)]

    def start(self):
        """Start both; they listen for vtysh afterwards."""
        if self.zebra is None:
            self.run.mkdir()
            file = self.run / "zebra.conf"
            file.write_text("")
            self.zebra = self.host.popen(
                self._argv("zebra", file), stdout=PIPE, stderr=STDOUT, text=True
            )
            self.zebra_log = Log(self.zebra.stdout)
            self.zebra_log.wait_for("zebra .* starting")
        super().start()
        self.log.wait_for("bfdd .* starting")
        return self

    def ctl(self, *lines):
        """What vtysh answers to these lines."""
        words = [word for line in lines for word in ("-c", line)]
        return _told(["vtysh", "--vty_socket", self.run, *words])

    def sessions(self):
        """The neighbour's address -> all that C{show bfd peers json} tells."""
        shown = json.loads(self.ctl("show bfd peers json"))
        return {each["peer"]: each for each in shown}

    def state(self, link):
        """The state of a session; "" when it is not there."""
        return self.sessions().get(link.ours, {"status": ""})["status"]

    def tell(self, link, *lines):
        """Change one session."""
        self.ctl("configure terminal", "bfd", frr_peer(link), *lines)

    def disable(self, link):
        """Say AdminDown."""
        self.tell(link, "shutdown")

    def enable(self, link):
        """End a L{disable}."""
        self.tell(link, "no shutdown")

    def end(self):
        """End both."""
        super().end()
        if self.zebra is not None and self.zebra.poll() is None:
            self.zebra.terminate()
            self.zebra.wait(5)


class BfdKeepalived(Keepalived):
    """Debian's keepalived, its BFD process alone."""

    def argv(self):
        """The command line."""
        words = [word for word in super().argv() if word != "-P"]
        return [*words, "-b", f"{self.folder}/{self.host.name}-b"]

    def state(self, link):
        """The state that its log told last; "" before it told any."""
        entered = re.compile(rf"\({re.escape(link.name)}\) Entering (\w+) state")
        found = [
            m[1] for _, line in list(self.log.lines) if (m := entered.search(line))
        ]
        return found[-1].lower() if found else ""
