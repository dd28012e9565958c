"""What virtual links need of the kernel's settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.vmac_model import VirtualLink
from hanode.dataplanes.sysctls import Sysctls
from hanode.dataplanes.vmac_sysctls import ROOM, VirtualSysctls, of_link, of_parent

FOUR = VirtualLink("v", "eth0", mac=bytes(6))
SIX = replace(FOUR, ipv4=False, ipv6=True)
ALL, DEFAULT, ETH0, V = (
    f"ipv4/conf/{name}/rp_filter" for name in ("all", "default", "eth0", "v")
)
PARENT = ("arp_announce", "arp_filter", "arp_ignore")


class ListTests(SynchronousTestCase):
    def test_ipv4(self) -> None:
        """A virtual MAC of IPv4 has no IPv6."""
        self.assertEqual(
            of_link(FOUR),
            {
                "ipv4/conf/v/arp_ignore": "1",
                "ipv4/conf/v/accept_local": "1",
                "ipv4/conf/v/rp_filter": "0",
                "ipv4/conf/v/promote_secondaries": "1",
                "ipv6/conf/v/disable_ipv6": "1",
            },
        )
        self.assertEqual(
            of_parent(FOUR),
            {
                "ipv4/conf/eth0/arp_ignore": "1",
                "ipv4/conf/eth0/arp_filter": "1",
                "ipv4/conf/eth0/arp_announce": "2",
            },
        )

    def test_ipv6(self) -> None:
        """One of IPv6 does not answer for IPv4, and takes no advice of routers."""
        self.assertEqual(
            of_link(SIX),
            {
                "ipv4/conf/v/arp_ignore": "1",
                "ipv6/conf/v/accept_ra": "0",
                "ipv6/conf/v/autoconf": "0",
            },
        )
        self.assertEqual(of_parent(SIX), {})

    def test_ipvlan(self) -> None:
        """An ipvlan shares its parent's MAC: ARP is as it always is."""
        link = replace(FOUR, kind="ipvlan", mac=b"")
        self.assertNotIn("ipv4/conf/v/arp_ignore", of_link(link))
        self.assertEqual(of_parent(link), {})


class VirtualSysctlsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = Path(self.mktemp())
        for name, value in ((ALL, "1"), (DEFAULT, "0"), (ETH0, "0"), (V, "0")):
            self.put(name, value)
        for name in PARENT:
            self.put(f"ipv4/conf/eth0/{name}", "0")
        self.put("ipv4/igmp_link_local_mcast_reports", "1")
        self.begin()

    def put(self, name: str, value: str) -> None:
        (self.conf / name).parent.mkdir(parents=True, exist_ok=True)
        (self.conf / name).write_text(value)

    def begin(self) -> None:
        """A daemon starts."""
        self.sysctls = VirtualSysctls(Sysctls(self.conf))

    def values(self, *names: str) -> list[str]:
        return [(self.conf / name).read_text() for name in names]

    def test_loosen(self) -> None:
        """What all had, each interface has from now on, the virtual ones excepted."""
        for _ in range(2):
            self.sysctls.loosen({"v"})
            self.assertEqual(self.values(ALL, DEFAULT, ETH0, V), ["0", "1", "1", "0"])
        self.sysctls.tighten()
        self.assertEqual(self.values(ALL, DEFAULT, ETH0, V), ["1", "0", "0", "0"])

    def test_nothing_to_loosen(self) -> None:
        """Without rp_filter nothing is changed."""
        self.put(ALL, "0")
        self.sysctls.loosen({"v"})
        self.assertEqual(self.values(ALL, DEFAULT, ETH0, V), ["0"] * 4)

    def test_igmp(self) -> None:
        """Reports for local groups are switched off and on."""
        for wanted, value in ((False, "0"), (True, "1")):
            self.sysctls.local_igmp(wanted)
            found = self.values("ipv4/igmp_link_local_mcast_reports")
            self.assertEqual(found, [value])

    def test_after_a_kill(self) -> None:
        """The next daemon reads from the mark what was before, and puts it back."""
        self.sysctls.local_igmp(False)
        self.sysctls.loosen({"v"})
        self.sysctls.want(FOUR)
        note = self.sysctls.note(FOUR)
        self.assertEqual(
            note,
            ".arp_announce=0 .arp_filter=0 .arp_ignore=0 all/rp_filter=1"
            " default/rp_filter=0 .rp_filter=0 igmp_link_local_mcast_reports=1",
        )
        self.begin()
        self.sysctls.recall(FOUR, note + " nonsense x=y")
        self.sysctls.loosen({"v"})
        self.sysctls.want(FOUR)
        self.assertEqual(self.values(ALL, DEFAULT, ETH0), ["0", "1", "1"])
        self.sysctls.drop(FOUR.name)
        self.sysctls.tighten()
        self.sysctls.restore()
        parent = (f"ipv4/conf/eth0/{name}" for name in PARENT)
        self.assertEqual(
            self.values(ALL, DEFAULT, ETH0, V, *parent),
            ["1", "0", "0", "0"] + ["0"] * 3,
        )
        self.assertEqual(self.values("ipv4/igmp_link_local_mcast_reports"), ["1"])

    def test_room(self) -> None:
        """A mark has not room for hundreds of interfaces."""
        for number in range(100):
            self.put(f"ipv4/conf/card{number}/rp_filter", "0")
        self.sysctls.loosen({"v"})
        self.sysctls.want(FOUR)
        note = self.sysctls.note(FOUR)
        self.assertLessEqual(len(note), ROOM)
        self.assertIn("all/rp_filter=1 default/rp_filter=0", note)

    def test_renewed(self) -> None:
        """An interface that was made anew gets what is wanted of it."""
        self.sysctls.want(FOUR)
        for name in PARENT:
            self.put(f"ipv4/conf/eth0/{name}", "0")
        self.sysctls.renewed("eth0")
        self.assertEqual(self.values("ipv4/conf/eth0/arp_ignore"), ["1"])
