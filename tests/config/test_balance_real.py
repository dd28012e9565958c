"""Real servers and sorry servers."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import RealServer
from hanode.config.scalars import Script
from tests.config.balancing import BASIC, doubtful, model, servers, virtual

SEVEN = ip_address("192.0.2.7")
DIRECT = "lvs_sched rr\nlvs_method DR\nprotocol TCP\n"


def real(lines: str, more: str = "") -> RealServer:
    """A real server that must be accepted without a word."""
    return virtual(
        more, real=f"real_server 192.0.2.7 80 {{\n{lines}\n}}\n"
    ).real_servers[0]


def ports(found: Any) -> list[str]:
    """The real servers of a virtual server in short."""
    return [str(each) for each in found.real_servers]


class RealServerTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """Without a word it is one of weight 1 behind NAT."""
        found = real("")
        self.assertEqual(found, RealServer(SEVEN, 80))
        assert found.place is not None
        self.assertEqual((found.place.line, found.place.column), (6, 1))

    def test_all(self) -> None:
        """Each word has its field."""
        self.assertEqual(
            real(
                "weight 0\nlvs_method TUN type gue port 6080 csum\nuthreshold 9\n"
                'lthreshold 9\ninhibit_on_failure\nnotify_up "/up now" nobody\n'
                "notify_down /down\nsmtp_alert no\ndrain 2.5"
            ),
            RealServer(
                SEVEN,
                80,
                0,
                "TUN",
                "gue",
                6080,
                "csum",
                9,
                9,
                True,
                2.5,
                Script(("/up", "now"), "nobody"),
                Script(("/down",)),
                smtp_alert=False,
            ),
        )

    def test_inherited(self) -> None:
        """Weight, inhibit_on_failure and drain are the virtual server's."""
        more = "weight 5\ninhibit_on_failure\ndrain 60"
        self.assertEqual(
            [real("", more), real("weight 6\ninhibit_on_failure no\ndrain 0", more)],
            [
                RealServer(SEVEN, 80, 5, inhibit=True, drain=60.0),
                RealServer(SEVEN, 80, 6),
            ],
        )

    def test_own_method(self) -> None:
        """Each may have its own way, and all may have one without a default."""
        lines = (
            "real_server 192.0.2.7 80 {\nlvs_method DR\n}\n"
            "real_server 192.0.2.8 80 {\nlvs_method TUN\n}\n"
        )
        found, problems = doubtful("", real=lines, basic="lvs_sched rr\nprotocol TCP\n")
        self.assertEqual(
            ([each.method for each in found.real_servers], problems),
            (["DR", "TUN"], []),
        )

    def test_smtp_alert(self) -> None:
        """Mails are sent unless smtp_alert_checker or smtp_alert says no."""
        rest = (
            f"virtual_server 192.0.2.1 80 {{\n{BASIC}real_server 192.0.2.7 80 {{\n}}\n"
            "real_server 192.0.2.8 80 {\nsmtp_alert\n}\n}\n"
        )
        found, problems = servers(f"global_defs {{\nsmtp_alert_checker no\n}}\n{rest}")
        self.assertEqual(
            [each.smtp_alert for each in found[0].real_servers], [False, True]
        )
        self.assertEqual((found[0].smtp_alert, problems), (False, []))

    def test_thresholds(self) -> None:
        """The kernel wants the lower one below the upper one."""
        found, problems = doubtful(
            "", real="real_server 192.0.2.7 80 {\nlthreshold 9\nuthreshold 8\n}\n"
        )
        self.assertEqual(found.real_servers, (RealServer(SEVEN, 80, upper=8),))
        self.assertEqual(
            problems,
            [
                "7 warning: (real_server 192.0.2.7 80) lthreshold 9 is more than "
                "uthreshold 8 - ignoring it (the lower one must be below the upper one)"
            ],
        )

    def test_bad(self) -> None:
        """What has no address, a bad port, or too many words."""
        found, problems = doubtful(
            "",
            real="real_server {\n}\nreal_server here 80 {\n}\n"
            "real_server 192.0.2.7 http {\n}\nreal_server 192.0.2.8 80 81 {\n}\n"
            "real_server 192.0.2.9 80",
        )
        self.assertEqual(ports(found), ["[192.0.2.8]:80", "[192.0.2.9]:80"])
        self.assertEqual(
            problems,
            [
                "6 error: *** Configuration line starting `real_server` is missing a "
                "parameter after keyword `real_server` at word position 2 "
                "(write a value behind real_server)",
                "8 dropped: Virtual server [192.0.2.1]:tcp:80: 'here' is not an IP "
                "address - ignoring (write an IPv4 or IPv6 address)",
                "10 warning: invalid number 'http' for port (ignored)",
                "10 dropped: Virtual server [192.0.2.1]:tcp:80: invalid port 'http' - "
                "ignoring (write a number up to 65535)",
                "12 warning: (real_server 192.0.2.8 80 81) surplus words from '81' on "
                "(ignored)",
                "14 warning: (real_server 192.0.2.9 80) Missing '{' at beginning of "
                "configuration block (write real_server ... { on one line)",
            ],
        )

    def test_duplicate(self) -> None:
        """Of two with one address and port the first counts."""
        found, problems = doubtful(
            "",
            real="real_server 192.0.2.7 {\nweight 2\n}\nreal_server 192.0.2.7 80 {\n}\n"
            "real_server 192.0.2.7 81 {\n}\n",
        )
        self.assertEqual(ports(found), ["[192.0.2.7]:80", "[192.0.2.7]:81"])
        self.assertEqual(
            problems,
            [
                "9 warning: Virtual server [192.0.2.1]:tcp:80: duplicate real server "
                "[192.0.2.7]:80 - ignoring this one (remove one of the two)"
            ],
        )


class PortTests(SynchronousTestCase):
    LINES = (
        "real_server 192.0.2.7 {\n}\nreal_server 192.0.2.8 81 {\n}\n"
        "real_server 192.0.2.9 80 {\n}\n"
    )

    def read(self, name: str, more: str = "", basic: str = DIRECT) -> Any:
        """The servers behind a virtual server that passes packets as they are."""
        found, problems = servers(
            f"{more}virtual_server {name} {{\n{basic}{self.LINES}}}\n"
        )
        return ports(found[0]), problems

    def test_direct(self) -> None:
        """Packets that pass unchanged arrive at the port that they were sent to."""
        self.assertEqual(
            self.read("192.0.2.1 80"),
            (
                ["[192.0.2.7]:80", "[192.0.2.8]:80", "[192.0.2.9]:80"],
                [
                    "7 warning: Virtual server [192.0.2.1]:tcp:80: DR real server "
                    "[192.0.2.8]:81 has another port - resetting to 80 (DR does not "
                    "change ports: write 80, or use NAT)"
                ],
            ),
        )

    def test_translated(self) -> None:
        """NAT translates the port, too."""
        self.assertEqual(
            self.read("192.0.2.1 80", basic=BASIC),
            (["[192.0.2.7]:80", "[192.0.2.8]:81", "[192.0.2.9]:80"], []),
        )

    def test_group(self) -> None:
        """The port of a group is that of all its addresses, else each has its own."""
        one = "virtual_server_group g {\n192.0.2.1-3 80\n}\n"
        two = "virtual_server_group g {\n192.0.2.1 80\n192.0.2.1 443\n}\n"
        marked = "virtual_server_group g {\n192.0.2.1 80\nfwmark 1\n}\n"
        self.assertEqual(
            [self.read("group g", more)[0] for more in (one, two, marked)],
            [
                ["[192.0.2.7]:80", "[192.0.2.8]:80", "[192.0.2.9]:80"],
                ["[192.0.2.7]:0", "[192.0.2.8]:81", "[192.0.2.9]:80"],
                ["[192.0.2.7]:80", "[192.0.2.8]:81", "[192.0.2.9]:80"],
            ],
        )

    def test_mark(self) -> None:
        """What comes with a mark has any port."""
        self.assertEqual(
            self.read("fwmark 1", basic="lvs_sched rr\nlvs_method DR\n"),
            (["[192.0.2.7]:0", "[192.0.2.8]:81", "[192.0.2.9]:80"], []),
        )


class FamilyTests(SynchronousTestCase):
    def test_mixed(self) -> None:
        """Only a tunnel carries packets of another family."""
        found, problems = doubtful(
            "",
            real="real_server 2001:db8::7 80 {\n}\nreal_server 192.0.2.7 80 {\n}\n"
            "real_server 2001:db8::8 80 {\nlvs_method TUN\n}\n",
        )
        self.assertEqual(ports(found), ["[192.0.2.7]:80", "[2001:db8::8]:80"])
        self.assertEqual(
            problems,
            [
                "6 dropped: Virtual server [192.0.2.1]:tcp:80: address family of real "
                "server 2001:db8::7 differs, which only TUN can do - ignoring "
                "(use lvs_method TUN, or a server of the same family)"
            ],
        )

    def test_group_of_both(self) -> None:
        """A group of both families takes servers of both, each for its own."""
        six = "real_server 2001:db8::7 80 {\n}\n"
        found, problems = servers(
            "virtual_server_group g {\n2001:db8::1 80\n192.0.2.1 80\n}\n"
            f"virtual_server group g {{\n{BASIC}{six}"
            "real_server 192.0.2.7 80 {\n}\n}\n"
        )
        self.assertEqual(problems, [])
        self.assertEqual(ports(found[0]), ["[2001:db8::7]:80", "[192.0.2.7]:80"])
        self.assertEqual(found[0].granularity, 128)


class SorryTests(SynchronousTestCase):
    def test_all(self) -> None:
        """It has the virtual server's port and method unless it names its own."""
        self.assertEqual(
            [
                (each.sorry, each.sorry_inhibit)
                for each in (
                    virtual(""),
                    virtual("sorry_server 192.0.2.9"),
                    virtual(
                        "sorry_server 192.0.2.9 81\nsorry_server_inhibit\n"
                        "sorry_server_lvs_method TUN type gre",
                        name="192.0.2.1 81",
                        real="real_server 192.0.2.7 80 {\n}\n",
                    ),
                )
            ],
            [
                (None, False),
                (RealServer(ip_address("192.0.2.9"), 80), False),
                (
                    RealServer(ip_address("192.0.2.9"), 81, method="TUN", tunnel="gre"),
                    True,
                ),
            ],
        )

    def test_nobody_to_inhibit(self) -> None:
        """sorry_server_inhibit without a sorry_server means nothing."""
        found, problems = doubtful("sorry_server_inhibit")
        self.assertEqual((found.sorry, found.sorry_inhibit), (None, False))
        self.assertEqual(
            problems,
            [
                "5 warning: Virtual server [192.0.2.1]:tcp:80: no sorry_server to "
                "inhibit (add sorry_server IPADDR PORT)"
            ],
        )

    def test_unreachable(self) -> None:
        """A sorry server of another family needs a tunnel, too."""
        found, problems = doubtful("sorry_server 2001:db8::9 80")
        self.assertEqual(found.sorry, None)
        self.assertEqual(
            problems,
            [
                "5 dropped: Virtual server [192.0.2.1]:tcp:80: address family of real "
                "server 2001:db8::9 differs, which only TUN can do - ignoring "
                "(use lvs_method TUN, or a server of the same family)"
            ],
        )

    def test_direct(self) -> None:
        """Its port is corrected as that of a real server is."""
        found, problems = doubtful("sorry_server 192.0.2.9 81", basic=DIRECT)
        self.assertEqual(str(found.sorry), "[192.0.2.9]:80")
        self.assertEqual(len(problems), 1)


class ManyTests(SynchronousTestCase):
    def test_places(self) -> None:
        """A server that is like another one stands at its own place."""
        lines = "".join(
            f"real_server 192.0.2.{n} 80 {{\nweight 2\n}}\n" for n in (7, 8)
        )
        found, problems = model(f"virtual_server 192.0.2.1 80 {{\n{BASIC}{lines}}}\n")
        self.assertEqual(problems, [])
        self.assertEqual(
            [
                (str(each), each.weight, each.place.line)
                for each in found.virtual_servers["[192.0.2.1]:tcp:80"].real_servers
                if each.place is not None
            ],
            [("[192.0.2.7]:80", 2, 5), ("[192.0.2.8]:80", 2, 8)],
        )
