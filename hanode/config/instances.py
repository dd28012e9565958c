"""Draft -> VrrpInstance: defaults, corrections, and the reasons to refuse one.

keepalived.conf(5), "VRRP instance(s)"; the order of the checks is that of what an
operator would mend first.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hanode.config import (
    auth_build,
    bfd_parameters,
    endpoints,
    packet_entries,
    routes,
    rules,
    statics,
    strict,
    vips,
)
from hanode.config.check import same_router
from hanode.config.draft import Draft, Taken, Written, router
from hanode.config.model import (
    Garp,
    Notify,
    VrrpInstance,
)
from hanode.config.notify_model import Release
from hanode.config.role import preemption, role
from hanode.config.vmac_build import Placement

_V3_LONGEST = 40.95  # seconds: 12 bits of centiseconds (RFC 9568, section 5.2.7)


def complete(draft: Draft, taken: Taken) -> VrrpInstance | None:
    """The instance that C{draft} describes; None when it is refused (and said why)."""
    if "vrid" not in draft.own:
        draft.dropped(
            "the virtual router id must be set", "add virtual_router_id 1..255"
        )
        return None
    family = endpoints.family(draft)
    source = endpoints.source(draft, family)
    version = _version(draft, family)
    if draft.strict:
        strict.enforce(draft, version)
    placed = VrrpInstance(
        name=draft.name,
        vrid=draft.own["vrid"],
        interface=draft.interface,
        family=family,
        version=version,
        source=source,
        multicast_group=endpoints.group(draft, family),
        vrf=_vrf(draft),
        unicast_peers=endpoints.peers(draft, family, source),
        place=draft.block.keyword.place,
    )
    if _refused(draft, placed, taken):
        return None
    placement = Placement(draft, placed, taken)
    addresses, excluded = vips.virtual_addresses(draft, family, taken, placement)
    if not addresses and not _runs_empty(draft, placed):
        return None
    held = {"addresses": addresses, "excluded": excluded}
    return _filled(draft, placed, {**held, "virtual": placement.virtual()})


def _filled(
    draft: Draft, placed: VrrpInstance, addresses: dict[str, Any]
) -> VrrpInstance:
    """C{placed} with everything that cannot refuse it any more."""
    priority, state = role(draft)
    authentication = auth_build.authentication(draft, placed.version)
    state = auth_build.wanted_state(draft, authentication, state, priority)
    advert_int = _advert_int(draft, placed.version)
    preempt, delay = preemption(draft, priority, state)
    ttls = any(
        peer.min_ttl is not None or peer.max_ttl is not None
        for peer in placed.unicast_peers
    )
    settings: dict[str, Any] = {field: draft.get(field) for field in _AS_WRITTEN}
    return replace(
        placed,
        **settings,
        **addresses,
        priority=priority,
        state=state,
        preempt=preempt,
        preempt_delay=delay,
        advert_int=advert_int,
        accept=draft.own.get("accept", not draft.strict),
        check_unicast_src=ttls or draft.get("check_unicast_src"),
        authentication=authentication,
        receive_buffer=packet_entries.receive_buffer(draft, addresses["addresses"]),
        auth_hmac=auth_build.auth_hmac(draft, advert_int),
        garp=_garp(draft),
        track=draft.track(),
        track_groups=statics.groups_of(
            draft.shared.get("track_groups", {}), draft.name
        ),
        **_routing(draft),
        fast_failover=bfd_parameters.fast_failover(draft),
        notify=notify(draft),
        release=_release(draft),
        timer_expired_backup=_timer_expired_backup(draft, preempt),
    )


def _routing(draft: Draft) -> dict[str, Any]:
    """The virtual routes and rules."""
    reading = draft.shared.get("reading")
    if reading is None or not {"routes", "rules"} & draft.own.keys():
        return {}
    return {
        "routes": routes.routes(
            draft.own.get("routes", []), reading.names, draft.findings
        ),
        "rules": rules.rules(
            draft.own.get("rules", []),
            reading.names,
            draft.findings,
            reading.preferences,
        ),
    }


#: fields of the instance that are taken over as they are
_AS_WRITTEN = (
    "unicast_ttl",
    "unicast_fault_no_peer",
    "track_source",
    "old_checksum",
    "down_timer_adverts",
    "checksum_as_v2",
    "lower_prio_no_advert",
    "higher_prio_send_advert",
    "owner_ignore_adverts",
    "skip_check_adv_addr",
    "promote_secondaries",
    "strict",
    "track_primary",
    "linkbeat",
    "notify_priority_changes",
    "smtp_alert",
)


def _timer_expired_backup(draft: Draft, preempt: bool) -> int:
    """The highest priority of others, 0 where a late master does not step back."""
    highest = int(draft.get("timer_expired_backup"))
    if highest and preempt:
        draft.warning(
            "timer_expired_backup has no effect without nopreempt",
            "add nopreempt, or remove it",
        )
        return 0
    return highest


def _version(draft: Draft, family: int) -> int:
    """2 or 3; IPv6 is 3 unless the instance itself asks for 2 and is not strict."""
    own = draft.own.get("version")
    if family == 4:
        return int(draft.get("version") or 2)
    if own == 2 and draft.strict:
        draft.warning("Strict mode: IPv6 needs VRRP version 3 - resetting version")
        return 3
    return int(own or 3)


def _refused(draft: Draft, placed: VrrpInstance, taken: Taken) -> bool:
    """Whether the instance must not run; the reason is among the findings then."""
    if not placed.interface and not _routable(placed):
        draft.dropped(
            "no interface specified",
            "add interface NAME, or unicast_src_ip and unicast_peer",
        )
        return True
    if auth_build.refused(draft, placed.family, placed.version):
        return True
    for other in taken.routers.get(router(placed), ()):
        if same_router(placed, other):
            draft.dropped(
                f"{other.name} and {placed.name} both use VRID {placed.vrid} with "
                f"IPv{placed.family} on interface {placed.interface or '(none)'}",
                "give each instance of an interface its own virtual_router_id",
            )
            return True
    return False


def _vrf(draft: Draft) -> str:
    vrf = str(draft.get("vrf"))
    if vrf and draft.interface:
        draft.warning(
            f"vrf {vrf} is ignored: interface {draft.interface} tells the VRF",
            "remove vrf, or interface",
        )
        return ""
    return vrf


def _routable(placed: VrrpInstance) -> bool:
    source = placed.source
    return placed.unicast and source is not None and not source.is_link_local


def _runs_empty(draft: Draft, placed: VrrpInstance) -> bool:
    """Whether an instance without addresses to advertise may run."""
    if placed.version == 3 or draft.strict:
        draft.dropped(
            "No VIP specified; at least one is required", "add virtual_ipaddress"
        )
        return False
    if not draft.get("no_addresses"):
        draft.warning(
            "No VIP specified; at least one is sensible",
            "add virtual_ipaddress, or no_virtual_ipaddress when this is meant",
        )
    return True


def _advert_int(draft: Draft, version: int) -> float:
    """Seconds, as the version can carry them: whole, or centiseconds up to 40.95."""
    wanted = float(draft.get("advert_int"))
    unit = 1.0 if version == 2 else 0.01
    steps = max(1, math.floor(wanted / unit + 0.5 + 1e-9))
    seconds = round(steps * unit, 2)
    remedy = f"using {min(seconds, _V3_LONGEST) if version == 3 else seconds:g}"
    if version == 3 and seconds > _V3_LONGEST:
        draft.warning(
            f"VRRPv3 advertisement interval {wanted:g}s is out of range. "
            "Must be less than 40.96s. Setting to 40.95s",
            remedy,
        )
        return _V3_LONGEST
    if abs(seconds - wanted) > 1e-9:
        what = "an integer. " if version == 2 else "in units of 10ms - "
        draft.warning(
            f"VRRPv{version} advertisement interval {wanted:g}s must be {what}rounding",
            remedy,
        )
    return seconds


def _garp(draft: Draft) -> Garp:
    """The lower_prio values default to the master values of global_defs.

    Measured with keepalived 2.2.7: garp_master_delay of the instance does not count.
    """
    settings = {
        field: draft.get(f"garp.{field}")
        for field in (
            "master_delay",
            "master_repeat",
            "master_refresh",
            "master_refresh_repeat",
        )
    }
    for field in ("delay", "repeat"):
        lower = draft.get(f"garp.lower_prio_{field}")
        if lower is None:
            lower = draft.default(f"garp.master_{field}")
        settings[f"lower_prio_{field}"] = lower
    extra, everywhere = draft.get("garp.extra") or (0.0, False)
    return Garp(
        **settings,
        extra_interval=extra,
        extra_all=everywhere,
        arp_interval=draft.shared.get("instance.garp.arp_interval", 0.0),
        na_interval=draft.shared.get("instance.garp.na_interval", 0.0),
    )


def _release(draft: Draft) -> Release | None:
    """What runs before the addresses go."""
    script = draft.own.get("release.script")
    if script is not None:
        return Release(script, draft.get("release.timeout"))
    if "release.timeout" in draft.own:
        draft.warning(
            "release_timeout without release_script: no effect", "add release_script"
        )
    return None


def notify(draft: Written) -> Notify:
    """The scripts of an instance or a sync group."""
    scripts = {
        field.removeprefix("notify."): value
        for field, value in draft.own.items()
        if field.startswith("notify.")
    }
    report = "deleted" in scripts
    if scripts.get("deleted") is True:
        del scripts["deleted"]
    return Notify(**scripts, report_deleted=report)
