"""keepalived.json: what tools read that send keepalived its JSON signal.

Version 1 is a list of instances, version 2 an object with such a list and one of
track_process. Fields as of keepalived 2.2 and 2.4; C{auth_data} is never told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hanode.config.model import VrrpInstance
from hanode.console.dumps_words import STATES, Seen, Trackers, number, quoted
from hanode.console.plain import HIDDEN

_AUTH = {"PASS": 1, "AH": 2}
#: field -> the notify script that it tells
_SCRIPTS = {
    "script_backup": "backup",
    "script_master": "master",
    "script_fault": "fault",
    "script_stop": "stop",
    "script_deleted": "deleted",
    "script_master_rx_lower_pri": "master_rx_lower_pri",
    "script": "always",
}


def pieces(
    version: int, instances: Iterable[Seen], trackers: Trackers
) -> Iterator[str]:
    """The file, an instance at a time."""
    start = before = '{"vrrp":[' if version == 2 else "["
    for seen in instances:
        yield before + _dumped(instance(seen, trackers))
        before = ","
    end = "]"
    if version == 2:
        named = trackers.get("process", {})
        processes = [_process(name, each) for name, each in named.items()]
        end += (f',"track_process":{_dumped(processes)}' if processes else "") + "}"
    yield (start if before == start else "") + end + "\n"


def instance(seen: Seen, trackers: Trackers) -> dict[str, Any]:
    """One instance."""
    settings, state = seen.settings, seen.state
    notify = settings.notify
    named = {
        field: getattr(notify, which)
        for field, which in _SCRIPTS.items()
        if getattr(notify, which) is not None
    }
    lists = {
        "vips": list(seen.addresses(settings.addresses)),
        "evips": list(seen.addresses(settings.excluded)),
        "vroutes": [str(each) for each in settings.routes],
        "vrules": [str(each) for each in settings.rules],
        "track_ifp": [e.name for e in settings.track if e.kind == "interface"],
        "track_script": list(_commands(settings, trackers)),
        "track_process": [e.name for e in settings.track if e.kind == "process"],
    }
    data = {
        "iname": settings.name,
        **_switches(settings),
        "vmac_ifname": seen.virtual,
        "ifp_ifname": seen.virtual or settings.device,
        "master_priority": _master(seen),
        "last_transition": round(seen.since, 6),
        **_announcements(settings),
        "vrid": settings.vrid,
        "base_priority": settings.priority,
        "effective_priority": seen.described["priority"],
        "vipset": seen.holds,
        "promote_secondaries": settings.promote_secondaries,
        "adver_int": number(settings.advert_int),
        "master_adver_int": number(seen.described["master_advert_int"]),
        "accept": int(settings.accept),
        "nopreempt": not settings.preempt,
        "preempt_delay": number(settings.preempt_delay),
        "state": STATES.index(state),
        "wantstate": STATES.index(seen.wanted),
        "version": settings.version,
        "smtp_alert": settings.smtp_alert,
        "notify_deleted": notify.report_deleted,
        **{field: quoted(each.argv) for field, each in named.items()},
        **{field: each for field, each in lists.items() if each},
        **_authentication(settings),
    }
    return {"data": data, "stats": dict(seen.counts)}


def _dumped(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _master(seen: Seen) -> int:
    """The priority of whom we follow: 0 for nobody, as keepalived has it."""
    following = seen.state == "BACKUP" and seen.described["master"] is not None
    priority: int = seen.described["master_priority"] if following else 0
    return priority


def _switches(settings: VrrpInstance) -> dict[str, int]:
    return {
        "dont_track_primary": int(not settings.track_primary),
        "skip_check_adv_addr": int(settings.skip_check_adv_addr),
        "strict_mode": int(settings.strict),
    }


def _announcements(settings: VrrpInstance) -> dict[str, int | float]:
    garp = settings.garp
    return {
        "garp_delay": number(garp.master_delay),
        "garp_refresh": number(garp.master_refresh),
        "garp_rep": garp.master_repeat,
        "garp_refresh_rep": garp.master_refresh_repeat,
        "garp_lower_prio_delay": number(garp.lower_prio_delay),
        "garp_lower_prio_rep": garp.lower_prio_repeat,
        "lower_prio_no_advert": int(settings.lower_prio_no_advert),
        "higher_prio_send_advert": int(settings.higher_prio_send_advert),
    }


def _authentication(settings: VrrpInstance) -> dict[str, Any]:
    wanted = settings.authentication
    if wanted is None or settings.version != 2:
        return {"auth_type": 0}
    return {"auth_type": _AUTH[wanted.type], "auth_data": HIDDEN}


def _commands(settings: VrrpInstance, trackers: Trackers) -> Iterator[str]:
    """The commands of track_script."""
    known = trackers.get("script", {})
    for each in settings.track:
        if each.kind == "script" and each.name in known:
            yield quoted(known[each.name]["command"])


def _process(name: str, each: Mapping[str, Any]) -> dict[str, Any]:
    """One track_process, without what of it nobody said."""
    program, *parameters = each["words"]
    found = {
        "process": name,
        "program": program,
        "parameters": " ".join(parameters) or None,
        "param_match": each["match"] or "none",
        "min_processes": each["least"],
        "max_processes": each["most"],
        "current_processes": each["count"],
        "have_quorum": each["up"] is True,
        "weight": each["weight"],
        "terminate_delay": number(each["terminate_delay"]),
        "fork_delay": number(each["fork_delay"]),
    }
    return {field: value for field, value in found.items() if value is not None}
