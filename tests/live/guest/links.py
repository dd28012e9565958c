"""Virtual links of kinds that the build machines' kernel does not have.

The kernel that has IPVS has them: the guest by its modules, a distribution's anyhow.
"""

from __future__ import annotations

import subprocess
from ipaddress import ip_address

from twisted.trial.unittest import SkipTest

from hanode.config.vmac_model import VirtualLink
from tests.live.test_virtual_links import DEVICE, FOUR, VirtualCase, ip


class IpvlanLinkTests(VirtualCase):
    """ipvlan."""

    def test_made(self) -> None:
        """Mode L2 with its flag, and its own address to send from."""
        try:
            ip("link", "add", "probe", "link", DEVICE, "type", "ipvlan", "mode", "l2")
        except subprocess.CalledProcessError as error:
            raise SkipTest("the kernel has no ipvlan") from error
        ip("link", "del", "probe")
        source = ip_address("192.0.2.7")
        link = VirtualLink("ipv", DEVICE, "ipvlan", flags=1, address=source, length=24)
        self.begin(link)
        data = self.seen("ipv")["linkinfo"]["info_data"]
        self.assertEqual((data["mode"], "private" in str(data)), ("l2", True))
        self.assertEqual(self.dataplane.links()["ipv"].address(4), source)


class VrfLinkTests(VirtualCase):
    """VRF."""

    def test_parent_in_vrf(self) -> None:
        """It belongs to the VRF that its parent belongs to."""
        try:
            ip("link", "add", "red", "type", "vrf", "table", "10")
        except subprocess.CalledProcessError as error:
            raise SkipTest("the kernel has no VRF") from error
        ip("link", "set", "red", "up")
        self.begin(FOUR)
        self.assertNotIn("master", self.seen("vrrp.51"))
        ip("link", "set", DEVICE, "master", "red")
        self.settle()
        self.assertEqual(self.seen("vrrp.51")["master"], "red")
        ip("link", "set", DEVICE, "nomaster")
        self.settle()
        self.assertNotIn("master", self.seen("vrrp.51"))
