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
from twisted.logger import Logger, LogLevel
from twisted.python import usage

from hanode import namespace, sole
from hanode.aside import read_aside
from hanode.config.model import Model
from hanode.config.problems import Problem, Severity, worst
from hanode.config.process_model import ProcessDefs
from hanode.console.http import HttpService
from hanode.console.prompt import Prompt
from hanode.console.ssh import SshService
from hanode.console.verbs import Verbs
from hanode.console.view import View
from hanode.dataplanes.linux import LinuxDataplane
from hanode.interfaces import IProcesses
from hanode.network import Network
from hanode.node import Node
from hanode.outputs import Outputs
from hanode.processes import Processes
from hanode.promptness import settle
from hanode.pulse import Pulse
from hanode.reading import Reading, read
from hanode.supervisor import Supervisor
from hanode.world import World, make_monotonic, uptime

DEFAULT = "/etc/hanode/node.conf"
QUICK = 0.02  # seconds of reading that packets can bear
SOCKETS = 16384  # enough for 4,000 sessions, and small for those who close them all
LEVELS = {
    Severity.WARNING: LogLevel.warn,
    Severity.DROPPED: LogLevel.error,
    Severity.ERROR: LogLevel.critical,
}


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

    def load(self) -> Reading:
        """Read the configuration that the options name; note how long that takes."""
        began = monotonic()
        reading = read([self["config"]], self["config-id"])
        self.seconds = monotonic() - began
        return reading

    def load_aside(self, processes: IProcesses, present: Model) -> Deferred[Reading]:
        """The same by another process."""
        return read_aside(processes, [self["config"]], self["config-id"], present)


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
        self._reading: Deferred[Any] | None = None
        self._again = False  # another SIGHUP has come meanwhile
        details = bool(options["log-detail"])
        self.node = Node(options.model, world(reactor, details), details)
        self.node.setServiceParent(self)
        view, verbs = View(self.node, reactor.seconds, time), Verbs(self.node)
        view.pulse = self.pulse
        self.http = HttpService(
            self._endpoint(options.model), view, verbs, reactor, freeze
        )
        self.http.setServiceParent(self)
        self.console = SshService(
            options.model.node,
            lambda operator: Prompt(self.node, view.times, verbs if operator else None),
            {"node": self.node, "daemon": self, "reactor": reactor},
            reactor,
            freeze,
        )
        self.console.setServiceParent(self)

    def startService(self) -> None:
        """Start the node; from then on SIGHUP reloads it."""
        super().startService()
        signal.signal(signal.SIGHUP, self._hangup)
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

    def _hangup(self, number: int, frame: FrameType | None) -> None:
        # A signal arrives between two bytecodes of anything: leave that first.
        self._reactor.callFromThread(self._reload_soon)

    def _reload_soon(self) -> None:
        """Reload here if that is quick; what is not must not hold up the packets."""
        self.supervisor.reloading()
        if self._reading is not None:
            self._again = True
            return
        if self._options.seconds < QUICK:
            self.reload()
            self.supervisor.ready(self._status())
            return
        self.log.info("Reloading ...")
        processes, present = self.node.world.processes, self.node.model
        self._reading = reading = self._options.load_aside(processes, present)
        reading.addCallback(lambda found: self._take(*found))
        reading.addErrback(lambda failure: self.log.failure("Reload failed", failure))
        reading.addCallback(self._have_read)

    def _have_read(self, _: object) -> None:
        self._reading = None
        self.supervisor.ready(self._status())
        if self._again:
            self._again = False
            self._reload_soon()

    def reload(self) -> bool:
        """Read the configuration again; keep the old one when the new one is broken.

        @return: whether the new configuration is in force.
        """
        self.log.info("Reloading ...")
        return self._take(*self._options.load())

    def _take(self, model: Model, problems: list[Problem]) -> bool:
        for problem in problems:
            self.log.emit(LEVELS[problem.severity], "{problem}", problem=problem)
        if worst(problems) in (Severity.ERROR, Severity.DROPPED):
            self.log.error("Reload refused: the old configuration stays in force")
            return False
        if model.process != self.node.model.process:
            self.log.warn("what concerns the process itself waits for a restart")
        self.node.reload(model)
        self.http.move(self._endpoint(model))
        self.console.configure(model.node)
        return True

    def _endpoint(self, model: Model) -> str:
        given: str | None = self._options["http"]
        return model.node.http if given is None else given


def allow_sockets() -> None:
    """Let us open as many files as we may: each BFD session takes a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = SOCKETS if hard == resource.RLIM_INFINITY else min(hard, SOCKETS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def freeze() -> None:
    """What stands now stays: the collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


def world(reactor: Any, details: bool = False) -> World:
    """The real world; with C{details} the log has what programs print."""
    return World(
        clock=reactor,
        random=SystemRandom(),
        network=Network(reactor),
        processes=Processes(reactor, Outputs(reactor) if details else None),
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


def makeService(options: Options) -> Daemon:
    """Called by twistd with the parsed options.

    Raises L{SystemExit} when such a daemon is running already.
    """
    from twisted.internet import reactor

    claim_name(options.model.process)
    make_monotonic(reactor)
    allow_sockets()
    # After twistd has forked.
    reactor.callWhenRunning(settle, options.model.process)
    return Daemon(options, reactor)
