"""keepalived.data: instances, groups and what they track, for people and for grep.

Lines as keepalived 2.2 prints them. Left out is what only its own insides have:
descriptors, threads, buffers, timers of its interfaces; and the secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hanode.config.model import Model, VrrpInstance
from hanode.console.dumps_words import Seen, Trackers, enabled, interval, quoted, yes
from hanode.link import Link

_AUTH = {"PASS": "SIMPLE_PASSWORD", "AH": "IPSEC_AH"}
_SCRIPTS = (
    ("Backup state transition script", "backup"),
    ("Master state transition script", "master"),
    ("Fault state transition script", "fault"),
    ("Stop state transition script", "stop"),
    ("Deleted state transition script", "deleted"),
    ("Master rx lower pri script", "master_rx_lower_pri"),
    ("Generic state transition script", "always"),
)


def pieces(
    model: Model,
    instances: Iterable[Seen],
    groups: Sequence[Mapping[str, Any]],
    trackers: Trackers,
    links: Iterable[Link],
) -> Iterator[str]:
    """The file, an instance at a time."""
    yield _section("Global definitions", global_definitions(model))
    yield _section("VRRP Topology", ())
    for seen in instances:
        yield _lines(instance(seen))
    if groups:
        yield _section("VRRP Sync groups", _groups(model, groups))
    users = _users(model)
    for title, kind, one in (
        ("VRRP Scripts", "script", _script),
        ("VRRP Track files", "file", _file),
        ("VRRP Track processes", "process", _process),
        ("VRRP Track BFDs", "bfd", _bfd),
    ):
        found = trackers.get(kind, {})
        if found:
            lines: list[str] = []
            for name, each in found.items():
                lines += [*one(name, each), "   Tracking instances :"]
                lines += users.get((kind, name), [])
                lines += [f"   State = {_running(each)}"] if kind == "script" else []
            yield _section(title, lines)
    yield _section("Interfaces", ())
    for link in links:
        yield _lines(_interface(link))


def _section(title: str, lines: Iterable[str]) -> str:
    return _lines([f"------< {title} >------", *lines])


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def global_definitions(model: Model) -> Iterator[str]:
    """What is said of the node as a whole."""
    defs, process = model.global_defs, model.process
    yield f" Network namespace = {process.namespace or '(default)'}"
    if process.instance:
        yield f" Instance name = {process.instance}"
    yield f" Router ID = {defs.router_id}"
    yield f" VRRP startup delay = {defs.startup_delay:f}"
    yield f" VRRP delay after boot = {defs.delay_after_boot:f}"
    yield f" Log unknown VRIDs = {yes(defs.log_unknown_vrids)}"
    yield f" Script security {enabled(defs.enable_script_security)}"
    if defs.script_user:
        yield f" Default script user = {defs.script_user}"
    if process.umask is not None:
        yield f" umask = 0{process.umask:o}"
    yield f" json_version = {model.dumps.json_version}"


# -- instances


def instance(seen: Seen) -> Iterator[str]:
    """One instance."""
    settings, described = seen.settings, seen.described
    yield f" VRRP Instance = {settings.name}"
    yield f"   VRRP Version = {settings.version}"
    if settings.group:
        yield f"   Sync group = {settings.group}"
    if settings.family == 6:
        yield "   Using Native IPv6"
    yield f"   State = {seen.state}"
    flags = _flags(settings)
    yield "   Flags:" if flags else "   Flags: none"
    yield from (f"     {each}" for each in flags)
    yield f"   Wantstate = {seen.wanted}"
    yield f"   Number of interface and track script faults = {len(described['faults'])}"
    yield f"   Last transition = {_moment(seen.since)}"
    yield f"   Master down timer = {round(described['master_down'] * 1e6)} usecs"
    yield from _network(seen)
    yield from _repeats(settings)
    yield f"   Virtual Router ID = {settings.vrid}"
    yield f"   Priority = {settings.priority}"
    yield f"   Effective priority = {described['priority']}"
    yield f"   Total priority = {described['priority']}"
    shown = interval(settings.advert_int, settings.version)
    yield f"   Advert interval = {shown}"
    yield f"   Accept = {enabled(settings.accept)}"
    yield f"   Preempt = {enabled(settings.preempt)}"
    if settings.preempt_delay:
        yield f"   Preempt delay = {settings.preempt_delay:f} secs"
    yield f"   Promote_secondaries = {enabled(settings.promote_secondaries)}"
    if settings.version == 2:
        wanted = settings.authentication
        kind = "none" if wanted is None else _AUTH[wanted.type]
        yield f"   Authentication type = {kind}"
    yield from _held(seen)
    yield from _peers(settings)
    yield from _tracked(settings)
    yield from _notify(settings)


def _flags(settings: VrrpInstance) -> list[str]:
    found = (
        ("Using unicast", settings.unicast),
        ("No preempt", not settings.preempt),
        ("Don't track primary", not settings.track_primary),
        ("Skip check advert addresses", settings.skip_check_adv_addr),
        ("Strict mode", settings.strict),
    )
    return [text for text, there in found if there]


def _moment(seconds: float) -> str:
    """Seconds since 1970, and the same for people."""
    at = datetime.fromtimestamp(seconds)
    return f"{seconds:.6f} ({at:%a %b %d %H:%M:%S}.{at.microsecond:06d} {at.year})"


def _network(seen: Seen) -> Iterator[str]:
    settings, described = seen.settings, seen.described
    name, below = seen.virtual, settings.interface
    if name:
        yield f"   Use VMAC, i/f name {name}"
        yield f"   Interface = {name}, vmac on {below}"
    else:
        yield f"   Interface = {settings.device}"
    configured = "" if settings.source is None else " (from configuration)"
    if described["source"] is not None:
        yield f"   Using src_ip = {described['source']}{configured}"
    if not settings.unicast:
        yield f"   Multicast address {settings.multicast_group}"


def _repeats(settings: VrrpInstance) -> Iterator[str]:
    garp = settings.garp
    yield f"   Gratuitous ARP delay = {round(garp.master_delay)}"
    yield f"   Gratuitous ARP repeat = {garp.master_repeat}"
    yield f"   Gratuitous ARP refresh = {round(garp.master_refresh)}"
    yield f"   Gratuitous ARP refresh repeat = {garp.master_refresh_repeat}"
    yield f"   Gratuitous ARP lower priority delay = {round(garp.lower_prio_delay)}"
    yield f"   Gratuitous ARP lower priority repeat = {garp.lower_prio_repeat}"
    yield f"   Down timer adverts = {settings.down_timer_adverts}"
    lower, higher = not settings.lower_prio_no_advert, settings.higher_prio_send_advert
    yield f"   Send advert after receive lower priority advert = {yes(lower)}"
    yield f"   Send advert after receive higher priority advert = {yes(higher)}"


def _held(seen: Seen) -> Iterator[str]:
    settings = seen.settings
    for title, which in (
        (f"Virtual IP ({len(settings.addresses)}):", settings.addresses),
        ("Virtual IP Excluded :", settings.excluded),
    ):
        if which:
            yield f"   {title}"
            yield from (f"     {each}" for each in seen.addresses(which))
    for title, held in (
        ("Virtual Routes :", settings.routes),
        ("Virtual Rules :", settings.rules),
    ):
        if held:
            yield f"   {title}"
            yield from (f"     {each}" for each in held)


def _peers(settings: VrrpInstance) -> Iterator[str]:
    if not settings.unicast:
        return
    yield f"   Unicast TTL = {settings.unicast_ttl}"
    yield f"   Check unicast src : {'yes' if settings.check_unicast_src else 'no'}"
    yield "   Unicast Peer :"
    for peer in settings.unicast_peers:
        low = 0 if peer.min_ttl is None else peer.min_ttl
        high = 255 if peer.max_ttl is None else peer.max_ttl
        yield f"     {peer.address} min_ttl {low} max_ttl {high}"


def _tracked(settings: VrrpInstance) -> Iterator[str]:
    for title, kind, mark in (
        ("Tracked interfaces :", "interface", ""),
        ("Tracked scripts :", "script", ""),
        ("Tracked files :", "file", ","),
        ("Tracked processes :", "process", ","),
        ("Tracked BFDs :", "bfd", ":"),
        ("Tracked checks :", "check", ","),
    ):
        found = [each for each in settings.track if each.kind == kind]
        if found:
            yield f"   {title}"
        for each in found:
            back = " reverse" if each.reverse else ""
            yield f"     {each.name}{mark} weight {each.weight}{back}"


def _notify(settings: VrrpInstance) -> Iterator[str]:
    notify = settings.notify
    yield f"   Using smtp notification = {'yes' if settings.smtp_alert else 'no'}"
    yield f"   Notify deleted = {'Deleted' if notify.report_deleted else 'Fault'}"
    for title, which in _SCRIPTS:
        script = getattr(notify, which)
        if script is not None:
            yield f"   {title} = {quoted(script.argv)}"
    yield f"   Notify priority changes = {yes(settings.notify_priority_changes)}"


# -- the rest


def _groups(model: Model, groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in groups:
        yield f" VRRP Sync Group = {each['name']}, {each['state']}"
        yield "   VRRP member instances :"
        yield from (f"     {member}" for member in each["members"])
        settings = model.groups.get(each["name"])
        alert = settings is not None and settings.smtp_alert
        yield f"   Using smtp notification = {'yes' if alert else 'no'}"


def _users(model: Model) -> dict[tuple[str, str], list[str]]:
    """Who tracks what: (kind, name) -> a line for each instance."""
    found: dict[tuple[str, str], list[str]] = {}
    for settings in model.instances.values():
        for each in settings.track:
            line = f"     {settings.name}, weight {each.weight}"
            found.setdefault((each.kind, each.name), []).append(line)
    return found


def _script(name: str, each: Mapping[str, Any]) -> Iterator[str]:
    yield f" VRRP Script = {name}"
    yield f"   Command = {quoted(each['command'])}"
    yield f"   Interval = {each['interval']:g} sec"
    yield f"   Timeout = {each['timeout']:g} sec"
    yield f"   Weight = {each['weight']}"
    yield f"   Rise = {each['rise']}"
    yield f"   Fall = {each['fall']}"
    yield f"   Status = {'GOOD' if each['up'] else 'BAD'}"


def _running(each: Mapping[str, Any]) -> str:
    return "running" if each["running"] else "idle"


def _file(name: str, each: Mapping[str, Any]) -> Iterator[str]:
    yield f" Track file = {name}"
    yield f"   Status = {each['value']}"
    yield f"   Weight = {each['weight']}"


def _process(name: str, each: Mapping[str, Any]) -> Iterator[str]:
    program, *parameters = each["words"]
    yield f" VRRP Track process = {name}"
    yield f"   Process = {program}"
    if parameters:
        yield f"   Parameters = {quoted(parameters)}"
    if each["match"]:
        yield f"   Parameter matching = {each['match']}"
    yield f"   Min processes = {each['least']}"
    if each["most"] is not None:
        yield f"   Max processes = {each['most']}"
    yield f"   Current processes = {each['count']}"
    yield f"   Have quorum = {yes(each['up'])}"
    yield f"   Weight = {each['weight']}"
    yield f"   Terminate delay = {each['terminate_delay']:f}s"
    yield f"   Fork delay = {each['fork_delay']:f}s"


def _bfd(name: str, each: Mapping[str, Any]) -> Iterator[str]:
    yield f" VRRP Track BFD = {name}"
    yield f"   Weight = {each['weight']}"
    yield f"   Bfd is {'up' if each['up'] else 'down'}"


def _interface(link: Link) -> Iterator[str]:
    yield f" Name = {link.name}"
    yield f"   index = {link.index}"
    yield f"   IPv4 address = {_first(link, 4)}"
    yield f"   IPv6 address = {_first(link, 6)}"
    if link.mac:
        yield f"   MAC = {link.mac.hex(':')}"
    yield f"   State = {'UP, RUNNING' if link.up else 'DOWN'}"
    yield f"   MTU = {link.mtu}"


def _first(link: Link, family: int) -> IPv4Address | IPv6Address | str:
    return link.address(family) or "(none)"
