"""Virtual and real servers for tests, made of a few parameters."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from hanode.balance.real import Real
from hanode.balance.server import real_name
from hanode.config.balance_model import (
    Check,
    RealServer,
    Schedule,
    Target,
    VirtualAddress,
    VirtualServer,
)
from hanode.config.scalars import Script
from hanode.events import ServerEvent
from hanode.health import Health
from hanode.result import Result

VIP = ip_address("192.0.2.1")
NAME = "[192.0.2.1]:tcp:80"
UP, DOWN = Script(("/bin/up",)), Script(("/bin/down",))
QUORUM_UP, QUORUM_DOWN = Script(("/bin/quorum-up",)), Script(("/bin/quorum-down",))
WELL, ILL = Result(True, "success"), Result(False, "refused", "by the peer")


def target(number: int, port: int = 80) -> Target:
    return Target(ip_address(f"10.0.0.{number}"), port)


def check(number: int, keyword: str = "TCP_CHECK", **schedule: Any) -> Check:
    times = {"delay_loop": 10.0, "warmup": 0.0, **schedule}
    return Check(keyword, (), target(number), Schedule(**times))


def real(number: int, weight: int = 1, **more: Any) -> RealServer:
    more = {"notify_up": UP, "notify_down": DOWN, **more}
    return RealServer(ip_address(f"10.0.0.{number}"), 80, weight, **more)


def virtual(*reals: RealServer, name: str = NAME, **more: Any) -> VirtualServer:
    more = {
        "addresses": (VirtualAddress(VIP, 80),),
        "protocol": "TCP",
        "quorum_up": QUORUM_UP,
        "quorum_down": QUORUM_DOWN,
        **more,
    }
    return VirtualServer(name, real_servers=tuple(reals), **more)


def health(up: bool = True, **schedule: Any) -> Health:
    """The health of a check; nothing about it is random."""
    times = {"delay_loop": 10.0, "warmup": 4.0, **schedule}
    return Health(Schedule(**times), lambda: 0.5, up, 0.0)


def standing(settings: RealServer, *healths: Health, now: float = 0.0) -> Real:
    """A real server in a virtual server with L{virtual}'s name."""
    return Real(settings, real_name(virtual(), settings), healths, now)


def rs(number: int) -> str:
    """How the log calls L{real}."""
    return f"[10.0.0.{number}]:tcp:80"


def rs_event(number: int, state: str, reason: str = "", check: str = "") -> ServerEvent:
    script, name = UP if state == "UP" else DOWN, f"{rs(number)}/{NAME}"
    return ServerEvent("RS", name, state, script, reason, True, check)


def vs_event(state: str, reason: str) -> ServerEvent:
    script = QUORUM_UP if state == "UP" else QUORUM_DOWN
    return ServerEvent("VS", NAME, state, script, reason, True)
