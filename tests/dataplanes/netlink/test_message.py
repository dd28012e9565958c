"""Our messages against pyroute2's reading and writing of the same."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address
from hanode.dataplanes.netlink.message import (
    HEADER,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    BadMessage,
    StoredAddress,
    StoredLink,
    add_address,
    dump_request,
    key_of,
    messages,
    parse_address,
    parse_link,
    remove_address,
)

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)


def attributes(message: Any) -> dict[str, Any]:
    return dict(message["attrs"])


def by_pyroute2(data: bytes) -> Any:
    message = ifaddrmsg(data)
    message.decode()
    return message


def encode(message: Any, kind: int, **fields: Any) -> bytes:
    """What pyroute2 makes of it: header and body."""
    for name, value in fields.items():
        message[name] = value
    message["header"]["type"] = kind
    message.encode()
    return bytes(message.data)


class EncodeTests(SynchronousTestCase):
    def test_plain_ipv4(self) -> None:
        """An address with nothing special is its own peer and keepalived's."""
        data = add_address(Address(ip_address("10.0.0.1"), 24, "eth0"), 3)
        found = by_pyroute2(data)
        self.assertEqual(found["header"]["type"], RTM_NEWADDR)
        self.assertEqual(found["header"]["flags"], 0x601)
        self.assertEqual(found["header"]["length"], len(data))
        self.assertEqual(
            [found[name] for name in ("family", "prefixlen", "scope", "index")],
            [AF_INET, 24, 0, 3],
        )
        self.assertEqual(
            attributes(found),
            {"IFA_LOCAL": "10.0.0.1", "IFA_ADDRESS": "10.0.0.1", "IFA_PROTO": 18},
        )

    def test_everything_ipv4(self) -> None:
        """Broadcast, label, scope, peer, flags and lifetime are encoded."""
        address = Address(
            ip_address("10.0.0.1"),
            24,
            "eth0",
            broadcast=IPv4Address("10.0.0.255"),
            label="eth0:vip",
            scope=253,
            peer=ip_address("10.0.0.9"),
            flags=frozenset({"noprefixroute", "autojoin", "nodad"}),
            preferred_lft=60,
        )
        found = by_pyroute2(add_address(address, 3, None))
        lifetimes = attributes(found).pop("IFA_CACHEINFO")
        rest = {k: v for k, v in found["attrs"] if k != "IFA_CACHEINFO"}
        self.assertEqual(found["scope"], 253)
        self.assertEqual(
            (lifetimes["ifa_preferred"], lifetimes["ifa_valid"]), (60, 0xFFFFFFFF)
        )
        self.assertEqual(
            rest,
            {
                "IFA_LOCAL": "10.0.0.1",
                "IFA_ADDRESS": "10.0.0.9",
                "IFA_BROADCAST": "10.0.0.255",
                "IFA_LABEL": "eth0:vip",
                "IFA_FLAGS": 0x600,
            },
        )

    def test_ipv6(self) -> None:
        """IPv6 keeps all flags and has neither broadcast nor label."""
        address = Address(
            ip_address("2001:db8::1"),
            64,
            "eth0",
            broadcast=IPv4Address("10.0.0.255"),
            label="x",
            flags=frozenset({"nodad", "home", "mngtmpaddr", "future"}),
        )
        found = by_pyroute2(add_address(address, 9))
        self.assertEqual((found["family"], found["prefixlen"]), (AF_INET6, 64))
        self.assertEqual(
            attributes(found),
            {
                "IFA_LOCAL": "2001:db8::1",
                "IFA_ADDRESS": "2001:db8::1",
                "IFA_FLAGS": 0x112,
                "IFA_PROTO": 18,
            },
        )

    def test_loopback_has_host_scope(self) -> None:
        """127.0.0.0/8 is of scope host, as ip(8) sets it."""
        data = add_address(Address(ip_address("127.0.0.5"), 32, "lo"), 1)
        self.assertEqual(by_pyroute2(data)["scope"], 254)

    def test_removal(self) -> None:
        """A removal names the address, and the prefix that the kernel has."""
        address = Address(ip_address("2001:db8::1"), 64, "eth0")
        found = by_pyroute2(remove_address(address, 4, 128))
        self.assertEqual(found["header"]["flags"], 1)
        self.assertEqual((found["prefixlen"], found["index"]), (128, 4))
        self.assertEqual(by_pyroute2(remove_address(address, 4))["prefixlen"], 64)

    def test_dump_requests(self) -> None:
        """Dumps ask for all families, with a body of the right size."""
        shapes = [HEADER.unpack_from(dump_request(k)) for k in (18, 22)]
        self.assertEqual(
            shapes, [(32, RTM_GETLINK, 0x301, 0, 0), (24, RTM_GETADDR, 0x301, 0, 0)]
        )

    @given(V4 | V6, st.integers(0, 32), st.integers(1, 2**31 - 1))
    def test_the_key_of_what_we_encode(
        self, address: IPv4Address | IPv6Address, prefix: int, index: int
    ) -> None:
        """What we send comes back under the key that we look for."""
        wanted = Address(address, prefix, "eth0")
        data = add_address(wanted, index)
        ((kind, _, _, _, start, end),) = messages(data, len(data))
        stored = parse_address(data, start, end)
        self.assertEqual((kind, stored.key), (RTM_NEWADDR, key_of(wanted, index)))
        self.assertEqual(stored.prefix, prefix)


class DecodeTests(SynchronousTestCase):
    @given(
        V4,
        V4,
        st.integers(0, 32),
        st.integers(0, 2**32 - 1),
        st.text("abc", min_size=1, max_size=14),
    )
    def test_ipv4_from_pyroute2(
        self,
        local: IPv4Address,
        peer: IPv4Address,
        prefix: int,
        flags: int,
        label: str,
    ) -> None:
        """IFA_LOCAL is the address, IFA_ADDRESS the peer, IFA_FLAGS all flags."""
        data = encode(
            ifaddrmsg(),
            20,
            family=AF_INET,
            prefixlen=prefix,
            flags=1,
            index=5,
            attrs=[
                ("IFA_ADDRESS", str(peer)),
                ("IFA_LOCAL", str(local)),
                ("IFA_LABEL", label),
                ("IFA_FLAGS", flags),
                ("IFA_RT_PRIORITY", 7),
            ],
        )
        self.assertEqual(
            parse_address(data, 16, len(data)),
            StoredAddress((5, local.packed, prefix, peer.packed), flags, prefix),
        )

    @given(V6, st.integers(0, 128), st.integers(0, 255))
    def test_ipv6_from_pyroute2(
        self, address: IPv6Address, prefix: int, flags: int
    ) -> None:
        """IPv6 without a peer has IFA_ADDRESS only; short flags count without long."""
        data = encode(
            ifaddrmsg(),
            20,
            family=AF_INET6,
            prefixlen=prefix,
            flags=flags,
            index=5,
            attrs=[("IFA_ADDRESS", str(address))],
        )
        self.assertEqual(
            parse_address(data, 16, len(data)),
            StoredAddress((5, address.packed, 0, b""), flags, prefix),
        )

    @given(st.integers(1, 2**31 - 1), st.integers(0, 2**31), st.integers(68, 2**16))
    def test_link_from_pyroute2(self, index: int, flags: int, mtu: int) -> None:
        """Name, MAC address and MTU are found among many other attributes."""
        data = encode(
            ifinfmsg(),
            RTM_NEWLINK,
            index=index,
            flags=flags,
            attrs=[
                ("IFLA_TXQLEN", 1000),
                ("IFLA_IFNAME", "eth0.7"),
                ("IFLA_OPERSTATE", "UP"),
                ("IFLA_MTU", mtu),
                ("IFLA_QDISC", "noqueue"),
                ("IFLA_ADDRESS", "02:00:00:00:00:07"),
                ("IFLA_LINK", 3),
                ("IFLA_MASTER", 4),
                ("IFLA_GROUP", 5),
                ("IFLA_IFALIAS", "an alias"),
                (
                    "IFLA_LINKINFO",
                    {
                        "attrs": [
                            ("IFLA_INFO_KIND", "macvlan"),
                            (
                                "IFLA_INFO_DATA",
                                {"attrs": [("IFLA_MACVLAN_MODE", "private")]},
                            ),
                        ]
                    },
                ),
            ],
        )
        self.assertEqual(
            parse_link(data, 16, len(data)),
            StoredLink(
                *(index, flags, "eth0.7", b"\2\0\0\0\0\7", mtu),
                *(3, 4, 5, "macvlan", 1, "an alias"),
            ),
        )

    def test_bridge_ports_are_not_links(self) -> None:
        """What a bridge says about its ports is left alone."""
        data = encode(ifinfmsg(), 17, family=7, index=3, attrs=[])
        self.assertEqual(parse_link(data, 16, len(data)), None)

    def test_several_messages(self) -> None:
        """Messages follow each other at multiples of four."""
        first = HEADER.pack(18, 2, 0, 1, 0) + b"ab" + b"\0\0"
        data = first + HEADER.pack(16, 3, 2, 9, 4)
        self.assertEqual(
            list(messages(data, len(data))),
            [(2, 0, 1, 0, 16, 18), (3, 2, 9, 4, 36, 36)],
        )

    def test_bad_lengths(self) -> None:
        """Each length that cannot be is refused."""
        header = bytes((AF_INET, 24, 0, 0, 1, 0, 0, 0))
        link = bytes(16)
        cases = [
            (parse_address, header[:7]),
            (parse_address, header + b"\3\0\1\0"),
            (parse_address, header + b"\x10\0\1\0abcd"),
            (parse_address, header + b"\6\0\x08\0ab\0\0"),
            (parse_link, link[:15]),
            (parse_link, link + b"\3\0\1\0"),
        ]
        for parse, body in cases:
            self.assertRaises(BadMessage, parse, body, 0, len(body))
        for data in (HEADER.pack(15, 0, 0, 0, 0), HEADER.pack(17, 0, 0, 0, 0)):
            self.assertRaises(BadMessage, list, messages(data, len(data)))

    @settings(max_examples=1000)
    @given(st.binary(max_size=120))
    def test_any_bytes(self, data: bytes) -> None:
        """Whatever comes is read or raises BadMessage."""
        for parse in (parse_address, parse_link):
            try:
                parse(data, 0, len(data))
            except BadMessage:
                continue
        try:
            list(messages(data, len(data)))
        except BadMessage:
            self.assertTrue(data)

    @settings(max_examples=1000)
    @given(st.integers(0, 75), st.binary(min_size=1, max_size=4))
    def test_mutated(self, place: int, noise: bytes) -> None:
        """A real message with changed bytes is read or raises BadMessage."""
        address = Address(ip_address("10.0.0.1"), 24, "eth0", label="eth0")
        data = bytearray(add_address(address, 3))
        data[16 + place : 16 + place + len(noise)] = noise
        try:
            stored = parse_address(data, 16, len(data))
        except BadMessage:
            return
        self.assertEqual(stored.prefix, data[17])

    def test_packed_addresses(self) -> None:
        """A key holds addresses in network order."""
        address = Address(ip_address("10.0.0.1"), 24, "eth0")
        self.assertEqual(key_of(address, 1)[1], inet_pton(AF_INET, "10.0.0.1"))
