"""Groups of virtual addresses."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_groups import groups
from hanode.config.findings import Findings
from hanode.config.tree import Block
from tests.config.reading import said, tree

FORMS = (
    "write 192.0.2.1, 192.0.2.1-9, 192.0.2.1-192.0.2.9, 2001:db8::1-f or 192.0.2.0/28"
)


def read(text: str) -> tuple[dict[str, list[str]], list[str]]:
    """Each group's entries in short, and what is said."""
    findings = Findings()
    found = groups(tree(text), findings)
    short = {
        name: [
            f"mark {each.mark} {each.family}"
            if each.mark
            else f"{each.address} {each.port} {each.family}"
            for each in entries
        ]
        for name, entries in found.items()
    }
    return short, said(findings.problems)


def entries(line: str) -> tuple[list[str], list[str]]:
    """What one line gives, and what is said about it."""
    found, problems = read(f"virtual_server_group g {{\n{line}\n}}\n")
    return found["g"], problems


class GroupTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Addresses, ranges, networks and marks become one address each."""
        for line, wanted in {
            "192.0.2.1": ["192.0.2.1 0 4"],
            "192.0.2.1 80": ["192.0.2.1 80 4"],
            "192.0.2.3-5 80": [f"192.0.2.{n} 80 4" for n in (3, 4, 5)],
            "192.0.2.254-192.0.3.1 80": [
                f"192.0.{n} 80 4" for n in ("2.254", "2.255", "3.0", "3.1")
            ],
            "192.0.2.4/31 80": ["192.0.2.4 80 4", "192.0.2.5 80 4"],
            "2001:db8::9-b": [f"2001:db8::{n} 0 6" for n in "9ab"],
            "2001:db8::ffff-2001:db8::1:0": [
                "2001:db8::ffff 0 6",
                "2001:db8::1:0 0 6",
            ],
            "2001:db8::/127 53": ["2001:db8:: 53 6", "2001:db8::1 53 6"],
            "fwmark 3": ["mark 3 0"],
            "fwmark 4294967295 inet6": ["mark 4294967295 6"],
            "fwmark 4 inet": ["mark 4 4"],
        }.items():
            self.assertEqual(entries(line), (wanted, []), line)

    def test_bad(self) -> None:
        """What is no address or range is left out, with the reason."""
        for line, said_of_it in {
            "here 80": "'here' is not an address",
            "192.0.2.5-4": "'4' is not behind '192.0.2.5'",
            "192.0.2.5-256": "'256' is not a number up to 255",
            "192.0.2.5-f": "'f' is not a number up to 255",
            "192.0.2.5-": "'' is not a number up to 255",
            "192.0.2.5-::1": "'::1' is not behind '192.0.2.5'",
            "::1-12345": "'12345' is not a number of four hexadecimal digits",
            "::1-+2": "'+2' is not a number of four hexadecimal digits",
            "::1-zz": "'zz' is not a number of four hexadecimal digits",
            "192.0.2.1/24": "192.0.2.1/24 has host bits set",
        }.items():
            word = line.split()[0]
            self.assertEqual(
                entries(line),
                (
                    [],
                    [
                        f"2 dropped: (virtual_server_group g) invalid address or range "
                        f"'{word}' - ignoring ({said_of_it}; {FORMS})"
                    ],
                ),
            )

    def test_too_many(self) -> None:
        """A network of more than 16 bits is no set of services."""
        self.assertEqual(len(entries("10.0.0.0/16")[0]), 65536)
        self.assertEqual(
            entries("10.0.0.0/15"),
            (
                [],
                [
                    "2 dropped: (virtual_server_group g) '10.0.0.0/15' has more than "
                    "65536 addresses - ignoring (use a firewall mark for so many)"
                ],
            ),
        )

    def test_bad_numbers(self) -> None:
        """Ports end at 65535, marks begin at 1, and families have names."""
        about = "2 warning: (virtual_server_group g) "
        self.assertEqual(
            entries("192.0.2.1 65536"),
            (
                [],
                [
                    f"{about}number '65536' outside range [0, 65535]: port '65536' is "
                    "invalid (ignored)"
                ],
            ),
        )
        self.assertEqual(
            entries("fwmark 0"),
            (
                [],
                [
                    f"{about}number '0' outside range [1, 4294967295]: fwmark '0' is "
                    "invalid (ignored)"
                ],
            ),
        )
        self.assertEqual(
            entries("fwmark 1 ipv6"),
            (
                ["mark 1 0"],
                [f"{about}unknown address family 'ipv6' (write inet or inet6)"],
            ),
        )
        self.assertEqual(
            entries("fwmark"),
            (
                [],
                [
                    "2 error: (virtual_server_group g) *** Configuration line starting "
                    "`fwmark` is missing a parameter after keyword `fwmark` at word "
                    "position 2 (write a value behind fwmark)"
                ],
            ),
        )

    def test_strays(self) -> None:
        """Words and braces too many, empty lines, and entries that are there twice."""
        about = "warning: (virtual_server_group g) "
        self.assertEqual(
            read(
                "virtual_server_group g x {\n192.0.2.1 80 81\n192.0.2.1-2 80 {\n}\n"
                'fwmark 1 inet 2\nfwmark 1 inet\n""\n}\n'
            ),
            (
                {"g": ["192.0.2.1 80 4", "192.0.2.2 80 4", "mark 1 4"]},
                [
                    f"1 {about}surplus words from 'x' on (put each address on a line "
                    "of its own between the braces)",
                    f"2 {about}surplus words from '81' on (put each entry on a line "
                    "of its own)",
                    f"3 {about}Unexpected '{{' - ignoring (remove the braces)",
                    f"3 {about}duplicate entry 192.0.2.1 80 - ignoring (remove one of "
                    "the two)",
                    f"5 {about}surplus words from '2' on (put each entry on a line of "
                    "its own)",
                    f"6 {about}duplicate entry fwmark 1 - ignoring (remove one of the "
                    "two)",
                    "7 dropped: (virtual_server_group g) invalid address or range '' - "
                    f"ignoring ('' is not an address; {FORMS})",
                ],
            ),
        )

    def test_overlap(self) -> None:
        """Ranges that overlap are told once for each line."""
        found, problems = read(
            "virtual_server_group g {\n192.0.2.1-3 80\n192.0.2.2-4 80\n}\n"
        )
        self.assertEqual(found["g"], [f"192.0.2.{n} 80 4" for n in range(1, 5)])
        self.assertEqual(
            problems,
            [
                "3 warning: (virtual_server_group g) duplicate entry 192.0.2.2 80 - "
                "ignoring (remove one of the two)"
            ],
        )

    def test_nothing_on_a_line(self) -> None:
        """A statement without words is no entry."""
        (block,) = tree("virtual_server_group g {\n192.0.2.1\n}\n")
        findings = Findings()
        empty = Block(block.words, (Block(()),))
        self.assertEqual(groups([empty], findings), {"g": ()})
        self.assertEqual(findings.problems, [])

    def test_names(self) -> None:
        """A group needs a name, braces, and a name that is not taken."""
        self.assertEqual(
            read(
                "virtual_server_group {\n}\nvirtual_server_group a\n"
                "virtual_server_group a {\n192.0.2.1\n}\n"
            ),
            (
                {"a": []},
                [
                    "1 error: *** Configuration line starting `virtual_server_group` "
                    "is missing a parameter after keyword `virtual_server_group` at "
                    "word position 2 (give the group a name)",
                    "3 warning: (virtual_server_group a) Missing '{' at beginning of "
                    "configuration block (write virtual_server_group NAME { ... })",
                    "4 dropped: (virtual_server_group a) already defined - ignoring "
                    "this one (give it another name)",
                ],
            ),
        )
