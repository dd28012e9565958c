"""twistd hanode -c node.conf: options, the service, signals."""

from __future__ import annotations

import gc
import resource
import signal
import sys
from random import SystemRandom
from time import monotonic, time
from types import FrameType
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python import usage

from hanode import namespace, sole
from hanode.aside import read_aside
from hanode.config.diff import Difference
from hanode.config.model import Model
from hanode.config.problems import Severity, worst
from hanode.config.process_model import ProcessDefs
from hanode.console.dumping import Dumping
from hanode.console.http import HttpService
from hanode.console.prompt import Prompt
from hanode.console.ssh import SshService
from hanode.console.verbs import Verbs
from hanode.console.view import View
from hanode.dataplanes.announcer import open_packet
from hanode.dataplanes.linux import LinuxDataplane
from hanode.interfaces import IProcesses
from hanode.inventory import inventory
from hanode.launcher import Launcher
from hanode.network import Network
from hanode.node import Node
from hanode.outputs import Outputs
from hanode.pid_file import PidFile, path_of
from hanode.processes import Processes
from hanode.promptness import settle
from hanode.pulse import Pulse
from hanode.reading import Reading, read
from hanode.reload import Reloading
from hanode.signum import NUMBERS
from hanode.starts import Starts
from hanode.supervisor import Supervisor
from hanode.world import World, make_monotonic, uptime

DEFAULT = "/etc/hanode/node.conf"
SOCKETS = 16384  # enough for 4,000 sessions, and small for those who close them all


class Options(usage.Options):
    """The options of C{twistd hanode} and C{hanode run}."""

    longdesc = "Run VRRP as the configuration says, until SIGTERM. SIGHUP reloads."
    optParameters = [
        ["config", "c", DEFAULT, "The configuration, in the words of keepalived.conf."],
        ["config-id", "i", None, "What @ID lines compare with (default: host name)."],
        ["http", "H", None, "Where to look in, whatever the configuration says."],
    ]
    optFlags = [
        ["log-detail", "D", "Log details too: what was sent, what was discarded."],
    ]
    model: Model
    seconds = 0.0  # that the last reading took

    def postOptions(self) -> None:
        """Read the configuration; print every problem.

        Raises L{usage.UsageError} when hanode cannot run with it.
        """
        self.model, problems = self.load()
        for problem in problems:
            sys.stderr.write(problem.drawing() + "\n")
        if worst(problems) is Severity.ERROR:
            raise usage.UsageError(f"{self['config']} cannot be run")
        self._move()

    def _move(self) -> None:
        """Go to where the daemon is to live, before it opens its first socket."""
        name = self.model.process.namespace
        if not name:
            return
        try:
            namespace.enter(name)
        except OSError as problem:
            raise usage.UsageError(
                f"Unable to set network namespace {name}: {problem.strerror}"
            ) from problem

    def pid_files(self) -> tuple[str, ...]:
        """The files that tell our process id."""
        given: str | None = self.get("pidfile")
        return (path_of(given, self.model.process.suffix),) if given else ()

    def load(self) -> Reading:
        """Read the configuration that the options name; note how long that takes."""
        began = monotonic()
        reading = read([self["config"]], self["config-id"])
        self.seconds = monotonic() - began
        return reading

    def load_aside(
        self, processes: IProcesses, present: Model, path: str | None = None
    ) -> Deferred[Reading]:
        """The same by another process; C{path} is another file."""
        files = [path or self["config"]]
        return read_aside(processes, files, self["config-id"], present)


class Daemon(MultiService):
    """The node in its process: signals, reload, garbage collection."""

    log = Logger()

    def __init__(self, options: Options, reactor: Any) -> None:
        super().__init__()
        self._options, self._reactor = options, reactor
        self.pulse = Pulse(reactor)
        self.pulse.setServiceParent(self)
        self.supervisor = Supervisor(reactor)
        self.supervisor.setServiceParent(self)
        details = bool(options["log-detail"])
        self.node = Node(options.model, world(reactor, details), details)
        self.node.setServiceParent(self)
        self.reloading = Reloading(
            options,
            self.node,
            self._apply,
            self.supervisor.reloading,
            lambda: self.supervisor.ready(self._status()),
        )
        view, verbs = (
            View(self.node, reactor.seconds, time),
            Verbs(self.node, self.reloading),
        )
        view.pulse = self.pulse
        self.http, self.socket = (
            HttpService(endpoint, view, verbs, reactor, freeze)
            for endpoint in self._endpoints(options.model)
        )
        self.http.token.path = options.model.node.http_token_file
        self.http.setServiceParent(self)
        self.socket.setServiceParent(self)
        self.console = SshService(
            options.model.node,
            lambda operator: Prompt(self.node, view, verbs if operator else None),
            {"node": self.node, "daemon": self, "reactor": reactor},
            reactor,
            freeze,
        )
        self.console.setServiceParent(self)
        self.dumping = Dumping(self.node, view, reactor, time)
        for path in options.pid_files():
            PidFile(path).setServiceParent(self)

    def startService(self) -> None:
        """Start the node; from then on SIGHUP reloads it."""
        super().startService()
        for name, number in NUMBERS.items():
            if name != "STOP":
                signal.signal(number, self._signalled)
        # Ready means that SIGTERM ends us in order, and the reactor sees to that.
        self._reactor.callWhenRunning(self._ready)

    def _ready(self) -> None:
        freeze()
        self.supervisor.ready(self._status())
        self.log.info("hanode is ready: {n} instances", n=len(self.node.instances()))

    def _status(self) -> str:
        model = self.node.model
        return (
            f"{len(model.instances)} VRRP instances, {len(model.bfd_instances)} BFD"
            f" sessions, {len(model.virtual_servers)} virtual servers"
        )

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        # A signal arrives between two bytecodes of anything: leave that first.
        self._reactor.callFromThread(self._obey, number)

    def _obey(self, number: int) -> None:
        if number == NUMBERS["RELOAD"]:
            self.reloading.reload()
        elif number == NUMBERS["TDATA"]:
            for line in inventory(self._reactor):
                self.log.info("{line}", line=line)
        else:
            names = {each: name for name, each in NUMBERS.items()}
            self.dumping.ask(names[number])

    def _apply(self, model: Model) -> Difference:
        difference = self.node.reload(model)
        self.http.token.path = model.node.http_token_file
        self._move_http(*self._endpoints(model))
        self.console.configure(model.node)
        return difference

    def _endpoints(self, model: Model) -> tuple[str, str]:
        """Where to look in, and the unix socket beside that, or ""."""
        given: str | None = self._options["http"]
        if given is None:
            return model.node.http, model.node.socket
        return given, ""

    def _move_http(self, http: str, socket: str) -> None:
        # The socket may go from one to the other: who has it lets go first.
        if socket:
            moved = self.http.move(http)
            moved.addCallback(lambda _: self.socket.move(socket))
        else:
            moved = self.socket.move(socket)
            moved.addCallback(lambda _: self.http.move(http))


def allow_sockets() -> None:
    """Let us open as many files as we may: each BFD session takes a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = SOCKETS if hard == resource.RLIM_INFINITY else min(hard, SOCKETS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def disregard_signals() -> None:
    """Tools that ask before we have begun must not end us.

    Not with SIG_IGN: that would last in the programs we start (signal(7)).
    """
    for name, number in NUMBERS.items():
        if name not in ("STOP", "RELOAD"):
            signal.signal(number, lambda number, frame: None)


def freeze() -> None:
    """What stands now stays: the collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


def world(reactor: Any, details: bool = False) -> World:
    """The real world; with C{details} the log has what programs print."""
    outputs = Outputs(reactor) if details else None
    return World(
        clock=reactor,
        random=SystemRandom(),
        network=Network(reactor),
        processes=Starts(reactor, Processes(reactor, outputs)),
        launcher=Launcher(reactor, outputs),
        dataplane=LinuxDataplane(reactor),
        uptime=uptime,
    )


def claim_name(defs: ProcessDefs) -> None:
    """Be the only one of this name; raises L{SystemExit} when there is another."""
    try:
        sole.lock(defs.suffix)
    except sole.Taken as path:
        name = f" (instance {defs.instance})" if defs.instance else ""
        raise SystemExit(
            f"hanode is already running{name}: {path} is locked. Give a second one"
            " an instance NAME of its own."
        ) from None


def demand_rights() -> None:
    """Raises L{SystemExit} where packets cannot be sent: nothing would work."""
    try:
        open_packet().close()
    except PermissionError:
        raise SystemExit(
            "hanode needs CAP_NET_ADMIN and CAP_NET_RAW: run it as root, or by systemd"
            " with etc/hanode.service"
        ) from None


def makeService(options: Options) -> Daemon:
    """Called by twistd with the parsed options.

    Raises L{SystemExit} when such a daemon is running already, or may do nothing.
    """
    from twisted.internet import reactor

    demand_rights()
    claim_name(options.model.process)
    disregard_signals()
    make_monotonic(reactor)
    allow_sockets()
    # After twistd has forked.
    reactor.callWhenRunning(settle, options.model.process)
    return Daemon(options, reactor)
