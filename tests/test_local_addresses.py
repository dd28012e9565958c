"""The addresses of this machine as a fact."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import VirtualServer
from hanode.config.model import Address, Model, VrrpInstance
from hanode.facts import Facts
from hanode.link import Link
from hanode.local_addresses import FACT, LocalAddresses

OWN, OTHER, VIP, EXTRA = (ip_address(f"192.0.2.{n}") for n in (1, 2, 100, 101))


def model(interested: bool = True, *names: str) -> Model:
    instances = {
        name: VrrpInstance(
            *(name, 51, "eth0", 4),
            addresses=(Address(VIP, 24, "eth0"),),
            excluded=(Address(EXTRA, 24, "eth0"),),
        )
        for name in names
    }
    web = VirtualServer("web", (), ha_suspend=interested)
    return Model(instances=instances, virtual_servers={"web": web})


class LocalAddressesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.facts = Facts(Clock())
        self.local = LocalAddresses(self.facts)

    def link(self, *addresses: object) -> None:
        self.facts.set("interface:eth0", Link("eth0", 2, True, addresses=addresses))

    def found(self) -> object:
        return self.facts.get(FACT)

    def test_nobodyAsks(self) -> None:
        """Without ha_suspend anywhere there is no such fact."""
        self.local.configure(model(False, "VI_1"))
        self.link(OWN)
        self.assertIsNone(self.found())

    def test_interfaces(self) -> None:
        """The addresses of interfaces, as they come and go."""
        self.link(OWN)
        self.local.configure(model())
        self.assertEqual(self.found(), {OWN})
        self.link(OWN, OTHER)
        self.assertEqual(self.found(), {OWN, OTHER})
        self.facts.set("interface:eth0", None)
        self.assertEqual(self.found(), frozenset())

    def test_master(self) -> None:
        """All addresses of an instance while we are its master."""
        self.local.configure(model(True, "VI_1"))
        self.facts.set("vrrp:VI_1", "BACKUP")
        self.assertEqual(self.found(), frozenset())
        self.facts.set("vrrp:VI_1", "MASTER")
        self.assertEqual(self.found(), {VIP, EXTRA})
        self.facts.set("vrrp:VI_1", "FAULT")
        self.assertEqual(self.found(), frozenset())

    def test_reload(self) -> None:
        """An instance that a reload takes away holds nothing any more."""
        self.local.configure(model(True, "VI_1"))
        self.facts.set("vrrp:VI_1", "MASTER")
        self.local.configure(model(True))
        self.assertEqual(self.found(), frozenset())

    def test_silent(self) -> None:
        """What changes nothing about the addresses is no change."""
        self.local.configure(model(True, "VI_1"))
        self.link(OWN)
        self.facts.set("interface:eth0", Link("eth0", 2, False, addresses=(OWN,)))
        self.facts.set("vrrp:VI_1", "BACKUP")
        self.assertEqual(self.facts.snapshot()[FACT].changes, 1)
