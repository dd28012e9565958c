"""Source addresses that come and go, where no interface is named."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.cluster import Cluster

TEXT = """
vrrp_instance VI_1 {
  virtual_router_id 51
  priority 100
  unicast_src_ip 10.255.0.1
  unicast_peer {
    10.255.0.2
  }
  virtual_ipaddress {
    192.0.2.100/24 dev eth1
  }
  %s
}
"""


class SourceTests(SynchronousTestCase):
    """track_src_ip without an interface: the address may be on any."""

    def node(self, extra):
        """One node, as soon as it is master."""
        self.cluster = Cluster([TEXT % extra])
        self.cluster.run(5)
        self.assertEqual(self.state(), "MASTER")

    def state(self):
        """What the instance is now."""
        return self.cluster.state("n1", "VI_1")

    def have(self, *addresses):
        """The node has these addresses from now on."""
        box = self.cluster.boxes["n1"]
        own = tuple(map(ip_address, addresses))
        for link in box.links:
            box.dataplane.set_link(replace(link, addresses=own))
        self.cluster.run(0.1)

    def test_gone(self):
        """FAULT while the address is nowhere, then as at the start."""
        self.node("track_src_ip")
        self.have("10.255.0.9")
        self.assertEqual(self.state(), "FAULT")
        service = self.cluster.boxes["n1"].node.instance("VI_1")
        self.assertEqual(service.describe()["faults"], ["src address not configured"])
        self.have("10.255.0.9", "10.255.0.1")
        self.assertEqual(self.state(), "BACKUP")
        self.cluster.run(5)
        self.assertEqual(self.state(), "MASTER")

    def test_not_tracked(self):
        """Without track_src_ip nobody looks; a reload begins and ends it."""
        self.node("")
        self.have("10.255.0.9")
        self.assertEqual(self.state(), "MASTER")
        for extra, state in (("track_src_ip", "FAULT"), ("", "BACKUP")):
            self.cluster.reload("n1", TEXT % extra)
            self.cluster.run(0.1)
            self.assertEqual(self.state(), state)
