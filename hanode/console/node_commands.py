"""The commands about the whole node: hanode status, watch, why, events, reload."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from twisted.python import usage

from hanode.console.client import Client, Refused
from hanode.console.commands import LookOptions, in_json, look
from hanode.console.overview import status as overview
from hanode.console.timeline import timeline

LONG = 120.0  # seconds: a long configuration takes its time to be read
HOME = "\x1b[H\x1b[2J"  # to the upper left corner, and clear the screen


class StatusOptions(LookOptions):
    """The options of C{hanode status}."""

    synopsis = "hanode status [options]"
    longdesc = "Show the running daemon in one screen."

    def parseArgs(self) -> None:
        """Take no words."""


class WatchOptions(StatusOptions):
    """The options of C{hanode watch}."""

    synopsis = "hanode watch [options]"
    longdesc = "Show the running daemon again and again, until Ctrl-C."
    optParameters = [
        ["interval", "n", 1.0, "Seconds between two looks.", float],
        ["count", "c", 0, "How many looks; 0: no end.", int],
    ]


class WhyOptions(LookOptions):
    """The options of C{hanode why}."""

    synopsis = "hanode why [options] NAME"
    longdesc = "Tell why a VRRP instance is in its state, and what would change that."

    def parseArgs(self, *names: str) -> None:
        """Take the name of one instance. Raises L{usage.UsageError} otherwise."""
        if len(names) != 1:
            raise usage.UsageError("why which instance? one name is wanted")
        self["name"] = names[0]


class EventsOptions(LookOptions):
    """The options of C{hanode events}."""

    synopsis = "hanode events [options] [COUNT]"
    longdesc = "Show what has happened, the latest at the bottom."

    def parseArgs(self, count: str = "20") -> None:
        """Take how many. Raises L{usage.UsageError} for anything but a number."""
        if not count.isdecimal():
            raise usage.UsageError(f"{count!r} is not a number of events")
        self["events"] = int(count)


class ReloadOptions(LookOptions):
    """The options of C{hanode reload}."""

    synopsis = "hanode reload [options]"
    longdesc = (
        "Let the running daemon read its configuration again; tell what has changed."
        " Status 1: it was refused, and the old configuration stays in force."
    )

    def parseArgs(self) -> None:
        """Take no words."""


def status(argv: Sequence[str]) -> int:
    """Show the node in one screen."""
    options = StatusOptions()
    options.parseOptions(list(argv))
    return look(options, _status)


def watch(argv: Sequence[str]) -> int:
    """Show it again and again."""
    options = WatchOptions()
    options.parseOptions(list(argv))
    left = options["count"] or -1
    try:
        while left:
            if sys.stdout.isatty():
                sys.stdout.write(HOME)
            result = look(options, _status)
            left -= 1
            if result and not sys.stdout.isatty():
                break  # nobody sees it; on a terminal the daemon may come back
            if left:
                time.sleep(options["interval"])
    except KeyboardInterrupt:
        print()
        return 0
    return result


def why(argv: Sequence[str]) -> int:
    """Tell why an instance is in its state."""
    options = WhyOptions()
    options.parseOptions(list(argv))
    return look(options, _why)


def events(argv: Sequence[str]) -> int:
    """Show what has happened."""
    options = EventsOptions()
    options.parseOptions(list(argv))
    return look(options, _events)


def reload(argv: Sequence[str]) -> int:
    """Let the daemon reload, and tell what came of it."""
    options = ReloadOptions()
    options.parseOptions(list(argv))
    return look(options, _reload)


def compare(options: Any, path: str | None) -> int:
    """Tell what a reload would do, with the file C{path} or the daemon's own."""
    return look(options, lambda client, given: _compare(client, given, path))


def _status(client: Client, options: Any) -> str:
    answer = client.get("status")
    return in_json(answer) if options["json"] else overview(answer)


def _why(client: Client, options: Any) -> str:
    answer = client.get("why", options["name"])
    return in_json(answer) if options["json"] else str(answer["why"])


def _events(client: Client, options: Any) -> str:
    count = options["events"]
    latest = client.get("events")["events"][-count:] if count else []
    return in_json({"events": latest}) if options["json"] else timeline(latest)


def _reload(client: Client, options: Any) -> str:
    answer = client.post("reload", body={}, patience=LONG)
    return _outcome(answer, options, "reload refused", "reloaded")


def _compare(client: Client, options: Any, path: str | None) -> str:
    answer = client.post("compare", body={"path": path}, patience=LONG)
    return _outcome(answer, options, "a reload would be refused", "a reload would do")


def _outcome(answer: Any, options: Any, refused: str, done: str) -> str:
    if options["json"]:
        if answer["refused"]:
            print(in_json(answer))
            raise Refused(refused)
        return in_json(answer)
    for problem in answer["problems"]:
        print(problem, file=sys.stderr)
    if answer["refused"]:
        raise Refused(refused)
    return f"{done}: {answer['difference'] if answer['changes'] else 'nothing changes'}"
