"""What BFD says about the master (draft-ietf-rtgwg-vrrp-bfd-p2p)."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.vrrp.actions import Report, State
from hanode.vrrp.instance import Instance
from hanode.vrrp.packet import Advert
from tests.vrrp.machines import SETTINGS

MASTER, OTHER = ip_address("192.0.2.1"), ip_address("192.0.2.2")


class BackupTests(SynchronousTestCase):
    """A backup of priority 100 with a master of priority 200, version 2."""

    def setUp(self):
        self.machine = Instance(SETTINGS)
        self.machine.start(now=0.0)
        self.machine.receive(self.advert(), MASTER, now=1.0)
        self.down = 4.0 + 156 / 256

    def advert(self, priority=200):
        settings = self.machine.settings
        addresses = tuple(each.address for each in settings.addresses)
        return Advert(2, settings.vrid, priority, 1.0, addresses)

    def test_lost(self):
        """The loss of the master is acted upon after a skew time in BFD's interval."""
        self.machine.master_lost(MASTER, 0.01, now=2.0)
        self.assertEqual(self.machine.deadline, 2.0 + 156 / 256 * 0.01)
        actions = self.machine.expire(now=self.machine.deadline)
        self.assertEqual(self.machine.state, State.MASTER)
        self.assertIn(Report(State.MASTER, "BFD lost the master"), actions)

    def test_another(self):
        """The loss of somebody else means nothing."""
        self.assertEqual(self.machine.master_lost(OTHER, 0.01, now=2.0), [])
        self.assertEqual(self.machine.deadline, self.down)

    def test_found(self):
        """When BFD hears the master again before that, nothing has happened."""
        self.machine.master_lost(MASTER, 0.01, now=2.0)
        self.machine.master_found(MASTER, now=2.004)
        self.assertEqual(self.machine.deadline, self.down)
        actions = self.machine.expire(now=self.down)
        self.assertIn(Report(State.MASTER, "no advertisement"), actions)

    def test_foundSomebodyElse(self):
        """Another neighbour's return does not bring the master back."""
        self.machine.master_lost(MASTER, 0.01, now=2.0)
        self.assertEqual(self.machine.master_found(OTHER, now=2.004), [])
        self.assertEqual(self.machine.deadline, 2.0 + 156 / 256 * 0.01)

    def test_foundWithoutLoss(self):
        """The first time that BFD hears the master changes nothing."""
        self.assertEqual(self.machine.master_found(MASTER, now=2.0), [])
        self.assertEqual(self.machine.deadline, self.down)

    def test_advertisement(self):
        """An advertisement of the master ends the matter, too."""
        self.machine.master_lost(MASTER, 0.01, now=2.0)
        self.machine.receive(self.advert(), MASTER, now=2.001)
        self.assertEqual(self.machine.deadline, 2.001 + 3 + 156 / 256)

    def test_slow(self):
        """A slow session does not make the master-down interval longer."""
        self.machine.master_lost(MASTER, 60.0, now=2.0)
        self.assertEqual(self.machine.deadline, self.down)

    def test_notBackup(self):
        """A master has nobody to lose."""
        self.machine.expire(now=self.down)
        self.assertEqual(self.machine.master_lost(MASTER, 0.01, now=9.0), [])
