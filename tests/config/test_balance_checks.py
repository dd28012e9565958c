"""The checks of real servers: what they inherit, and which are one and the same."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import Check, Schedule, Target
from hanode.config.build import build
from hanode.config.checker_words import CheckerWords, nothing
from hanode.config.tree import Block
from tests.config.balancing import BASIC, CHECKERS, model, servers
from tests.config.reading import said, tree

SEVEN = ip_address("192.0.2.7")
PATH = ("virtual_server", "real_server")


def checks(
    inside: str, real: str = "", virtual: str = "", server: str = "192.0.2.7 80"
) -> tuple[tuple[Check, ...], list[str]]:
    """The checks of a real server, and what is said; C{inside} begins on line 5."""
    found, problems = servers(
        f"virtual_server 192.0.2.1 80 {{\n{BASIC}real_server {server} {{\n{inside}\n"
        f"{real}\n}}\n{virtual}\n}}\n"
    )
    return found[0].real_servers[0].checks, problems


def tcp(inside: str = "", real: str = "", virtual: str = "") -> Check:
    """A TCP_CHECK that must be accepted without a word."""
    found, problems = checks(f"TCP_CHECK {{\n{inside}\n}}", real, virtual)
    assert problems == [], problems
    return found[0]


def bare(block: Block) -> Block:
    """The words alone, as if nobody had written them."""
    if block.children is None:
        return Block(block.words)
    inside = tuple(
        Block(each.words, tuple(map(bare, each.children or ())), each.raw)
        for each in block.children
    )
    return Block(block.words, inside, block.raw)


class ScheduleTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """A minute, one retry after a second, warmup as long as the loop."""
        self.assertEqual(tcp(), Check("TCP_CHECK", (), Target(SEVEN, 80)))
        self.assertEqual(tcp().schedule, Schedule(60.0, 1, 1.0, 60.0, False, False))

    def test_inherited(self) -> None:
        """The checker has it from its real server, that from its virtual server."""
        lines = (
            "delay_loop 5\nretry 2\ndelay_before_retry 0.5\nwarmup 4\nalpha\n"
            "connect_timeout 3"
        )
        given = Check(
            "TCP_CHECK",
            (),
            Target(SEVEN, 80, timeout=3.0),
            Schedule(5.0, 2, 0.5, 4.0, True),
        )
        self.assertEqual([tcp(lines), tcp(real=lines), tcp(virtual=lines)], [given] * 3)

    def test_nearest_wins(self) -> None:
        """What is said closer to the checker counts."""
        found = tcp(
            "retry 0\nalpha off", "delay_loop 7\nretry 5", "delay_loop 9\nalpha"
        )
        self.assertEqual(found.schedule, Schedule(7.0, 0, 1.0, 7.0, False))

    def test_own_defaults(self) -> None:
        """A checker has defaults of its own; None is delay_loop."""
        found, problems = checks("ASK_CHECK {\npath /\n}", "delay_loop 6")
        self.assertEqual(
            ([each.schedule for each in found], problems),
            ([Schedule(6.0, 3, 6.0, 6.0)], []),
        )

    def test_log_all_failures(self) -> None:
        """checker_log_all_failures is the default of log_all_failures."""
        rest = (
            f"virtual_server 192.0.2.1 80 {{\n{BASIC}real_server 192.0.2.7 80 {{\n"
            "TCP_CHECK {\n}\nTCP_CHECK {\nlog_all_failures no\n}\nBFD_CHECK {\n}\n"
            "}\n}\n"
        )
        found, problems = servers(
            f"global_defs {{\nchecker_log_all_failures\n}}\n{rest}"
        )
        self.assertEqual(
            [
                (each.keyword, each.schedule.log_all_failures)
                for each in found[0].real_servers[0].checks
            ],
            [("TCP_CHECK", True), ("TCP_CHECK", False), ("BFD_CHECK", True)],
        )

    def test_unscheduled(self) -> None:
        """A checker that only watches a fact has alpha, and nothing else."""
        found, problems = checks(
            "BFD_CHECK {\nalpha\n}\nBFD_CHECK {\ndelay_loop 3\nconnect_port 9\n}",
            "delay_loop 6\nconnect_timeout 2",
        )
        self.assertEqual(
            found,
            (
                Check("BFD_CHECK", (), Target(SEVEN, 80), Schedule(alpha=True)),
                Check("BFD_CHECK", (), Target(SEVEN, 80)),
            ),
        )
        self.assertEqual(len(problems), 2)


class TargetTests(SynchronousTestCase):
    def test_all(self) -> None:
        """Another address, port, source, device and mark."""
        found = tcp(
            "connect_ip 192.0.2.9\nconnect_port 81\nbindto 192.0.2.3\nbind_port 1024\n"
            "bind_if eth1\nfwmark 5\nconnect_timeout 0.25"
        )
        self.assertEqual(
            found.target,
            Target(
                ip_address("192.0.2.9"),
                81,
                ip_address("192.0.2.3"),
                1024,
                "eth1",
                5,
                0.25,
            ),
        )

    def test_family_of_source(self) -> None:
        """Nothing can be sent from an address of the other family."""
        found, problems = checks("TCP_CHECK {\nbindto 2001:db8::1\n}")
        self.assertEqual(found[0].target, Target(SEVEN, 80))
        self.assertEqual(
            problems,
            [
                "6 warning: (TCP_CHECK of [192.0.2.7]:80) bindto 2001:db8::1 and "
                "192.0.2.7 are of different families - ignoring (write an IPv4 "
                "address)"
            ],
        )

    def test_no_port(self) -> None:
        """A server behind a mark has no port to connect to unless it is named."""
        found, problems = servers(
            "virtual_server fwmark 1 {\nlvs_sched rr\nlvs_method DR\n"
            "real_server 192.0.2.7 {\nTCP_CHECK {\n}\nTCP_CHECK {\nconnect_port 80\n}\n"
            "ASK_CHECK {\npath /\n}\n}\n}\n"
        )
        self.assertEqual(
            [each.target.port for each in found[0].real_servers[0].checks], [0, 80, 0]
        )
        self.assertEqual(
            problems,
            [
                "5 warning: (TCP_CHECK of [192.0.2.7]:0) no port to connect to "
                "(add connect_port, or a port of the real server)"
            ],
        )

    def test_port_of_the_server(self) -> None:
        """A direct server is checked where it listens, whatever its port becomes."""
        found, problems = servers(
            f"virtual_server 192.0.2.1 80 {{\n{BASIC}"
            "real_server 192.0.2.7 81 {\nlvs_method DR\nTCP_CHECK {\n}\n}\n}\n"
        )
        real = found[0].real_servers[0]
        self.assertEqual((real.port, real.checks[0].target.port), (80, 81))
        self.assertEqual(len(problems), 1)


class OptionTests(SynchronousTestCase):
    def test_surroundings(self) -> None:
        """A checker is told what it may need of the servers around it."""
        found, problems = model(
            "global_defs {\nrouter_id r\n}\nSSL {\nca old\n}\n"
            "SSL {\ncertificate c\npassword p\n}\n"
            "bfd_instance b {\nneighbor_ip 192.0.2.2\nchecker\n}\n"
            "bfd_instance v {\nneighbor_ip 192.0.2.3\nvrrp\n}\n"
            "track_file f {\nfile /f\n}\n"
            f"virtual_server 192.0.2.1 80 {{\n{BASIC}virtualhost www\nweight 4\n"
            "real_server 192.0.2.7 80 {\nASK_CHECK {\npath /\n}\n}\n"
            "real_server 192.0.2.8 80 {\nweight 0\nvirtualhost x\n"
            "ASK_CHECK {\npath /\n}\n}\n}\n"
        )
        self.assertEqual(problems, [])
        rest = (
            frozenset({"b"}),
            frozenset({"f"}),
            (("certificate", "c"), ("password", "p")),
            "r",
        )
        self.assertEqual(
            [
                each.checks[0].options
                for each in found.virtual_servers["[192.0.2.1]:tcp:80"].real_servers
            ],
            [("/", "www", 4, *rest), ("/", "x", 0, *rest)],
        )

    def test_impossible(self) -> None:
        """A check that cannot be made is left out; its plug-in says why."""
        self.assertEqual(
            checks("ASK_CHECK {\n}"),
            ((), ["6 warning: (ASK_CHECK of [192.0.2.7]:80) no path (add path)"]),
        )

    def test_words_from_elsewhere(self) -> None:
        """What options() finds in a block of its own may be a word of all checkers."""
        found, problems = checks(
            "ASK_CHECK {\npath /\nhost {\nconnect_port 9\nfwmark 3\n}\n}"
        )
        self.assertEqual(found[0].target.port, 0)
        self.assertEqual(
            problems,
            [
                "10 warning: (ASK_CHECK of [192.0.2.7]:80) Unknown keyword 'fwmark' "
                "('fwmark' belongs in virtual_server / real_server / DNS_CHECK or in "
                "virtual_server / real_server / HTTP_GET or in virtual_server / "
                "real_server / PING_CHECK)"
            ],
        )

    def test_strays(self) -> None:
        """Words behind the keyword, and a keyword without its block."""
        found, problems = checks("TCP_CHECK now {\n}\nTCP_CHECK")
        self.assertEqual([each.keyword for each in found], ["TCP_CHECK"] * 2)
        self.assertEqual(
            problems,
            [
                "6 warning: (TCP_CHECK of [192.0.2.7]:80) TCP_CHECK has surplus words "
                "from 'now' on (ignored)",
                "8 warning: (TCP_CHECK of [192.0.2.7]:80) Missing '{' at beginning of "
                "configuration block (write TCP_CHECK ... { on one line)",
            ],
        )

    def test_unknown_checkers(self) -> None:
        """A checker that is not there is named, with those that are."""
        offer = "the checkers here are TCP_CHECK, ASK_CHECK, BFD_CHECK"
        self.assertEqual(
            checks("MISC_CHECK {\n}\nTPC_CHECK {\n}"),
            (
                (),
                [
                    "6 warning: (real_server 192.0.2.7 80) MISC_CHECK: not yet "
                    f"supported: ignored ({offer})",
                    "8 warning: (real_server 192.0.2.7 80) Unknown keyword 'TPC_CHECK' "
                    "and its block (did you mean 'TCP_CHECK'?)",
                ],
            ),
        )
        self.assertEqual(
            checks("KNOCK {\n}")[1],
            [
                "6 warning: (real_server 192.0.2.7 80) Unknown keyword 'KNOCK' and its "
                f"block ({offer})"
            ],
        )

    def test_no_plugins(self) -> None:
        """Without plug-ins every checker is one that hanode does not have."""
        found, problems = build(
            tree(
                f"virtual_server 192.0.2.1 80 {{\n{BASIC}real_server 192.0.2.7 80 {{\n"
                "TCP_CHECK {\n}\n}\n}\n"
            )
        )
        self.assertEqual(
            said(problems),
            [
                "6 warning: (real_server 192.0.2.7 80) TCP_CHECK: not yet supported: "
                "ignored"
            ],
        )

    def test_order(self) -> None:
        """Checks of one kind stay together, kinds in the order of the file."""
        found, _ = checks("BFD_CHECK {\n}\nTCP_CHECK {\n}\nBFD_CHECK {\nalpha\n}")
        self.assertEqual(
            [(each.keyword, each.schedule.alpha) for each in found],
            [("BFD_CHECK", False), ("BFD_CHECK", True), ("TCP_CHECK", False)],
        )


class SharingTests(SynchronousTestCase):
    def test_equal_checks_are_one(self) -> None:
        """Servers of the same address have the same object for the same check."""
        real = "real_server 192.0.2.7 80 {\nTCP_CHECK {\nretry 3\n}\n}\n"
        found, problems = servers(
            f"virtual_server 192.0.2.1 80 {{\n{BASIC}{real}}}\n"
            f"virtual_server 192.0.2.2 80 {{\n{BASIC}{real}"
            "real_server 192.0.2.8 80 {\nTCP_CHECK {\nretry 3\n}\n}\n}\n"
        )
        self.assertEqual(problems, [])
        a, b, c = (real.checks[0] for each in found for real in each.real_servers)
        self.assertIs(a, b)
        self.assertNotEqual(b, c)
        self.assertIs(a.schedule, c.schedule)

    def test_same_lines(self) -> None:
        """Lines that were read before mean the same, and their blocks are their own."""
        inside = "weight 3\nASK_CHECK {\npath /\n}\nTCP_CHECK {\nretry 3\n}\n"
        found, problems = servers(
            f"virtual_server 192.0.2.1 80 {{\n{BASIC}"
            + "".join(f"real_server 192.0.2.{n} 80 {{\n{inside}}}\n" for n in (7, 8))
            + "}\n"
        )
        self.assertEqual(problems, [])
        self.assertEqual(
            [
                (str(each), each.weight, [check.keyword for check in each.checks])
                for each in found[0].real_servers
            ],
            [(f"[192.0.2.{n}]:80", 3, ["ASK_CHECK", "TCP_CHECK"]) for n in (7, 8)],
        )

    def test_same_lines_elsewhere(self) -> None:
        """The same lines mean something else where something else is inherited."""
        real = "real_server 192.0.2.7 80 {\nTCP_CHECK {\n}\n}\n"
        found, problems = servers(
            "".join(
                f"virtual_server 192.0.2.{n} 80 {{\n{BASIC}delay_loop {n}\n{real}}}\n"
                for n in (1, 2)
            )
        )
        self.assertEqual(problems, [])
        self.assertEqual(
            [each.real_servers[0].checks[0].schedule.delay_loop for each in found],
            [1.0, 2.0],
        )

    def test_elsewhere(self) -> None:
        """A check of another address stays there; the others follow their server."""
        inside = "TCP_CHECK {\nconnect_ip 192.0.2.7\n}\nTCP_CHECK {\n}\n"
        found, problems = servers(
            f"virtual_server 192.0.2.1 80 {{\n{BASIC}"
            + "".join(f"real_server 192.0.2.{n} 80 {{\n{inside}}}\n" for n in (7, 8))
            + "}\n"
        )
        self.assertEqual(problems, [])
        self.assertEqual(
            [
                [str(check.target.address) for check in each.checks]
                for each in found[0].real_servers
            ],
            [["192.0.2.7", "192.0.2.7"], ["192.0.2.7", "192.0.2.8"]],
        )

    def test_without_text(self) -> None:
        """Where it is not known what was written, each is made for itself."""
        (block,) = tree(
            f"virtual_server 192.0.2.1 80 {{\n{BASIC}"
            "real_server 192.0.2.7 80 {\nTCP_CHECK {\nretry 3\n}\n}\n"
            "real_server 192.0.2.8 80 {\nTCP_CHECK {\nretry 3\n}\n}\n}\n"
        )
        lines = (*(block.children or ())[:3], *map(bare, (block.children or ())[3:]))
        found, problems = build([Block(block.words, lines)], CHECKERS)
        self.assertEqual(problems, [])
        (server,) = found.virtual_servers.values()
        self.assertEqual(
            [
                (str(each), each.checks[0].schedule.retry)
                for each in server.real_servers
            ],
            [("[192.0.2.7]:80", 3), ("[192.0.2.8]:80", 3)],
        )

    def test_same_mistakes(self) -> None:
        """A mistake that was made before is told at each place."""
        inside = "weight x\nTCP_CHECK {\nretry y\n}\n"
        found, problems = servers(
            f"virtual_server 192.0.2.1 80 {{\n{BASIC}"
            + "".join(f"real_server 192.0.2.{n} 80 {{\n{inside}}}\n" for n in (7, 8))
            + "}\n"
        )
        self.assertEqual(
            [problem.split()[0] for problem in problems], ["6", "8", "12", "14"]
        )

    def test_two_kinds_of_options(self) -> None:
        """Checks of different kinds are different, equal as their options may be."""
        words = {
            **CHECKERS,
            "ICMP": CheckerWords("ICMP", (), nothing, port=False),
        }
        found, problems = build(
            tree(
                f"virtual_server 192.0.2.1 80 {{\n{BASIC}"
                "real_server 192.0.2.7 80 {\nICMP {\n}\nTCP_CHECK {\n}\n}\n}\n"
                f"virtual_server 192.0.2.1 443 {{\n{BASIC}"
                "real_server 192.0.2.7 443 {\nICMP {\n}\n}\n}\n"
            ),
            words,
        )
        self.assertEqual(problems, [])
        a, b, c = (
            check
            for each in found.virtual_servers.values()
            for real in each.real_servers
            for check in real.checks
        )
        self.assertEqual(
            [a.keyword, b.keyword, c.keyword], ["ICMP", "TCP_CHECK", "ICMP"]
        )
        self.assertIs(a, c)
