"""Virtual MACs on the clock: elections are the same, addresses are elsewhere."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.cluster import Cluster
from tests.stories.test_pair import pair
from tests.stories.texts import VIP, instance

MAC = {4: bytes.fromhex("00005e000133"), 6: bytes.fromhex("00005e000233")}


def devices(cluster, name):
    """The interfaces of a node that have addresses of instances, and these."""
    present = cluster.boxes[name].dataplane.addresses
    return {
        device: [str(address) for address, _ in addresses]
        for device, addresses in present.items()
        if addresses
    }


class VirtualTests(SynchronousTestCase):
    def test_fail_over(self):
        """The address is on the virtual MAC, whoever is master."""
        for family, extra in (
            (4, "use_vmac"),
            (6, "use_vmac"),
            (4, "use_ipvlan 192.0.2.7"),
        ):
            cluster = pair(family=family, extra=extra)
            cluster.run(2)
            self.assertEqual(devices(cluster, "n1"), {"vrrp.51": [VIP[family]]})
            if extra == "use_vmac":
                link = cluster.boxes["n2"].dataplane.links()["vrrp.51"]
                self.assertEqual(link.mac, MAC[family])
            cluster.kill("n1")
            cluster.run(1)
            self.assertEqual(devices(cluster, "n2"), {"vrrp.51": [VIP[family]]})

    def test_with_and_without(self):
        """One node has a virtual MAC, the other one not: they hear each other."""
        cluster = pair(extras=("use_vmac", ""))
        cluster.run(2)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])

    def test_transmit_base(self):
        """Advertisements from the interface itself, the address on the virtual MAC."""
        cluster = pair(extra="use_vmac\nvmac_xmit_base")
        cluster.run(2)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        self.assertEqual(devices(cluster, "n1"), {"vrrp.51": [VIP[4]]})

    def test_dynamic(self):
        """The interface below goes and comes, and everything with it."""
        cluster = pair(extra="use_vmac")
        cluster.run(2)
        plane = cluster.boxes["n1"].dataplane
        below = plane.links()["eth0"]
        plane.remove_link("eth0")
        cluster.run(1)
        self.assertEqual(cluster.state("n1", "VI_1"), "FAULT")
        self.assertEqual(cluster.masters("VI_1"), ["n2"])
        plane.set_link(below)
        cluster.run(2)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        self.assertEqual(devices(cluster, "n1"), {"vrrp.51": [VIP[4]]})

    def test_virtual_link_is_taken(self):
        """Without its virtual MAC an instance is in FAULT, and says why."""
        cluster = pair(extra="use_vmac")
        cluster.run(2)
        plane = cluster.boxes["n1"].dataplane
        plane.remove_link("eth0")
        plane.virtual_links("VI_1", ())
        below = cluster.boxes["n1"].links[0]
        plane.set_link(below)
        cluster.run(1)
        service = cluster.boxes["n1"].node.instance("VI_1")
        self.assertEqual(
            service.describe()["faults"], ["interface vrrp.51 doesn't exist"]
        )

    def test_reload(self):
        """What a reload adds and takes away is made and removed."""
        cluster = pair()
        cluster.run(2)
        plane = cluster.boxes["n1"].dataplane
        cluster.reload("n1", instance(1, 150, extra="use_vmac"))
        cluster.run(2)
        self.assertEqual(devices(cluster, "n1"), {"vrrp.51": [VIP[4]]})
        cluster.reload("n1", instance(1, 150))
        cluster.run(2)
        self.assertEqual(devices(cluster, "n1"), {"eth0": [VIP[4]]})
        self.assertEqual(sorted(plane.links()), ["eth0"])


class AcceptTests(SynchronousTestCase):
    def refused(self, cluster, name="n1"):
        """What a node drops packets to, instance by instance."""
        return {
            owner: [str(each.address) for each in addresses]
            for owner, addresses in cluster.boxes[name].dataplane.refused.items()
        }

    def test_master_alone(self):
        """Only a master refuses, and only as long as it is one."""
        cluster = pair(extra="no_accept")
        cluster.run(2)
        self.assertEqual(self.refused(cluster), {"VI_1": [VIP[4]]})
        self.assertEqual(self.refused(cluster, "n2"), {})
        cluster.stop("n1")
        cluster.run(1)
        self.assertEqual(self.refused(cluster), {})
        self.assertEqual(self.refused(cluster, "n2"), {"VI_1": [VIP[4]]})

    def test_owner(self):
        """The address owner accepts what is sent to it (RFC 9568, section 6.1)."""
        cluster = Cluster([instance(1, 255, extra="no_accept")])
        cluster.run(2)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        self.assertEqual(self.refused(cluster), {})

    def test_strict(self):
        """Strict mode refuses unless it is told to accept."""
        for extra, expected in (
            ("strict_mode", {"VI_1": [VIP[4]]}),
            ("strict_mode\naccept", {}),
        ):
            cluster = Cluster([instance(1, 100, extra=extra)])
            cluster.run(2)
            self.assertEqual(self.refused(cluster), expected)

    def test_reload(self):
        """A reload changes it while the address is held."""
        cluster = Cluster([instance(1, 100)])
        cluster.run(2)
        cluster.reload("n1", instance(1, 100, extra="no_accept"))
        self.assertEqual(self.refused(cluster), {"VI_1": [VIP[4]]})
        cluster.reload("n1", instance(1, 100))
        self.assertEqual(self.refused(cluster), {})
        self.assertEqual(cluster.holders(ip_address(VIP[4])), ["n1"])
