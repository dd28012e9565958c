"""The commands that look into a running daemon: hanode bfd, lvs and vrrp."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from twisted.python import usage

from hanode.config.model import NodeDefs
from hanode.console import lvs_report, report
from hanode.console.anyorder import AnyOrder
from hanode.console.client import Client, Refused, Unreachable
from hanode.console.endpoint import parse

DRAINS = {"drain": "is being drained", "undrain": "is used again"}
WISHES = {"disable": "down", "enable": "up"}


class LookOptions(AnyOrder):
    """What all commands that look in have in common."""

    optParameters = [
        ["socket", "S", None, "The unix socket of the daemon."],
        ["instance", "I", "", "The name of the daemon, where there are several."],
    ]
    optFlags = [["json", "j", "Print JSON."]]


def client_of(options: Any) -> Client:
    """The daemon that is meant. Raises L{usage.UsageError} for anything else."""
    suffix = options["instance"] and "_" + options["instance"]
    text: str = options["socket"] or NodeDefs.of(suffix).http
    endpoint = parse(text if ":" in text else f"unix:{text}")
    if endpoint is None or not endpoint.path:
        raise usage.UsageError(f"{text!r} is not a unix socket")
    return Client(endpoint.path)


class VrrpOptions(LookOptions):
    """The options of C{hanode vrrp}."""

    synopsis = "hanode vrrp [options] [NAME]"
    longdesc = "Show the VRRP instances of the running daemon."

    def parseArgs(self, name: str | None = None) -> None:
        """Take the name of one instance, or none for all."""
        self["name"] = name


class BfdOptions(LookOptions):
    """The options of C{hanode bfd}."""

    synopsis = "hanode bfd [options] [NAME] | disable NAME | enable NAME"
    longdesc = (
        "Show the BFD sessions of the running daemon. A session that is disabled"
        " stays AdminDown until it is enabled or the daemon ends."
    )

    def parseArgs(self, *words: str) -> None:
        """Take a verb and a name, a name, or nothing."""
        self["wish"] = WISHES.get(words[0]) if words else None
        self["name"] = _one_name(words, bool(self["wish"]), "session")


class LvsOptions(LookOptions):
    """The options of C{hanode lvs}."""

    synopsis = "hanode lvs [options] [NAME] | drain NAME | undrain NAME"
    longdesc = (
        "Show the virtual servers of the running daemon, and their real servers. One"
        " that is drained keeps its connections and gets no new ones, until it"
        " is undrained; NAME is VIRTUAL/REAL, or REAL for it everywhere."
    )

    def parseArgs(self, *words: str) -> None:
        """Take a verb and a name, a name, or nothing."""
        self["wish"] = words[0] if words and words[0] in DRAINS else None
        self["name"] = _one_name(words, bool(self["wish"]), "real server")


def bfd(argv: Sequence[str]) -> int:
    """Show the BFD sessions, or disable or enable one."""
    options = BfdOptions()
    options.parseOptions(list(argv))
    return look(options, _tell_bfd if options["wish"] else _show_bfd)


def vrrp(argv: Sequence[str]) -> int:
    """Show the VRRP instances."""
    options = VrrpOptions()
    options.parseOptions(list(argv))
    return look(options, _show_vrrp)


def lvs(argv: Sequence[str]) -> int:
    """Show the virtual servers, or drain or undrain a real server."""
    options = LvsOptions()
    options.parseOptions(list(argv))
    return look(options, _tell_lvs if options["wish"] else _show_lvs)


def _one_name(words: Sequence[str], verb: bool, what: str) -> str | None:
    """The name among C{words}, which begin with a verb or not."""
    names = words[1:] if verb else words
    if verb and not names:
        raise usage.UsageError(f"{words[0]} which {what}?")
    if len(names) > 1:
        raise usage.UsageError(f"one name is enough: {' '.join(words)}")
    return names[0] if names else None


def look(options: Any, act: Callable[[Client, Any], str]) -> int:
    """Do C{act} with the daemon that is meant, print what it gives; an exit status."""
    client = client_of(options)
    try:
        print(act(client, options))
    except Unreachable as problem:
        print(
            f"hanode: no daemon answers at {client.path}: {problem}\n"
            "Is it running? Its configuration may say `http off`, or name another"
            " socket: give that with -S.",
            file=sys.stderr,
        )
        return 1
    except Refused as refusal:
        print(f"hanode: {refusal}", file=sys.stderr)
        return 1
    return 0


def _show_bfd(client: Client, options: Any) -> str:
    if options["name"]:
        session = client.get("bfd", options["name"])
        return in_json(session) if options["json"] else report.bfd_details(session)
    answer = client.get("bfd")
    if options["json"]:
        return in_json(answer)
    stalls = report.stalls(answer.get("stalls") or {})
    return report.bfd_table(answer["sessions"]) + (f"\n\n{stalls}" if stalls else "")


def _tell_bfd(client: Client, options: Any) -> str:
    answer = client.post("bfd", options["name"], body={"admin": options["wish"]})
    if options["json"]:
        return in_json(answer)
    return f"{answer['name']}: {'enabled' if answer['admin'] == 'up' else 'disabled'}"


def _show_vrrp(client: Client, options: Any) -> str:
    if options["name"]:
        instance = client.get("vrrp", options["name"])
        return in_json(instance) if options["json"] else report.vrrp_details(instance)
    answer = client.get("vrrp")
    return in_json(answer) if options["json"] else report.vrrp_page(answer)


def _show_lvs(client: Client, options: Any) -> str:
    if options["name"]:
        server = client.get("lvs", options["name"])
        return in_json(server) if options["json"] else lvs_report.lvs_details(server)
    answer = client.get("lvs")
    if options["json"]:
        return in_json(answer)
    shown = lvs_report.lvs_table(answer["virtual_servers"])
    problem = answer.get("problem")
    how = f"balanced by {answer.get('dataplane')}"
    if problem:
        how = f"not balanced: {problem}"
    return f"{shown}\n\n{how}" if answer["virtual_servers"] else shown


def _tell_lvs(client: Client, options: Any) -> str:
    answer = client.post("lvs", options["name"], body={"admin": options["wish"]})
    if options["json"]:
        return in_json(answer)
    return f"{answer['name']} {DRAINS[answer['admin']]}"


def in_json(answer: Any) -> str:
    """As JSON for people."""
    return json.dumps(answer, indent=2, ensure_ascii=False)
