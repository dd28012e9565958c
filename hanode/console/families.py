"""What is measured: metric families with their samples, from what the node describes.

Each function takes one description, as L{hanode.console.view} has them, and gives
samples: a family's name, the labels and the value. The names follow the conventions of
OpenMetrics: base units, C{_total} for what only grows, C{_info} for texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Record = Mapping[str, Any]
#: family, labels, value; of a state set the value is the state that holds
Sample = tuple[str, dict[str, str], Any]

VRRP_STATES = ("INIT", "BACKUP", "MASTER", "FAULT", "STOP")
BFD_STATES = ("ADMIN_DOWN", "DOWN", "INIT", "UP")

#: family -> its kind, and what it is, for people
FAMILIES: Mapping[str, tuple[str, str]] = {
    "hanode_vrrp_state": ("stateset", "State of a VRRP instance"),
    "hanode_vrrp_group_state": ("stateset", "State of a sync group"),
    "hanode_vrrp_state_change_timestamp_seconds": (
        "gauge",
        "When the instance entered its state",
    ),
    "hanode_vrrp_priority": ("gauge", "Effective priority, 1 to 255"),
    "hanode_vrrp_base_priority": ("gauge", "Configured priority"),
    "hanode_vrrp_addresses": ("gauge", "Addresses that a master holds"),
    "hanode_vrrp_faults": ("gauge", "Reasons that keep the instance in FAULT"),
    "hanode_vrrp_advertisements_received": ("counter", "Valid advertisements received"),
    "hanode_vrrp_advertisements_sent": ("counter", "Advertisements sent"),
    "hanode_vrrp_advertisements_dropped": ("counter", "Advertisements refused"),
    "hanode_vrrp_priority_zero_received": ("counter", "Goodbyes of masters received"),
    "hanode_vrrp_priority_zero_sent": ("counter", "Goodbyes sent"),
    "hanode_vrrp_send_errors": ("counter", "Advertisements that could not be sent"),
    "hanode_vrrp_transitions": ("counter", "How often a state was entered"),
    "hanode_bfd_state": ("stateset", "State of a BFD session (RFC 5880)"),
    "hanode_bfd_state_change_timestamp_seconds": (
        "gauge",
        "When the session entered its state",
    ),
    "hanode_bfd_detection_time_seconds": ("gauge", "Silence after which it is down"),
    "hanode_bfd_packets_received": ("counter", "Valid control packets received"),
    "hanode_bfd_packets_sent": ("counter", "Control packets sent"),
    "hanode_bfd_packets_dropped": ("counter", "Control packets refused"),
    "hanode_bfd_send_errors": ("counter", "Control packets that could not be sent"),
    "hanode_bfd_flaps": ("counter", "How often a session that was Up went Down"),
    "hanode_bfd_transmit_lateness_seconds": (
        "histogram",
        "How late our own control packets left, all sessions",
    ),
    "hanode_virtual_server_up": ("gauge", "1 while the quorum is reached"),
    "hanode_virtual_server_alive": ("gauge", "Real servers that are up"),
    "hanode_virtual_server_weight": ("gauge", "Sum of their weights"),
    "hanode_virtual_server_quorum": ("gauge", "Weight that is wanted"),
    "hanode_virtual_server_sorry": ("gauge", "1 while the sorry server is used"),
    "hanode_virtual_server_connections": ("counter", "Connections, by the kernel"),
    "hanode_virtual_server_received_bytes": ("counter", "Octets from clients"),
    "hanode_virtual_server_sent_bytes": ("counter", "Octets to clients"),
    "hanode_real_server_up": ("gauge", "1 while its checks succeed"),
    "hanode_real_server_weight": ("gauge", "Weight that the kernel uses"),
    "hanode_real_server_active_connections": ("gauge", "Connections that are open"),
    "hanode_real_server_inactive_connections": ("gauge", "Connections that were open"),
    "hanode_real_server_connections": ("counter", "Connections, by the kernel"),
    "hanode_reactor_lag_seconds": ("histogram", "How late the reactor came round"),
    "hanode_reactor_stalls": ("counter", "How often it was late by 0.1 s and more"),
    "hanode_reactor_longest_stall_seconds": ("gauge", "The longest of them"),
    "hanode_garbage_collection_seconds": ("histogram", "Garbage collections of Python"),
    "hanode_event_listeners": ("gauge", "Who listens to the event stream"),
    "hanode_event_listeners_dropped": ("counter", "Listeners that did not read"),
}

STATES = {
    "hanode_vrrp_state": VRRP_STATES,
    "hanode_vrrp_group_state": VRRP_STATES,
    "hanode_bfd_state": BFD_STATES,
}

#: counter of an instance -> family
_COUNTERS = {
    "received": "hanode_vrrp_advertisements_received",
    "sent": "hanode_vrrp_advertisements_sent",
    "priority zero received": "hanode_vrrp_priority_zero_received",
    "priority zero sent": "hanode_vrrp_priority_zero_sent",
    "send errors": "hanode_vrrp_send_errors",
}


def of_instance(instance: Record, wall: float) -> Iterator[Sample]:
    """One VRRP instance; C{wall} is the time of day in seconds."""
    name = {"vrrp_instance": str(instance["name"])}
    yield "hanode_vrrp_state", name, instance["state"]
    if instance.get("since") is not None:
        when = wall - instance["since"]
        yield "hanode_vrrp_state_change_timestamp_seconds", name, when
    yield "hanode_vrrp_priority", name, instance["priority"]
    yield "hanode_vrrp_base_priority", name, instance["base_priority"]
    yield "hanode_vrrp_addresses", name, len(instance["addresses"])
    yield "hanode_vrrp_faults", name, len(instance["faults"])
    counters = instance["counters"]
    for counter, family in _COUNTERS.items():
        yield family, name, counters.get(counter, 0)
    for counter, count in counters.items():
        kind, _, rest = counter.partition(" ")
        if kind == "dropped:":
            labels = {**name, "reason": rest}
            yield "hanode_vrrp_advertisements_dropped", labels, count
        elif kind == "entered":
            yield "hanode_vrrp_transitions", {**name, "to": rest}, count


def of_group(group: Record) -> Iterator[Sample]:
    """One sync group."""
    yield "hanode_vrrp_group_state", {"group": str(group["name"])}, group["state"]


def of_session(session: Record, wall: float) -> Iterator[Sample]:
    """One BFD session."""
    name = {"session": str(session["name"]), "neighbour": str(session["neighbour"])}
    yield "hanode_bfd_state", name, session["state"]
    when = wall - session["since"]
    yield "hanode_bfd_state_change_timestamp_seconds", name, when
    if session["detection_time"] is not None:
        yield "hanode_bfd_detection_time_seconds", name, session["detection_time"]
    yield "hanode_bfd_packets_received", name, session["received"]
    yield "hanode_bfd_packets_sent", name, session["sent"]
    yield "hanode_bfd_send_errors", name, session["send_errors"]
    yield "hanode_bfd_flaps", name, session["flaps"]
    for reason, count in session["dropped"].items():
        yield "hanode_bfd_packets_dropped", {**name, "reason": reason}, count


def of_virtual_server(server: Record) -> Iterator[Sample]:
    """One virtual server and its real servers."""
    name = {"virtual_server": str(server["name"])}
    yield "hanode_virtual_server_up", name, int(server["state"] == "UP")
    for field in ("alive", "weight", "quorum"):
        yield f"hanode_virtual_server_{field}", name, server[field]
    sorry = server["sorry_server"]
    if sorry is not None:
        yield "hanode_virtual_server_sorry", name, int(sorry["active"])
    usage = server["usage"]
    if usage is not None:
        yield "hanode_virtual_server_connections", name, usage["connections"]
        for field, family in (("bytes_in", "received"), ("bytes_out", "sent")):
            if field in usage:
                yield f"hanode_virtual_server_{family}_bytes", name, usage[field]
    for real in server["real_servers"]:
        yield from _of_real_server(real, name)


def _of_real_server(real: Record, virtual: dict[str, str]) -> Iterator[Sample]:
    name = {**virtual, "real_server": str(real["name"])}
    yield "hanode_real_server_up", name, int(real["state"] == "UP")
    yield "hanode_real_server_weight", name, real["weight_in_use"] or 0
    usage = real["usage"]
    if usage is not None:
        for field in ("active", "inactive"):
            family = f"hanode_real_server_{field}_connections"
            yield family, name, usage[field]
        yield "hanode_real_server_connections", name, usage["connections"]


def of_reactor(pulse: Record) -> Iterator[Sample]:
    """How promptly the reactor comes round."""
    yield "hanode_reactor_lag_seconds", {}, pulse["lag"]
    yield "hanode_reactor_stalls", {}, pulse["stalls"]
    yield "hanode_reactor_longest_stall_seconds", {}, pulse["longest"]
    yield "hanode_garbage_collection_seconds", {}, pulse["garbage_collections"]


def of_lateness(lateness: Record, bounds: tuple[float, ...]) -> Iterator[Sample]:
    """How late packets of BFD left: its fine distribution, with fewer steps."""
    counts = {float(limit): count for limit, count in lateness["buckets"].items()}
    buckets: list[tuple[float | None, int]] = []
    for bound in bounds:
        upto = sum(count for limit, count in counts.items() if limit <= bound + 1e-9)
        buckets.append((bound, upto))
    total = sum(counts.values())
    middle = sum(max(0.0, limit - 5e-5) * count for limit, count in counts.items())
    found = {"buckets": [*buckets, (None, total)], "count": total, "sum": middle}
    yield "hanode_bfd_transmit_lateness_seconds", {}, found
