"""The words about virtual MACs and the firewall, as they are written."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.blocks import settings
from hanode.config.findings import Findings
from hanode.config.vmac_entries import WrittenLink, is_name
from tests.config.reading import said, tree


def read(text: str, path: str = "vrrp_instance") -> tuple[object, list[str]]:
    """The only value of one line, and what is said about it."""
    findings = Findings()
    found = settings(tree(text), (path,), findings)
    return next(iter(found.values()), None), said(findings.problems)


class VmacTests(SynchronousTestCase):
    def test_nothing(self) -> None:
        """The word alone leaves all to us."""
        self.assertEqual(read("use_vmac"), (WrittenLink(), []))

    def test_everything(self) -> None:
        """Name, address and group in any order; notifications are there anyhow."""
        mac = bytes.fromhex("020000000007")
        for line in (
            "use_vmac vx 02:00:00:0:0:7 netlink_notify_msg group 9",
            "use_vmac group 9 name vx 02:00:00:00:00:07",
        ):
            expected = WrittenLink(name="vx", mac=mac, group=9)
            self.assertEqual(read(line), (expected, []))

    def test_five_octets(self) -> None:
        """Five octets are the beginning of an address."""
        self.assertEqual(
            read("use_vmac 02:00:00:00:01"),
            (WrittenLink(mac=bytes.fromhex("0200000001")), []),
        )

    def test_name_that_looks_like_a_keyword(self) -> None:
        """Behind name, anything is a name."""
        self.assertEqual(read("use_vmac name group"), (WrittenLink(name="group"), []))

    def test_bad_address(self) -> None:
        """A group address is nobody's own."""
        remedy = "(the first octet of an interface's own address is even)"
        for text in ("01:00:5e:00:00:12", "00:00:00:00:00:00"):
            expected = f"1 warning: invalid MAC address {text} for use_vmac - ignoring"
            self.assertEqual(
                read(f"use_vmac {text}"), (WrittenLink(), [f"{expected} {remedy}"])
            )

    def test_bad_name(self) -> None:
        """What the kernel does not take as a name is left out."""
        expected = (
            "1 warning: 'a_name_far_too_long' is no name of an interface - ignoring"
            " (at most 15 characters without / and blanks)"
        )
        self.assertEqual(
            read("use_vmac a_name_far_too_long"), (WrittenLink(), [expected])
        )

    def test_groups(self) -> None:
        """A group is a number, or default."""
        self.assertEqual(read("use_vmac group default"), (WrittenLink(group=0), []))
        self.assertEqual(
            read("use_vmac group x"),
            (WrittenLink(), ["1 warning: invalid number 'x' for group (ignored)"]),
        )

    def test_missing_value(self) -> None:
        """A word that needs a value has one, or it is an error."""
        found, problems = read("use_vmac group")
        self.assertEqual((found, len(problems)), (WrittenLink(), 1))
        self.assertIn("error", problems[0])

    def test_names(self) -> None:
        """netdevice(7): 15 characters, no slash, no blank, not . or .."""
        good = ["eth0", "vrrp.51", "a" * 15]
        bad = ["", "a" * 16, "a/b", "a b", ".", "..", "a:b", "a%d"]
        self.assertEqual(
            [is_name(each) for each in good + bad], [True] * 3 + [False] * 8
        )


class IpvlanTests(SynchronousTestCase):
    def test_everything(self) -> None:
        """Name, address, mode and group."""
        self.assertEqual(
            read("use_ipvlan ipv 192.0.2.7/24 vepa group 3"),
            (
                WrittenLink(
                    name="ipv",
                    mode="vepa",
                    address=ip_address("192.0.2.7"),
                    prefix=24,
                    group=3,
                ),
                [],
            ),
        )

    def test_address_without_prefix(self) -> None:
        """It is a host, then."""
        self.assertEqual(
            read("use_ipvlan fe80::7"),
            (WrittenLink(address=ip_address("fe80::7"), prefix=128), []),
        )


class GlobalTests(SynchronousTestCase):
    def test_table(self) -> None:
        """nftables names the tables; without a name it is ours."""
        self.assertEqual(read("nftables", "global_defs"), ("hanode", []))
        self.assertEqual(read("nftables fw", "global_defs"), ("fw", []))
        self.assertEqual(
            read("nftables 7", "global_defs"),
            (
                None,
                [
                    "1 warning: '7' is no name of an nftables table - ignoring"
                    " (letters, digits and _ - . /, a letter first)"
                ],
            ),
        )

    def test_prefix(self) -> None:
        """A prefix leaves room for what follows it."""
        self.assertEqual(read("vmac_prefix lan", "global_defs"), ("lan", []))
        expected = (
            "1 warning: vmac_prefix 'a_long_one' cannot begin the name of an interface"
            " - ignoring (at most 9 characters)"
        )
        self.assertEqual(
            read("vmac_prefix a_long_one", "global_defs"), (None, [expected])
        )
        found, problems = read("vmac_addr_prefix", "global_defs")
        self.assertEqual((found, len(problems)), (None, 1))

    def test_dynamic_interfaces(self) -> None:
        """It is always so; a strange option is named."""
        for line in ("dynamic_interfaces", "dynamic_interfaces allow_if_changes"):
            self.assertEqual(read(line, "global_defs"), (True, []))
        expected = (
            "1 warning: Unknown dynamic_interfaces option 'x'"
            " (write allow_if_changes or nothing)"
        )
        self.assertEqual(
            read("dynamic_interfaces x", "global_defs"), (True, [expected])
        )

    def test_iptables(self) -> None:
        """The words of iptables are accepted, and it is said what is used."""
        for word in ("vrrp_iptables INPUT OUTPUT", "vrrp_ipsets a"):
            expected = (
                f"1 warning: hanode uses nftables: {word.split()[0]} is accepted and"
                " has no effect (remove it; docs/vmac.md tells what the rules are)"
            )
            self.assertEqual(read(word, "global_defs"), (None, [expected]))
