"""The rules of one service, word by word."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.nftables_rules import BASE_RULES, Rules, name_of, rules_of
from hanode.lvs import Destination, Endpoint, Fwmark, Service


def to(address, port=80, weight=1):
    return Destination(ip_address(address), port, weight)


def service(identity, *destinations, scheduler="rr", **more):
    return Service(identity, scheduler, destinations=destinations, **more)


WEB = Endpoint(ip_address("192.0.2.10"), 80, "TCP")
DNS = Endpoint(ip_address("2001:db8::10"), 53, "UDP")


class RulesTests(SynchronousTestCase):
    """All that a service needs."""

    def test_whole(self):
        """Chains, counters and elements of two real servers by turns."""
        one, two = "tcp_192.0.2.10_80/10.0.0.1_80", "tcp_192.0.2.10_80/10.0.0.2_8080"
        key1 = "192.0.2.10 . tcp . 80 . 10.0.0.1 . 80"
        key2 = "192.0.2.10 . tcp . 80 . 10.0.0.2 . 8080"
        self.assertEqual(
            rules_of(service(WEB, to("10.0.0.1"), to("10.0.0.2", 8080, 9))),
            Rules(
                chains={
                    one: (
                        f"counter name {one}",
                        "meta l4proto tcp dnat ip to 10.0.0.1:80",
                    ),
                    two: (
                        f"counter name {two}",
                        "meta l4proto tcp dnat ip to 10.0.0.2:8080",
                    ),
                    "tcp_192.0.2.10_80": (
                        "counter name tcp_192.0.2.10_80",
                        f"numgen inc mod 2 vmap {{ 0 : goto {one}, 1 : goto {two} }}",
                    ),
                },
                sets={},
                counters=(
                    "tcp_192.0.2.10_80",
                    one,
                    f"{one}/in",
                    f"{one}/out",
                    two,
                    f"{two}/in",
                    f"{two}/out",
                ),
                elements={
                    ("services4", "192.0.2.10 . tcp . 80"): "goto tcp_192.0.2.10_80",
                    ("in4", key1): f'"{one}/in"',
                    ("out4", key1): f'"{one}/out"',
                    ("in4", key2): f'"{two}/in"',
                    ("out4", key2): f'"{two}/out"',
                },
            ),
        )

    def test_persistent_ipv6(self):
        """Known clients first; granularity is a mask; weight 0 has no clients."""
        name = "udp_2001-db8--10_53"
        one, two = f"{name}/fd00--1_53", f"{name}/fd00--2_53"
        got = rules_of(
            service(
                DNS,
                to("fd00::1", 53),
                to("fd00::2", 53, 0),
                persistence=300,
                granularity=64,
            )
        )
        self.assertEqual(
            got.chains,
            {
                one: (
                    f"update @{one} {{ ip6 saddr & ffff:ffff:ffff:ffff::"
                    " timeout 300s }",
                    f"counter name {one}",
                    "meta l4proto udp dnat ip6 to [fd00::1]:53",
                ),
                two: (
                    f"counter name {two}",
                    "meta l4proto udp dnat ip6 to [fd00::2]:53",
                ),
                name: (
                    f"counter name {name}",
                    f"ip6 saddr & ffff:ffff:ffff:ffff:: @{one} goto {one}",
                    f"goto {one}",
                ),
            },
        )
        self.assertEqual(got.sets, {one: "ipv6_addr"})

    def test_any_port(self):
        """Port 0: the port stays as it is, and is no part of the keys."""
        identity = Endpoint(ip_address("192.0.2.10"), 0, "TCP")
        got = rules_of(service(identity, to("10.0.0.1", 0), persistence=60))
        one = "tcp_192.0.2.10_0/10.0.0.1_0"
        self.assertEqual(
            got.chains[one],
            (
                f"update @{one} {{ ip saddr timeout 60s }}",
                f"counter name {one}",
                "dnat ip to 10.0.0.1",
            ),
        )
        self.assertEqual(
            got.elements,
            {
                ("anyport4", "192.0.2.10 . tcp"): "goto tcp_192.0.2.10_0",
                ("in_anyport4", "192.0.2.10 . tcp . 10.0.0.1"): f'"{one}/in"',
                ("out_anyport4", "192.0.2.10 . tcp . 10.0.0.1"): f'"{one}/out"',
            },
        )

    def test_mark(self):
        """A mark is of any protocol; its packets are not counted."""
        got = rules_of(service(Fwmark(7, 6), to("fd00::1")))
        one = "fwmark_7_ipv6/fd00--1_80"
        self.assertEqual(
            got.chains[one],
            (
                f"counter name {one}",
                "meta l4proto tcp dnat ip6 to [fd00::1]:80",
                "meta l4proto udp dnat ip6 to [fd00::1]:80",
                "meta l4proto sctp dnat ip6 to [fd00::1]:80",
            ),
        )
        self.assertEqual(got.counters, ("fwmark_7_ipv6", one))
        self.assertEqual(got.elements, {("marks6", "7"): "goto fwmark_7_ipv6"})

    def schedule(self, scheduler, **more):
        two = (to("10.0.0.1", 80, 4), to("10.0.0.2", 80, 2))
        chains = rules_of(service(WEB, *two, scheduler=scheduler, **more)).chains
        return chains[name_of(WEB)][-1].replace("tcp_192.0.2.10_80/10.0.0.", "@")

    def test_schedulers(self):
        """wrr and sh follow the weights, rr does not."""
        self.assertEqual(
            self.schedule("wrr"),
            "numgen inc mod 3 vmap { 0 : goto @1_80, 1 : goto @2_80, 2 : goto @1_80 }",
        )
        self.assertEqual(
            self.schedule("rr"),
            "numgen inc mod 2 vmap { 0 : goto @1_80, 1 : goto @2_80 }",
        )
        self.assertEqual(
            self.schedule("sh"),
            "jhash ip saddr mod 3 seed 0x68616e6f vmap"
            " { 0-1 : goto @1_80, 2 : goto @2_80 }",
        )
        self.assertEqual(
            self.schedule("sh", flags=frozenset({"flag-1", "flag-2"})),
            "jhash ip saddr . th sport mod 3 seed 0x68616e6f vmap"
            " { 0-1 : goto @1_80, 2 : goto @2_80 }",
        )

    def test_nobody(self):
        """Without a usable real server clients are refused."""
        got = rules_of(service(WEB, to("10.0.0.1", 80, 0), persistence=9))
        self.assertEqual(
            got.chains[name_of(WEB)],
            (
                "counter name tcp_192.0.2.10_80",
                "reject with icmpx port-unreachable",
            ),
        )
        self.assertEqual(got.sets, {})


class FrameTests(SynchronousTestCase):
    """What all services share."""

    def test_dispatch(self):
        """A mark comes before an address and port, and these before an address."""
        self.assertEqual(
            BASE_RULES["dispatch"],
            (
                "meta nfproto ipv4 meta l4proto { tcp, udp, sctp }"
                " meta mark vmap @marks4",
                "ip daddr . meta l4proto . th dport vmap @services4",
                "ip daddr . meta l4proto vmap @anyport4",
                "meta nfproto ipv6 meta l4proto { tcp, udp, sctp }"
                " meta mark vmap @marks6",
                "ip6 daddr . meta l4proto . th dport vmap @services6",
                "ip6 daddr . meta l4proto vmap @anyport6",
            ),
        )
