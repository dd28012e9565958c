"""virtual_routes: one line, one route."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.findings import Findings
from hanode.config.route_model import Encapsulation, Hop, Route
from hanode.config.route_names import Names
from hanode.config.routes import routes
from tests.config.reading import said, tree

GATEWAY = ip_address("192.0.2.1")


def read(text: str, static: bool = False) -> tuple[tuple[Route, ...], list[str]]:
    """The routes of these lines, and what is said."""
    (block,) = tree(f"virtual_routes {{\n{text}\n}}")
    findings = Findings()
    lines = list(block.children or ())
    found = routes(lines, Names((), lambda path: ""), findings, static)
    return found, said(findings.problems)


def one(text: str, static: bool = False) -> Route:
    """The route of a line that must be accepted without a word."""
    found, problems = read(text, static)
    assert problems == [], problems
    (route,) = found
    return route


NET = ip_network("10.1.0.0/16")


class RouteTests(SynchronousTestCase):
    def test_plain(self) -> None:
        """Destination, gateway and interface."""
        self.assertEqual(
            one("10.1.0.0/16 via 192.0.2.1 dev eth0"),
            Route(NET, hops=(Hop(GATEWAY, "eth0"),)),
        )

    def test_to(self) -> None:
        """The word to before the destination, src before it, oif for dev."""
        self.assertEqual(
            one("src 192.0.2.9 to 10.1.0.0/16 oif eth0"),
            Route(NET, hops=(Hop(device="eth0"),), source=ip_address("192.0.2.9")),
        )

    def test_default(self) -> None:
        """default is of the family of what else is said, else IPv4."""
        four, six = ip_network("0.0.0.0/0"), ip_network("::/0")
        for text, network in (
            ("default dev eth0", four),
            ("default via 2001:db8::1 dev eth0", six),
            ("inet6 default dev eth0", six),
            ("inet default dev eth0", four),
            ("default6 dev eth0", six),
            ("default src 2001:db8::9 dev eth0", six),
        ):
            self.assertEqual(one(text).destination, network, text)

    def test_kinds(self) -> None:
        """A route that leads nowhere needs no next hop, and has none."""
        self.assertEqual(one("blackhole 10.1.0.0/16"), Route(NET, "blackhole"))
        self.assertEqual(one("throw 10.1.0.0/16 dev eth0"), Route(NET, "throw"))
        self.assertEqual(one("local 10.1.0.0/16 dev lo").kind, "local")

    def test_options(self) -> None:
        """Numbers and names of everything."""
        route = one(
            "10.1.0.0/16 dev eth0 table 100 metric 5 tos 0x10 scope link no_track"
            " protocol static ttl-propagate enabled append"
        )
        self.assertEqual(
            route,
            Route(
                NET,
                hops=(Hop(device="eth0"),),
                table=100,
                metric=5,
                tos=16,
                scope=253,
                protocol=4,
                ttl_propagate=1,
                place="append",
                track=False,
            ),
        )

    def test_options_of_ipv6(self) -> None:
        """from, pref and expires."""
        route = one("2001:db8::/32 from 2001:db8:9::/48 dev eth0 pref low expires 60")
        self.assertEqual(
            (route.source_network, route.preference, route.expires),
            (ip_network("2001:db8:9::/48"), 3, 60),
        )

    def test_several_hops(self) -> None:
        """nexthop begins one more; weight, onlink and realms are its own."""
        route = one(
            "10.1.0.0/16 nexthop via 192.0.2.1 dev eth0 weight 2 onlink"
            " nexthop dev eth1 realms 3/4 nexthop via 192.0.2.1"
        )
        self.assertEqual(
            route.hops,
            (
                Hop(GATEWAY, "eth0", 2, True),
                Hop(device="eth1", realm=3 << 16 | 4),
                Hop(GATEWAY),
            ),
        )
        self.assertEqual(route.devices, ("eth0", "eth1"))

    def test_a_hop_and_more(self) -> None:
        """nexthop behind a via keeps what was said before it."""
        route = one("10.1.0.0/16 via 192.0.2.1 nexthop via 192.0.2.2")
        self.assertEqual(route.hops, (Hop(GATEWAY), Hop(ip_address("192.0.2.2"))))

    def test_old_words(self) -> None:
        """gw and or work, and say what to write instead."""
        found, problems = read("10.1.0.0/16 gw 192.0.2.1 or 192.0.2.2 dev eth0")
        self.assertEqual(
            found[0].hops,
            (Hop(GATEWAY, "eth0"), Hop(ip_address("192.0.2.2"), "eth0")),
        )
        self.assertEqual(len(problems), 2)
        self.assertIn('"gw" for routes is deprecated. Please use "via"', problems[0])

    def test_another_family(self) -> None:
        """An IPv4 route may have an IPv6 gateway if that is said."""
        route = one("10.1.0.0/16 via inet6 fe80::1 dev eth0")
        self.assertEqual(route.hops[0].gateway, ip_address("fe80::1"))

    def test_metrics(self) -> None:
        """Metrics in the kernel's units; lock behind the word."""
        route = one(
            "10.1.0.0/16 dev eth0 mtu lock 1400 rtt 300ms rttvar 1s rto_min lock 250ms"
            " features ecn congctl lock cubic quickack 1 rtt 8000"
        )
        self.assertEqual(
            dict(route.metrics),
            {
                "mtu": 1400,
                "rtt": 8000,
                "rttvar": 4000,
                "rto_min": 250,
                "features": 1,
                "congctl": "cubic",
                "quickack": 1,
            },
        )
        self.assertEqual(route.locked, {"mtu", "rto_min", "congctl"})

    def test_short_times(self) -> None:
        """What is below the kernel's least timeout is raised."""
        found, problems = read("10.1.0.0/16 dev eth0 rtt 102")
        self.assertEqual(found[0].metrics, (("rtt", 1600),))
        self.assertIn("rtt value 102 below minimum 200ms, resetting", problems[0])

    def test_tunnels(self) -> None:
        """encap ip and ip6 with their options."""
        route = one(
            "10.1.0.0/16 dev tun0 encap ip id 7 dst 192.0.2.1 ttl 64 tos 2 flags 1"
        )
        self.assertEqual(
            route.hops[0].encapsulation,
            Encapsulation("ip", 7, GATEWAY, None, 2, 64, 1),
        )
        route = one("10.1.0.0/16 encap ip6 src 2001:db8::1 hoplimit 3 tc 1 dev tun0")
        found = route.hops[0].encapsulation
        self.assertEqual(
            found, Encapsulation("ip6", None, None, ip_address("2001:db8::1"), 1, 3)
        )

    def test_host_bits(self) -> None:
        """Bits behind the prefix are left out, with a word."""
        found, problems = read("10.1.2.3/16 dev eth0")
        self.assertEqual(found[0].destination, NET)
        self.assertIn("the kernel takes 10.1.0.0/16", problems[0])

    def test_group(self) -> None:
        """A track_group belongs to static routes."""
        self.assertEqual(one("blackhole 10.1.0.0/16 track_group G", True).group, "G")
        _, problems = read("blackhole 10.1.0.0/16 track_group G")
        self.assertEqual(len(problems), 2)
        self.assertIn(
            "Unknown configuration entry 'track_group' for route", problems[0]
        )

    def test_protocol(self) -> None:
        """A tracked route with one interface keeps keepalived's protocol."""
        found, problems = read("10.1.0.0/16 dev eth0 protocol 4")
        self.assertEqual(found[0].protocol, 18)
        self.assertIn("Route cannot be tracked if protocol is not", problems[0])
        self.assertEqual(one("blackhole 10.1.0.0/16 protocol 4").protocol, 4)

    def test_twice(self) -> None:
        """The second of two equal routes is left out."""
        found, problems = read("blackhole 10.1.0.0/16\nblackhole 10.1.0.0/16")
        self.assertEqual(len(found), 1)
        self.assertIn("is there already", problems[0])

    def test_unusable(self) -> None:
        """A line that makes no sense is left out, and the reason is said."""
        for text, message in (
            ("10.1.0.0/16", "leads nowhere: neither via nor dev"),
            ("dev eth0", "Route must have a destination"),
            ("10.1.0.0/40 dev eth0", "VRRP parsed invalid IP 10.1.0.0/40"),
            ("10.1.0.0/16 via 2001:db8::1", "Cannot mix IPv4 and IPv6 addresses"),
            ("inet6 10.1.0.0/16 dev eth0", "Cannot mix IPv4 and IPv6 addresses"),
            ("10.1.0.0/16 via x dev eth0", "invalid via address x"),
            ("10.1.0.0/16 via", "is missing a parameter after keyword `via`"),
            ("10.1.0.0/16 dev eth0 table x", "invalid table 'x' specified"),
            ("10.1.0.0/16 dev eth0 table 0", "outside [1, 4294967295]"),
            ("10.1.0.0/16 dev eth0 weight x", "invalid weight 'x'"),
            ("10.1.0.0/16 dev eth0 realms 1/x", "invalid realms '1/x'"),
            ("10.1.0.0/16 dev eth0 realms 70000", "invalid realms '70000'"),
            ("10.1.0.0/16 dev eth0 pref x", "invalid pref 'x'"),
            ("10.1.0.0/16 dev eth0 ttl-propagate x", "invalid ttl-propagate 'x'"),
            ("10.1.0.0/16 dev eth0 rtt 3h", "invalid rtt '3h'"),
            ("10.1.0.0/16 dev eth0 rtt xs", "invalid rtt 'xs'"),
            ("10.1.0.0/16 dev eth0 features x", "feature x not supported"),
            ("10.1.0.0/16 dev eth0 vrf blue", "vrf blue is not looked up"),
            ("10.1.0.0/16 dev eth0 encap mpls 3", "encap mpls is not supported"),
            ("10.1.0.0/16 dev eth0 encap ip dst ::1", "is of the other family"),
        ):
            found, problems = read(text)
            self.assertEqual((found, len(problems)), ((), 1), text)
            self.assertIn(message, problems[0])

    def test_texts(self) -> None:
        """A route is named as ip(8) would write it."""
        for text in (
            "10.1.0.0/16 via 192.0.2.1 dev eth0 table 100 metric 5",
            "blackhole 10.1.0.0/16",
            "default dev eth0",
            "inet6 default dev eth0",
            "10.1.0.0/16 nexthop via 192.0.2.1 dev eth0 weight 2 nexthop dev eth1",
        ):
            self.assertEqual(str(one(text)), text)
