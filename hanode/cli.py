"""The C{hanode} command: run, check, lab, genhash; the others ask the daemon."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version

from twisted.python import usage
from twisted.python.reflect import namedAny

from hanode import logs
from hanode.config.model import Model
from hanode.config.problems import Problem, Severity, worst
from hanode.console.anyorder import AnyOrder

CUT_SHORT = 141  # as a shell tells that SIGPIPE ended a program


def run(argv: Sequence[str]) -> int:
    """Run the daemon in the foreground, as C{twistd -n hanode} does."""
    from hanode.tap import Options, makeService

    class Foreground(Options):
        optFlags = [
            ["syslog", "s", "Log to the system log instead of standard output."],
        ]
        optParameters = [
            [
                "pidfile",
                "p",
                None,
                "Where to write the process id; DIR/: a file there.",
            ],
        ]

    options = Foreground()
    options.parseOptions(list(argv))
    from twisted.internet import reactor

    logs.begin(reactor, bool(options["syslog"]), bool(options["log-detail"]))
    daemon = makeService(options)
    reactor.callWhenRunning(daemon.startService)
    reactor.addSystemEventTrigger("before", "shutdown", daemon.stopService)
    reactor.run()
    return 0


class CheckOptions(AnyOrder):
    """The options of C{hanode check}."""

    synopsis = "hanode check [options] FILE..."
    longdesc = "Print what is wrong with the files. Status 0: hanode would run them."
    optParameters = [
        ["config-id", "i", None, "What @ID lines compare with (default: host name)."],
        ["socket", "S", None, "With --diff: the unix socket of the daemon."],
        ["instance", "I", "", "With --diff: the name of the daemon."],
    ]
    optFlags = [
        ["keepalived", "k", "List what keepalived would not understand, too."],
        ["diff", "d", "Ask the running daemon what a reload would do."],
        ["json", "j", "Print JSON."],
    ]

    def parseArgs(self, *files: str) -> None:
        """Take the file names. Raises L{usage.UsageError} without any.

        With C{--diff} there may be one, or none for the daemon's own.
        """
        if not files and not self["diff"]:
            raise usage.UsageError("which file?")
        if len(files) > 1 and self["diff"]:
            raise usage.UsageError("--diff takes one file")
        self["files"] = files


def check(argv: Sequence[str]) -> int:
    """Check each file by itself; 1 when one of them, or a part of it, would not run."""
    from hanode.reading import foreign_words, read

    options = CheckOptions()
    options.parseOptions(list(argv))
    if options["diff"]:
        return _compare(options)
    reports = []
    for file in options["files"]:
        model, problems = read([file], options["config-id"])
        if options["keepalived"]:
            foreign = foreign_words([file], options["config-id"])
        else:
            foreign = []
        report = Report(file, model, problems, foreign)
        if not options["json"]:
            print("\n".join(report.lines()))
        reports.append(report)
    if options["json"]:
        print(json.dumps({"files": [each.record() for each in reports]}, indent=2))
    return int(any(each.bad for each in reports))


@dataclass(frozen=True)
class Report:
    """What hanode check found in one file."""

    file: str
    model: Model
    problems: Sequence[Problem]
    foreign: Sequence[Problem]  # words that keepalived would not understand

    @property
    def bad(self) -> bool:
        """Whether it, or a part of it, would not run."""
        return worst(self.problems) in (Severity.ERROR, Severity.DROPPED)

    def counts(self) -> dict[str, int]:
        """How many objects of each kind there are."""
        model = self.model
        return {
            "vrrp_instance": len(model.instances),
            "virtual_server": len(model.virtual_servers),
            "bfd_instance": len(model.bfd_instances),
        }

    def lines(self) -> Iterator[str]:
        """It in words."""
        for problem in (*self.problems, *self.foreign):
            yield problem.drawing()
        verdict = "would not run as written" if self.bad else "would run"
        counts = ", ".join(
            f"{count} {kind}"
            for kind, count in self.counts().items()
            if count or kind == "vrrp_instance"
        )
        yield f"{self.file}: {verdict}: {counts}, {len(self.problems)} problems"

    def record(self) -> dict[str, object]:
        """It as plain data."""
        return {
            "file": self.file,
            "would_run": not self.bad,
            **self.counts(),
            "problems": [each.record() for each in self.problems],
            "unknown_to_keepalived": [each.record() for each in self.foreign],
        }


def _compare(options: CheckOptions) -> int:
    """What a reload would do; the daemon reads the file, as it would for one."""
    from hanode.console.node_commands import compare

    paths = [os.path.abspath(each) for each in options["files"]]
    return compare(options, paths[0] if paths else None)


def signum(argv: Sequence[str]) -> int:
    """The number of a signal, as C{keepalived --signum=NAME} prints it."""
    from hanode.in_place import signum as tell
    from hanode.signum import NUMBERS

    if len(argv) != 1:
        raise usage.UsageError(f"which signal? {', '.join(NUMBERS)}")
    return tell(argv[0])


def _in(name: str) -> Callable[[Sequence[str]], int]:
    """The function of that name; its module is loaded when the command is given."""

    def run_it(argv: Sequence[str]) -> int:
        status: int = namedAny(name)(list(argv))
        return status

    return run_it


_OF_NODE = "hanode.console.node_commands"
_OF_PARTS = "hanode.console.commands"
_OF_SWITCHOVER = "hanode.console.switchover"

COMMANDS: dict[str, tuple[Callable[[Sequence[str]], int], str]] = {
    "run": (run, "run the daemon in the foreground"),
    "check": (check, "tell what is wrong with configuration files"),
    "lab": (
        _in("hanode.rehearsal.lab.main"),
        "try a failover on this machine, in private namespaces",
    ),
    "status": (_in(f"{_OF_NODE}.status"), "show the running daemon in one screen"),
    "watch": (_in(f"{_OF_NODE}.watch"), "the same, again and again"),
    "why": (_in(f"{_OF_NODE}.why"), "tell why a VRRP instance is in its state"),
    "events": (_in(f"{_OF_NODE}.events"), "show what has happened"),
    "drain": (
        _in(f"{_OF_SWITCHOVER}.drain"),
        "let other nodes take over without a lost packet; rest a server",
    ),
    "undrain": (_in(f"{_OF_SWITCHOVER}.undrain"), "take it back"),
    "reload": (
        _in(f"{_OF_NODE}.reload"),
        "let the running daemon read its configuration again",
    ),
    "keepalived": (
        _in("hanode.in_place.main"),
        "take the options of keepalived, and its place",
    ),
    "signum": (signum, "print the number of a signal: DATA, STATS, JSON, ..."),
    "vrrp": (_in(f"{_OF_PARTS}.vrrp"), "show the VRRP instances of the running daemon"),
    "lvs": (
        _in(f"{_OF_PARTS}.lvs"),
        "show its virtual servers; drain or undrain a real server",
    ),
    "genhash": (
        _in("hanode.genhash.main"),
        "print the digest of a page, for HTTP_GET and SSL_GET",
    ),
    "bfd": (_in(f"{_OF_PARTS}.bfd"), "show its BFD sessions; disable or enable one"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status (2: it makes no sense)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is None and os.path.basename(sys.argv[0]) == "keepalived":
        words = ["keepalived", *words]
    if words and words[0].startswith("--signum="):
        words = ["signum", words[0].partition("=")[2]]
    try:
        status = _obey(words)
        sys.stdout.flush()
    except usage.UsageError as problem:
        print(f"hanode {words[0]}: {problem}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Who read us, head(1) perhaps, has seen enough. What is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CUT_SHORT
    return status


def _version() -> str:
    try:
        return f"hanode {version('hanode')}"
    except PackageNotFoundError:
        return "hanode, not installed"  # it runs where its source is


def _obey(words: Sequence[str]) -> int:
    if words and words[0] == "--version":
        print(_version())
        return 0
    if words and words[0] in COMMANDS:
        return COMMANDS[words[0]][0](words[1:])
    asked = bool(words) and words[0] in ("-h", "--help")
    print("usage: hanode COMMAND [options]\n")
    for name, (_, text) in COMMANDS.items():
        print(f"  hanode {name:11}{text}")
    print("\nhanode COMMAND --help tells more.")
    if words and not asked:
        likely = get_close_matches(words[0], COMMANDS, 1)
        hint = f" (did you mean {likely[0]!r}?)" if likely else ""
        print(f"hanode: there is no command {words[0]!r}{hint}", file=sys.stderr)
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
