"""real_server and sorry_server: defaults, corrections, and the reasons to refuse one.

keepalived.conf(5), "VIRTUAL SERVER(S)", real_server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hanode.config import balance_checks
from hanode.config.balance_checks import CHECKS, REAL_PATH, Checked, Site
from hanode.config.balance_entries import Forwarding, Server, server_of
from hanode.config.balance_keywords import INHERITED
from hanode.config.balance_model import Check, RealServer, VirtualAddress
from hanode.config.findings import Findings
from hanode.config.scalars import IpAddress
from hanode.config.tree import Block

_SETTINGS = ("weight", "upper", "lower", "inhibit", "drain", "notify_up", "notify_down")


@dataclass(frozen=True)
class Front:
    """The virtual server, as far as its real servers need it.

    C{port} is that of all its addresses, 0 where they have none or several; C{fixed}
    tells whether a server that gets packets as they are must have that very port.
    C{settings} are those that its real servers inherit.
    """

    name: str
    families: frozenset[int]
    port: int
    fixed: bool
    settings: Mapping[str, Any]


def front(
    name: str,
    addresses: tuple[VirtualAddress, ...],
    families: frozenset[int],
    own: Mapping[str, Any],
) -> Front:
    """What real servers behind C{addresses} need; C{own}: all settings of it."""
    ports = {each.port for each in addresses if not each.mark}
    marked = any(each.mark for each in addresses)
    settings = {field: own[field] for field in own if field in INHERITED}
    port = ports.pop() if len(ports) == 1 else 0
    return Front(name, families, port, bool(port) and not marked, settings)


def real_servers(
    found: list[Block], before: Front, site: Site
) -> tuple[RealServer, ...]:
    """The servers of one virtual server, without repetitions."""
    known: dict[tuple[IpAddress, int], RealServer] = {}
    for block in found:
        if not block.arguments:
            site.findings.missing(block, 1)
            continue
        words = block.arguments
        name = "real_server " + " ".join([word.text for word in words])
        findings = site.findings.about(name)
        for extra in words[2:3]:
            findings.warning(extra, f"surplus words from '{extra}' on", "ignored")
        server = server_of(words, f"Virtual server {before.name}", site.findings)
        if server is None:
            continue
        made = _complete(block, server, before, findings, site)
        if made is None:
            continue
        key = made.address, made.port
        if key in known:
            site.findings.warning(
                words[0],
                f"Virtual server {before.name}: duplicate real server {made} "
                "- ignoring this one",
                "remove one of the two",
            )
            continue
        known[key] = made
    return tuple(known.values())


def _complete(
    block: Block, server: Server, before: Front, findings: Findings, site: Site
) -> RealServer | None:
    own = site.settings(block, REAL_PATH, site.real, findings)
    settings = {**before.settings, **own}
    method: Forwarding = settings.get("method", Forwarding())
    if not _reachable(block, server, method, before, site.findings):
        return None
    lower, upper = own.get("lower", 0), own.get("upper", 0)
    if lower > upper:
        findings.warning(
            block.last("lthreshold"),
            f"lthreshold {lower} is more than uthreshold {upper} - ignoring it",
            "the lower one must be below the upper one",
        )
        settings["lower"] = 0
    alert = own.get("smtp_alert", site.smtp_alert)
    fields = {field: settings[field] for field in _SETTINGS if field in settings}
    return RealServer(
        server.address,
        _port(block, server, method, before, site.findings),
        method=method.method,
        tunnel=method.tunnel,
        tunnel_port=method.port,
        checksum=method.checksum,
        checks=_checks(block.words[1].text, server, settings, before, site),
        smtp_alert=True if alert is None else alert,
        place=block.words[0].place,
        **fields,
    )


def _checks(
    text: str, server: Server, settings: Mapping[str, Any], before: Front, site: Site
) -> tuple[Check, ...]:
    port = before.port if server.port is None else server.port
    checked = Checked(
        f"[{text}]:{port}",
        server.address,
        port,
        settings.get("weight", 1),
        settings,
    )
    found: list[Check] = []
    for field, value in settings.items():
        if field.startswith(CHECKS):
            words = site.checkers[field.removeprefix(CHECKS)]
            found += balance_checks.complete(value, words, checked, site)
    return tuple(found)


def sorry_server(
    block: Block, own: Mapping[str, Any], before: Front, findings: Findings
) -> RealServer | None:
    """The server that says sorry, when the virtual server has one."""
    server: Server | None = own.get("sorry")
    if server is None:
        if "sorry_inhibit" in own:
            findings.warning(
                block.last("sorry_server_inhibit"),
                f"Virtual server {before.name}: no sorry_server to inhibit",
                "add sorry_server IPADDR PORT",
            )
        return None
    method: Forwarding = own.get(
        "sorry_method", before.settings.get("method", Forwarding())
    )
    line = block.last("sorry_server")
    if not _reachable(line, server, method, before, findings):
        return None
    return RealServer(
        server.address,
        _port(line, server, method, before, findings),
        method=method.method,
        tunnel=method.tunnel,
        tunnel_port=method.port,
        checksum=method.checksum,
        place=line.keyword.place,
    )


def _reachable(
    block: Block,
    server: Server,
    method: Forwarding,
    before: Front,
    findings: Findings,
) -> bool:
    """Whether the method can get packets of one of these families to the server."""
    if method.method == "TUN" or server.address.version in before.families:
        return True
    findings.dropped(
        block.words[1],
        f"Virtual server {before.name}: address family of real server "
        f"{server.address} differs, which only TUN can do - ignoring",
        "use lvs_method TUN, or a server of the same family",
    )
    return False


def _port(
    block: Block,
    server: Server,
    method: Forwarding,
    before: Front,
    findings: Findings,
) -> int:
    """The port of a server, that of the virtual one where its packets keep it."""
    if server.port is None:
        return before.port
    if method.method == "NAT" or not before.fixed or server.port == before.port:
        return server.port
    findings.warning(
        block.words[2],
        f"Virtual server {before.name}: {method.method} real server "
        f"[{server.address}]:{server.port} has another port - resetting to "
        f"{before.port}",
        f"{method.method} does not change ports: write {before.port}, or use NAT",
    )
    return before.port
