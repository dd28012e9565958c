"""virtual_ipaddress: one address with its options on each line."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.addresses import addresses, split_prefix
from hanode.config.findings import Findings
from hanode.config.model import Address
from hanode.config.row import Keyword
from tests.config.reading import said, tree

ROW = Keyword("virtual_ipaddress", "addresses", "addresses")


def read(*lines: str) -> tuple[list[Address], list[str]]:
    """The addresses that the lines make, and what is said about them."""
    text = "virtual_ipaddress {\n" + "\n".join(lines) + "\n}"
    findings = Findings()
    found = addresses(ROW, tree(text)[0], findings)
    return [each.value for each in found], said(findings.problems)


def four(text: str, prefix: int = 32, **options: object) -> Address:
    """An IPv4 address without a device."""
    return Address(ip_address(text), prefix, "", **options)  # type: ignore[arg-type]


class PrefixTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """Without a prefix an address is a host of its own."""
        self.assertEqual(read("192.0.2.1"), ([four("192.0.2.1")], []))

    def test_ipv6_host(self) -> None:
        """An IPv6 host address is deprecated, and exempt from duplicate detection."""
        self.assertEqual(
            read("2001:db8::1", "2001:db8::2/64", "2001:db8::3/64 -nodad"),
            (
                [
                    four(
                        "2001:db8::1",
                        128,
                        flags=frozenset({"nodad"}),
                        preferred_lft=0,
                    ),
                    four("2001:db8::2", 64, flags=frozenset({"nodad"})),
                    four("2001:db8::3", 64),
                ],
                [],
            ),
        )

    def test_bad_addresses(self) -> None:
        """What is not ADDRESS/PREFIX is skipped in keepalived's words."""
        bad = ["192.0.2./24", "eth0", "/24"]
        self.assertEqual(
            read(*bad),
            (
                [],
                [
                    f"{number} warning: VRRP parsed invalid IP {text}. skipping IP... "
                    "(write ADDRESS/PREFIX)"
                    for number, text in enumerate(bad, 2)
                ],
            ),
        )

    def test_bad_prefixes(self) -> None:
        """A prefix that the family does not have makes a host, as in keepalived."""
        bad = ["33", "", "x"]
        self.assertEqual(
            read(*(f"192.0.2.1/{text}" for text in bad)),
            (
                [four("192.0.2.1")] * 3,
                [
                    f"{number} warning: Invalid address prefix len {text} for address "
                    f"192.0.2.1/{text} - using 32 (write a prefix length up to 32)"
                    for number, text in enumerate(bad, 2)
                ],
            ),
        )

    def test_split_prefix(self) -> None:
        """The prefix is a number that the family has."""
        self.assertEqual(
            [split_prefix(t) for t in ("::1/128", "::1/129", "192.0.2.1/0001")],
            [(ip_address("::1"), 128), (None, None), (None, None)],
        )


class OptionTests(SynchronousTestCase):
    def test_everything(self) -> None:
        """Each option fills its field."""
        self.assertEqual(
            read(
                "192.0.2.1/24 dev eth1 label eth1:1 scope site brd + home "
                "noprefixroute mngtmpaddr autojoin no_track preferred_lft 30"
            ),
            (
                [
                    Address(
                        IPv4Address("192.0.2.1"),
                        24,
                        "eth1",
                        broadcast=IPv4Address("192.0.2.255"),
                        label="eth1:1",
                        scope=200,
                        flags=frozenset(
                            {"home", "noprefixroute", "mngtmpaddr", "autojoin"}
                        ),
                        preferred_lft=30,
                        track=False,
                    )
                ],
                [],
            ),
        )

    def test_broadcast(self) -> None:
        """+ sets the host bits, - clears them, an address is itself."""
        self.assertEqual(
            read(
                "192.0.2.1/24 brd -",
                "192.0.2.2/24 broadcast 192.0.2.7",
                "192.0.2.3/31 brd +",
                "192.0.2.4/24 brd x",
                "192.0.2.5 peer 192.0.2.6 brd +",
            ),
            (
                [
                    four("192.0.2.1", 24, broadcast=IPv4Address("192.0.2.0")),
                    four("192.0.2.2", 24, broadcast=IPv4Address("192.0.2.7")),
                    four("192.0.2.3", 31),
                    four("192.0.2.4", 24),
                    four("192.0.2.5", 32, peer=ip_address("192.0.2.6")),
                ],
                [
                    "4 warning: Address prefix length 31 too long for broadcast "
                    "(write ADDRESS/PREFIX with a prefix up to 30)",
                    "5 warning: Invalid broadcast address 'x' for 192.0.2.4 (ignored)",
                    "6 warning: Cannot specify broadcast and peer addresses together "
                    "(ignored)",
                ],
            ),
        )

    def test_peer(self) -> None:
        """The prefix belongs to the peer; the peer is of the same family."""
        self.assertEqual(
            read(
                "192.0.2.1 peer 192.0.2.2/30",
                "192.0.2.3/24 peer 192.0.2.4",
                "192.0.2.5 peer ::1",
                "192.0.2.6 peer x",
            ),
            (
                [
                    four("192.0.2.1", 30, peer=ip_address("192.0.2.2")),
                    four("192.0.2.3", 32, peer=ip_address("192.0.2.4")),
                    four("192.0.2.5"),
                    four("192.0.2.6"),
                ],
                [
                    "3 warning: Cannot specify address prefix when specifying peer "
                    "address - ignoring /24 (the prefix length belongs to the peer)",
                    "4 warning: Invalid peer '::1' for 192.0.2.5 (ignored)",
                    "5 warning: Invalid peer 'x' for 192.0.2.6 (ignored)",
                ],
            ),
        )

    def test_scope(self) -> None:
        """A scope is a name of rt_scopes or a number up to 255."""
        self.assertEqual(
            read(
                "192.0.2.1 scope link",
                "192.0.2.2 scope 77",
                "192.0.2.3 scope here",
                "192.0.2.4 scope 256",
            ),
            (
                [
                    four("192.0.2.1", scope=253),
                    four("192.0.2.2", scope=77),
                    four("192.0.2.3"),
                    four("192.0.2.4"),
                ],
                [
                    "4 warning: Invalid scope 'here' specified for 192.0.2.3 - "
                    "ignoring (write global, site, link, host, nowhere or a number)",
                    "5 warning: number '256' outside range [0, 255]: "
                    "scope '256' is invalid (ignored)",
                ],
            ),
        )

    def test_long_label(self) -> None:
        """An address whose label the kernel would refuse is left out."""
        self.assertEqual(
            read("192.0.2.1 label 0123456789abcdef"),
            (
                [],
                [
                    "2 warning: Address label 0123456789abcdef is longer than maximum "
                    "length 15 - removing address (shorten the label)"
                ],
            ),
        )

    def test_ipv4_only(self) -> None:
        """IPv6 has no labels, scopes and broadcast addresses of its own."""
        found, problems = read("2001:db8::1/64 label x scope link brd +")
        self.assertEqual(found, [four("2001:db8::1", 64, flags=frozenset({"nodad"}))])
        self.assertEqual(
            problems,
            [
                f"2 warning: {option} is for IPv4 addresses only: 2001:db8::1 (ignored)"
                for option in ("label", "scope", "broadcast")
            ],
        )

    def test_preferred_lft(self) -> None:
        """A number of seconds, or forever; a bad one leaves the default."""
        found, problems = read(
            "2001:db8::1 preferred_lft forever", "192.0.2.1 preferred_lft x"
        )
        self.assertEqual([each.preferred_lft for each in found], [None, None])
        self.assertEqual(
            problems, ["3 warning: invalid number 'x' for preferred_lft (ignored)"]
        )

    def test_unknown_words(self) -> None:
        """Unknown words are ignored, a second address with better advice."""
        self.assertEqual(
            read("192.0.2.1 192.0.2.2 foo"),
            (
                [four("192.0.2.1")],
                [
                    "2 warning: Unknown configuration entry '192.0.2.2' for ip address "
                    "- ignoring (put each address on a line of its own)",
                    "2 warning: Unknown configuration entry 'foo' for ip address "
                    "- ignoring (remove it)",
                ],
            ),
        )

    def test_option_without_value(self) -> None:
        """A value that is missing is an error."""
        self.assertEqual(
            read("192.0.2.1 dev"),
            (
                [],
                [
                    "2 error: *** Configuration line starting `192.0.2.1` is missing a "
                    "parameter after keyword `dev` at word position 3 "
                    "(write a value behind dev)"
                ],
            ),
        )
