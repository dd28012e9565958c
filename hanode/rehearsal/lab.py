"""hanode lab: a whole cluster on this machine, with a real failover to look at.

Real daemons with real files in private networks, and a client that asks the virtual
address every 5 ms. Nothing of it is left afterwards.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import FrameType
from typing import NoReturn

from twisted.python import usage

from hanode.config.problems import Severity, worst
from hanode.reading import read
from hanode.rehearsal.permission import NotPermitted
from hanode.rehearsal.picture import draw
from hanode.rehearsal.plan import Member, Unplayable, plan
from hanode.rehearsal.pool import ADDRESS, INTERVAL, NAMES, PORT, Pool
from hanode.rehearsal.pool import record as record_of_pool
from hanode.rehearsal.pool import summary as summary_of_pool
from hanode.rehearsal.report import lanes_of, record, summary
from hanode.rehearsal.stage import Mark, Stage
from hanode.rehearsal.story import Story
from hanode.rehearsal.timing import down_time

LIMIT = 60.0  # seconds for the whole story, unless the files ask for slow timers
PAIR = """\
vrrp_instance VI_1 {{
    state {state}
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    virtual_ipaddress {{
        192.0.2.10/24
    }}{fast}
}}
"""
FAST = "\n    fast_failover"


class Options(usage.Options):
    """The options of C{hanode lab}."""

    synopsis = "hanode lab [options] [A.conf B.conf ...]"
    longdesc = (
        "Run a cluster in private namespaces on this machine: real daemons, a client,"
        " a power cut, a return, a stop. Without files it is a pair of its own."
        " Status 0: the address moved each time; 1: it did not; 2: it could not be"
        " tried."
    )
    optParameters = [
        ["seconds", "s", None, "End after this many seconds, finished or not.", float],
        ["picture", "p", None, "Draw the timeline into this SVG file."],
    ]
    optFlags = [
        ["json", "j", "Print the result as JSON, and nothing else."],
        ["fast", "f", "Without files: a pair whose backup watches the master by BFD."],
        ["balance", "b", "Without files: a director and real servers that die."],
    ]

    def parseArgs(self, *files: str) -> None:
        """Take the file names. Raises L{usage.UsageError} for a single one."""
        if len(files) == 1:
            raise usage.UsageError("a cluster takes two files or more")
        for option in ("fast", "balance"):
            if files and self[option]:
                raise usage.UsageError(f"--{option} is for the lab's own nodes")
        if self["balance"] and (self["fast"] or self["picture"] or self["seconds"]):
            raise usage.UsageError("--balance goes with --json only")
        if len(files) > 20:
            raise usage.UsageError("20 nodes are enough")
        self["files"] = files

    def postOptions(self) -> None:
        """Raises L{usage.UsageError} for a limit or a file that cannot be."""
        if self["seconds"] is not None and not 1 <= self["seconds"] <= 3600:
            raise usage.UsageError("--seconds is a number from 1 to 3600")
        if self["picture"]:
            try:  # better now than after the story
                Path(self["picture"]).touch()
            except OSError as error:
                raise usage.UsageError(f"--picture: {error}") from error


def main(argv: Sequence[str]) -> int:
    """Play the lab; return the exit status."""
    options = Options()
    options.parseOptions(list(argv))
    signal.signal(signal.SIGTERM, _terminated)
    try:
        with TemporaryDirectory(prefix="hanode-lab-") as folder:
            if options["balance"]:
                return _balance(Path(folder), bool(options["json"]))
            files = list(options["files"]) or _default(Path(folder), options)
            return _play(files, options)
    except (Unplayable, NotPermitted) as why:
        print(f"hanode lab: {why}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nhanode lab: interrupted", file=sys.stderr)
        return 130


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt  # the same orderly way out


def _default(folder: Path, options: Options) -> list[str]:
    files = []
    for name, state, priority in (("n1", "MASTER", 101), ("n2", "BACKUP", 100)):
        path = folder / f"{name}.conf"
        fast = FAST if options["fast"] else ""
        path.write_text(PAIR.format(state=state, priority=priority, fast=fast))
        files.append(str(path))
    return files


def _members(files: Sequence[str]) -> list[Member]:
    """One node per file, named like the file. Raises L{Unplayable}."""
    stems = [Path(file).stem for file in files]
    unique = len(set(stems)) == len(stems) and "client" not in stems
    members = []
    for number, file in enumerate(files, 1):
        name = stems[number - 1] if unique else f"n{number}"
        model, problems = read([file], name)
        if worst(problems) is Severity.ERROR:
            drawn = "\n".join(problem.drawing() for problem in problems)
            raise Unplayable(f"{file} cannot be run\n{drawn}")
        members.append(Member(name, file, model))
    return members


def _play(files: Sequence[str], options: Options) -> int:
    members = _members(files)
    layout = plan(members)
    quiet = bool(options["json"])
    stage = Stage(layout, (lambda mark: None) if quiet else _Teller())
    slow = max(
        down_time(each) + each.preempt_delay
        for each in (layout.settings(member.name) for member in members)
        if each is not None
    )
    limit = options["seconds"] or max(LIMIT, 7 * slow)
    if not quiet:
        names = ", ".join(f"{each.name} ({Path(each.file).name})" for each in members)
        print(f"{names}; a client asks {layout.target.address} every 5 ms", flush=True)
    story = Story(stage, stage.began + limit)
    try:
        stage.build()
        moved = story.play()
        ended = monotonic()
        if options["picture"]:
            lanes, deeds, end = lanes_of(stage, ended)
            title = f"{layout.instance}: who holds {layout.target.address}"
            Path(options["picture"]).write_text(draw(title, lanes, deeds, end))
        if quiet:
            print(json.dumps(record(stage, story, moved), indent=2))
        else:
            print("\n" + summary(stage, story, moved), flush=True)
    finally:
        _undisturbed(stage.close)
    return 0 if moved else 1


def _balance(folder: Path, quiet: bool) -> int:
    """Requests that are spread over servers, some of which die."""
    pool = Pool(folder, (lambda mark: None) if quiet else _Teller())
    if not quiet:
        print(
            f"a client asks {ADDRESS} port {PORT} every {INTERVAL * 1000:.0f} ms;"
            f" behind the director are {', '.join(NAMES)} and a sorry server",
            flush=True,
        )
    try:
        pool.build()
        ok = pool.play()
        text = json.dumps(record_of_pool(pool, ok), indent=2) if quiet else ""
        print(text or "\n" + summary_of_pool(pool), flush=True)
    finally:
        _undisturbed(pool.close)
    return 0 if ok else 1


def _undisturbed(end: Callable[[], object]) -> None:
    """Clean up without being interrupted half way by a second Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        end()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Teller:
    """Prints what happens while it happens, seconds counted from the last deed."""

    def __init__(self) -> None:
        self._since = 0.0
        self._bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def __call__(self, mark: Mark) -> None:
        """One line, or the title of a scene."""
        if not mark.who:
            self._since = mark.at
            title, _, deed = mark.text.partition(": ")
            head = f"\033[1m{title}\033[0m" if self._bold else title
            print(f"\n{head}\n  +0.000 s  {deed}", flush=True)
            return
        after = mark.at - self._since
        print(f"  {after:+.3f} s  {mark.who}: {mark.text}", flush=True)
