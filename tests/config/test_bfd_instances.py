"""bfd_instance and bfd_unsolicited: what they become, and when they are refused."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.bfd_model import (
    BfdInstance,
    BfdParameters,
    BfdRoute,
    BfdUnsolicited,
)
from hanode.config.build import build
from tests.config.reading import bfd, said, tree

NEIGHBOUR = ip_address("192.0.2.2")


def only(lines: str) -> BfdInstance:
    """The bfd_instance with C{lines}, which must be taken without a word."""
    found, problems = bfd(lines)
    assert found is not None, problems
    assert problems == [], problems
    return found


def bare(lines: str) -> tuple[BfdInstance | None, list[str]]:
    """The bfd_instance with nothing but C{lines}."""
    model, problems = build(tree(f"bfd_instance a {{\n{lines}\n}}"))
    return model.bfd_instances.get("a"), said(problems)


class RecordTests(SynchronousTestCase):
    def test_smallest(self) -> None:
        """A neighbour is enough, and both spellings of it will do."""
        wanted = BfdInstance("a", BfdRoute(NEIGHBOUR))
        self.assertEqual(only(""), wanted)
        self.assertEqual(bare("neighbour_ip 192.0.2.2"), (wanted, []))
        self.assertEqual(str(only("").place), "test.conf:1:1")

    def test_weight(self) -> None:
        """The weight for those who track it."""
        found = only("weight -20 reverse")
        self.assertEqual((found.weight, found.reverse), (-20, True))

    def test_whom_it_concerns(self) -> None:
        """Both, unless one of them alone is named."""
        self.assertEqual(
            [
                (found.vrrp, found.checker)
                for found in map(only, ("", "vrrp", "checker", "vrrp\nchecker"))
            ],
            [(True, True), (True, False), (False, True), (True, True)],
        )

    def test_long_name(self) -> None:
        """A name that is too long for keepalived."""
        found, problems = bfd("", "n" * 32)
        assert found is not None
        self.assertEqual(
            problems,
            [
                f"1 warning: ({'n' * 32}) the name has more than 31 characters "
                "(hanode takes it, keepalived ignores the instance)"
            ],
        )


class RouteTests(SynchronousTestCase):
    def test_ends(self) -> None:
        """Source, and the interface or the VRF."""
        self.assertEqual(
            [only(f"source_ip 192.0.2.1\n{line}").route for line in ("", "vrf red")],
            [
                BfdRoute(NEIGHBOUR, ip_address("192.0.2.1")),
                BfdRoute(NEIGHBOUR, ip_address("192.0.2.1"), "red"),
            ],
        )
        self.assertEqual(
            only("interface eth0").route, BfdRoute(NEIGHBOUR, None, "eth0")
        )

    def test_link_local(self) -> None:
        """With an interface link-local addresses are good ends; IPv4's always are."""
        lines = "neighbor_ip fe80::2\nsource_ip fe80::1\ninterface eth0"
        found, problems = bare(lines)
        assert found is not None
        self.assertEqual((found.route.device, problems), ("eth0", []))
        self.assertEqual(bare("neighbor_ip 169.254.0.2")[1], [])

    def test_hops(self) -> None:
        """max_hops is how much less than our own TTL, min_ttl is the TTL itself."""
        self.assertEqual(
            [
                (found.route.ttl, found.route.least_ttl)
                for found in map(
                    only,
                    (
                        "",
                        "max_hops 2",
                        "ttl 64",
                        "hoplimit 64\nmax_hops 64",
                        "max_hops 255",
                        "max_hops -1",
                        "ttl 64\nmax_hops 255",
                        "min_ttl 250",
                        "multihop\nmax_hops 3",
                        "multihop\nmin_ttl 0",
                    ),
                )
            ],
            [
                (255, 255),
                (255, 253),
                (64, 64),
                (64, 1),
                (255, 0),
                (255, 0),
                (64, 0),
                (255, 250),
                (255, 252),
                (255, 0),
            ],
        )

    def test_odd_hops(self) -> None:
        """More hops than the TTL has, two words for one thing, and none at all."""
        told = []
        for lines in ("ttl 9\nmax_hops 10", "min_ttl 7\nmax_hops 1", "multihop"):
            found, problems = bfd(lines)
            assert found is not None
            told.append((found.route.least_ttl, *problems))
        self.assertEqual(
            told,
            [
                (
                    1,
                    "1 warning: (a) max_hops exceeds ttl/hoplimit - setting to "
                    "ttl/hoplimit (using 9)",
                ),
                (
                    7,
                    "1 warning: (a) min_ttl and max_hops: only min_ttl counts "
                    "(remove one of the two)",
                ),
                (
                    1,
                    "1 warning: (a) multihop without max_hops or min_ttl: packets "
                    "from any distance count "
                    "(add max_hops N, the number of routers on the way)",
                ),
            ],
        )

    def test_multihop(self) -> None:
        """Over several hops there is no echo, and one interface is too few."""
        found, problems = bfd(
            "multihop on\nmax_hops 1\ninterface eth0\necho_tx 5\necho_rx 5"
        )
        assert found is not None
        self.assertEqual(
            (found.route, found.parameters, problems),
            (
                BfdRoute(NEIGHBOUR, None, "eth0", True, 255, 254),
                BfdParameters(),
                [
                    "1 warning: (a) multihop with interface eth0: packets that come "
                    "in by another way are not seen "
                    "(remove interface, or name a vrf instead)",
                    "1 warning: (a) echo_tx: there is no echo over several hops "
                    "- ignoring (remove echo_tx, or multihop)",
                    "1 warning: (a) echo_rx: there is no echo over several hops "
                    "- ignoring (remove echo_rx, or multihop)",
                ],
            ),
        )


class RefusalTests(SynchronousTestCase):
    def test_ends(self) -> None:
        """Ends between which there can be no session."""
        link_local = (
            "1 dropped: (a) {} is link-local: on which interface? "
            "(add interface IFNAME, which keepalived does not have)"
        )
        one_node = (
            "1 dropped: (a) neighbor address {} is not the address of one node "
            "(name the neighbour's own address)"
        )
        cases = {
            "passive": "1 dropped: (a) BFD instance has no neighbor address set "
            "(add neighbor_ip ADDRESS)",
            "neighbor_ip 224.0.0.1": one_node.format("224.0.0.1"),
            "neighbor_ip ::": one_node.format("::"),
            "neighbor_ip 192.0.2.2\nsource_ip ::1": (
                "1 dropped: (a) source address ::1 and neighbor address 192.0.2.2 are "
                "not of the same family (use two IPv4 or two IPv6 addresses)"
            ),
            "neighbor_ip 192.0.2.2\ninterface eth0\nvrf red": (
                "1 dropped: (a) interface eth0 and vrf red: a session is bound to one "
                "of them (an interface is in its VRF anyway: remove vrf)"
            ),
            "neighbor_ip fe80::2": link_local.format("fe80::2"),
            "neighbor_ip 2001:db8::2\nsource_ip fe80::1\nvrf red": link_local.format(
                "fe80::1"
            ),
        }
        self.assertEqual(
            {lines: bare(lines) for lines in cases},
            {lines: (None, [message]) for lines, message in cases.items()},
        )

    def test_malformed_neighbour(self) -> None:
        """An address that is none is as good as no address."""
        self.assertEqual(
            bare("neighbor_ip fe80::1%eth0"),
            (
                None,
                [
                    "2 warning: (a) neighbor_ip: 'fe80::1%eth0' is not an IP address "
                    "(ignored)",
                    "1 dropped: (a) BFD instance has no neighbor address set "
                    "(add neighbor_ip ADDRESS)",
                ],
            ),
        )


class DuplicateTests(SynchronousTestCase):
    def names(self, *bodies: str) -> tuple[list[str], list[str]]:
        """Which of the instances a, b, c ... run, and what is said."""
        model, problems = build(
            tree(
                "\n".join(
                    f"bfd_instance {name} {{\nneighbor_ip 192.0.2.2\n{body}\n}}"
                    for name, body in zip("abcdef", bodies, strict=False)
                )
            )
        )
        return list(model.bfd_instances), said(problems)

    def test_same_ends(self) -> None:
        """Two sessions between the same ends: packets could not be told apart."""
        told = (
            "5 dropped: (b) a has a session with 192.0.2.2 already "
            "(remove one of the two, or give each its own source_ip)"
        )
        own = "source_ip 192.0.2.1"
        self.assertEqual(
            [
                self.names(one, other)
                for one, other in (("", ""), (own, ""), ("", own), (own, own))
            ],
            [(["a"], [told])] * 4,
        )

    def test_other_ends(self) -> None:
        """Another source, device or distance is another session."""
        names, problems = self.names(
            "source_ip 192.0.2.1",
            "source_ip 192.0.2.3",
            "interface eth0",
            "vrf red",
            "multihop\nmax_hops 1",
        )
        self.assertEqual((names, problems), (list("abcde"), []))

    def test_same_name(self) -> None:
        """Of two instances with one name the second one is skipped."""
        model, problems = build(
            tree(
                "bfd_instance a {\nneighbor_ip 192.0.2.2\n}\n"
                "bfd_instance a {\nneighbor_ip 192.0.2.3\n}"
            )
        )
        self.assertEqual(
            model.bfd_instances, {"a": BfdInstance("a", BfdRoute(NEIGHBOUR))}
        )
        self.assertEqual(
            said(problems),
            [
                "4 dropped: (a) bfd instance a already defined - ignoring this one "
                "(give it another name)"
            ],
        )


class UnsolicitedTests(SynchronousTestCase):
    def read(self, text: str) -> tuple[tuple[BfdUnsolicited, ...], list[str]]:
        model, problems = build(tree(text))
        return model.bfd_unsolicited, said(problems)

    def test_defaults(self) -> None:
        """An interface is enough; this end is passive."""
        passive = BfdParameters(passive=True)
        self.assertEqual(
            self.read("bfd_unsolicited eth0 {\n}"),
            ((BfdUnsolicited("eth0", parameters=passive),), []),
        )

    def test_all(self) -> None:
        """Networks on several lines, limit and parameters."""
        self.assertEqual(
            self.read(
                "bfd_unsolicited eth0 {\nallow 192.0.2.0/25 192.0.2.128/26\n"
                "allow 2001:db8::/64\nlimit 4000\nmin_rx 20\nmin_tx 30\n"
                "multiplier 3\necho_rx 5\n}\nbfd_unsolicited eth1 {\n}"
            ),
            (
                (
                    BfdUnsolicited(
                        "eth0",
                        (
                            ip_network("192.0.2.0/25"),
                            ip_network("192.0.2.128/26"),
                            ip_network("2001:db8::/64"),
                        ),
                        4000,
                        BfdParameters(
                            min_rx=20_000,
                            min_tx=30_000,
                            multiplier=3,
                            passive=True,
                            echo_rx=5_000,
                        ),
                    ),
                    BfdUnsolicited("eth1", parameters=BfdParameters(passive=True)),
                ),
                [],
            ),
        )

    def test_refused(self) -> None:
        """Nobody is let in by mistake: neither from anywhere nor unauthenticated."""
        self.assertEqual(
            [
                self.read(f"bfd_unsolicited eth0 {{\n{lines}\n}}")
                for lines in ("allow x", "authentication {\nkey 1 x\n}")
            ],
            [
                (
                    (),
                    [
                        "2 warning: (eth0) allow: 'x' is not a network "
                        "(ignored; write ADDRESS/PREFIX)",
                        "1 dropped: (eth0) allow names no network: everybody would be "
                        "let in (write allow ADDRESS/PREFIX)",
                    ],
                ),
                (
                    (),
                    [
                        "1 dropped: (eth0) authentication without a type: BFD would "
                        "run unauthenticated (write type and one of simple, keyed_md5, "
                        "meticulous_md5, keyed_sha1, meticulous_sha1)"
                    ],
                ),
            ],
        )

    def test_name(self) -> None:
        """The interface must be there, once."""
        found, problems = self.read(
            "bfd_unsolicited {\n}\nbfd_unsolicited eth0 {\n}\nbfd_unsolicited eth0 {\n}"
        )
        self.assertEqual([each.device for each in found], ["eth0"])
        self.assertEqual(
            problems,
            [
                "1 error: *** Configuration line starting `bfd_unsolicited` is missing "
                "a parameter after keyword `bfd_unsolicited` at word position 2 "
                "(name an interface)",
                "5 dropped: (eth0) bfd_unsolicited eth0 already defined - ignoring "
                "this one (remove one of the two)",
            ],
        )
