"""Policy rules as bytes; pyroute2 is the referee."""

from __future__ import annotations

import contextlib
from ipaddress import ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.route_model import Rule
from hanode.dataplanes.netlink.message import HEADER, BadMessage
from hanode.dataplanes.netlink.rule_message import (
    StoredRule,
    add_rule,
    dump_rules_request,
    parse_rule,
    remove_rule,
    remove_stored,
    stored_of,
)

EVERYTHING = Rule(
    4,
    100,
    target=300,
    inverted=True,
    source=ip_network("192.0.2.0/24"),
    destination=ip_network("10.0.0.0/8"),
    tos=16,
    mark=(24, 12),
    realm=3 << 16 | 4,
    suppress_prefix=0,
    suppress_group=1,
    incoming="eth0",
    outgoing="eth1",
    tunnel=9,
    users=(5, 6),
    ip_protocol=17,
    source_ports=(10, 20),
    destination_ports=(53, 53),
)
RULES = (
    EVERYTHING,
    Rule(6, 5, "prohibit", incoming="eth0"),
    Rule(4, 6, "goto", 200, mark=(0, 255)),
    Rule(6, 7, l3mdev=True),
    Rule(4, 8, target=5),
)


def decoded(data: bytes) -> Any:
    """What pyroute2 makes of it."""
    message = fibmsg(data)
    message.decode()
    return message


class RuleMessageTests(SynchronousTestCase):
    def test_everything(self) -> None:
        """pyroute2 reads every attribute back."""
        message = decoded(add_rule(EVERYTHING))
        fixed = [message[name] for name in ("dst_len", "src_len", "tos", "action")]
        self.assertEqual(fixed, [8, 24, 16, 1])
        self.assertEqual((message["flags"], message["header"]["flags"]), (2, 0x601))
        names = "TABLE DST SRC IIFNAME OIFNAME PRIORITY FWMARK FWMASK FLOW"
        self.assertEqual(
            [message.get_attr(f"FRA_{name}") for name in names.split()],
            [300, "10.0.0.0", "192.0.2.0", "eth0", "eth1", 100, 24, 12, 3 << 16 | 4],
        )
        names = ["SUPPRESS_PREFIXLEN", "SUPPRESS_IFGROUP", "IP_PROTO"]
        self.assertEqual([message.get_attr(f"FRA_{n}") for n in names], [0, 1, 17])
        self.assertIn(b"\x08\0\x17\0\x0a\0\x14\0", message.data)  # FRA_SPORT_RANGE

    def test_goto(self) -> None:
        """The target of goto."""
        message = decoded(add_rule(RULES[2]))
        self.assertEqual((message["action"], message.get_attr("FRA_GOTO")), (2, 200))

    def test_read_again(self) -> None:
        """What is written is read as what the kernel is expected to have."""
        for rule in RULES:
            for write in (add_rule, remove_rule):
                data = write(rule)
                found = parse_rule(data, HEADER.size, len(data))
                self.assertEqual(found, stored_of(rule), str(rule))
            data = remove_stored(stored_of(rule))
            found = parse_rule(data, HEADER.size, len(data))
            self.assertEqual(found, stored_of(rule), str(rule))

    def test_what_the_kernel_adds(self) -> None:
        """Suppressors that were not set, l3mdev 0, unknown attributes: nothing."""
        data = add_rule(RULES[4])
        more = b"\x08\0\x0e\0\xff\xff\xff\xff" + b"\x05\0\x13\0\0\0\0\0"
        body = data[HEADER.size :] + more + b"\x08\0\x63\0\1\2\3\4"
        self.assertEqual(parse_rule(body, 0, len(body)), stored_of(RULES[4]))

    def test_place(self) -> None:
        """Preference and protocol of what the kernel has."""
        found = stored_of(EVERYTHING)
        self.assertEqual((found.priority, found.protocol), (100, 18))
        nothing = StoredRule(2, (0, 0), 0, 1, False, frozenset())
        self.assertEqual((nothing.priority, nothing.protocol), (0, 0))

    def test_dump(self) -> None:
        """A dump names the family."""
        message = decoded(dump_rules_request(6))
        self.assertEqual((message["family"], message["header"]["flags"]), (10, 0x301))

    def test_bad(self) -> None:
        """What is too short is no rule."""
        with self.assertRaises(BadMessage):
            parse_rule(b"", 0, 0)

    @given(st.binary(max_size=100))
    def test_only_bad_messages(self, data: bytes) -> None:
        """Whatever comes, nothing but BadMessage is raised."""
        with contextlib.suppress(BadMessage):
            parse_rule(data, 0, len(data))
