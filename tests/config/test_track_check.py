"""A checker as a tracker."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import ANY, Check, Schedule, Target
from hanode.config.build import build
from hanode.config.track_check import inline
from hanode.config.track_model import Description, Tracked
from hanode.config.tracker_words import TrackerWords
from tests.config.balancing import CHECKERS
from tests.config.reading import BASIC, said, tree

TRACKERS = {"track_check": TrackerWords("track_check", "check", "check", inline=inline)}
SCHEDULE = Schedule(1.0, 1, 1.0, 0.0)
TARGET = Target(ip_address("10.0.0.1"), 80)


def read(text: str) -> tuple[tuple[Tracked, ...], dict[str, object], list[str]]:
    """What VI_1 tracks, what that is, and what is said."""
    model, problems = build(
        tree(f"vrrp_instance VI_1 {{\n{BASIC}{text}\n}}\n"), CHECKERS, TRACKERS
    )
    found = model.trackers.get("check", {})
    return (
        model.instances["VI_1"].track,
        {name: each.options for name, each in found.items()},
        said(problems),
    )


class InlineTests(SynchronousTestCase):
    def test_named(self) -> None:
        """A name, a weight, and what the checker says about when and where."""
        self.assertEqual(
            read(
                """track_check web {
                    TCP_CHECK {
                        connect_ip 10.0.0.1
                        connect_port 80
                        connect_timeout 2
                        delay_loop 5
                        retry 3
                    }
                    weight -20 reverse
                }"""
            ),
            (
                (Tracked("check", "web", -20, True),),
                {
                    "web": Check(
                        "TCP_CHECK",
                        (),
                        Target(ip_address("10.0.0.1"), 80, timeout=2.0),
                        Schedule(5.0, 3, 1.0, 0.0),
                    )
                },
                [],
            ),
        )

    def test_nameless(self) -> None:
        """Without a name it is called by what it does; two are told apart."""
        one = "track_check {{\nTCP_CHECK {{\nconnect_ip {}\nconnect_port {}\n{}}}\n}}\n"
        self.assertEqual(
            read(
                one.format("10.0.0.1", 80, "")
                + one.format("10.0.0.1", 80, "")
                + one.format("10.0.0.1", 80, "connect_timeout 1\n")
                + one.format("fd00::1", 25, "")
            )[0],
            (
                Tracked("check", "TCP_CHECK 10.0.0.1:80"),
                Tracked("check", "TCP_CHECK 10.0.0.1:80 #2"),
                Tracked("check", "TCP_CHECK [fd00::1]:25"),
            ),
        )

    def test_no_port(self) -> None:
        """A checker without ports needs none, one that does not connect no address."""
        found = read(
            "track_check {\nASK_CHECK {\nconnect_ip 10.0.0.1\npath /\n}\n}\n"
            "track_check {\nBFD_CHECK {\n}\n}"
        )
        self.assertEqual(
            (found[0], found[2]),
            (
                (
                    Tracked("check", "ASK_CHECK 10.0.0.1"),
                    Tracked("check", "BFD_CHECK"),
                ),
                [],
            ),
        )
        self.assertEqual(found[1]["BFD_CHECK"].target.address, ANY)  # type: ignore[attr-defined]

    def test_mistakes(self) -> None:
        """Without an address, a port or a checker it is ignored; two are too many."""
        track, found, problems = read(
            "track_check a {\nTCP_CHECK {\nconnect_port 80\n}\n}\n"
            "track_check b {\nTCP_CHECK {\nconnect_ip 10.0.0.1\n}\n}\n"
            "track_check c {\n}\n"
            "track_check d e {\nBFD_CHECK {\n}\nBFD_CHECK {\n}\n}\n"
            "track_check f {\nASK_CHECK {\nconnect_ip 10.0.0.1\n}\n}\n"
        )
        self.assertEqual((track, found), ((), {}))
        self.assertEqual(
            [each.partition(": ")[2] for each in problems],
            [
                "TCP_CHECK in track_check has no connect_ip - ignoring (add connect_ip "
                "ADDRESS: there is no real_server that it could be taken from)",
                "(TCP_CHECK of track_check) no port to connect to (add connect_port, "
                "or a port of the real server)",
                "TCP_CHECK in track_check has no connect_port - ignoring (add "
                "connect_port PORT: there is no real_server that it could be taken "
                "from)",
                "track_check with no checkers - ignoring (write one checker into each: "
                "a block like TCP_CHECK { connect_ip ... })",
                "track_check has surplus words from 'e' on (ignored)",
                "track_check with 2 checkers - ignoring (write one checker into each: "
                "a block like TCP_CHECK { connect_ip ... })",
                "(ASK_CHECK of track_check) no path (add path)",
            ],
        )

    def test_description(self) -> None:
        """The description has its place, for the doubts about it."""
        text = (
            f"vrrp_instance VI_1 {{\n{BASIC}track_check x {{\nBFD_CHECK {{\n}}\n}}\n}}"
        )
        model, _ = build(tree(text), CHECKERS, TRACKERS)
        check = Check("BFD_CHECK", (), Target(ANY), Schedule())
        self.assertEqual(
            model.trackers["check"], {"x": Description("check", "x", options=check)}
        )
