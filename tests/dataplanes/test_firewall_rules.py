"""The members of sets, and the order of what is said about them.

What the messages mean is shown by nft(8), see tests/live/test_firewall.py.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.vmac_model import FirewallDefs
from hanode.dataplanes import firewall_message as nft
from hanode.dataplanes.firewall_rules import (
    PARENTS,
    VIPS,
    Rules,
    conflicts,
    families,
    joined,
    without,
)
from hanode.dataplanes.netlink.message import messages

FOUR, MAP = (nft.IPV4, VIPS), (nft.IPV6, PARENTS)
A, B = (b"aaaa", b""), (b"bbbb", b"")
RULES = Rules("t", FirewallDefs())


def kinds(parts: list[bytes]) -> list[int]:
    """The NFT_MSG_* of each message."""
    data = b"".join(parts)
    return [kind & 0xFF for kind, *_ in messages(data, len(data))]


class MemberTests(SynchronousTestCase):
    def test_joined(self) -> None:
        """One by one, sorted into sets; twice is once."""
        self.assertEqual(
            joined([(FOUR, A), (FOUR, B), (FOUR, A), (MAP, (b"x", b"1"))]),
            {FOUR: {A, B}, MAP: {(b"x", b"1")}},
        )

    def test_without(self) -> None:
        """What one has and the other has not; empty sets are left out."""
        self.assertEqual(
            [
                without({FOUR: {A, B}}, {FOUR: {A}}),
                without({FOUR: {A}}, {FOUR: {A}}),
                without({FOUR: {A}}, {}),
            ],
            [{FOUR: {B}}, {}, {FOUR: {A}}],
        )

    def test_conflicts(self) -> None:
        """A key with other data has to be taken out before."""
        old, new = (b"x", b"1"), (b"x", b"2")
        self.assertEqual(
            [
                conflicts({MAP: {new}}, {MAP: {old}}),
                conflicts({FOUR: {B}}, {FOUR: {A}}),
            ],
            [{MAP: {old}}, {}],
        )

    def test_families(self) -> None:
        """Those that have members."""
        self.assertEqual(families({FOUR: {A}, MAP: frozenset()}), {nft.IPV4})


class RulesTests(SynchronousTestCase):
    def test_made(self) -> None:
        """The table first, sets before the rules that name them, members last."""
        made = kinds(RULES.made(nft.IPV4, {FOUR: {A}, MAP: {(b"x", b"1")}}))
        self.assertEqual(
            made,
            [
                nft.NEWTABLE,
                *[nft.NEWSET] * 2,
                *[nft.NEWCHAIN] * 2,
                *[nft.NEWRULE] * 3,
                nft.NEWSETELEM,
            ],
        )

    def test_removed(self) -> None:
        """A table that is made before it is removed is always there to be removed."""
        self.assertEqual(kinds(RULES.removed(4)), [nft.NEWTABLE, nft.DELTABLE])

    def test_many_members(self) -> None:
        """Some hundred of them make one message."""
        many = {FOUR: {(n.to_bytes(4, "big"), b"") for n in range(1200)}}
        self.assertEqual(
            kinds(RULES.changed(nft.DELSETELEM, many)), [nft.DELSETELEM] * 3
        )

    def test_counters(self) -> None:
        """Rules count only if they are to."""
        counting = Rules("t", FirewallDefs(counters=True))
        found = [
            b"".join(each.made(family, {})).count(b"counter\0")
            for each in (RULES, counting)
            for family in (nft.IPV4, nft.IPV6)
        ]
        self.assertEqual(found, [0, 0, 3, 8])

    def test_without_copies(self) -> None:
        """A kernel that cannot copy a packet drops it only."""
        plain = Rules("t", FirewallDefs(), copies=False)
        found = [b"dup\0" in b"".join(each.made(4, {})) for each in (RULES, plain)]
        self.assertEqual(found, [True, False])
