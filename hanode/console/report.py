"""What the node shows, as text for a terminal.

Only plain dicts go in, as L{hanode.console.view} makes them and the http service
carries them; a key that is missing is shown as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hanode.console.duration import UNKNOWN, elapsed, interval
from hanode.console.table import sheet, table

Record = Mapping[str, Any]

#: RFC 5880, section 4.1, writes the states like this
STATES = {"ADMIN_DOWN": "AdminDown", "DOWN": "Down", "INIT": "Init", "UP": "Up"}
BFD_HEADS = (
    *("NAME", "NEIGHBOUR", "DEVICE", "STATE", "SINCE", ">DETECTION", ">TX", ">RX"),
    *(">IN", ">OUT", ">FLAPS", ">LATE"),
)
VRRP_HEADS = (
    *("NAME", ">VRID", "INTERFACE", "STATE", "SINCE", ">PRIORITY", "MASTER"),
    "ADDRESSES",
)
GROUP_HEADS = ("GROUP", "STATE", "SINCE", "REASON", "MEMBERS")


def bfd_table(sessions: Sequence[Record]) -> str:
    """One line for each session; LATE is the worst lateness of our own packets."""
    if not sessions:
        return "no BFD sessions"
    return table(BFD_HEADS, map(_bfd_row, sessions))


def bfd_details(session: Record) -> str:
    """Everything about one session."""
    state, since = _state(session, "state"), elapsed(session.get("since"))
    pairs = [
        ("reason", _text(session.get("last_reason"), "")),
        ("neighbour", _neighbour(session)),
        ("role", _text(session.get("role"))),
        ("wanted by", ", ".join(session.get("wanted_by") or ()) or "nobody"),
        *_bfd_ends(session),
        *_bfd_timing(session),
        ("echo", _echo(session.get("echo"))),
        ("demand mode", "on" if session.get("demand") else "off"),
        ("authentication", _text(session.get("authentication"), "none")),
        *_bfd_traffic(session),
    ]
    return sheet(f"{_text(session.get('name'))}: {state} for {since}", pairs)


def stalls(record: Record) -> str:
    """How often the process was held up, in one line; "" when it never was."""
    if not record.get("count"):
        return ""
    return (
        f"held up {record['count']} times, the worst for"
        f" {interval(record.get('worst'))}, the latest for"
        f" {interval(record.get('latest'))}"
    )


def vrrp_page(answer: Mapping[str, Sequence[Record]]) -> str:
    """All instances, and behind them the sync groups where there are some."""
    groups = answer.get("groups") or ()
    page = vrrp_table(answer["instances"])
    return f"{page}\n\n{group_table(groups)}" if groups else page


def group_table(groups: Sequence[Record]) -> str:
    """One line for each sync group."""
    return table(GROUP_HEADS, map(_group_row, groups))


def vrrp_table(instances: Sequence[Record]) -> str:
    """One line for each instance."""
    if not instances:
        return "no VRRP instances"
    return table(VRRP_HEADS, map(_vrrp_row, instances))


def vrrp_details(instance: Record) -> str:
    """Everything about one instance."""
    get = instance.get
    title = f"{_text(get('name'))}: {_text(get('state'))} for {elapsed(get('since'))}"
    pairs = [
        ("reason", _text(get("reason"), "")),
        ("faults", ", ".join(get("faults") or ())),
        (
            "virtual router",
            f"{_text(get('vrid'))} on {_text(get('interface'))},"
            f" version {_text(get('version'))}",
        ),
        ("priority", f"{_text(get('priority'))} (base {_text(get('base_priority'))})"),
        ("interval", interval(get("advert_int"))),
        ("source", _text(get("source"))),
        ("authentication", _text(get("authentication"))),
        ("master", _master(instance)),
        ("peers", ", ".join(map(_peer, get("peers") or ()))),
        *(("tracked", _tracked(each)) for each in get("tracked") or ()),
        *(("address", each) for each in get("addresses") or ()),
        *(("route", each) for each in get("routes") or ()),
        *(("rule", each) for each in get("rules") or ()),
        *(("missing", each) for each in get("missing") or ()),
        *(("conflict", f"{a}: {m}") for a, m in (get("conflicts") or {}).items()),
        *sorted((name, str(count)) for name, count in (get("counters") or {}).items()),
    ]
    return sheet(title, pairs)


# -- one session


def _bfd_row(session: Record) -> tuple[str, ...]:
    get = session.get
    return (
        _text(get("name")),
        _text(get("neighbour")),
        _text(get("device")),
        _state(session, "state"),
        elapsed(get("since")),
        interval(get("detection_time")),
        interval(get("tx_interval")),
        interval(get("rx_interval")),
        _text(get("received")),
        _text(get("sent")),
        _text(get("flaps")),
        interval((get("lateness") or {}).get("worst")),
    )


def _neighbour(session: Record) -> str:
    hops = "multihop" if session.get("multihop") else "single hop"
    text = f"{_text(session.get('neighbour'))}, {hops}"
    if session.get("source"):
        text += f", from {session['source']}"
    if session.get("device"):
        text += f", on {session['device']}"
    return text


def _bfd_ends(session: Record) -> list[tuple[str, str]]:
    """What each end says of itself."""
    ends = (
        ("here", "state", "local_discriminator", "diagnostic"),
        ("there", "remote_state", "remote_discriminator", "remote_diagnostic"),
    )
    return [
        (
            end,
            f"{_state(session, state)},"
            f" discriminator {_discriminator(session.get(discriminator))},"
            f" diagnostic: {_text(session.get(diagnostic))}",
        )
        for end, state, discriminator, diagnostic in ends
    ]


def _bfd_timing(session: Record) -> list[tuple[str, str]]:
    get = session.get
    return [
        ("detection time", interval(get("detection_time"))),
        (
            "intervals",
            f"tx {interval(get('tx_interval'))}, rx {interval(get('rx_interval'))};"
            f" wanted: tx {interval(get('wanted_min_tx'))},"
            f" rx {interval(get('wanted_min_rx'))}",
        ),
        (
            "multiplier",
            f"{_text(get('multiplier'))}, theirs {_text(get('remote_multiplier'))}",
        ),
    ]


def _bfd_traffic(session: Record) -> list[tuple[str, str]]:
    get = session.get
    dropped = get("dropped") or {}
    late = get("lateness") or {}
    return [
        ("packets", f"{_text(get('received'))} in, {_text(get('sent'))} out"),
        (
            "dropped",
            ", ".join(f"{dropped[why]} {why}" for why in sorted(dropped)) or "none",
        ),
        ("send errors", _text(get("send_errors"))),
        ("flaps", _text(get("flaps"))),
        (
            "own lateness",
            f"latest {interval(late.get('latest'))},"
            f" p99.9 {interval(late.get('p999'))}, worst {interval(late.get('worst'))}",
        ),
    ]


def _echo(echo: Record | None) -> str:
    if not echo:
        return "off"
    return (
        f"every {interval(echo.get('tx_interval'))}: {_text(echo.get('sent'))} sent,"
        f" {_text(echo.get('returned'))} returned, {_text(echo.get('lost'))} lost"
    )


def _discriminator(value: int | None) -> str:
    return f"{value:#010x}" if value else UNKNOWN


# -- one instance


def _vrrp_row(instance: Record) -> tuple[str, ...]:
    get = instance.get
    return (
        _text(get("name")),
        _text(get("vrid")),
        _text(get("interface")),
        _text(get("state")),
        elapsed(get("since")),
        _text(get("priority")),
        _master(instance),
        ", ".join(each.partition(" ")[0] for each in get("addresses") or ()) or UNKNOWN,
    )


def _tracked(tracked: Record) -> str:
    """C{script chk (weight 20): succeeded, +20}."""
    get = tracked.get
    weight = f" (weight {get('weight')})" if get("weight") else ""
    if get("reverse"):
        weight = f"{weight[:-1]} reverse)" if weight else " (reverse)"
    effect = "FAULT" if get("fault") else ""
    if get("points"):
        effect = f"{get('points'):+d}"
    text = f"{_text(get('kind'))} {_text(get('name'))}{weight}: {_text(get('state'))}"
    return f"{text}, {effect}" if effect else text


def _group_row(group: Record) -> tuple[str, ...]:
    get = group.get
    return (
        _text(get("name")),
        _text(get("state")),
        elapsed(get("since")),
        _text(get("reason")),
        ", ".join(get("members") or ()) or UNKNOWN,
    )


def _peer(peer: Record) -> str:
    priority = peer["priority"]
    return peer["address"] if priority is None else f"{peer['address']} ({priority})"


def _master(instance: Record) -> str:
    if instance.get("state") == "MASTER":
        return "this node"
    if not instance.get("master"):
        return UNKNOWN
    return f"{instance['master']} ({_text(instance.get('master_priority'))})"


# -- words


def _state(record: Record, key: str) -> str:
    value = _text(record.get(key))
    return STATES.get(value, value)


def _text(value: Any, absent: str = UNKNOWN) -> str:
    return absent if value is None or value == "" else str(value)
