"""hanode in the place of keepalived, as far as that needs no network."""

from __future__ import annotations

import contextlib
import io
import os
import signal
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace

import twisted.internet.reactor
from twisted.internet.defer import succeed
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from hanode import in_place, tap
from hanode.cli import main
from hanode.in_place import InPlace, own_version
from hanode.keepalived_options import read
from hanode.reading import read as read_configuration
from tests.stories.texts import instance

ETC = Path(__file__).parents[1] / "etc"
ALL = f"""{instance(1, 100)}
bfd_instance b {{
    neighbor_ip 192.0.2.2
}}
virtual_server 192.0.2.9 80 {{
    lb_algo rr
    lb_kind NAT
    real_server 192.0.2.8 80 {{
    }}
}}
"""


def typed(*words):
    """Status, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["keepalived", *map(str, words)])
    return status, out.getvalue(), err.getvalue()


class QuestionTests(SynchronousTestCase):
    def test_version(self):
        """The first line on standard error begins as that of keepalived."""
        status, out, err = typed("--version")
        self.assertEqual((status, out), (0, ""))
        first = f"Keepalived v2.4.0 (hanode {own_version()})"
        self.assertEqual(err.splitlines()[0], first)

    def test_checkout(self):
        """Without an installation the version is that of a checkout."""

        def missing(name):
            raise in_place.PackageNotFoundError(name)

        self.patch(in_place, "version", missing)
        self.assertEqual(own_version(), "from a checkout")

    def test_help(self):
        """All options, on standard error."""
        status, _, err = typed("-h")
        self.assertEqual(status, 0)
        self.assertIn("--dont-release-vrrp  (no effect: ", err)

    def test_signum(self):
        """Numbers of signals."""
        self.assertEqual(typed("--signum=DATA"), (0, "10\n", ""))
        self.assertEqual(typed("--signum=X"), (1, "", "Unknown sigfunc X\n"))

    def test_nonsense(self):
        """What makes no sense is status 1, with the options."""
        status, _, err = typed("-Z")
        self.assertEqual(status, 1)
        self.assertTrue(err.startswith("Unknown option -Z\nUsage: keepalived"))

    def test_genhash(self):
        """-T is genhash."""
        with self.assertRaises(SystemExit) as end:
            typed("-T", "--help")
        self.assertEqual(end.exception.code, 0)

    def test_name(self):
        """A program of keepalived's name takes keepalived's options."""
        self.patch(in_place.sys, "argv", ["/usr/sbin/keepalived", "--signum=JSON"])
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(main(), 0)
        self.assertEqual(out.getvalue(), "36\n")


class Reactor:
    """Stands for the reactor: does not run, and keeps what it is to do."""

    def __init__(self):
        self.called = []

    def callWhenRunning(self, act, *args):
        """Keep it."""
        self.called.append((act, *args))

    def addSystemEventTrigger(self, *args):
        """Keep it."""
        self.called.append(args)

    def run(self):
        """That is all."""


class ServeTests(SynchronousTestCase):
    """How the daemon is started."""

    def start(self, *words):
        """What the reactor is to do, and where the log goes."""
        reactor, began = Reactor(), []
        daemon = SimpleNamespace(
            startService="start", stopService="stop", dumping=SimpleNamespace(ask="ask")
        )
        self.patch(twisted.internet, "reactor", reactor)
        self.patch(in_place.logs, "begin", lambda *given: began.append(given[1:]))
        self.patch(in_place, "makeService", lambda options: daemon)
        self.assertEqual(in_place._serve(read(words), None, 3, -1), 0)
        return reactor.called, began[0]

    def test_log(self):
        """To the system log, or with -l to standard output, with -D in detail."""
        self.assertEqual(self.start()[1], (True, False, 3))
        self.assertEqual(self.start("-lD")[1], (False, True, 3))

    def test_service(self):
        """The service starts with the reactor and stops before it."""
        called, _ = self.start()
        self.assertEqual(called, [("start",), ("before", "shutdown", "stop")])

    def test_dump(self):
        """-d has the state written at the start."""
        self.assertIn(("ask", "DATA"), self.start("-d")[0])

    def test_interrupt(self):
        """--ignore-sigint: Ctrl-C does nothing, here and not in what we start."""
        set_, number, obey = self.start("--ignore-sigint")[0][2]
        self.assertEqual((set_, number), (signal.signal, signal.SIGINT))
        self.assertIsNone(obey(signal.SIGINT, None))


class TestTests(SynchronousTestCase):
    def setUp(self):
        self.file = Path(mkdtemp()) / "k.conf"

    def test_statuses(self):
        """0: nothing to say; 5: something is wrong; 4: it cannot be run."""
        self.assertEqual(typed("-t", "-f", ETC / "node.conf"), (0, "", ""))
        self.file.write_text("nonsense\n" + instance(1, 100))
        status, _, err = typed("-t", "-f", self.file)
        self.assertEqual(status, 5)
        self.assertIn("nonsense", err)
        self.file.unlink()
        self.assertEqual(typed("-t", "-f", self.file)[0], 4)

    def test_file(self):
        """What there is to say goes into a file, if one is named."""
        self.file.write_text("nonsense\n")
        log = self.file.with_suffix(".log")
        self.assertEqual(typed(f"-t{log}", "-f", self.file), (5, "", ""))
        self.assertIn("nonsense", log.read_text())
        status, _, err = typed("-t/nowhere/log", "-f", self.file)
        self.assertEqual(status, 1)
        self.assertEqual(
            err, "Unable to open /nowhere/log: No such file or directory\n"
        )


class RunTests(SynchronousTestCase):
    def setUp(self):
        self.file = Path(mkdtemp()) / "k.conf"
        self.file.write_text(ALL)

    def options(self, *words):
        """The options of a daemon that was started so."""
        options = InPlace(read(words))
        with contextlib.redirect_stderr(io.StringIO()):
            options.parseOptions(["-c", str(self.file)])
        return options

    def parts(self, *words):
        """How many instances, virtual servers and sessions are run."""
        model = self.options(*words).model
        parts = (model.instances, model.virtual_servers, model.bfd_instances)
        return tuple(map(len, parts))

    def test_parts(self):
        """-P leaves out the load balancer, -C VRRP, and -B BFD."""
        self.assertEqual(self.parts(), (1, 1, 1))
        self.assertEqual(self.parts("-P"), (1, 0, 1))
        self.assertEqual(self.parts("-C"), (0, 1, 1))
        self.assertEqual(self.parts("-B"), (1, 1, 0))

    def test_aside(self):
        """So does what another process reads, at a reload."""
        options = self.options("-P")
        self.patch(
            tap, "read_aside", lambda *_: succeed(read_configuration([str(self.file)]))
        )
        model, _ = self.successResultOf(options.load_aside(None, options.model))
        self.assertEqual(model, options.model)

    def test_process(self):
        """-u and -s win over the configuration."""
        self.patch(tap.namespace, "enter", lambda name: None)
        process = self.options("-u", "027", "-s", "blue").model.process
        self.assertEqual((process.umask, process.namespace), (0o27, "blue"))
        self.assertEqual(self.options("-u", "0x1f").model.process.umask, 0o37)
        for bad in ("x", "01000", "-1", "08"):
            self.assertRaises(usage.UsageError, InPlace, read([f"-u{bad}"]))

    def test_pidFiles(self):
        """keepalived's places, or those that are named: all name the one process."""
        self.assertEqual(self.options().pid_files(), ("/run/keepalived.pid",))
        self.assertEqual(
            self.options("-p", "/a", "-r/b", "-c", "/c", "-b/d").pid_files(),
            ("/a", "/b", "/c", "/d"),
        )
        self.file.write_text("instance blue\n" + ALL)
        self.assertEqual(
            self.options().pid_files(), ("/run/keepalived/keepalived_blue.pid",)
        )

    def test_refused(self):
        """A facility or a mask that is none, a file that is not there: status 1."""
        for words in (("-S", "mail"), ("-u", "x"), ("-f", "/nowhere/k.conf")):
            status, _, err = typed("-n", *words)
            self.assertEqual(status, 1)
            self.assertIn("keepalived: ", err)

    def test_noEffect(self):
        """An option that there is nothing to do about is accepted, with the reason."""
        _, _, err = typed("-nRx", "-f", "/nowhere/k.conf")
        self.assertIn("--dont-respawn: no effect: hanode is one process\n", err)
        self.assertIn("--snmp: no effect: ", err)

    def served(self, *words):
        """What the daemon would be started with."""
        found = []
        self.patch(in_place, "_serve", lambda *given: found.append(given) or 0)
        self.patch(in_place, "detach", lambda: (7, 0))
        typed("-f", self.file, *words)
        return found[0][2:]

    def test_serve(self):
        """In the foreground nobody waits; the facility is that of the option."""
        self.assertEqual(self.served("-n"), (3, -1))
        self.assertEqual(self.served("-S", "local2", "-D", "-i", "x"), (18, 7))

    def test_parent(self):
        """The one that was called ends with the status that the other one has."""
        self.patch(in_place, "detach", lambda: (-1, 1))
        self.assertEqual(typed("-f", self.file)[0], 1)

    def test_announce(self):
        """Who waits is told, and let go."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.patch(os, "dup2", lambda *_: None)
        in_place.announce(writer)
        self.assertEqual((os.read(reader, 9), os.read(reader, 9)), (b"1", b""))
