"""Claims about changes of priority and of settings while the machine runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hanode.config.model import Garp, VrrpInstance
from hanode.vrrp.actions import Advertise, Announce, Hold, Report, Reweighed, State
from hanode.vrrp.instance import Instance
from tests.vrrp.machines import (
    EXTRA,
    HIGH,
    LOW,
    NEW,
    SETTINGS,
    SKEW,
    VIP,
    InstanceTestCase,
    advert,
    shown,
)

SAID = "(VI) Changing effective priority from 100 to {}"


def changed(**changes: Any) -> VrrpInstance:
    """The settings of these tests with some changes."""
    return replace(SETTINGS, **changes)


class PriorityTests(InstanceTestCase):
    """The effective priority changes."""

    def test_no_change(self) -> None:
        """The same verdict again does nothing, in any state."""
        for machine in (self.backup(), self.master(), self.fault()):
            before = (machine.state, machine.deadline)
            self.assertEqual(machine.judge(100, machine.faults, now=1001), [])
            self.assertEqual((machine.state, machine.deadline), before)

    def test_before_the_start(self) -> None:
        """In INIT the priority is known at the start."""
        machine = self.machine()
        self.assertEqual(
            shown(machine.judge(200, (), now=1000)), [SAID.format(200), Reweighed()]
        )
        machine.start(now=1000)
        self.due(machine, 1003 + 56 / 256)

    def test_in_backup(self) -> None:
        """In BACKUP the running timer moves by the difference of the skews."""
        for priority in (1, 50, 200, 254):
            machine = self.backup()
            machine.receive(advert(255), HIGH, now=1001)
            self.assertEqual(
                shown(machine.judge(priority, (), now=1002)),
                [SAID.format(priority), Reweighed()],
            )
            self.due(machine, 1004 + (256 - priority) / 256)

    def test_in_backup_version_3(self) -> None:
        """The same by the master's interval in version 3."""
        machine = self.backup(version=3)
        machine.receive(advert(255, 0.1, 3), HIGH, now=1001)
        machine.judge(200, (), now=1001.05)
        self.due(machine, 1001.3 + 0.1 * 56 / 256)

    def test_raised_above_the_master(self) -> None:
        """Raised above its master, a backup discards it from the next time on."""
        machine = self.backup()
        machine.receive(advert(150), HIGH, now=1001)
        machine.judge(200, (), now=1002)
        machine.receive(advert(150), HIGH, now=1002.5)
        self.due(machine, 1004 + 56 / 256)

    def test_in_master(self) -> None:
        """In MASTER the new priority is advertised at once; the beat starts there."""
        machine = self.master()
        self.assertEqual(
            shown(machine.judge(50, (), now=1000.5)),
            [SAID.format(50), Reweighed(), Advertise(50)],
        )
        self.due(machine, 1001.5)
        self.assertEqual(machine.expire(now=1001.5), [Advertise(50)])

    def test_in_fault(self) -> None:
        """In FAULT the priority is noted for later."""
        machine = self.fault()
        self.assertEqual(
            shown(machine.judge(200, machine.faults, now=1001)),
            [SAID.format(200), Reweighed()],
        )
        machine.judge(200, (), now=1010)
        self.due(machine, 1013 + 56 / 256)

    def test_with_a_fault(self) -> None:
        """A verdict of both is followed in both, and ends in FAULT."""
        machine = self.backup()
        self.assertEqual(
            shown(machine.judge(50, ("x",), now=1001)),
            [
                SAID.format(50),
                Reweighed(),
                "(VI): entering FAULT state (x)",
                Hold(()),
                "(VI) Entering FAULT STATE",
                Report(State.FAULT, "x"),
            ],
        )
        self.due(machine, None)


class ReconfigureTests(InstanceTestCase):
    """New settings, the same state."""

    def test_in_init_and_fault(self) -> None:
        """In INIT and FAULT the settings wait for their time."""
        for machine in (self.machine(), self.fault()):
            state = machine.state
            self.assertEqual(machine.reconfigure(changed(advert_int=2.0), now=1001), [])
            self.assertEqual((machine.state, machine.deadline), (state, None))
            if state is State.INIT:
                machine.start(now=1002)
            else:
                machine.judge(100, (), now=1002)
            self.due(machine, 1008 + SKEW)

    def test_in_backup(self) -> None:
        """In BACKUP the timer starts again with the new interval."""
        machine = self.backup()
        machine.receive(advert(200), HIGH, now=1001)
        self.assertEqual(machine.reconfigure(changed(advert_int=2.0), now=1002), [])
        self.due(machine, 1008 + SKEW)
        self.assertEqual(machine.master, HIGH)

    def test_in_backup_version_3(self) -> None:
        """Version 3 keeps the interval of the master that it knows."""
        machine = self.backup(version=3)
        machine.receive(advert(200, 0.5, 3), HIGH, now=1001)
        machine.reconfigure(changed(version=3, advert_int=2.0), now=1002)
        self.due(machine, 1003.5 + SKEW / 2)

    def test_in_backup_version_3_without_master(self) -> None:
        """Version 3 without a master takes its own new interval."""
        machine = self.backup(version=3)
        machine.reconfigure(changed(version=3, advert_int=2.0), now=1001)
        self.due(machine, 1007 + 2 * SKEW)

    def test_in_master(self) -> None:
        """In MASTER: advertise at once, hold the whole set; nothing new to announce."""
        machine = self.master()
        self.assertEqual(
            machine.reconfigure(changed(advert_int=2.0), now=1000.5),
            [Advertise(100), Hold((VIP, EXTRA))],
        )
        self.due(machine, 1002.5)

    def test_new_address_in_master(self) -> None:
        """Only the addresses that are new are announced."""
        machine = self.master()
        self.assertEqual(
            machine.reconfigure(changed(addresses=(VIP, NEW)), now=1000.5),
            [Advertise(100), Hold((VIP, NEW, EXTRA)), Announce((NEW,), 5)],
        )
        machine.expire(now=1001.5)
        self.assertIn(Announce((VIP, NEW, EXTRA), 5), machine.expire(now=1005.5))

    def test_removed_address_in_master(self) -> None:
        """Addresses that are gone are simply not held any more."""
        machine = self.master()
        self.assertEqual(
            machine.reconfigure(changed(addresses=()), now=1000.5),
            [Advertise(100), Hold((EXTRA,))],
        )

    def test_moved_to_excluded(self) -> None:
        """An address that is advertised no more but still held is not new."""
        machine = self.master()
        settings = changed(addresses=(), excluded=(VIP, EXTRA))
        self.assertEqual(
            machine.reconfigure(settings, now=1000.5),
            [Advertise(100), Hold((VIP, EXTRA))],
        )

    def refreshed(self, machine: Instance, until: float) -> list[float]:
        """When C{machine} announces, in at most a thousand turns."""
        heard: list[float] = []
        for _ in range(1000):
            if machine.deadline is None or machine.deadline > until:
                return heard
            now = machine.deadline
            if any(isinstance(a, Announce) for a in machine.expire(now=now)):
                heard.append(now)
        self.fail("the machine never rests")

    def test_refresh_taken_away(self) -> None:
        """garp_master_refresh that a reload takes away ends."""
        machine = self.master(garp=Garp(0, master_refresh=10))
        machine.reconfigure(changed(garp=Garp(0)), now=1005)
        self.assertEqual(self.refreshed(machine, 1050), [])

    def test_refresh_added(self) -> None:
        """garp_master_refresh that a reload brings begins without a new election."""
        machine = self.master(garp=Garp(0))
        machine.reconfigure(changed(garp=Garp(0, master_refresh=10)), now=1005)
        self.assertEqual(self.refreshed(machine, 1030), [1015.0, 1025.0])

    def test_refresh_kept(self) -> None:
        """A reload that leaves garp_master_refresh alone leaves its beat alone."""
        machine = self.master(garp=Garp(0, master_refresh=10))
        garp = Garp(0, master_refresh=10, master_repeat=1)
        machine.reconfigure(changed(garp=garp), now=1005)
        self.assertEqual(self.refreshed(machine, 1025), [1010.0, 1020.0])

    def test_nopreempt_by_reload(self) -> None:
        """New rules of preemption are followed from the next advertisement on."""
        machine = self.backup()
        machine.reconfigure(changed(preempt=False), now=1001)
        machine.receive(advert(50), LOW, now=1002)
        self.due(machine, 1005 + SKEW)
