"""virtual_rules: one line, one rule."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.findings import Findings
from hanode.config.route_model import Rule
from hanode.config.route_names import Names
from hanode.config.rules import preferences, rules
from tests.config.reading import said, tree


def read(text: str, static: bool = False) -> tuple[tuple[Rule, ...], list[str]]:
    """The rules of these lines, and what is said."""
    (block,) = tree(f"virtual_rules {{\n{text}\n}}")
    findings, lines = Findings(), list(block.children or ())
    names = Names((), lambda path: "")
    found = rules(lines, names, findings, preferences(), static)
    return found, said(findings.problems)


def one(text: str, static: bool = False) -> Rule:
    """The rule of a line that must be accepted without a word."""
    found, problems = read(f"{text} preference 100", static)
    assert problems == [], problems
    (rule,) = found
    return rule


class RuleTests(SynchronousTestCase):
    def test_what_it_is_for(self) -> None:
        """Everything that a rule may match."""
        rule = one(
            "not from 192.0.2.0/24 to 10.0.0.0/8 iif eth0 oif eth1 tos 0x10"
            " fwmark 0x18/0xc ipproto UDP sport 10-20 dport 53 uidrange 5-6"
            " tunnel-id 9 table 50"
        )
        self.assertEqual(
            rule,
            Rule(
                4,
                100,
                "table",
                50,
                True,
                ip_network("192.0.2.0/24"),
                ip_network("10.0.0.0/8"),
                16,
                (24, 12),
                incoming="eth0",
                outgoing="eth1",
                tunnel=9,
                users=(5, 6),
                ip_protocol=17,
                source_ports=(10, 20),
                destination_ports=(53, 53),
            ),
        )

    def test_what_is_done(self) -> None:
        """Exactly one action, with type before it or not."""
        for text, action, target in (
            ("lookup main", "table", 254),
            ("goto 200", "goto", 200),
            ("nop", "nop", 0),
            ("type prohibit", "prohibit", 0),
            ("blackhole", "blackhole", 0),
            ("unreachable", "unreachable", 0),
        ):
            rule = one(text)
            self.assertEqual((rule.action, rule.target), (action, target))
        self.assertTrue(one("l3mdev").l3mdev)

    def test_the_rest(self) -> None:
        """Realms, suppressors, protocol with no_track."""
        rule = one(
            "realms 3/4 sup_pl 0 sup_group default protocol static no_track table 1"
            " fwmark 5"
        )
        self.assertEqual(
            (rule.realm, rule.suppress_prefix, rule.suppress_group, rule.protocol),
            (3 << 16 | 4, 0, 0, 4),
        )
        self.assertEqual((rule.mark, rule.track), ((5, 0xFFFFFFFF), False))

    def test_families(self) -> None:
        """The family comes from a network or a word; all is of any."""
        for text, version in (
            ("from all table 1", 4),
            ("from 2001:db8::/32 table 1", 6),
            ("inet6 from all iif eth0 table 1", 6),
            ("inet from any table 1", 4),
            ("to default6 table 1", 6),
        ):
            self.assertEqual(one(text).version, version, text)

    def test_preferences(self) -> None:
        """Rules without a preference get 16384 and downwards, with a warning."""
        found, problems = read("from 10.0.0.0/8 table 1\nto 10.0.0.0/8 table 1")
        self.assertEqual([rule.preference for rule in found], [16384, 16383])
        self.assertIn("setting to 16384. This is probably not what", problems[0])

    def test_group(self) -> None:
        """A track_group belongs to static rules."""
        self.assertEqual(one("track_group G nop", static=True).group, "G")
        self.assertEqual(len(read("track_group G nop preference 1")[1]), 2)

    def test_protocol(self) -> None:
        """A tracked rule keeps keepalived's protocol."""
        found, problems = read("table 1 protocol 4 preference 5")
        self.assertEqual(found[0].protocol, 18)
        self.assertIn("Rule cannot be tracked if protocol is not", problems[0])

    def test_twice(self) -> None:
        """The second of two equal rules is left out."""
        found, problems = read("nop preference 1\nnop preference 1")
        self.assertEqual(len(found), 1)
        self.assertIn("is there already", problems[0])

    def test_unusable(self) -> None:
        """A line that makes no sense is left out, and the reason is said."""
        for text, message in (
            ("from 10.0.0.0/8", "No action specified for rule - ignoring"),
            ("nop table 5", "a rule has one action, and this one 2"),
            ("from 10.0.0.0/8 to ::/0 nop", "Cannot mix IPv4 and IPv6"),
            ("from x nop", "VRRP parsed invalid IP x. skipping rule"),
            ("fwmark x nop", "invalid fwmark 'x'"),
            ("fwmark 1/x nop", "invalid fwmark '1/x'"),
            ("fwmark 1/0x100000000 nop", "invalid fwmark"),
            ("ipproto x nop", "invalid ipproto 'x'"),
            ("ipproto 0 nop", "invalid ipproto '0'"),
            ("sport 20-10 nop", "invalid source_ports range '20-10'"),
            ("sport 1-70000 nop", "invalid source_ports range"),
            ("sport x nop", "invalid source_ports range"),
            ("table 0", "outside [1, 4294967295]"),
            ("goto 50", "goto 50 leads back: the rule has preference 100"),
            ("nop iif", "missing a parameter after keyword `iif`"),
        ):
            found, problems = read(f"preference 100 {text}")
            self.assertEqual((found, len(problems)), ((), 1), text)
            self.assertIn(message, problems[0])

    def test_texts(self) -> None:
        """A rule is named as ip(8) would show it."""
        for text, shown in (
            ("from 10.0.0.0/8 table 5", "100: from 10.0.0.0/8 table 5"),
            (
                "not to 10.0.0.0/8 iif a oif b fwmark 1/2 nop",
                "100: not from all to 10.0.0.0/8 fwmark 0x1/0x2 iif a oif b nop",
            ),
            ("l3mdev", "100: from all l3mdev"),
        ):
            self.assertEqual(str(one(text)), shown)
