"""Why an instance is in its state, and what would change that, in words.

Only what L{hanode.vrrp.service} describes goes in, so that a saved description can be
explained as well as a living instance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hanode.console.duration import elapsed, interval

Record = Mapping[str, Any]
OWNER = 255  # RFC 9568, section 5.2.4
LOWEST, HIGHEST = 1, 254


def why(instance: Record, groups: Sequence[Record] = ()) -> str:
    """A few sentences, one on each line."""
    group = next((g for g in groups if instance["name"] in g["members"]), None)
    lines = [_state(instance), *_faults(instance), *_priority(instance)]
    if group is not None:
        lines.append(_group(instance, group))
    lines += _change(instance)
    lines += _doubts(instance)
    return "\n".join(lines)


def _state(instance: Record) -> str:
    name, state = instance["name"], instance["state"]
    since = elapsed(instance.get("since"))
    reason = f": {instance['reason']}" if instance.get("reason") else ""
    text = f"{name} has been {state} for {since}{reason}."
    if state == "BACKUP" and instance.get("master"):
        text += (
            f" The master is {instance['master']} with priority"
            f" {_master_priority(instance)}."
        )
    elif state == "BACKUP":
        text += " No master has been heard."
    elif state == "INIT":
        text = f"{name} has not begun: what it tracks without weight is not known yet."
    return text


def _faults(instance: Record) -> Iterator[str]:
    for fault in instance["faults"]:
        yield f"It may not run: {fault}."


def _priority(instance: Record) -> Iterator[str]:
    base, now = instance["base_priority"], instance["priority"]
    if instance.get("retirement"):
        yield (
            f"The operator has sent it away ({instance['retirement']}): its priority is"
            f" {now} until it is taken back."
        )
        return
    tracked = [each for each in instance.get("tracked", ()) if each["weight"]]
    if base == OWNER:
        yield "Its priority is 255, that of the address owner, which never changes."
        return
    parts = [f"{base} (configured)"]
    for each in tracked:
        if each["points"]:
            sign = "+" if each["points"] > 0 else "-"
            parts.append(f"{sign} {abs(each['points'])} ({_name(each)})")
    text = f"Its priority is {now}"
    if len(parts) > 1:
        text += f" = {' '.join(parts)}"
        total = base + sum(each["points"] for each in tracked)
        if not LOWEST <= total <= HIGHEST:
            text += f", kept within {LOWEST} and {HIGHEST}"
    elif now != base:
        text += f", {base} configured"
    yield text + "."
    for each in tracked:
        if not each["points"]:
            yield f"Nothing comes from {_name(each)}, whose weight is {_weight(each)}."


def _group(instance: Record, group: Record) -> str:
    others = [each for each in group["members"] if each != instance["name"]]
    text = f"It moves together with {', '.join(others) or 'nobody'}"
    return f"{text} (group {group['name']}, which is {group['state']})."


def _change(instance: Record) -> Iterator[str]:
    state = instance["state"]
    if state == "FAULT":
        down = interval(instance.get("master_down"))
        yield (
            "Once nothing of that is left it becomes BACKUP, and MASTER after"
            f" {down} without a better one."
        )
    elif state == "BACKUP":
        yield from _to_master(instance)
    elif state == "MASTER":
        yield from _from_master(instance)
    if state in ("BACKUP", "MASTER"):
        for each in instance.get("tracked", ()):
            if not each["weight"]:
                wanted = "down" if not each["reverse"] else "up"
                what = f"{each['kind']} {each['name']}"
                yield f"It goes to FAULT when {what} is {wanted}."


def _to_master(instance: Record) -> Iterator[str]:
    down = interval(instance.get("master_down"))
    yield f"It becomes MASTER after {down} without an advertisement."
    theirs = _master_priority(instance)
    if not instance.get("master"):
        return
    if not instance.get("preempt", True):
        yield "It has nopreempt: a higher priority alone does not make it MASTER."
        return
    missing = theirs - instance["priority"]
    if missing < 0:
        yield "It is better than the master, and takes over when the time has come."
        return
    gain = sum(
        abs(each["weight"])
        for each in instance.get("tracked", ())
        if each["weight"] and _could_gain(each)
    )
    text = f"With a priority above {theirs} it would take over:"
    text += f" {missing + 1} more than now"
    if gain:
        verdict = "is enough" if gain > missing else "is not"
        yield f"{text}; what it tracks can give {gain}, which {verdict}."
    else:
        yield f"{text}, and nothing that it tracks can give that."


def _could_gain(tracked: Record) -> bool:
    """Whether a tracker that changes would raise the priority."""
    weight = -tracked["weight"] if tracked["reverse"] else tracked["weight"]
    points = tracked["points"]
    return bool(points < 0 if points else weight > 0)


def _from_master(instance: Record) -> Iterator[str]:
    priority = instance["priority"]
    if priority == OWNER:
        return
    yield (
        f"It gives way to a priority above {priority}, and to {priority} itself from a"
        f" higher address than {instance.get('source') or 'its own'}."
    )


def _master_priority(instance: Record) -> int:
    """The master's, as it was heard last: what is lower than ours is not followed."""
    for peer in instance.get("peers", ()):
        if peer["address"] == instance["master"] and peer["priority"]:
            return int(peer["priority"])
    return instance.get("master_priority") or 0


def _doubts(instance: Record) -> Iterator[str]:
    """What may show that two nodes do not understand each other."""
    for address, mac in instance.get("conflicts", {}).items():
        yield f"{mac} answers for {address}, too: there may be a second master."
    for name, count in sorted(instance.get("counters", {}).items()):
        kind, _, reason = name.partition(": ")
        if kind == "dropped":
            yield f"Advertisements dropped so far: {count} ({reason})."


def _name(tracked: Record) -> str:
    return f"{tracked['kind']} {tracked['name']}: {tracked['state']}"


def _weight(tracked: Record) -> str:
    return f"{tracked['weight']}{' reverse' if tracked['reverse'] else ''}"
