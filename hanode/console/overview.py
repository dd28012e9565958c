"""One screen about the whole node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hanode.console import report
from hanode.console.duration import elapsed, interval
from hanode.console.table import printable
from hanode.console.timeline import timeline

Record = Mapping[str, Any]
TROUBLES = 10  # that are shown
INSTANCES = 30  # that are shown line by line; of more only those that are not BACKUP


def status(record: Record) -> str:
    """What L{hanode.console.view.View.status} gives, as text."""
    head = f"hanode on {record['host']}, process {record['pid']}, up for"
    parts = [f"{printable(head)} {elapsed(record['uptime'])}"]
    parts += filter(None, ["\n".join(troubles(record["instances"]))])
    parts.append(_instances(record["instances"]))
    if record.get("groups"):
        parts.append(report.group_table(record["groups"]))
    parts += filter(None, (_bfd(record["bfd"]), _servers(record["virtual_servers"])))
    parts += filter(None, [_static(record.get("static", {}))])
    parts += filter(None, [_reactor(record["reactor"])])
    parts.append(timeline(record["events"]))
    return "\n\n".join(parts)


def troubles(instances: Sequence[Record]) -> list[str]:
    """What is wrong although the state does not tell, a line for each; bounded."""
    found: list[str] = []
    for each in instances:
        name = each["name"]
        for address, mac in each.get("conflicts", {}).items():
            found.append(f"{name}: {mac} answers for {address}, too")
        for lacking in each.get("missing", ()):
            found.append(f"{name}: not set in the kernel: {lacking}")
    more = len(found) - TROUBLES
    shown = [f"! {printable(each)}" for each in found[:TROUBLES]]
    return [*shown, f"! ... and {more} more"] if more > 0 else shown


def _instances(instances: Sequence[Record]) -> str:
    if len(instances) <= INSTANCES:
        return report.vrrp_table(instances)
    shown = [each for each in instances if each["state"] != "BACKUP"][:INSTANCES]
    rest = len(instances) - len(shown)
    return f"{report.vrrp_table(shown)}\n... and {rest} more"


def _bfd(states: Mapping[str, int]) -> str:
    if not states:
        return ""
    counts = [
        f"{count} {report.STATES.get(state, state)}"
        for state, count in sorted(states.items(), reverse=True)
    ]
    return f"BFD sessions: {', '.join(counts)}"


def _servers(servers: Record) -> str:
    if not servers["count"]:
        return ""
    down = servers["down"]
    if not down:
        return f"virtual servers: {servers['count']}, all with their quorum"
    names = printable(", ".join(down))
    return f"virtual servers: {servers['count']}, without their quorum: {names}"


def _static(static: Record) -> str:
    kinds = ("addresses", "routes", "rules")
    counts = [f"{len(static[k])} {k}" for k in kinds if static.get(k)]
    if not counts:
        return ""
    text = f"static: {', '.join(counts)}"
    lacking = static["lacking"]
    return printable(f"{text}; missing: {', '.join(lacking)}" if lacking else text)


def _reactor(reactor: Record) -> str:
    if not reactor.get("stalls"):
        return ""
    return (
        f"held up {reactor['stalls']} times, for {interval(reactor['longest'])} by"
        f" {printable(reactor['held_by'])}"
    )
