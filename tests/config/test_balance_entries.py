"""Values that only the load balancer's words have."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_entries import Forwarding, Server
from hanode.config.blocks import settings
from hanode.config.findings import Findings
from hanode.config.scalars import Secret
from tests.config.reading import said, tree


def read(line: str, *path: str) -> tuple[Any, list[str]]:
    """The one setting that C{line} makes in the block C{path}, and what is said."""
    findings = Findings()
    found = settings(tree(line), path or ("virtual_server",), findings)
    return next(iter(found.values()), None), said(findings.problems)


def missing(word: str, position: int, behind: str, remedy: str) -> list[str]:
    """The error about a line that ends too early."""
    return [
        f"1 error: *** Configuration line starting `{word}` is missing a parameter "
        f"after keyword `{behind}` at word position {position} ({remedy})"
    ]


class ForwardingTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Methods, tunnels, and what the tunnels have."""
        for words, wanted in {
            "NAT": Forwarding(),
            "DR": Forwarding("DR"),
            "TUN": Forwarding("TUN"),
            "TUN type ipip nocsum": Forwarding("TUN"),
            "TUN type gre csum": Forwarding("TUN", "gre", 0, "csum"),
            "TUN type gue port 6080 remcsum": Forwarding("TUN", "gue", 6080, "remcsum"),
            "TUN remcsum type gre": Forwarding("TUN", "gre", 0, "remcsum"),
        }.items():
            self.assertEqual(read(f"lvs_method {words}"), (wanted, []), words)
            self.assertEqual(read(f"lb_kind {words}"), (wanted, []), words)

    def test_bad(self) -> None:
        """What does not fit is left out, and nothing is guessed."""
        for words, wanted, problem in (
            (
                "dr",
                None,
                "unknown lvs_method 'dr' - ignoring (write NAT, DR or TUN)",
            ),
            (
                "NAT type",
                Forwarding(),
                "lvs_method has surplus words from 'type' on (one statement per line: "
                "put it on a line of its own)",
            ),
            (
                "TUN ipip",
                Forwarding("TUN"),
                "unknown tunnel option 'ipip' - ignoring (write type ipip)",
            ),
            (
                "TUN type vxlan",
                Forwarding("TUN"),
                "unknown tunnel type 'vxlan' - ignoring (write ipip or gre or gue)",
            ),
            (
                "TUN type gue",
                None,
                "tunnel type gue needs a port - ignoring (write port N)",
            ),
            (
                "TUN type gre port 7",
                Forwarding("TUN", "gre"),
                "tunnel type gre has no port - ignoring it (remove it)",
            ),
            (
                "TUN csum",
                Forwarding("TUN"),
                "tunnel type ipip has no csum - ignoring it (use type gre or gue)",
            ),
        ):
            self.assertEqual(
                read(f"lvs_method {words}"), (wanted, [f"1 warning: {problem}"]), words
            )

    def test_missing(self) -> None:
        """The method, and what type and port say, must be there."""
        self.assertEqual(
            [read(line) for line in ("lvs_method", "lvs_method TUN type")],
            [
                (
                    None,
                    missing(
                        "lvs_method",
                        2,
                        "lvs_method",
                        "write a value behind lvs_method",
                    ),
                ),
                (None, missing("lvs_method", 4, "type", "write a value behind type")),
            ],
        )

    def test_bad_port(self) -> None:
        """A port out of range is none."""
        self.assertEqual(
            read("lvs_method TUN type gue port 0"),
            (
                None,
                [
                    "1 warning: number '0' outside range [1, 65535]: port '0' is "
                    "invalid (ignored)",
                    "1 warning: tunnel type gue needs a port - ignoring (write port N)",
                ],
            ),
        )


class ValueTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Servers, protocols, persistence, files, timeouts, flushing."""
        files, shared = ("track_file",), ("global_defs",)
        address = ip_address("2001:db8::7")
        for line, path, wanted in (
            ("sorry_server 2001:db8::7 80", (), Server(address, 80)),
            ("sorry_server 2001:db8::7", (), Server(address, None)),
            ("protocol sctp", (), "SCTP"),
            ("persistence_timeout", (), 360),
            ("persistence_timeout 50", (), 50),
            ("persistence_granularity 255.255.255.0", (), (4, 24)),
            ("persistence_granularity 64", (), (6, 64)),
            ("weight 7 reverse", files, -7),
            ("weight -7 reverse", files, 7),
            ("weight -7", files, -7),
            ("init_file", files, (0, False)),
            ("init_file overwrite", files, (0, True)),
            ("init_file -5 overwrite", files, (-5, True)),
            ("lvs_timeouts tcp 7 udp 9", shared, (7, 0, 9)),
            ("lvs_timeouts tcpfin 2678400", shared, (0, 2678400, 0)),
            ("lvs_flush_on_stop", shared, "all"),
            ("lvs_flush_onstop VS", shared, "VS"),
            ("password x", ("SSL",), Secret("x")),
            ("keep_services", ("hanode",), "keep"),
        ):
            self.assertEqual(read(line, *path), (wanted, []), line)
        self.assertEqual(repr(read("password x", "SSL")[0]), "Secret('***')")

    def test_bad(self) -> None:
        """What makes no sense is left out with a warning."""
        files, shared = ("track_file",), ("global_defs",)
        mask = "(write a netmask such as 255.255.255.0, or a prefix length for IPv6)"
        for line, path, wanted, problem in (
            (
                "protocol icmp",
                (),
                None,
                "unknown protocol 'icmp' - ignoring (write TCP, UDP or SCTP)",
            ),
            *(
                (
                    f"persistence_granularity {bad}",
                    (),
                    None,
                    f"Invalid IPv4 persistence_granularity '{bad}' - ignoring {mask}",
                )
                for bad in ("255.0.255.0", "0.0.0.255", "0.0.0.0", "wide")
            ),
            (
                "persistence_granularity 129",
                (),
                None,
                "number '129' outside range [1, 128]: persistence_granularity '129' "
                "is invalid (ignored)",
            ),
            (
                "persistence_timeout 0",
                (),
                None,
                "number '0' outside range [1, 2678400]: persistence_timeout '0' is "
                "invalid (ignored)",
            ),
            (
                "weight 7 backwards",
                files,
                7,
                "unknown weight option 'backwards' (write reverse)",
            ),
            (
                "weight x reverse",
                files,
                None,
                "invalid number 'x' for weight (ignored; the default is 1)",
            ),
            (
                "init_file now",
                files,
                (0, False),
                "invalid number 'now' for init_file (ignored; the default is 0)",
            ),
            (
                "lvs_timeouts sctp udp 9",
                shared,
                (0, 0, 9),
                "Unknown option 'sctp' for lvs_timeouts - ignoring "
                "(write tcp N, tcpfin N or udp N)",
            ),
            (
                "lvs_timeouts udp x",
                shared,
                (0, 0, 0),
                "invalid number 'x' for udp (ignored)",
            ),
            (
                "lvs_flush_on_stop RS",
                shared,
                "all",
                "Unknown lvs_flush_on_stop type 'RS' - ignoring (write VS, or nothing)",
            ),
        ):
            self.assertEqual(
                read(line, *path), (wanted, [f"1 warning: {problem}"]), line
            )

    def test_dropped(self) -> None:
        """A server that has no address, or no port that there is, is none."""
        self.assertEqual(
            [read("sorry_server here 80"), read("sorry_server 192.0.2.1 http")],
            [
                (
                    None,
                    [
                        "1 dropped: sorry_server: 'here' is not an IP address - "
                        "ignoring (write an IPv4 or IPv6 address)"
                    ],
                ),
                (
                    None,
                    [
                        "1 warning: invalid number 'http' for port (ignored)",
                        "1 dropped: sorry_server: invalid port 'http' - ignoring "
                        "(write a number up to 65535)",
                    ],
                ),
            ],
        )

    def test_missing(self) -> None:
        """Words that must have an argument are errors without."""
        for line, path in (
            ("sorry_server", ()),
            ("protocol", ()),
            ("persistence_granularity", ()),
            ("weight", ("track_file",)),
            ("password", ("SSL",)),
        ):
            remedy = f"write a value behind {line}"
            self.assertEqual(
                read(line, *path), (None, missing(line, 2, line, remedy)), line
            )
        self.assertEqual(
            read("lvs_timeouts", "global_defs"),
            (
                None,
                missing(
                    "lvs_timeouts",
                    2,
                    "lvs_timeouts",
                    "write tcp N, tcpfin N or udp N",
                ),
            ),
        )
        self.assertEqual(
            read("lvs_timeouts tcp", "global_defs"),
            (None, missing("lvs_timeouts", 3, "tcp", "write a value behind tcp")),
        )
