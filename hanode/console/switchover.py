"""hanode drain and undrain: a planned switchover, or a real server that is to rest."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from twisted.python import usage

from hanode.console.client import Client, Refused
from hanode.console.commands import LookOptions, in_json, look

POLL = 0.1  # seconds between two looks
LONGEST = 600.0  # seconds: an advertisement interval may be 255
MOVING = ("waiting", "resigned")


class DrainOptions(LookOptions):
    """The options of C{hanode drain} and C{hanode undrain}."""

    synopsis = "hanode drain|undrain [options] [NAME...]"
    longdesc = (
        "drain: let other nodes be master of the VRRP instances NAME (all without one),"
        " without a lost packet, and wait until they are; a real server gets no new"
        " connections. undrain takes them back. Status 1: nobody takes over."
    )

    def parseArgs(self, *names: str) -> None:
        """Take the names of instances and real servers."""
        self["names"] = list(names)


def drain(argv: Sequence[str]) -> int:
    """Send instances away, and wait until others are master of them."""
    options = DrainOptions()
    options.parseOptions(list(argv))
    return look(options, _drain)


def undrain(argv: Sequence[str]) -> int:
    """Take them back."""
    options = DrainOptions()
    options.parseOptions(list(argv))
    return look(options, _undrain)


def _drain(client: Client, options: Any) -> str:
    instances, reals = _tell(client, options, "drain")
    lines = [f"{name} is being drained" for name in reals]
    waited = [_gone(client, name) for name in instances]
    if options["json"]:
        shown = in_json({"instances": waited, "real_servers": reals})
    else:
        shown = "\n".join([*lines, *map(_line, waited), *_verdict(waited)])
    if any(each["state"] == "MASTER" for each in waited):
        print(shown, file=sys.stdout if options["json"] else sys.stderr)
        raise Refused("this node is still master: nobody takes over")
    return shown


def _undrain(client: Client, options: Any) -> str:
    instances, reals = _tell(client, options, "undrain")
    found = [client.get("vrrp", name) for name in instances]
    if options["json"]:
        return in_json({"instances": found, "real_servers": reals})
    lines = [f"{name} is used again" for name in reals]
    return "\n".join([*lines, *(f"{name}: taken back" for name in instances)])


def _tell(client: Client, options: Any, wish: str) -> tuple[list[str], list[str]]:
    """The instances and the real servers that were told."""
    known = [each["name"] for each in client.get("vrrp")["instances"]]
    names = options["names"] or known
    if not names:
        raise usage.UsageError("there are no VRRP instances: name a real server")
    told: dict[str, None] = {}
    reals = []
    for name in names:
        if name in known:
            answer = client.post("vrrp", name, body={"admin": wish})
            told |= dict.fromkeys(answer["names"])
        else:
            _tell_server(client, name, known, wish)
            reals.append(name)
    return list(told), reals


def _tell_server(client: Client, name: str, instances: list[str], wish: str) -> None:
    try:
        client.post("lvs", name, body={"admin": wish})
    except Refused as refusal:
        names = ", ".join(instances) or "none"
        raise Refused(
            f"{refusal}; nor is it a VRRP instance; these are: {names}"
        ) from None


def _gone(client: Client, name: str) -> Any:
    """The instance, when it is master no more, or nobody takes over."""
    end = time.monotonic() + LONGEST
    while True:
        found = client.get("vrrp", name)
        if found["retirement"] not in MOVING or time.monotonic() > end:
            return found
        time.sleep(POLL)


def _line(instance: Any) -> str:
    name, state = instance["name"], instance["state"]
    if state == "MASTER":
        return f"{name}: still MASTER, nobody takes over"
    if instance["master"]:
        return f"{name}: {state}, the master is {instance['master']}"
    return f"{name}: {state}"


def _verdict(instances: Sequence[Any]) -> list[str]:
    if not instances or any(each["state"] == "MASTER" for each in instances):
        return []
    return ["this node holds none of these addresses: it is safe to stop it"]
