"""virtual_server: defaults, corrections, and the reasons to refuse one.

keepalived.conf(5), "VIRTUAL SERVER(S)". IPVS has one service for each address, port
and protocol, or firewall mark and family: what two of them claim, the first has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hanode.config import balance_service as service
from hanode.config import blocks
from hanode.config.balance_checks import Site
from hanode.config.balance_draft import Draft
from hanode.config.balance_entries import Server, server_of
from hanode.config.balance_groups import FAMILIES, UNDECIDED, Groups
from hanode.config.balance_model import VirtualAddress, VirtualServer
from hanode.config.balance_real import front, real_servers, sorry_server
from hanode.config.findings import Findings
from hanode.config.tree import Block
from hanode.config.values import address_of, integer_of

_MARK = 4294967295

_AS_WRITTEN = ("scheduler", "engine", "quorum_up", "quorum_down", "alpha", "omega")

_Claim = tuple[VirtualAddress, str]


@dataclass
class Taken:
    """The virtual servers so far, and who has which address."""

    servers: dict[str, VirtualServer] = field(default_factory=dict)
    claims: dict[_Claim, str] = field(default_factory=dict)

    def add(self, server: VirtualServer) -> None:
        """C{server} is accepted."""
        self.servers[server.name] = server
        for each in server.addresses:
            self.claims[_claim(each, server.protocol)] = server.name


def virtual_servers(
    found: Iterable[Block], groups: Groups, site: Site
) -> dict[str, VirtualServer]:
    """The virtual servers by name, in the order of the file."""
    taken = Taken()
    for block in found:
        draft = _draft(block, groups, site)
        server = None if draft is None else _complete(draft, taken, site)
        if server is not None:
            taken.add(server)
    return taken.servers


def _draft(block: Block, groups: Groups, site: Site) -> Draft | None:
    """What the words behind virtual_server mean, and all settings."""
    if not block.arguments:
        site.findings.missing(block, 1, "write IPADDR PORT, fwmark N or group NAME")
        return None
    shown = " ".join([word.text for word in block.words])
    findings = site.findings.about(shown)
    identity = _identity(block, groups, findings)
    if identity is None:
        return None
    addresses, group = identity
    own = blocks.settings(blocks.body(block, findings), ("virtual_server",), findings)
    draft = Draft(block, own, addresses, group, site.findings)
    return replace(draft, name=_plain_name(draft))


def _identity(
    block: Block, groups: Groups, findings: Findings
) -> tuple[tuple[VirtualAddress, ...], str] | None:
    """The addresses, and the name of the group; None when there are none."""
    first, *others = block.arguments
    for extra in others[1:2]:
        findings.warning(extra, f"surplus words from '{extra}' on", "ignored")
    if first.text not in ("fwmark", "group"):
        server = server_of(block.arguments, "virtual_server", findings)
        return None if server is None else ((_address(server),), "")
    if not others:
        findings.missing(block, 2)
        return None
    name = others[0]
    if first.text == "fwmark":
        mark = integer_of(name, "fwmark", 1, _MARK, findings)
        if mark is None:
            findings.dropped(name, "invalid fwmark - ignoring", "write a number from 1")
            return None
        return (VirtualAddress(mark=mark, family=UNDECIDED),), ""
    members = groups.get(name.text)
    if not members:
        reason = "not configured" if members is None else "empty"
        findings.dropped(
            name,
            f"Virtual server group {name} is {reason} - ignoring virtual server",
            f"add virtual_server_group {name} {{ ... }} with addresses in it",
        )
        return None
    return members, name.text


def _address(server: Server) -> VirtualAddress:
    address = server.address
    return VirtualAddress(address, server.port or 0, family=address.version)


def _plain_name(draft: Draft) -> str:
    """What keepalived's log calls it."""
    if draft.group:
        return f"[{draft.group}]:0"
    each = draft.addresses[0]
    if each.mark:
        return f"FWM {each.mark}"
    protocol = draft.own.get("protocol", "UDP")
    return f"[{each.address}]:{protocol.lower()}:{each.port}"


def _complete(draft: Draft, taken: Taken, site: Site) -> VirtualServer | None:
    own = draft.own
    if "real_servers" not in own:
        _empty(draft)
        return None
    protocol = _protocol(draft)
    family = _family(draft)
    # "fwmark 7" and "fwmark 7 inet" may turn out to be the same
    addresses = tuple(
        dict.fromkeys(
            each if each.family else replace(each, family=family)
            for each in draft.addresses
        )
    )
    if not _free(draft, addresses, protocol, taken):
        return None
    families = frozenset(each.family for each in addresses)
    before = front(draft.name, addresses, families, own)
    _named_defaults(draft)
    servers = real_servers(own["real_servers"], before, site)
    if not servers:
        _empty(draft)
        return None
    alert = own.get("smtp_alert", site.smtp_alert)
    made = VirtualServer(
        name=draft.name,
        addresses=addresses,
        group=draft.group,
        protocol=protocol,
        smtp_alert=bool(alert),
        sorry=sorry_server(draft.block, own, before, site.findings),
        sorry_inhibit="sorry" in own and "sorry_inhibit" in own,
        real_servers=servers,
        place=draft.block.keyword.place,
        **{field: own[field] for field in _AS_WRITTEN if field in own},
    )
    return _corrected(draft, made)


def _corrected(draft: Draft, made: VirtualServer) -> VirtualServer:
    """C{made} with everything that may have to be corrected."""
    quorum, hysteresis = service.quorum(draft, made.real_servers)
    return replace(
        made,
        flags=service.flags(draft),
        one_packet=service.one_packet(draft, made.protocol),
        persistence=service.persistence(draft),
        granularity=service.granularity(draft, made.addresses),
        quorum=quorum,
        hysteresis=hysteresis,
        ha_suspend=service.ha_suspend(draft),
    )


def _empty(draft: Draft) -> None:
    draft.dropped(
        f"Virtual server {draft.name} has no real servers - ignoring",
        "add real_server IPADDR PORT { ... }",
    )


def _protocol(draft: Draft) -> str:
    if "protocol" in draft.own:
        if draft.marked:
            draft.warning(
                "protocol",
                "protocol specified for fwmark - it is ignored",
                "what has the mark is balanced whatever its protocol: remove it",
            )
        return str(draft.own["protocol"])
    if not draft.marked:
        draft.warning(
            "protocol",
            "no protocol set - defaulting to UDP",
            "add protocol TCP, UDP or SCTP",
        )
    return "UDP"


def _family(draft: Draft) -> int:
    """The family of marks that have none: ip_family, else that of the real servers.

    With no such marks it does not matter. Behind servers of both families it is IPv4,
    and tunnels lead to the others.
    """
    if all(each.family for each in draft.addresses):
        return UNDECIDED
    if "ip_family" in draft.own:
        return FAMILIES[draft.own["ip_family"]]
    found = {
        address.version
        for block in draft.own["real_servers"]
        for word in block.arguments[:1]
        if (address := address_of(word.text)) is not None
    }
    return 6 if found == {6} else 4


def _claim(address: VirtualAddress, protocol: str) -> _Claim:
    return address, "" if address.mark else protocol


def _free(
    draft: Draft, addresses: Iterable[VirtualAddress], protocol: str, taken: Taken
) -> bool:
    """Whether nobody has the addresses; then the name becomes one of its own."""
    for each in addresses:
        other = taken.claims.get(_claim(each, protocol))
        if other is not None:
            what = f"fwmark {each.mark}" if each.mark else f"{each.address} {each.port}"
            draft.dropped(
                f"Virtual server {draft.name}: {what} belongs to virtual server "
                f"{other} already - ignoring this one",
                "put the real servers of both into one",
            )
            return False
    if draft.name in taken.servers:
        draft.name = _full_name(draft, protocol, addresses)
    return True


def _full_name(draft: Draft, protocol: str, addresses: Iterable[VirtualAddress]) -> str:
    """The name of a further one with the same group or the same mark."""
    if draft.group:
        return f"[{draft.group}]:{protocol.lower()}:0"
    families = {number: name for name, number in FAMILIES.items()}
    return " ".join([draft.name, *(families[each.family] for each in addresses)])


def _named_defaults(draft: Draft) -> None:
    """Say what is used for words that keepalived asks for, too."""
    if "scheduler" not in draft.own:
        draft.warning(
            "lvs_sched",
            "no scheduler set - setting default 'wlc'",
            "add lvs_sched wlc",
        )
    if "method" in draft.own:
        return
    for block in draft.own["real_servers"]:
        if block.last("lvs_method") is block:
            draft.warning(
                "lvs_method",
                "no forwarding method set - setting default NAT",
                "add lvs_method NAT, DR or TUN",
            )
            return
