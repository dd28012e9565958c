"""hanode in the place of keepalived: its options, its exit statuses, its pid files.

For units, scripts and exporters that call C{keepalived}: a link of that name to the
C{hanode} program, or C{hanode keepalived OPTIONS}.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python import usage

from hanode import logs
from hanode.config.model import Model
from hanode.config.problems import Severity, worst
from hanode.interfaces import IProcesses
from hanode.keepalived_options import (
    OPTIONS,
    BadOption,
    Read,
    facility,
    read,
)
from hanode.keepalived_options import usage as all_options
from hanode.reading import Reading
from hanode.reading import read as read_configuration
from hanode.signum import NUMBERS
from hanode.tap import Options, makeService

CONFIGURATION = "/etc/keepalived/keepalived.conf"
AS_OF = "2.4.0"  # the keepalived whose words and options these are
RUN = "/run"
CHILDREN = ("vrrp_pid", "checkers_pid", "bfd_pid")
#: exit statuses of C{-t}, as keepalived gives them
CANNOT_RUN, ERRORS = 4, 5


def main(argv: Sequence[str]) -> int:
    """Do what keepalived would do; return its exit status."""
    try:
        given = read(argv)
    except BadOption as problem:
        print(f"{problem}\n{all_options()}", file=sys.stderr)
        return 1
    if "genhash" in given:
        from hanode.genhash import main as genhash

        return genhash(list(given.rest))
    if "version" in given:
        print(f"Keepalived v{AS_OF} (hanode {own_version()})\n", file=sys.stderr)
        return 0
    if "help" in given:
        print(all_options(), file=sys.stderr)
        return 0
    if "signum" in given:
        return signum(given.values["signum"])
    if "config-test" in given:
        return test(given)
    return run(given)


def own_version() -> str:
    """The version of hanode as it was installed."""
    try:
        return version("hanode")
    except PackageNotFoundError:
        return "from a checkout"


def signum(name: str) -> int:
    """Print the number of a signal."""
    number = NUMBERS.get(name)
    if number is None:
        print(f"Unknown sigfunc {name}", file=sys.stderr)
        return 1
    print(int(number))
    return 0


def test(given: Read) -> int:
    """Say what is wrong with the configuration, on standard error or in a file."""
    file = given.values.get("use-file", CONFIGURATION)
    _, problems = read_configuration([file], given.values.get("config-id"))
    text = "".join(f"{each.drawing()}\n" for each in problems)
    log = given.values["config-test"]
    try:
        if log:
            with open(log, "a", encoding="utf-8", errors="surrogateescape") as stream:
                stream.write(text)
        else:
            sys.stderr.write(text)
    except OSError as problem:
        print(f"Unable to open {log}: {problem.strerror}", file=sys.stderr)
        return 1
    if worst(problems) is Severity.ERROR:
        return CANNOT_RUN
    return ERRORS if problems else 0


class InPlace(Options):
    """The options of the daemon, taken from those of keepalived."""

    def __init__(self, given: Read) -> None:
        super().__init__()
        self._given = given
        self._umask = None if "umask" not in given else _mask(given.values["umask"])

    def adapted(self, model: Model) -> Model:
        """What the options leave of a configuration."""
        given, process = self._given, model.process
        if "check" in given:
            model = replace(model, instances={}, groups={}, garp_groups=())
        if "vrrp" in given:
            model = replace(model, virtual_servers={})
        if "no_bfd" in given:
            model = replace(model, bfd_instances={}, bfd_unsolicited=())
        if "namespace" in given:
            process = replace(process, namespace=given.values["namespace"])
        if self._umask is not None:
            process = replace(process, umask=self._umask)
        return replace(model, process=process)

    def load(self) -> Reading:
        """Read the configuration, and keep of it what the options say."""
        model, problems = super().load()
        return self.adapted(model), problems

    def load_aside(
        self, processes: IProcesses, present: Model, path: str | None = None
    ) -> Deferred[Reading]:
        """The same by another process."""
        done = super().load_aside(processes, present, path)
        return done.addCallback(lambda found: (self.adapted(found[0]), found[1]))

    def pid_files(self) -> tuple[str, ...]:
        """Where the process id goes; all of keepalived's processes are this one."""
        suffix, values = self.model.process.suffix, self._given.values
        folder = f"{RUN}/keepalived" if suffix else RUN
        main = values.get("pid", f"{folder}/keepalived{suffix}.pid")
        return (main, *(values[each] for each in CHILDREN if each in values))


def _mask(text: str) -> int:
    """As C{strtol(text, NULL, 0)} of C reads it. Raises L{usage.UsageError}."""
    try:
        octal = text.startswith("0") and text.isdecimal()
        mask = int(text, 8 if octal else 0)
    except ValueError:
        mask = -1
    if not 0 <= mask <= 0o777:
        raise usage.UsageError(f"Invalid umask option {text}")
    return mask


def run(given: Read) -> int:
    """Be the daemon; without C{-n} in the background, once it is ready."""
    for each in OPTIONS:
        if each.no_effect and each.long in given:
            print(f"--{each.long}: no effect: {each.no_effect}", file=sys.stderr)
    number = facility(given.values.get("log-facility", "daemon"))
    file = given.values.get("use-file", CONFIGURATION)
    words = ["-c", os.path.abspath(file)]  # we may leave this directory
    words += ["-D"] if "log-detail" in given else []
    if "config-id" in given:
        words += ["-i", given.values["config-id"]]
    try:
        if number is None:
            raise usage.UsageError("Invalid log facility")
        options = InPlace(given)
        options.parseOptions(words)
    except usage.UsageError as problem:
        print(f"keepalived: {problem}", file=sys.stderr)
        return 1
    ready = -1
    if "dont-fork" not in given:
        ready, status = detach()
        if ready < 0:
            return status
    return _serve(given, options, number, ready)


def _serve(given: Read, options: InPlace, number: int, ready: int) -> int:
    from twisted.internet import reactor

    console = "log-console" in given or "no-syslog" in given
    logs.begin(reactor, not console, "log-detail" in given, number)
    daemon = makeService(options)
    begin: Any = reactor
    begin.callWhenRunning(daemon.startService)
    begin.addSystemEventTrigger("before", "shutdown", daemon.stopService)
    if "dump-conf" in given:
        begin.callWhenRunning(daemon.dumping.ask, "DATA")
    if "ignore-sigint" in given:
        begin.callWhenRunning(signal.signal, signal.SIGINT, lambda *_: None)
    if ready >= 0:
        begin.callWhenRunning(announce, ready)
    begin.run()
    return 0


def detach() -> tuple[int, int]:
    """Go into the background: in the child (a descriptor to say on that it is ready,
    0), in the parent, when the child is ready or has failed, (-1, the exit status)."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        os.close(writer)
        told = os.read(reader, 1)
        os.close(reader)
        return -1, 0 if told else 1
    os.close(reader)
    os.setsid()
    if os.fork():
        os._exit(0)  # the session has no terminal, and can get none
    os.chdir("/")
    return writer, 0


def announce(writer: int) -> None:
    """We are ready: let go of who waits, and of the terminal."""
    os.write(writer, b"1")
    os.close(writer)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.close(nothing)
