"""keepalived_check.data and keepalived_bfd.data: virtual servers, BFD sessions.

No tool is known that reads either; the lines have keepalived's shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Record = Mapping[str, Any]


def servers(found: Iterable[Record]) -> Iterator[str]:
    """The virtual servers, one after the other."""
    yield "------< LVS Topology >------\n"
    for each in found:
        yield "".join(f"{line}\n" for line in _virtual(each))


def _virtual(each: Record) -> Iterator[str]:
    yield f" Virtual Server = {each['name']}"
    for service in each["services"]:
        yield f"   Service = {service}"
    yield f"   State = {each['state']}"
    yield f"   lb_algo = {each['scheduler']}"
    yield f"   persistence timeout = {each['persistence']}"
    yield f"   quorum = {each['quorum']}, hysteresis = {each['hysteresis']}"
    yield f"   alive real servers = {each['alive']}, weight = {each['weight']}"
    sorry = each["sorry_server"]
    if sorry is not None:
        used = "in use" if sorry["active"] else "not in use"
        yield f"   sorry server = {sorry['name']}, {used}"
    for real in each["real_servers"]:
        yield f"   Real Server = {real['name']}"
        yield f"     State = {real['state']} ({real['reason']})"
        yield f"     Weight = {real['weight']}, forwarding = {real['method']}"
        for check in real["checks"]:
            yield f"     {check['check']} = {check['state']}"


def sessions(found: Iterable[Record]) -> Iterator[str]:
    """The BFD sessions, one after the other."""
    yield "------< BFD Topology >------\n"
    for each in found:
        yield "".join(f"{line}\n" for line in _session(each))


def _session(each: Record) -> Iterator[str]:
    yield f" BFD Instance = {each['name']}"
    yield f"   Neighbor IP = {each['neighbour']}"
    if each["source"] is not None:
        yield f"   Source IP = {each['source']}"
    yield f"   Required min RX interval = {_us(each['wanted_min_rx'])}"
    yield f"   Desired min TX interval = {_us(each['wanted_min_tx'])}"
    yield f"   Detection multiplier = {each['multiplier']}"
    yield f"   passive = {'true' if each['role'] == 'passive' else 'false'}"
    yield f"   local state = {_state(each['state'])}"
    yield f"   remote state = {_state(each['remote_state'])}"
    yield f"   local discriminator = {each['local_discriminator']:#x}"
    yield f"   remote discriminator = {each['remote_discriminator']:#x}"
    yield f"   local diag = {each['diagnostic']}"
    yield f"   remote diag = {each['remote_diagnostic']}"
    yield f"   remote detect multiplier = {each['remote_multiplier'] or 0}"
    yield f"   local tx intv = {_us(each['tx_interval'])}"
    yield f"   remote tx intv = {_us(each['rx_interval'])}"
    yield f"   local detection time = {_us(each['detection_time'])}"


def _us(seconds: float | None) -> str:
    return f"{round((seconds or 0) * 1e6)} us"


def _state(name: str) -> str:
    """C{ADMIN_DOWN} as C{AdminDown}."""
    return "".join(part.title() for part in name.split("_"))
