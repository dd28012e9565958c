"""One session in words: a plain dict for whoever looks in, lines for the log."""

from __future__ import annotations

from math import inf
from typing import Any

from twisted.logger import Logger

from hanode.bfd.line import Line
from hanode.bfd.packet import Diagnostic, State
from hanode.bfd.session import STARTED, Report
from hanode.config.bfd_model import MICRO

log = Logger()
_WORDS: dict[int, str] = {
    Diagnostic.NONE: "No Diagnostic",
    Diagnostic.DETECTION_TIME_EXPIRED: "Control Detection Time Expired",
    Diagnostic.ECHO_FAILED: "Echo Function Failed",
    Diagnostic.NEIGHBOUR_SIGNALED_DOWN: "Neighbor Signaled Session Down",
    Diagnostic.FORWARDING_PLANE_RESET: "Forwarding Plane Reset",
    Diagnostic.PATH_DOWN: "Path Down",
    Diagnostic.CONCATENATED_PATH_DOWN: "Concatenated Path Down",
    Diagnostic.ADMINISTRATIVELY_DOWN: "Administratively Down",
    Diagnostic.REVERSE_CONCATENATED_PATH_DOWN: "Reverse Concatenated Path Down",
}


def in_words(diagnostic: int) -> str:
    """A diagnostic in the words of keepalived's log."""
    return _WORDS.get(diagnostic, f"Reserved ({diagnostic})")


def announce(line: Line, report: Report) -> None:
    """Write into the log that C{line} has entered another state."""
    if report.state is State.UP:
        log.info("({name}) Entering Up state", name=line.name)
        return
    if report.state is State.INIT or report.reason == STARTED:
        return  # on the way: worth nobody's time
    log.info(
        "({name}) Entering {state} state (Local diagnostic - {local}, Remote"
        " diagnostic - {remote}): {reason}",
        name=line.name,
        state=report.state.name.title().replace("_D", "D"),
        local=in_words(line.session.diagnostic),
        remote=in_words(line.session.remote_diagnostic),
        reason=report.reason,
    )


def describe(line: Line, now: float, quantile: float) -> dict[str, Any]:
    """Everything about C{line}; intervals in seconds, None for never.

    @param quantile: the lateness that 99.9 % of the packets of all lines do not exceed.
    """
    session, route = line.session, line.route
    remote = session.remote
    return {
        "name": line.name,
        "neighbour": str(route.neighbour),
        "source": None if line.source is None else str(line.source),
        "device": route.device,
        "multihop": route.multihop,
        "state": session.state.name,
        "remote_state": session.remote_state.name,
        "since": now - line.since,
        "local_discriminator": session.discriminator,
        "remote_discriminator": session.remote_discriminator,
        "diagnostic": in_words(session.diagnostic),
        "remote_diagnostic": in_words(session.remote_diagnostic),
        "last_reason": session.reason,
        "multiplier": session.parameters.multiplier,
        "remote_multiplier": None if remote is None else remote.multiplier,
        "tx_interval": _finite(session.interval),
        "rx_interval": _finite(session.expected_interval),
        "detection_time": _finite(session.detection_time),
        "wanted_min_tx": session.negotiation.tx * MICRO,
        "wanted_min_rx": session.negotiation.rx * MICRO,
        "echo": _echo(line),
        "demand": session.demand,
        "authentication": line.authentication,
        "role": _role(line),
        "sent": line.sent,
        "received": line.received,
        "dropped": dict(line.dropped),
        "flaps": line.flaps,
        "send_errors": line.send_errors,
        "lateness": {"latest": line.latest, "worst": line.worst, "p999": quantile},
        "wanted_by": list(line.wanted) or [line.rule],
    }


def _finite(seconds: float) -> float | None:
    return None if seconds == inf else seconds


def _echo(line: Line) -> dict[str, Any] | None:
    echo = line.session.echo
    if not echo.active:
        return None
    lost = max(0, echo.number - echo.returned_count)
    return {
        "tx_interval": echo.interval,
        "sent": echo.number,
        "returned": echo.returned_count,
        "lost": lost,
    }


def _role(line: Line) -> str:
    if not line.wanted:
        return "unsolicited"
    if line.session.parameters.passive:
        return "passive"
    if all(owner.startswith("fast_failover ") for owner in line.wanted):
        return "fast_failover"
    return "active"
