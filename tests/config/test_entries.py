"""Blocks whose lines are entries."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.entries import Tracking, peers, tracked
from hanode.config.findings import Findings
from hanode.config.model import UnicastPeer
from hanode.config.row import Keyword
from hanode.config.tracker_words import WITHOUT_PLUGINS, inside
from hanode.config.tree import Block
from tests.config.reading import said, tree

ROW = Keyword("unicast_peer", "unicast_peers", "peers")
ROWS = inside(WITHOUT_PLUGINS)


class PeerTests(SynchronousTestCase):
    def read(self, text: str) -> tuple[list[UnicastPeer], list[str]]:
        findings = Findings()
        found = peers(ROW, tree(text)[0], findings)
        return [each.value for each in found], said(findings.problems)

    def test_peers(self) -> None:
        """A neighbour on each line, perhaps with the TTLs it may use."""
        self.assertEqual(
            self.read(
                "unicast_peer {\n192.0.2.1\n192.0.2.2 min_ttl 254 max_ttl 255\n}"
            ),
            (
                [
                    UnicastPeer(ip_address("192.0.2.1")),
                    UnicastPeer(ip_address("192.0.2.2"), 254, 255),
                ],
                [],
            ),
        )

    def test_mistakes(self) -> None:
        """What is no neighbour, or no option, is named and ignored."""
        self.assertEqual(
            self.read(
                "unicast_peer {\nx\n192.0.2.2 min_ttl 256 y\n192.0.2.3 max_ttl\n}"
            ),
            (
                [
                    UnicastPeer(ip_address("192.0.2.2")),
                    UnicastPeer(ip_address("192.0.2.3")),
                ],
                [
                    "2 warning: malformed unicast peer address[x]. Skipping... "
                    "(write an IPv4 or IPv6 address)",
                    "3 warning: number '256' outside range [0, 255]: "
                    "min_ttl '256' is invalid (ignored)",
                    "3 warning: Unknown configuration entry 'y' for unicast_peer "
                    "- ignoring (put each neighbour on a line of its own)",
                    "4 error: *** Configuration line starting `192.0.2.3` is missing a "
                    "parameter after keyword `max_ttl` at word position 3 "
                    "(write a value behind max_ttl)",
                ],
            ),
        )

    def test_braces(self) -> None:
        """Missing braces, words before them and braces inside are pointed out."""
        self.assertEqual(
            [
                self.read("unicast_peer 192.0.2.1"),
                self.read("unicast_peer 192.0.2.1 {\n}"),
                self.read("unicast_peer {\n192.0.2.1 {\n}\n}"),
            ],
            [
                (
                    [],
                    [
                        "1 warning: Missing '{' at beginning of configuration block "
                        "(write unicast_peer { ... })"
                    ],
                ),
                (
                    [],
                    [
                        "1 warning: Block unicast_peer has extra parameters "
                        "(put each entry on a line of its own between the braces)"
                    ],
                ),
                (
                    [UnicastPeer(ip_address("192.0.2.1"))],
                    ["2 warning: Unexpected '{' - ignoring (remove the braces)"],
                ),
            ],
        )

    def test_empty_lines_of_braces(self) -> None:
        """Braces without a word are no entry."""
        block = tree("unicast_peer {\n}")[0]
        findings = Findings()
        self.assertEqual(peers(ROW, Block(block.words, (Block((), ()),)), findings), [])


class BfdTests(SynchronousTestCase):
    def read(self, *lines: str) -> tuple[list[Tracking], list[str]]:
        text = "track_bfd {\n" + "\n".join(lines) + "\n}"
        findings = Findings()
        found = tracked(ROWS["track_bfd"], tree(text)[0], findings)
        return [each.value for each in found], said(findings.problems)

    def test_weights(self) -> None:
        """What a line leaves open stays open: the bfd_instance knows it."""
        self.assertEqual(
            self.read("a", "b weight -253", "c weight 5 reverse", "d noreverse"),
            (
                [
                    Tracking("a"),
                    Tracking("b", -253),
                    Tracking("c", 5, True),
                    Tracking("d", None, False),
                ],
                [],
            ),
        )

    def test_mistakes(self) -> None:
        """A weight outside of the range is none; a second name is ignored."""
        self.assertEqual(
            self.read("a weight 254", "b c", "d weight 5x", "e weight"),
            (
                [Tracking(name) for name in "abde"],
                [
                    "2 warning: number '254' outside range [-253, 253]: weight '254' "
                    "is invalid (ignored; the default is that of the BFD instance)",
                    "3 warning: Unknown configuration entry 'c' for track_bfd "
                    "- ignoring (put each BFD instance on a line of its own)",
                    "4 warning: invalid number '5x' for weight "
                    "(ignored; the default is that of the BFD instance)",
                    "5 error: *** Configuration line starting `e` is missing a "
                    "parameter after keyword `weight` at word position 3 "
                    "(write a value behind weight)",
                ],
            ),
        )


class InterfaceTests(SynchronousTestCase):
    def read(self, *lines: str) -> tuple[list[Tracking], list[str]]:
        text = "track_interface {\n" + "\n".join(lines) + "\n}"
        findings = Findings()
        found = tracked(ROWS["track_interface"], tree(text)[0], findings)
        return [each.value for each in found], said(findings.problems)

    def test_weights(self) -> None:
        """A weight, and whether it is reversed."""
        self.assertEqual(
            self.read(
                "eth1", "eth2 weight -10", "eth3 weight 5 reverse", "eth4 noreverse"
            ),
            (
                [
                    Tracking("eth1"),
                    Tracking("eth2", -10),
                    Tracking("eth3", 5, True),
                    Tracking("eth4", None, False),
                ],
                [],
            ),
        )

    def test_extreme_weights(self) -> None:
        """254 is coerced to 253, as keepalived does; more is refused."""
        self.assertEqual(
            self.read(
                "eth1 weight 254", "eth2 weight -254", "eth3 weight 255", "eth4 weight"
            ),
            (
                [
                    Tracking("eth1", 253),
                    Tracking("eth2", -253),
                    Tracking("eth3"),
                    Tracking("eth4"),
                ],
                [
                    "2 warning: weight 254 for track_interface must be in "
                    "[-253..253] (using 253)",
                    "3 warning: weight -254 for track_interface must be in "
                    "[-253..253] (using -253)",
                    "4 warning: number '255' outside range [-254, 254]: "
                    "weight '255' is invalid (ignored; the default is 0)",
                    "5 error: *** Configuration line starting `eth4` is missing a "
                    "parameter after keyword `weight` at word position 3 "
                    "(write a value behind weight)",
                ],
            ),
        )

    def test_two_on_a_line(self) -> None:
        """A second interface on the line is ignored."""
        self.assertEqual(
            self.read("eth1 eth2"),
            (
                [Tracking("eth1")],
                [
                    "2 warning: Unknown configuration entry 'eth2' for "
                    "track_interface - ignoring "
                    "(put each interface on a line of its own)"
                ],
            ),
        )
