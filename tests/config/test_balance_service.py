"""What the kernel is told of a virtual server, and when it serves."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.config.balancing import BASIC, REAL, doubtful, servers, virtual

HERE = "Virtual server [192.0.2.1]:tcp:80"


def one(name: str, inside: str) -> str:
    """The text of one virtual server."""
    return f"virtual_server {name} {{\n{inside}}}\n"


class FlagTests(SynchronousTestCase):
    def test_maglev_flags(self) -> None:
        """The flags of mh are the same bits as those of sh."""
        found = virtual("lvs_sched mh\nmh-port\nmh-fallback")
        self.assertEqual(found.flags, frozenset({"flag-1", "flag-2"}))
        self.assertEqual(
            doubtful("sh-port\nflag-2\nmh-fallback")[1],
            [
                f"5 warning: {HERE}: sh-port is for scheduler sh, not for rr - ignoring"
                " (remove it, or use lvs_sched sh)",
                f"7 warning: {HERE}: mh-fallback is for scheduler mh, not for rr - "
                "ignoring (remove it, or use lvs_sched mh)",
            ],
        )

    def test_hashed(self) -> None:
        """keepalived takes the word and does nothing with it."""
        self.assertEqual(
            doubtful("hashed")[1],
            [
                f"5 warning: {HERE}: hashed has no effect (it is for the kernel: "
                "remove it)"
            ],
        )


class CorrectionTests(SynchronousTestCase):
    def test_ops(self) -> None:
        """One packet scheduling is for UDP, or for a mark that may be UDP."""
        marked = one("fwmark 7", "lvs_sched rr\nlvs_method NAT\nops\n" + REAL)
        self.assertEqual([(each.one_packet) for each in servers(marked)[0]], [True])
        found, problems = doubtful("ops")
        self.assertEqual(
            (found.one_packet, problems),
            (
                False,
                [
                    f"5 warning: {HERE}: one packet scheduling is not possible with TCP"
                    " - ignoring ops (remove it, or use protocol UDP)"
                ],
            ),
        )

    def test_any_port(self) -> None:
        """Only what is persistent can have any port."""
        for name in ("192.0.2.1", "192.0.2.1 0"):
            found, problems = doubtful("", name)
            self.assertEqual(
                (found.persistence, problems),
                (
                    360,
                    [
                        "1 warning: Virtual server [192.0.2.1]:tcp:0: any port needs "
                        "persistence - setting persistence_timeout 360 (name a port, "
                        "or add persistence_timeout)"
                    ],
                ),
            )
        self.assertEqual(virtual("persistence_timeout 9", "192.0.2.1").persistence, 9)

    def test_granularity(self) -> None:
        """It needs persistence, and to be of the family of the addresses."""
        found = virtual("persistence_granularity 255.255.0.0")
        self.assertEqual((found.persistence, found.granularity), (360, 16))
        six = virtual(
            "persistence_granularity 64",
            "2001:db8::1 80",
            "real_server 2001:db8::7 80 {\n}\n",
        )
        self.assertEqual((six.persistence, six.granularity), (360, 64))
        found, problems = doubtful("persistence_granularity 24")
        self.assertEqual(
            (found.granularity, problems),
            (
                32,
                [
                    f"5 warning: {HERE}: persistence_granularity is not of the family "
                    "of the addresses - ignoring (write a netmask for IPv4, a prefix "
                    "length for IPv6)"
                ],
            ),
        )

    def test_quorum(self) -> None:
        """A quorum that cannot be reached is lowered, and then the hysteresis."""
        found, problems = doubtful("quorum 9\nhysteresis 4\nweight 3")
        self.assertEqual((found.quorum, found.hysteresis), (3, 2))
        self.assertEqual(
            problems,
            [
                f"5 warning: {HERE}: quorum 9 exceeds total weight 3 - reducing to 3 "
                "(lower it, or add real servers)",
                f"6 warning: {HERE}: hysteresis 4 is not below quorum 3 - reducing to 2"
                " (use at most 2)",
            ],
        )
        nothing = "real_server 192.0.2.7 80 {\nweight 0\n}\n"
        found, problems = doubtful("quorum 2", real=nothing)
        self.assertEqual((found.quorum, len(problems)), (1, 1))

    def test_ha_suspend(self) -> None:
        """A mark is never an address of this node; a group may have one."""
        marked = one("fwmark 7", "lvs_sched rr\nlvs_method NAT\nha_suspend\n" + REAL)
        found, problems = servers(marked)
        self.assertEqual(
            (found[0].ha_suspend, problems),
            (
                False,
                [
                    "4 warning: Virtual server FWM 7: ha_suspend needs an address, a "
                    "fwmark is none - ignoring (use addresses instead of marks)"
                ],
            ),
        )
        group = "virtual_server_group g {\nfwmark 7\n192.0.2.1 80\n}\n"
        found, problems = servers(group + one("group g", BASIC + "ha_suspend\n" + REAL))
        self.assertEqual((found[0].ha_suspend, problems), (True, []))
