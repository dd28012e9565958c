"""Virtual servers and real servers as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hanode.console.duration import UNKNOWN, elapsed, interval
from hanode.console.table import sheet, table

Record = Mapping[str, Any]

HEADS = (
    *("SERVER", "HOW", "STATE", "SINCE", ">WEIGHT", ">ACTIVE", ">INACT", ">CONN/S"),
    *(">IN/S", ">OUT/S", "REASON"),
)
INDENT = "  "


def lvs_table(services: Sequence[Record]) -> str:
    """Each virtual server with its real servers below it."""
    if not services:
        return "no virtual servers"
    return table(HEADS, [row for each in services for row in _rows(each)])


def lvs_details(service: Record) -> str:
    """Everything about one virtual server."""
    get = service.get
    refused = get("refused") or {}
    title = f"{_text(get('name'))}: {_text(get('state'))} for {elapsed(get('since'))}"
    head = [
        ("balanced", _unbalanced(service)),
        ("reason", _text(get("reason"), "")),
        ("services", ", ".join(get("services") or ())),
        ("scheduler", _text(get("scheduler"))),
        ("persistence", f"{get('persistence')} s" if get("persistence") else ""),
        (
            "weight",
            f"{_text(get('weight'))}, {_servers(service)} up; quorum"
            f" {_text(get('quorum'))}, hysteresis {_text(get('hysteresis'))}",
        ),
        ("suspended", "no address of it is local" if get("suspended") else ""),
        ("sorry server", _sorry(get("sorry_server"))),
        *((f"not possible: {name}", why) for name, why in refused.items()),
    ]
    parts = [sheet(title, head)]
    parts += [_real_sheet(each) for each in get("real_servers") or ()]
    return "\n\n".join(parts)


def _rows(service: Record) -> Iterator[tuple[str, ...]]:
    get = service.get
    how = _text(get("scheduler"))
    state = "suspended" if get("suspended") else _refused(service)
    refused = get("refused") or {}
    reason = "; ".join(sorted(set(refused.values()))) or _text(get("reason"), "")
    weight = f"{_text(get('weight'))}/{_text(get('quorum'))}"
    name = _text(get("name"))
    state = state or _text(get("state"))
    yield (
        *(name, how, state, elapsed(get("since")), weight),
        *_traffic(get("usage"), connections=False),
        reason,
    )
    for real in get("real_servers") or ():
        yield _real_row(real)
    sorry = get("sorry_server")
    if sorry:
        state = "in use" if sorry.get("active") else "spare"
        yield (f"{INDENT}{_text(sorry.get('name'))}", "sorry", state, *[""] * 8)


def _refused(service: Record) -> str:
    """How much of it the dataplane refuses, "" for nothing."""
    balanced = _text(service.get("balanced"), "")
    return balanced if balanced.endswith("refused") else ""


def _unbalanced(service: Record) -> str:
    """Whether it is balanced, "" when it is."""
    if service.get("balanced") == "off":
        return "no dataplane can be used"
    refused = _refused(service)
    return f"{refused} by the dataplane" if refused else ""


def _servers(service: Record) -> str:
    """How many of its real servers are up; those that are leaving do not count."""
    reals = service.get("real_servers") or ()
    configured = sum(not each.get("leaving") for each in reals)
    return f"{_text(service.get('alive'))} of {configured} servers"


def _real_row(real: Record) -> tuple[str, ...]:
    get = real.get
    state = _text(get("drain"), "") or _text(get("state"))
    weight = get("weight_in_use")
    return (
        f"{INDENT}{_text(get('name'))}",
        _text(get("method")),
        state,
        elapsed(get("since")),
        UNKNOWN if weight is None else str(weight),
        *_traffic(get("usage"), connections=True),
        _text(get("reason"), ""),
    )


def _traffic(usage: Record | None, connections: bool) -> tuple[str, ...]:
    """Connections and rates; those of a virtual server are in its real servers."""
    if usage is None:
        return ("", "", "", "", "")
    held = ("active", "inactive") if connections else ()
    counts = [_text(usage.get(each)) for each in held] or ["", ""]
    rates = (_size(usage.get("byte_rate_in")), _size(usage.get("byte_rate_out")))
    return (*counts, _text(usage.get("connection_rate")), *rates)


def _size(octets: int | None) -> str:
    """Bytes as a person reads them."""
    if octets is None:
        return UNKNOWN
    size = float(octets)
    for unit in ("B", "K", "M"):
        if size < 1000:
            return f"{size:.3g}{unit}"
        size /= 1000
    return f"{size:.3g}G"


def _real_sheet(real: Record) -> str:
    get = real.get
    usage = get("usage") or {}
    title = f"{_text(get('name'))}: {_text(get('state'))} for {elapsed(get('since'))}"
    in_use = get("weight_in_use")
    pairs = [
        ("reason", _text(get("reason"), "")),
        (
            "weight",
            f"{_text(get('weight'))}, configured {_text(get('configured_weight'))},"
            f" {'not in use' if in_use is None else f'in use {in_use}'}",
        ),
        ("method", _text(get("method"))),
        ("drain", _text(get("drain"), "")),
        (
            "connections",
            f"{_text(usage.get('active'))} active, {_text(usage.get('inactive'))}"
            f" inactive, {_text(usage.get('connections'))} in all"
            if usage
            else "",
        ),
        *_checks(get("checks") or ()),
    ]
    return sheet(title, pairs)


def _checks(checks: Sequence[Record]) -> Iterator[tuple[str, str]]:
    for check in checks:
        result = check.get("result")
        text = f"{_text(check.get('state'))} for {elapsed(check.get('since'))}"
        if result:
            detail = _text(result.get("detail"), "")
            text += f"; {elapsed(result.get('ago'))} ago: {_text(result.get('reason'))}"
            text += f" ({detail})" if detail else ""
            text += f", took {interval(result.get('seconds'))}"
        else:
            text += "; not yet tried"
        where = f"{_text(check.get('address'))} port {_text(check.get('port'))}"
        yield f"{_text(check.get('check'))}", f"{where}: {text}"


def _sorry(sorry: Record | None) -> str:
    if not sorry:
        return ""
    return f"{_text(sorry.get('name'))}, {'in use' if sorry.get('active') else 'spare'}"


def _text(value: Any, absent: str = UNKNOWN) -> str:
    return absent if value is None or value == "" else str(value)
