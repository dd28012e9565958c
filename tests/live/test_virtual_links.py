"""Virtual links and firewall rules in the real kernel, without a daemon."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address
from hanode.config.vmac_model import FirewallDefs, VirtualLink
from hanode.dataplanes.linux import LinuxDataplane
from hanode.dataplanes.vmac import RETRY
from hanode.link import Link
from tests.dataplanes.contract import DEVICE
from tests.live.sysctls import sysctls
from tests.live.test_dataplane import Live
from tests.live.veth import addresses, create_interface, ip

MAC4, MAC6 = bytes.fromhex("00005e000133"), bytes.fromhex("00005e000233")
FOUR = VirtualLink("vrrp.51", DEVICE, mac=MAC4)
SIX = VirtualLink("vrrp6.51", DEVICE, mac=MAC6, ipv4=False, ipv6=True, link_local=True)
VIP = Address(ip_address("192.0.2.1"), 24, "vrrp.51")


def nft(*words: str) -> str:
    """Run nft(8) in the namespace; what it prints."""
    done = subprocess.run(["nft", *words], check=True, capture_output=True, text=True)
    return done.stdout


class VirtualCase(Live, SynchronousTestCase):
    """A started dataplane that wants what the test says."""

    def setUp(self) -> None:
        super().setUp()
        self.told: list[tuple[str, Link | None]] = []
        globalLogPublisher.addObserver(self._observe)
        self.addCleanup(globalLogPublisher.removeObserver, self._observe)

    def _observe(self, event: Any) -> None:
        if "log_format" in event and "hanode" in event.get("log_namespace", ""):
            self.log.append(event["log_format"].format(**event))

    def begin(self, *links: VirtualLink) -> None:
        """Want C{links} and start."""
        if links:
            self.dataplane.virtual_links("VI_1", links)
        self.dataplane.start(lambda name, link: self.told.append((name, link)))
        self.settle()

    def killed(self) -> None:
        """The daemon ends and has no time for anything; a new one is not started."""
        old = self.dataplane
        for port in (old._requests, old._news):
            port.close()
        old._announcer.close()
        old._virtual._mark.close()
        old._firewall._reserved.close()
        if old._firewall._watch is not None:
            old._firewall._watch.close()
        old._requests = old._virtual._mark = old._firewall._reserved = None
        self.dataplane = LinuxDataplane(self.turns)
        self.addCleanup(self.dataplane.stop)

    def seen(self, name: str) -> dict[str, Any]:
        """What ip(8) says of one link."""
        (found,) = json.loads(ip("-j", "-d", "link", "show", "dev", name))
        return dict(found)

    def names(self) -> list[str]:
        """The virtual links that there are."""
        found = json.loads(ip("-j", "-d", "link"))
        return sorted(
            each["ifname"]
            for each in found
            if each.get("linkinfo", {}).get("info_kind") == "macvlan"
        )


class LinkTests(VirtualCase):
    def test_made(self) -> None:
        """Mode, MAC address, parent, mark; up; an address to send IPv6 from."""
        self.begin(FOUR, SIX)
        for link in (FOUR, SIX):
            seen = self.seen(link.name)
            mark = self.dataplane._virtual._mark.write()
            self.assertEqual(
                (
                    seen["link"],
                    bytes.fromhex(seen["address"].replace(":", "")),
                    seen["linkinfo"]["info_data"]["mode"],
                    seen["inet6_addr_gen_mode"],
                    "UP" in seen["flags"],
                    seen["ifalias"].startswith(mark),
                ),
                (DEVICE, link.mac, "private", "none", True, True),
            )
        (found,) = json.loads(ip("-j", "addr", "show", "dev", "vrrp6.51"))
        (local,) = [each["local"] for each in found["addr_info"]]
        (below,) = json.loads(ip("-j", "-6", "addr", "show", "dev", DEVICE))
        self.assertIn(local, [each["local"] for each in below["addr_info"]])
        link = self.dataplane.links()["vrrp6.51"]
        self.assertEqual((link.up, str(link.address(6))), (True, local))

    def test_group_and_mtu(self) -> None:
        """They follow the parent; a group of one's own stays."""
        ip("link", "set", DEVICE, "group", "7", "mtu", "1400")
        own = replace(FOUR, name="vrrp.52", mac=FOUR.mac[:5] + b"\x34", group=9)
        self.begin(FOUR, own)
        groups = [self.seen(each)["group"] for each in ("vrrp.51", "vrrp.52")]
        self.assertEqual((groups, self.seen("vrrp.51")["mtu"]), (["7", "9"], 1400))
        for mtu in (1450, 1300):
            ip("link", "set", DEVICE, "mtu", str(mtu))
            self.settle()
            self.assertEqual(self.seen("vrrp.51")["mtu"], mtu)

    def test_deleted(self) -> None:
        """It is back with its addresses; nobody is told that it was away."""
        self.begin(FOUR)
        self.dataplane.hold("VI_1", (VIP,))
        self.settle()
        self.told.clear()
        for _ in range(3):
            ip("link", "del", "vrrp.51")
            self.settle()
            self.assertEqual(addresses("vrrp.51"), ["192.0.2.1/24"])
        gone = [name for name, link in self.told if link is None]
        self.assertEqual(gone, [])
        self.assertEqual(
            [each for each in self.log if "removed by someone" in each],
            ["vrrp.51 was removed by someone else: made again"] * 3,
        )

    def test_deleted_again_and_again(self) -> None:
        """After ten times it takes a break."""
        self.begin(FOUR)
        for _ in range(11):
            ip("link", "del", "vrrp.51")
            self.settle()
        self.assertEqual(self.names(), [])
        self.assertEqual(self.told[-1], ("vrrp.51", None))
        self.turns.advance(1.01)
        self.settle()
        self.assertEqual(self.names(), ["vrrp.51"])

    def test_down(self) -> None:
        """Who switches it off finds it on."""
        self.begin(SIX)
        ip("link", "set", "vrrp6.51", "down")
        self.settle()
        self.assertIn("UP", self.seen("vrrp6.51")["flags"])
        self.assertNotEqual(self.dataplane.links()["vrrp6.51"].address(6), None)

    def test_flushed(self) -> None:
        """The address to send from is put back."""
        self.begin(SIX)
        before = self.dataplane.links()["vrrp6.51"].address(6)
        ip("addr", "flush", "dev", "vrrp6.51")
        self.settle()
        self.assertEqual(self.dataplane.links()["vrrp6.51"].address(6), before)

    def test_carrier(self) -> None:
        """It is as down as its parent."""
        self.begin(FOUR)
        ip("link", "set", "peer0", "down")
        self.settle()
        self.assertFalse(self.dataplane.links()["vrrp.51"].up)
        ip("link", "set", "peer0", "up")
        self.settle()
        self.assertTrue(self.dataplane.links()["vrrp.51"].up)

    def test_parent_comes_and_goes(self) -> None:
        """It is there whenever its parent is, and no loss is complained about."""
        ip("link", "del", DEVICE)
        self.begin(FOUR)
        self.dataplane.hold("VI_1", (VIP,))
        self.assertEqual(self.names(), [])
        for _ in range(2):
            create_interface()
            self.settle()
            self.assertEqual(addresses("vrrp.51"), ["192.0.2.1/24"])
            with open(f"/proc/sys/net/ipv4/conf/{DEVICE}/arp_ignore") as value:
                self.assertEqual(value.read(), "1\n")
            ip("link", "del", DEVICE)
            self.settle()
            self.assertIn(("vrrp.51", None), self.told[-2:])
        self.assertEqual([each for each in self.log if "someone else" in each], [])

    def test_wanted_no_more(self) -> None:
        """What nobody wants goes at once, and the settings with the last one."""
        before = sysctls()
        self.begin(FOUR, SIX)
        self.dataplane.virtual_links("VI_1", (SIX,))
        self.assertEqual(self.names(), ["vrrp6.51"])
        self.dataplane.virtual_links("VI_1", ())
        self.assertEqual((self.names(), sysctls()), ([], before))

    def test_stop(self) -> None:
        """Nothing is left."""
        with open("/proc/sys/net/ipv4/conf/all/rp_filter", "w") as value:
            value.write("1")
        before = sysctls()
        self.begin(FOUR, SIX)
        with open("/proc/sys/net/ipv4/conf/all/rp_filter") as value:
            self.assertEqual(value.read(), "0\n")
        self.dataplane.stop()
        self.assertEqual((self.names(), sysctls()), ([], before))
        self.assertEqual(nft("list", "ruleset"), "")

    def test_no_local_igmp(self) -> None:
        """disable_local_igmp is a sysctl, and no rule is needed."""
        path = "/proc/sys/net/ipv4/igmp_link_local_mcast_reports"
        self.dataplane.configure_firewall(FirewallDefs(local_igmp=False))
        self.begin(FOUR)
        with open(path) as value:
            self.assertEqual(value.read(), "0\n")
        self.assertEqual(nft("list", "ruleset"), "")
        self.dataplane.configure_firewall(FirewallDefs())
        with open(path) as value:
            self.assertEqual(value.read(), "1\n")
        self.assertIn("igmp", nft("list", "ruleset"))


class OthersTests(VirtualCase):
    def test_after_a_kill(self) -> None:
        """What is wanted is adopted as it is; the rest goes, with its settings."""
        before = sysctls()
        self.begin(FOUR, SIX)
        index = self.seen("vrrp.51")["ifindex"]
        self.killed()
        self.begin(FOUR)
        self.assertEqual(self.names(), ["vrrp.51"])
        self.assertEqual(self.seen("vrrp.51")["ifindex"], index)
        self.dataplane.stop()
        self.assertEqual((self.names(), sysctls()), ([], before))

    def test_after_a_kill_without_virtual_links(self) -> None:
        """A configuration that wants none any more cleans up, too."""
        before = sysctls()
        self.begin(FOUR)
        self.killed()
        self.begin()
        self.assertEqual((self.names(), sysctls()), ([], before))

    def test_another_daemon(self) -> None:
        """What a running daemon has made is not ours; when it ends, we have it."""
        self.begin(FOUR)
        other = LinuxDataplane(self.turns)
        self.addCleanup(other.stop)
        seen: list[tuple[str, Link | None]] = []
        other.virtual_links("VI_2", (FOUR,))
        other.start(lambda name, link: seen.append((name, link)))
        self.settle()
        self.assertEqual(other.links().get("vrrp.51"), None)
        self.assertIn("another interface of that name", str(self.log))
        self.dataplane.stop()
        self.settle()
        self.assertEqual(self.names(), ["vrrp.51"])
        self.assertTrue(other.links()["vrrp.51"].up)

    def test_an_administrators(self) -> None:
        """A matching one is used, and stays."""
        ip(
            *("link", "add", "link", DEVICE, "name", "vrrp.51"),
            *("address", "00:00:5e:00:01:33", "type", "macvlan", "mode", "private"),
        )
        ip("link", "set", "vrrp.51", "up")
        self.begin(FOUR)
        self.assertTrue(self.dataplane.links()["vrrp.51"].up)
        self.dataplane.stop()
        self.assertEqual(self.names(), ["vrrp.51"])

    def test_a_strange_one(self) -> None:
        """One that does not match is in the way until it goes."""
        ip("link", "add", "link", DEVICE, "name", "vrrp.51", "type", "macvlan")
        self.begin(FOUR)
        self.assertEqual(self.dataplane.links().get("vrrp.51"), None)
        self.assertEqual(
            [each for each in self.log if "cannot make" in each],
            [
                "cannot make interface vrrp.51: there is another interface of that"
                " name (macvlan); trying again until it works"
            ],
        )
        ip("link", "del", "vrrp.51")
        self.settle()
        self.assertTrue(self.dataplane.links()["vrrp.51"].up)

    def test_strangers(self) -> None:
        """Names that others have are known before the start, too."""
        other = LinuxDataplane(self.turns)
        self.addCleanup(other.stop)
        ip("link", "add", "link", DEVICE, "name", "vx", "type", "macvlan")
        self.begin(FOUR)
        wanted = (FOUR, SIX, replace(FOUR, name="vx"))
        self.assertEqual(other.strangers(wanted), {"vrrp.51", "vx"})
        self.assertEqual(self.dataplane.strangers(wanted), {"vx"})
        self.killed()
        self.assertEqual(other.strangers(wanted), {"vx"})

    def test_refused(self) -> None:
        """What the kernel refuses is tried again, and said once."""
        self.begin(replace(FOUR, kind="nonsense"))
        self.turns.advance(RETRY)
        self.turns.advance(2 * RETRY)
        self.assertEqual(
            [each for each in self.log if "cannot make" in each],
            [
                "cannot make interface vrrp.51: nonsense on wan0: the kernel has no"
                " such kind of interface; trying again until it works"
            ],
        )
