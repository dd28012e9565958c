"""What a virtual_server tells the kernel, and when it serves: corrections.

keepalived.conf(5), "VIRTUAL SERVER(S)"; linux/ip_vs.h for the flags. What keepalived
corrects with a message is corrected here with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hanode.config.balance_draft import Draft
from hanode.config.balance_keywords import PERSISTENCE
from hanode.config.balance_model import RealServer, VirtualAddress

#: flag -> the scheduler that it belongs to, and the flag of the kernel (ip_vs.h)
_FLAGS = {
    "sh-fallback": ("sh", "flag-1"),
    "sh-port": ("sh", "flag-2"),
    "mh-fallback": ("mh", "flag-1"),
    "mh-port": ("mh", "flag-2"),
}


def flags(draft: Draft) -> frozenset[str]:
    """The scheduler's flags by the names that ip_vs has for all schedulers."""
    own = draft.own
    scheduler = own.get("scheduler", "wlc")
    if "hashed" in own:
        draft.warning(
            "hashed", "hashed has no effect", "it is for the kernel: remove it"
        )
    found = set()
    for name in _flag_names(own):
        wanted, flag = _FLAGS.get(name, (scheduler, name))
        if wanted != scheduler:
            draft.warning(
                name,
                f"{name} is for scheduler {wanted}, not for {scheduler} - ignoring",
                f"remove it, or use lvs_sched {wanted}",
            )
            continue
        found.add(flag)
    return frozenset(found)


def _flag_names(own: dict[str, Any]) -> Iterator[str]:
    for name in own:
        if name.startswith("flags."):
            yield name.removeprefix("flags.")


def one_packet(draft: Draft, protocol: str) -> bool:
    if "one_packet" not in draft.own:
        return False
    if protocol == "UDP" or draft.marked:
        return True
    draft.warning(
        "ops",
        f"one packet scheduling is not possible with {protocol} - ignoring ops",
        "remove it, or use protocol UDP",
    )
    return False


def persistence(draft: Draft) -> int:
    """Seconds; any port, and a granularity, need it."""
    own = draft.own
    if "persistence" in own:
        return int(own["persistence"])
    if any(not each.port and not each.mark for each in draft.addresses):
        draft.warning(
            "virtual_server",
            f"any port needs persistence - setting persistence_timeout {PERSISTENCE}",
            "name a port, or add persistence_timeout",
        )
        return PERSISTENCE
    return PERSISTENCE if "granularity" in own else 0


def granularity(draft: Draft, addresses: tuple[VirtualAddress, ...]) -> int:
    """The prefix length by which clients are told apart.

    In a group of both families it is that of the first address.
    """
    families = {each.family for each in addresses}
    longest = 128 if addresses[0].family == 6 else 32
    if "granularity" not in draft.own:
        return longest
    family, prefix = draft.own["granularity"]
    if families == {family}:
        return int(prefix)
    draft.warning(
        "persistence_granularity",
        "persistence_granularity is not of the family of the addresses - ignoring",
        "write a netmask for IPv4, a prefix length for IPv6",
    )
    return longest


def quorum(draft: Draft, servers: tuple[RealServer, ...]) -> tuple[int, int]:
    """Quorum and hysteresis as the real servers can reach them."""
    quorum, hysteresis = draft.own.get("quorum", 1), draft.own.get("hysteresis", 0)
    total = sum(server.weight for server in servers)
    if quorum > max(total, 1):
        draft.warning(
            "quorum",
            f"quorum {quorum} exceeds total weight {total} - reducing to "
            f"{max(total, 1)}",
            "lower it, or add real servers",
        )
        quorum = max(total, 1)
    if hysteresis >= quorum:
        draft.warning(
            "hysteresis",
            f"hysteresis {hysteresis} is not below quorum {quorum} - reducing to "
            f"{quorum - 1}",
            f"use at most {quorum - 1}",
        )
        hysteresis = quorum - 1
    return quorum, hysteresis


def ha_suspend(draft: Draft) -> bool:
    if "ha_suspend" not in draft.own:
        return False
    if all(each.mark for each in draft.addresses):
        draft.warning(
            "ha_suspend",
            "ha_suspend needs an address, a fwmark is none - ignoring",
            "use addresses instead of marks",
        )
        return False
    return True
