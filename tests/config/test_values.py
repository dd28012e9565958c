"""Readers of single values."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.findings import Findings
from hanode.config.problems import Place
from hanode.config.row import Keyword
from hanode.config.tree import Block, Word
from hanode.config.values import READERS, address_of, number_text
from tests.config.reading import messages, said


def statement(text: str) -> Block:
    """The words of C{text} as a plain line."""
    return Block(tuple(Word(word, Place("t", 1, 1)) for word in text.split()))


def read(row: Keyword, text: str) -> tuple[object, list[str]]:
    """What the reader of C{row} makes of C{text}, and what it says."""
    findings = Findings()
    return READERS[row.type](row, statement(text), findings), said(findings.problems)


STRICT = Keyword("priority", "p", "integer", low=1, high=255, strict=True, default=100)
LENIENT = Keyword("garp_master_repeat", "r", "integer", low=0, high=9, zero_means=1)
SIGNED = Keyword("weight", "w", "integer", low=-9, high=9)
SECONDS = Keyword("advert_int", "a", "seconds", "s", 0.01, 255, default=1.0)
MILLIS = Keyword(
    "min_rx", "m", "milliseconds", "ms", 1, 4294967, default=10.0, strict=True
)
POLLS = Keyword("demand", "d", "milliseconds or nothing", "ms", 1, 9, value=7)
WHOLE = Keyword("garp_master_delay", "d", "whole seconds", "s", 0, 4294)
BOOLEAN = Keyword("strict_mode", "s", "boolean")
FLAG = Keyword("nopreempt", "preempt", "flag", value=False)
CHOICE = Keyword(
    "state", "s", "choice", choices=("MASTER", "BACKUP"), otherwise=", BACKUP"
)
WORD = Keyword("router_id", "r", "word")
ADDRESS = Keyword("unicast_src_ip", "s", "address")
GROUP = Keyword("mcast_dst_ip", "g", "multicast")
GROUP4 = Keyword("vrrp_mcast_group4", "g", "multicast", family=4)
GROUP6 = Keyword("vrrp_mcast_group6", "g", "multicast", family=6)
USER = Keyword("script_user", "u", "user")


class IntegerTests(SynchronousTestCase):
    def test_inside_the_range(self) -> None:
        """Both ends of the range are allowed."""
        self.assertEqual(
            [read(STRICT, f"priority {n}") for n in ("1", "007", "255")],
            [(1, []), (7, []), (255, [])],
        )

    def test_outside_the_range(self) -> None:
        """Outside of the range the option is not set."""
        ignored = "is invalid (ignored; the default is 100)"
        self.assertEqual(
            [read(STRICT, f"priority {n}") for n in ("0", "256", "9" * 5000)],
            [
                (
                    None,
                    [
                        f"1 warning: number '{n}' outside range [1, 255]: "
                        f"priority '{n}' {ignored}"
                    ],
                )
                for n in ("0", "256", "9" * 5000)
            ],
        )

    def test_strict_refuses_junk(self) -> None:
        """Signs, letters, other digits and trailing junk are no numbers."""
        for text in ("x", "-1", "+1", "10s", "0x10", "1_0", "\u0663", "1.5"):
            self.assertEqual(
                read(STRICT, f"priority {text}"),
                (
                    None,
                    [
                        f"1 warning: invalid number '{text}' for priority "
                        "(ignored; the default is 100)"
                    ],
                ),
            )

    def test_lenient_takes_the_leading_digits(self) -> None:
        """Where keepalived is lenient, 5s is 5, with a warning."""
        self.assertEqual(
            [read(LENIENT, f"garp_master_repeat {text}") for text in ("5s", "s5")],
            [
                (
                    5,
                    [
                        "1 warning: WARNING - invalid number '5s' for "
                        "garp_master_repeat (using 5)"
                    ],
                ),
                (
                    None,
                    ["1 warning: invalid number 's5' for garp_master_repeat (ignored)"],
                ),
            ],
        )

    def test_zero_where_it_makes_no_sense(self) -> None:
        """0 frames become one."""
        self.assertEqual(
            read(LENIENT, "garp_master_repeat 0"),
            (
                1,
                ["1 warning: garp_master_repeat must be greater than 0, setting to 1"],
            ),
        )

    def test_sign(self) -> None:
        """A range below zero allows a sign."""
        self.assertEqual(
            [read(SIGNED, f"weight {text}") for text in ("-9", "+9")],
            [(-9, []), (9, [])],
        )

    def test_missing(self) -> None:
        """A missing argument is an error in keepalived's words."""
        expected = [
            "1 error: *** Configuration line starting `priority` is missing a "
            "parameter after keyword `priority` at word position 2 "
            "(write a value behind priority)"
        ]
        self.assertEqual(read(STRICT, "priority"), (None, expected))

    def test_surplus(self) -> None:
        """More words than arguments are pointed out, keywords among them."""
        self.assertEqual(
            [read(STRICT, "priority 100 state"), read(STRICT, "priority 100 x")],
            [
                (
                    100,
                    [
                        "1 warning: priority has surplus words from 'state' on "
                        "(one statement per line: put it on a line of its own)"
                    ],
                ),
                (
                    100,
                    ["1 warning: priority has surplus words from 'x' on (ignored)"],
                ),
            ],
        )


class SecondsTests(SynchronousTestCase):
    def test_decimals(self) -> None:
        """Seconds may have decimals, with or without digits before the point."""
        self.assertEqual(
            [read(SECONDS, f"advert_int {text}") for text in ("1", "0.05", ".5", "2.")],
            [(1.0, []), (0.05, []), (0.5, []), (2.0, [])],
        )

    def test_too_many_decimals(self) -> None:
        """Beyond microseconds is rounded half up."""
        self.assertEqual(
            read(SECONDS, "advert_int 0.0123455"),
            (
                0.012346,
                ["1 warning: '0.0123455' has too many decimal places (using 0.012346)"],
            ),
        )

    def test_outside_the_range(self) -> None:
        """Zero, 256 and absurd numbers are outside."""
        for text in ("0", "256", "9" * 50, "1" + "0" * 39):
            value, said_ = read(SECONDS, f"advert_int {text}")
            self.assertEqual(
                (value, said_),
                (
                    None,
                    [
                        f"1 warning: number '{text}' outside range [0.01, 255]: "
                        f"advert_int '{text}' is invalid (ignored; the default is 1)"
                    ],
                ),
            )

    def test_lenient(self) -> None:
        """Trailing junk is reported and dropped; a sign is no number."""
        self.assertEqual(
            [read(SECONDS, f"advert_int {text}") for text in ("1.5s", "-1", "")],
            [
                (
                    1.5,
                    [
                        "1 warning: WARNING - invalid number '1.5s' for advert_int "
                        "(using 1.5)"
                    ],
                ),
                (
                    None,
                    [
                        "1 warning: invalid number '-1' for advert_int "
                        "(ignored; the default is 1)"
                    ],
                ),
                (
                    None,
                    [
                        "1 error: *** Configuration line starting `advert_int` is "
                        "missing a parameter after keyword `advert_int` at word "
                        "position 2 (write a value behind advert_int)"
                    ],
                ),
            ],
        )

    def test_whole_seconds(self) -> None:
        """Whole seconds are floats inside, and have no decimals."""
        value, problems = read(WHOLE, "garp_master_delay 5")
        self.assertEqual((value, type(value), problems), (5.0, float, []))
        self.assertEqual(read(WHOLE, "garp_master_delay x")[0], None)

    def test_bounds_without_needless_decimals(self) -> None:
        """The range in the message reads as in keepalived's."""
        self.assertEqual(
            [number_text(n) for n in (0.000001, 4294.967295, 1, 0)],
            ["0.000001", "4294.967295", "1", "0"],
        )


class MillisecondsTests(SynchronousTestCase):
    def test_microseconds(self) -> None:
        """Milliseconds with decimals are whole microseconds."""
        self.assertEqual(
            [read(MILLIS, f"min_rx {t}") for t in ("1", "3.312", "10.5", "4294967")],
            [(1000, []), (3312, []), (10500, []), (4294967000, [])],
        )

    def test_too_many_decimals(self) -> None:
        """Beyond microseconds is rounded half up."""
        self.assertEqual(
            read(MILLIS, "min_rx 10.1235"),
            (
                10124,
                ["1 warning: '10.1235' has too many decimal places (using 10.124)"],
            ),
        )

    def test_refused(self) -> None:
        """0, a fraction of 1, too much and junk behind the number are refused."""
        outside = "outside range [1, 4294967]"
        instead = "(ignored; the default is 10)"
        self.assertEqual(
            [read(MILLIS, f"min_rx {t}") for t in ("0.5", "4294968", "10ms")],
            [
                (None, [f"1 warning: {message} {instead}"])
                for message in (
                    f"number '0.5' {outside}: min_rx '0.5' is invalid",
                    f"number '4294968' {outside}: min_rx '4294968' is invalid",
                    "invalid number '10ms' for min_rx",
                )
            ],
        )
        self.assertEqual(read(MILLIS, "min_rx")[0], None)

    def test_or_nothing(self) -> None:
        """The argument may be left out where the row has a value for that."""
        self.assertEqual(
            [read(POLLS, text) for text in ("demand", "demand 2")],
            [(7, []), (2000, [])],
        )


class WordTests(SynchronousTestCase):
    def test_boolean(self) -> None:
        """Six words in lower case; nothing is true, anything else changes nothing."""
        words = ("", "on", "true", "yes", "off", "false", "no")
        self.assertEqual(
            [read(BOOLEAN, f"strict_mode {word}") for word in words],
            [(True, [])] * 4 + [(False, [])] * 3,
        )
        self.assertEqual(
            read(BOOLEAN, "strict_mode TRUE"),
            (
                None,
                [
                    "1 warning: Invalid value 'TRUE' for strict_mode (write on, true, "
                    "yes, off, false or no, in lower case)"
                ],
            ),
        )

    def test_flag(self) -> None:
        """A flag takes no argument."""
        self.assertEqual(
            [read(FLAG, "nopreempt"), read(FLAG, "nopreempt on")],
            [
                (False, []),
                (
                    False,
                    ["1 warning: nopreempt has surplus words from 'on' on (ignored)"],
                ),
            ],
        )

    def test_choice(self) -> None:
        """Only the words of the row are taken."""
        self.assertEqual(
            [read(CHOICE, "state MASTER"), read(CHOICE, "state master")],
            [
                ("MASTER", []),
                (
                    None,
                    [
                        "1 warning: unknown state 'master', BACKUP "
                        "(write MASTER or BACKUP)"
                    ],
                ),
            ],
        )
        self.assertEqual(read(CHOICE, "state")[0], None)

    def test_word(self) -> None:
        """A word is taken as it is."""
        self.assertEqual(read(WORD, "router_id a"), ("a", []))
        self.assertEqual(read(WORD, "router_id")[0], None)

    def test_user(self) -> None:
        """A user alone, or a user and a group."""
        self.assertEqual(
            [read(USER, "script_user a"), read(USER, "script_user a b")],
            [(("a", None), []), (("a", "b"), [])],
        )
        self.assertEqual(read(USER, "script_user")[0], None)


class AddressTests(SynchronousTestCase):
    def test_address(self) -> None:
        """Both families; anything else is ignored with a warning."""
        self.assertEqual(
            [
                read(ADDRESS, "unicast_src_ip 192.0.2.1"),
                read(ADDRESS, "unicast_src_ip fe80::1"),
                read(ADDRESS, "unicast_src_ip eth0"),
                read(ADDRESS, "unicast_src_ip")[0],
            ],
            [
                (ip_address("192.0.2.1"), []),
                (ip_address("fe80::1"), []),
                (
                    None,
                    [
                        "1 warning: unicast_src_ip: 'eth0' is not an IP address "
                        "(ignored)"
                    ],
                ),
                None,
            ],
        )

    def test_zone(self) -> None:
        """An address with a zone is not one of the configuration language."""
        self.assertEqual(address_of("fe80::1%eth0"), None)
        for text in ("256.0.0.1", "01.2.3.4", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", ""):
            self.assertEqual(address_of(text), None)
        for text in ("0.0.0.0", "255.255.255.255", "192.0.2.10", "::1"):
            self.assertEqual(address_of(text), ip_address(text))

    def test_multicast(self) -> None:
        """A group must be multicast and of the row's family."""
        self.assertEqual(
            [
                read(GROUP, "mcast_dst_ip 224.0.0.19"),
                read(GROUP, "mcast_dst_ip ff02::13"),
                read(GROUP, "mcast_dst_ip 192.0.2.1"),
                read(GROUP4, "vrrp_mcast_group4 ff02::12"),
                read(GROUP6, "vrrp_mcast_group6 224.0.0.18"),
                read(GROUP6, "vrrp_mcast_group6 x")[0],
            ],
            [
                (ip_address("224.0.0.19"), []),
                (ip_address("ff02::13"), []),
                (
                    None,
                    [
                        "1 warning: mcast_dst_ip: '192.0.2.1' is not a multicast "
                        "address (ignored)"
                    ],
                ),
                (
                    None,
                    [
                        "1 warning: vrrp_mcast_group4: 'ff02::12' is not an IPv4 "
                        "multicast address (ignored)"
                    ],
                ),
                (
                    None,
                    [
                        "1 warning: vrrp_mcast_group6: '224.0.0.18' is not an IPv6 "
                        "multicast address (ignored)"
                    ],
                ),
                None,
            ],
        )

    def test_wide_ipv6_group(self) -> None:
        """An IPv6 group beyond the link is used, with a warning."""
        self.assertEqual(
            read(GROUP6, "vrrp_mcast_group6 ff05::12"),
            (
                ip_address("ff05::12"),
                [
                    "1 warning: vrrp_mcast_group6: 'ff05::12' is not link-local "
                    "multicast (RFC 9568 section 5.1.2.2 uses ff02::12)"
                ],
            ),
        )


class JunkTests(SynchronousTestCase):
    @given(
        st.sampled_from([STRICT, LENIENT, SIGNED, SECONDS, WHOLE, BOOLEAN, GROUP6]),
        st.text(),
    )
    def test_no_text_makes_a_reader_raise(self, row: Keyword, text: str) -> None:
        """Whatever stands there, the reader returns a value or a problem."""
        findings = Findings()
        word = Word(text, Place("t", 1, 1))
        block = Block((Word(row.word, Place("t", 1, 1)), word))
        value = READERS[row.type](row, block, findings)
        self.assertTrue(value is not None or messages(findings.problems))
