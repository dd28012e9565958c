"""What an instance has counted, under the names that keepalived has for it."""

from __future__ import annotations

from collections.abc import Mapping

#: keepalived's name -> what L{hanode.vrrp.voice} and L{hanode.vrrp.service} call it
NAMES: Mapping[str, tuple[str, ...]] = {
    "advert_rcvd": ("received",),
    "advert_sent": ("advertisements",),
    "become_master": ("entered MASTER",),
    "release_master": ("left MASTER",),
    "packet_len_err": ("dropped: length", "dropped: too short"),
    "advert_interval_err": ("dropped: advertisement interval",),
    "ip_ttl_err": ("dropped: ttl",),
    "invalid_type_rcvd": ("dropped: type",),
    "addr_list_err": ("address list differs",),
    "invalid_authtype": ("dropped: unknown authentication type",),
    "authtype_mismatch": (
        "dropped: authentication type",
        "dropped: authentication header missing",
        "dropped: authentication missing",
    ),
    "auth_failure": (
        "dropped: authentication data",
        "dropped: authentication digest",
        "dropped: malformed authentication trailer",
        "dropped: replayed advertisement",
        "dropped: stale advertisement, seconds ahead",
        "dropped: unknown authentication key",
        "dropped: sequence number already processed",
    ),
    "pri_zero_rcvd": ("priority zero received",),
    "pri_zero_sent": ("priority zero sent",),
}

Counts = Mapping[str, int]


def counts(counters: Mapping[str, int]) -> Counts:
    """The C{counters} of an instance by keepalived's names, all of them."""
    return {
        name: sum(counters.get(each, 0) for each in ours)
        for name, ours in NAMES.items()
    }


def since(now: Counts, before: Counts | None) -> Counts:
    """What has been counted since it was C{before}; all of it when that is unknown.

    Whoever counts less than before has begun anew.
    """
    if before is None or any(now[name] < before[name] for name in NAMES):
        return now
    return {name: now[name] - before[name] for name in NAMES}
