"""What the firewall does for virtual routers, and the messages that say it.

Packets to and from the addresses of a master that does not accept them are dropped,
except neighbour discovery (RFC 9568, section 6.4.3). Membership reports for a virtual
MAC leave through its parent: else switches would look for the virtual router wherever a
backup joins a group. Router solicitations from a virtual MAC are dropped.

The rules are always the same; what changes is the members of the sets that they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from hanode.config.vmac_model import FirewallDefs
from hanode.dataplanes import firewall_message as nft

IGMP, ICMPV6 = 2, 58  # protocol numbers
MLD = (131, 132, 143)  # RFC 2710 and 3810: reports and done
ROUTER_SOLICIT = 133  # RFC 4861
NEIGHBOUR = (135, 136)
VIPS, LOCAL = "vips", "vips_link_local"
PARENTS, VMACS = "vmac_map", "vmac_set"
_ND, _MLD = "neighbor-discovery", "mld"
FAMILIES = (nft.IPV4, nft.IPV6)

Place = tuple[int, str]  # family and set
Member = tuple[bytes, bytes]  # key and data, which is b"" in a set
Members = Mapping[Place, Set[Member]]


@dataclass(frozen=True)
class Rules:
    """How the rules are written.

    C{copies} is False where the kernel cannot copy a packet: reports are dropped.
    """

    table: str
    defs: FirewallDefs
    copies: bool = True

    def made(self, family: int, members: Members) -> list[bytes]:
        """The messages that make the table of C{family}, which is not there."""
        sets, rules = (self._sets_4, self._rules_4)
        if family == nft.IPV6:
            sets, rules = (self._sets_6, self._rules_6)
        return [
            nft.table(nft.NEWTABLE, family, self.table),
            *sets(),
            nft.chain(family, self.table, "out", nft.HOOK_OUT, self.defs.priority),
            nft.chain(family, self.table, "in", nft.HOOK_IN, self.defs.priority),
            *rules(),
            *self.changed(
                nft.NEWSETELEM,
                {place: each for place, each in members.items() if place[0] == family},
            ),
        ]

    def removed(self, family: int) -> list[bytes]:
        """The messages after which there is no such table, whether there was or not."""
        kinds = (nft.NEWTABLE, nft.DELTABLE)
        return [nft.table(kind, family, self.table) for kind in kinds]

    def changed(self, kind: int, members: Members) -> list[bytes]:
        """Put C{members} into their sets (NEWSETELEM), or take them out."""
        return [
            message
            for (family, name), inside in sorted(members.items())
            for message in nft.elements(kind, family, self.table, name, sorted(inside))
        ]

    # -- IPv4

    def _sets_4(self) -> list[bytes]:
        table = self.table
        return [
            nft.new_set(nft.IPV4, table, VIPS, (nft.IPV4_ADDR, 4), number=1),
            self._parents(nft.IPV4),
        ]

    def _rules_4(self) -> list[bytes]:
        protocol = nft.load(nft.NETWORK, 9, 1) + nft.equals(bytes((IGMP,)))
        return [
            self._drop(nft.IPV4, "out", protocol + self._copied(16, 4)),
            self._drop(nft.IPV4, "out", nft.load(nft.NETWORK, 12, 4) + nft.among(VIPS)),
            self._drop(nft.IPV4, "in", nft.load(nft.NETWORK, 16, 4) + nft.among(VIPS)),
        ]

    # -- IPv6

    def _sets_6(self) -> list[bytes]:
        table, kind = self.table, (nft.ICMPV6_TYPE, 1)
        device, size = (nft.IFNAME, 32)
        if self.defs.by_index:
            device, size = (nft.IFINDEX, 20)
        near = (nft.IPV6_ADDR << 6 | device, size)
        made = [
            nft.new_set(nft.IPV6, table, VIPS, (nft.IPV6_ADDR, 16), number=1),
            self._parents(nft.IPV6),
            nft.new_set(nft.IPV6, table, LOCAL, near, number=3),
            nft.new_set(nft.IPV6, table, VMACS, (nft.IFNAME, 16), number=4),
        ]
        for number, name, types in ((5, _ND, NEIGHBOUR), (6, _MLD, MLD)):
            made.append(nft.new_set(nft.IPV6, table, name, kind, None, number, True))
            inside = [(bytes((each,)), b"") for each in types]
            made += nft.elements(nft.NEWSETELEM, nft.IPV6, table, name, inside)
        return made

    def _rules_6(self) -> list[bytes]:
        family = nft.IPV6
        reports = _icmp_type() + nft.among(_MLD) + self._copied(24, 16)
        solicit = _icmp_type() + nft.equals(bytes((ROUTER_SOLICIT,)))
        solicit += nft.meta(nft.OIFNAME) + nft.among(VMACS)
        neighbour = (_icmp_type(), nft.among(_ND), self._count())
        allowed = (*neighbour, nft.verdict(nft.ACCEPT))
        out, into = nft.OIFNAME, nft.IIFNAME
        if self.defs.by_index:
            out, into = nft.OIF, nft.IIF
        source, target = nft.load(nft.NETWORK, 8, 16), nft.load(nft.NETWORK, 24, 16)
        from_near = source + nft.meta(out, nft.REG_2) + nft.among(LOCAL)
        to_near = target + nft.meta(into, nft.REG_2) + nft.among(LOCAL)
        return [
            self._drop(family, "out", reports),
            self._drop(family, "out", solicit),
            nft.rule(family, self.table, "out", *allowed),
            nft.rule(family, self.table, "in", *allowed),
            self._drop(family, "out", source + nft.among(VIPS)),
            self._drop(family, "in", target + nft.among(VIPS)),
            self._drop(family, "out", from_near),
            self._drop(family, "in", to_near),
        ]

    # -- both

    def _parents(self, family: int) -> bytes:
        key, data = (nft.IFNAME, nft.NAME_SIZE), (nft.IFINDEX, 4)
        return nft.new_set(family, self.table, PARENTS, key, data, number=2)

    def _copied(self, offset: int, size: int) -> bytes:
        """Send it through the parent of the virtual MAC that it was to leave by."""
        found = nft.meta(nft.OIFNAME) + nft.mapped(PARENTS, nft.REG_1, nft.REG_3)
        if not self.copies:
            return found
        target = nft.load(nft.NETWORK, offset, size, nft.REG_2)
        return found + target + nft.duplicate(nft.REG_2, nft.REG_3)

    def _drop(self, family: int, chain: str, found: bytes) -> bytes:
        rest = (found, self._count(), nft.verdict(nft.DROP))
        return nft.rule(family, self.table, chain, *rest)

    def _count(self) -> bytes:
        return nft.counter() if self.defs.counters else b""


def _icmp_type() -> bytes:
    protocol = nft.meta(nft.L4PROTO) + nft.equals(bytes((ICMPV6,)))
    return protocol + nft.load(nft.TRANSPORT, 0, 1)


def without(one: Members, other: Members) -> dict[Place, frozenset[Member]]:
    """What C{one} has and C{other} has not."""
    nothing = frozenset[Member]()
    found = {place: each - other.get(place, nothing) for place, each in one.items()}
    return {place: frozenset(each) for place, each in found.items() if each}


def families(members: Members) -> set[int]:
    """The families that have any members."""
    return {place[0] for place, each in members.items() if each}


def conflicts(added: Members, there: Members) -> dict[Place, frozenset[Member]]:
    """What is C{there} under the same key as something C{added}, with other data."""
    found = {}
    for place, members in added.items():
        keys = {key for key, _ in members}
        same = {each for each in there.get(place, ()) if each[0] in keys}
        if same:
            found[place] = frozenset(same)
    return found


def joined(parts: Iterable[tuple[Place, Member]]) -> dict[Place, frozenset[Member]]:
    """Members one by one, sorted into their sets."""
    found: dict[Place, set[Member]] = {}
    for place, member in parts:
        found.setdefault(place, set()).add(member)
    return {place: frozenset(each) for place, each in found.items()}
