"""real_server and sorry_server: defaults, corrections, and the reasons to refuse one.

keepalived.conf(5), "VIRTUAL SERVER(S)", real_server.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from hanode.config import balance_checks, blocks
from hanode.config.balance_checks import CHECKS, REAL_PATH, Checked, Site
from hanode.config.balance_entries import Forwarding, Server, server_of
from hanode.config.balance_keywords import INHERITED
from hanode.config.balance_model import (
    Check,
    RealServer,
    Target,
    VirtualAddress,
)
from hanode.config.findings import Findings
from hanode.config.problems import Place
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
    makings = _Makings(before, site)
    for block in found:
        if not block.arguments:
            site.findings.missing(block, 1)
            continue
        words = block.arguments
        for extra in words[2:3]:
            _about(block, site).warning(
                extra, f"surplus words from '{extra}' on", "ignored"
            )
        server = server_of(words, f"Virtual server {before.name}", site.findings)
        if server is None:
            continue
        made = makings.make(block, server)
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


class _Makings:
    """Makes the real servers of a virtual server, equal ones only once.

    Thousands have the same few lines inside, so that they differ in their address
    alone. Those that somebody has complained about are made each for itself: every
    place is told.
    """

    def __init__(self, before: Front, site: Site) -> None:
        self._before = before
        self._site = site
        inherited = tuple(before.settings.items())
        # shared by all virtual servers that hand down the same
        self._known: dict[Hashable, tuple[dict[str, Any], _Checks]] = (
            site.known.setdefault(
                (before.families, before.port, before.fixed, inherited), {}
            )
        )

    def make(self, block: Block, server: Server) -> RealServer | None:
        """The real server, None when it is refused (and said why)."""
        text = _text(block)
        key = server.port, server.address.version, text
        known = self._known.get(key)
        if known is not None:
            return self._again(*known, server.address, block.keyword.place)
        problems = self._site.findings.problems
        before = len(problems)
        found = _complete(block, server, self._before, self._site)
        if found is None:
            return None
        made, checks = found
        if text and len(problems) == before:
            self._known[key] = {name: getattr(made, name) for name in _SAME}, checks
        return made

    def _again(
        self, same: dict[str, Any], checks: _Checks, address: IpAddress, place: Place
    ) -> RealServer:
        """One like another, at another address."""
        shared = self._site.shared
        moved = [
            shared(_moved(check, address)) if there else check
            for check, there in checks
        ]
        return RealServer(address, checks=tuple(moved), place=place, **same)


#: checks, and whether they go to the server itself
_Checks = list[tuple[Check, bool]]

#: fields that do not depend on the address and the place
_SAME = [
    each.name
    for each in fields(RealServer)
    if each.name not in ("address", "checks", "place")
]


def _moved(check: Check, address: IpAddress) -> Check:
    old = check.target
    target = Target(
        address,
        old.port,
        old.bind_address,
        old.bind_port,
        old.device,
        old.mark,
        old.timeout,
    )
    return Check(check.keyword, check.options, target, check.schedule)


def _text(block: Block) -> str:
    """All that stands in the braces; "" where that is not known."""
    if block.children is None:
        return ""
    found = []
    for line in block.children:
        if not line.raw:
            return ""
        found.append(line.raw)
        if line.children is not None:
            inside = _text(line)
            if not inside:
                return ""
            found.append(f"{{{inside}}}")
    return "\n".join(found) or "{}"


def _about(block: Block, site: Site) -> Findings:
    return site.findings.about(" ".join([word.text for word in block.words]))


def _complete(
    block: Block, server: Server, before: Front, site: Site
) -> tuple[RealServer, _Checks] | None:
    findings = _about(block, site)
    lines = blocks.body(block, findings)
    own = blocks.settings(lines, REAL_PATH, findings, site.real)
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
    given = {name: settings[name] for name in _SETTINGS if name in settings}
    checks = _checks(server, settings, before, site)
    made = RealServer(
        server.address,
        _port(block, server, method, before, site.findings),
        method=method.method,
        tunnel=method.tunnel,
        tunnel_port=method.port,
        checksum=method.checksum,
        checks=tuple(check for check, _ in checks),
        smtp_alert=True if alert is None else alert,
        place=block.keyword.place,
        **given,
    )
    return made, checks


def _checks(
    server: Server, settings: Mapping[str, Any], before: Front, site: Site
) -> _Checks:
    port = before.port if server.port is None else server.port
    checked = Checked(
        f"[{server.address}]:{port}",
        server.address,
        port,
        settings.get("weight", 1),
        settings,
    )
    found: _Checks = []
    for field, value in settings.items():
        if field.startswith(CHECKS):
            words = site.checkers[field.removeprefix(CHECKS)]
            found += balance_checks.complete(value, words, checked, site)
    return found


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
