"""Virtual servers: what names them, what is corrected, what is refused."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import RealServer, VirtualAddress, VirtualServer
from hanode.config.scalars import Script
from tests.config.balancing import BASIC, REAL, doubtful, servers, virtual

ONE = ip_address("192.0.2.1")
SEVEN = RealServer(ip_address("192.0.2.7"), 80)
HERE = "Virtual server [192.0.2.1]:tcp:80"


def names(text: str) -> tuple[list[str], list[str]]:
    """The names of the virtual servers, and what is said."""
    found, problems = servers(text)
    return [each.name for each in found], problems


def one(name: str, inside: str = BASIC + REAL) -> str:
    """The text of one virtual server."""
    return f"virtual_server {name} {{\n{inside}}}\n"


class WordTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """What is not said is as keepalived has it."""
        found = virtual("")
        self.assertEqual(
            found,
            VirtualServer(
                "[192.0.2.1]:tcp:80",
                (VirtualAddress(ONE, 80),),
                protocol="TCP",
                scheduler="rr",
                smtp_alert=False,
                real_servers=(SEVEN,),
            ),
        )
        assert found.place is not None
        self.assertEqual(found.place.line, 1)

    def test_all(self) -> None:
        """Each word has its field."""
        found = virtual(
            "lb_algo sh\nsh-port\nsh-fallback\nflag-3\nprotocol udp\nops\n"
            "persistence_timeout 60\npersistence_granularity 255.255.255.0\n"
            "persistence_engine sip\nquorum 4\nhysteresis 3\nquorum_up /up\n"
            'quorum_down "/down now"\nalpha\nomega\nha_suspend\nsmtp_alert\nweight 4'
        )
        self.assertEqual(
            found,
            VirtualServer(
                "[192.0.2.1]:udp:80",
                (VirtualAddress(ONE, 80),),
                protocol="UDP",
                scheduler="sh",
                flags=frozenset({"flag-1", "flag-2", "flag-3"}),
                one_packet=True,
                persistence=60,
                granularity=24,
                engine="sip",
                quorum=4,
                hysteresis=3,
                quorum_up=Script(("/up",)),
                quorum_down=Script(("/down", "now")),
                alpha=True,
                omega=True,
                ha_suspend=True,
                smtp_alert=True,
                real_servers=(RealServer(SEVEN.address, 80, 4),),
            ),
        )

    def test_schedulers(self) -> None:
        """All schedulers of the kernel, and a word for one that it does not have."""
        for name in (
            *("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh"),
            *("mh", "dh", "fo", "ovf", "sed", "nq", "twos"),
        ):
            self.assertEqual(virtual(f"lvs_sched {name}").scheduler, name)
        found, problems = doubtful("lvs_sched fastest")
        self.assertEqual(found.scheduler, "rr")
        self.assertEqual(len(problems), 1)
        self.assertIn("unknown lvs_scheduler 'fastest' - ignoring", problems[0])

    def test_engine(self) -> None:
        """An engine of any name is the kernel's business."""
        found = virtual("persistence_timeout\npersistence_engine rtp")
        self.assertEqual((found.engine, found.persistence), ("rtp", 360))


class IdentityTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Names are those of keepalived's log."""
        found, problems = servers(
            "virtual_server_group g {\n192.0.2.5 80\nfwmark 3\n2001:db8::2 80\n}\n"
            + one("192.0.2.1 80")
            + one("2001:db8::1 53", BASIC + "real_server 2001:db8::7 53 {\n}\n")
            + one("fwmark 7", "lvs_sched rr\nlvs_method NAT\n" + REAL)
            + one("group g", "lvs_sched rr\nlvs_method TUN\nprotocol TCP\n" + REAL)
        )
        self.assertEqual(problems, [])
        self.assertEqual(
            [(each.name, each.group, each.addresses) for each in found],
            [
                ("[192.0.2.1]:tcp:80", "", (VirtualAddress(ONE, 80),)),
                (
                    "[2001:db8::1]:tcp:53",
                    "",
                    (VirtualAddress(ip_address("2001:db8::1"), 53, family=6),),
                ),
                ("FWM 7", "", (VirtualAddress(mark=7),)),
                (
                    "[g]:0",
                    "g",
                    (
                        VirtualAddress(ip_address("192.0.2.5"), 80),
                        VirtualAddress(mark=3),
                        VirtualAddress(ip_address("2001:db8::2"), 80, family=6),
                    ),
                ),
            ],
        )
        self.assertEqual([each.granularity for each in found], [32, 128, 32, 32])

    def test_same_group_and_mark(self) -> None:
        """Another protocol of a group, another family of a mark: another name."""
        udp, six = BASIC.replace("TCP", "UDP"), "real_server 2001:db8::7 80 {\n}\n"
        short = "lvs_sched rr\nlvs_method NAT\n"
        self.assertEqual(
            names(
                "virtual_server_group g {\n192.0.2.5 80\n}\n"
                + one("group g")
                + one("group g", udp + REAL)
                + one("fwmark 7", short + REAL)
                + one("fwmark 7", short + six)
                + one("fwmark 8", short + "ip_family inet6\n" + six)
            ),
            (["[g]:0", "[g]:udp:0", "FWM 7", "FWM 7 inet6", "FWM 8"], []),
        )

    def test_family_of_a_mark(self) -> None:
        """Behind servers of both families it is IPv4; what is no server counts not."""
        tunnel = "lvs_sched rr\nlvs_method TUN\n"
        six = "real_server 2001:db8::7 80 {\n}\n"
        for inside, family in (
            (tunnel + six + REAL, 4),
            (tunnel + six, 6),
            (tunnel + "ip_family inet6\n" + REAL, 6),
            (tunnel + six + "real_server here {\n}\nreal_server {\n}\n", 6),
        ):
            found, _ = servers(one("fwmark 7", inside))
            self.assertEqual([each.family for each in found[0].addresses], [family])

    def test_one_mark_twice(self) -> None:
        """A mark with and without its family is one service."""
        found, problems = servers(
            "virtual_server_group g {\nfwmark 7\nfwmark 7 inet\n}\n" + one("group g")
        )
        self.assertEqual(problems, [])
        self.assertEqual(found[0].addresses, (VirtualAddress(mark=7),))

    def test_taken(self) -> None:
        """What another virtual server has nobody gets twice, in a group or alone."""
        marks = "lvs_sched rr\nlvs_method NAT\n" + REAL
        self.assertEqual(
            names(
                "virtual_server_group g {\n192.0.2.5 80\n192.0.2.1 80\n}\n"
                + one("192.0.2.1 80")
                + one("group g")
                + one("192.0.2.1 80")
                + one("fwmark 7", marks)
                + one("fwmark 7", marks)
                + one("192.0.2.1 80", BASIC.replace("TCP", "SCTP") + REAL)
            ),
            (
                ["[192.0.2.1]:tcp:80", "FWM 7", "[192.0.2.1]:sctp:80"],
                [
                    "12 dropped: Virtual server [g]:0: 192.0.2.1 80 belongs to virtual "
                    "server [192.0.2.1]:tcp:80 already - ignoring this one (put the "
                    "real servers of both into one)",
                    f"19 dropped: {HERE}: 192.0.2.1 80 belongs to virtual "
                    "server [192.0.2.1]:tcp:80 already - ignoring this one (put the "
                    "real servers of both into one)",
                    "32 dropped: Virtual server FWM 7: fwmark 7 belongs to virtual "
                    "server FWM 7 already - ignoring this one (put the real servers "
                    "of both into one)",
                ],
            ),
        )

    def test_bad(self) -> None:
        """What names nothing that could be balanced is dropped."""
        missing = "1 error: *** Configuration line starting `virtual_server` is missing"
        for name, problems in {
            "": [
                f"{missing} a parameter after keyword `virtual_server` at word "
                "position 2 (write IPADDR PORT, fwmark N or group NAME)"
            ],
            "here 80": [
                "1 dropped: (virtual_server here 80) virtual_server: 'here' is not an "
                "IP address - ignoring (write an IPv4 or IPv6 address)"
            ],
            "fwmark": [
                missing.replace("***", "(virtual_server fwmark) ***")
                + " a parameter after keyword `fwmark` at word position 3 "
                "(write a value behind fwmark)"
            ],
            "fwmark 0": [
                "1 warning: (virtual_server fwmark 0) number '0' outside range "
                "[1, 4294967295]: fwmark '0' is invalid (ignored)",
                "1 dropped: (virtual_server fwmark 0) invalid fwmark - ignoring "
                "(write a number from 1)",
            ],
            "group g": [
                "1 dropped: (virtual_server group g) Virtual server group g is not "
                "configured - ignoring virtual server (add virtual_server_group g "
                "{ ... } with addresses in it)"
            ],
        }.items():
            self.assertEqual(servers(one(name)), ([], problems), name)
        empty = "virtual_server_group g {\n}\n"
        self.assertEqual(
            servers(empty + one("group g")),
            (
                [],
                [
                    "3 dropped: (virtual_server group g) Virtual server group g is "
                    "empty - ignoring virtual server (add virtual_server_group g "
                    "{ ... } with addresses in it)"
                ],
            ),
        )

    def test_surplus(self) -> None:
        """Words behind the port are ignored."""
        self.assertEqual(
            names(one("192.0.2.1 80 81")),
            (
                ["[192.0.2.1]:tcp:80"],
                [
                    "1 warning: (virtual_server 192.0.2.1 80 81) surplus words from "
                    "'81' on (ignored)"
                ],
            ),
        )

    def test_no_real_servers(self) -> None:
        """A virtual server with nobody behind it does not exist."""
        dropped = (
            "1 dropped: Virtual server [192.0.2.1]:tcp:80 has no real servers - "
            "ignoring (add real_server IPADDR PORT { ... })"
        )
        self.assertEqual(servers(one("192.0.2.1 80", BASIC)), ([], [dropped]))
        found, problems = servers(
            one("192.0.2.1 80", BASIC + "real_server here 80 {\n}\n")
        )
        self.assertEqual((found, problems[-1]), ([], dropped))


class CorrectionTests(SynchronousTestCase):
    def test_nothing_said(self) -> None:
        """UDP, wlc and NAT, and keepalived says so, too."""
        found, problems = servers(one("192.0.2.1 80", REAL))
        self.assertEqual(
            (found[0].protocol, found[0].scheduler, found[0].real_servers),
            ("UDP", "wlc", (SEVEN,)),
        )
        here = "Virtual server [192.0.2.1]:udp:80"
        self.assertEqual(
            problems,
            [
                f"1 warning: {here}: no protocol set - defaulting to UDP "
                "(add protocol TCP, UDP or SCTP)",
                f"1 warning: {here}: no scheduler set - setting default 'wlc' "
                "(add lvs_sched wlc)",
                f"1 warning: {here}: no forwarding method set - setting default NAT "
                "(add lvs_method NAT, DR or TUN)",
            ],
        )

    def test_protocol_of_a_mark(self) -> None:
        """A mark has any protocol."""
        self.assertEqual(
            names(one("fwmark 7")),
            (
                ["FWM 7"],
                [
                    "4 warning: Virtual server FWM 7: protocol specified for fwmark - "
                    "it is ignored (what has the mark is balanced whatever its "
                    "protocol: remove it)"
                ],
            ),
        )
