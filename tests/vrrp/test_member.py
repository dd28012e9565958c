"""Claims about an instance as a member of a sync group."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from hanode.config.model import Garp
from hanode.vrrp.actions import (
    Advertise,
    Announce,
    Farewell,
    Hold,
    Report,
    State,
    Swayed,
)
from hanode.vrrp.member import Member
from tests.vrrp.machines import (
    EXTRA,
    HIGH,
    LOW,
    SKEW,
    VIP,
    InstanceTestCase,
    advert,
    shown,
)

TIMEOUT = "D (VI) Receive advertisement timeout"


class MemberTests(InstanceTestCase):
    kind = Member

    def machine(self, **changes: Any) -> Member:
        """A member of G in INIT."""
        machine = super().machine(**{"group": "G", **changes})
        assert isinstance(machine, Member)
        return machine

    def willing(self, **changes: Any) -> Member:
        """A member whose master-down timer has run out at 1010."""
        machine = self.machine(**changes)
        machine.start(now=1000)
        self.assertEqual(shown(machine.expire(now=1010)), [TIMEOUT, Swayed()])
        return machine

    def led(self, **changes: Any) -> Member:
        """A member that is MASTER since 1010."""
        machine = self.willing(**changes)
        machine.lead(now=1010)
        return machine

    def test_it_waits(self) -> None:
        """When its timer has run out a member is willing, and waits."""
        machine = self.willing()
        self.assertEqual(
            (machine.state, machine.willing, machine.bereft, machine.deadline),
            (State.BACKUP, True, False, None),
        )
        self.assertEqual(machine.expire(now=1020), [])

    def test_lead(self) -> None:
        """Told to lead it becomes MASTER like any other."""
        machine = self.willing()
        self.assertEqual(
            shown(machine.lead(now=1011)),
            [
                Advertise(100),
                Hold((VIP, EXTRA)),
                Announce((VIP, EXTRA), 5),
                "(VI) Entering MASTER STATE",
                Report(State.MASTER, "no advertisement"),
            ],
        )
        self.due(machine, 1012)
        self.assertFalse(machine.willing)
        self.assertEqual(machine.lead(now=1012), [])

    def test_lead_before_its_time(self) -> None:
        """Drawn along by the others it says so."""
        machine = self.machine()
        machine.start(now=1000)
        told = machine.lead(now=1001)
        self.assertEqual(told[-1], Report(State.MASTER, "sync group G"))

    def test_a_master_appears(self) -> None:
        """A willing member that hears a master follows it, and says so."""
        machine = self.willing()
        self.assertEqual(
            shown(machine.receive(advert(200), HIGH, now=1011)),
            ["(VI) master set to 10.0.0.9", Swayed()],
        )
        self.assertFalse(machine.willing)
        self.due(machine, 1014 + SKEW)
        self.assertEqual(machine.receive(advert(200), HIGH, now=1012), [])

    def test_a_lower_master(self) -> None:
        """A lower master changes nothing: the member stays willing."""
        machine = self.willing()
        machine.receive(advert(50), LOW, now=1011)
        self.assertTrue(machine.willing)

    def test_goodbye(self) -> None:
        """A goodbye is passed on, and the skew time is waited first."""
        machine = self.willing()
        self.assertEqual(
            shown(machine.receive(advert(0), HIGH, now=1011)),
            ["(VI) Backup received priority 0 advertisement", Farewell()],
        )
        self.assertFalse(machine.willing)
        self.due(machine, 1011 + SKEW)

    def test_step_back(self) -> None:
        """Stepping back it releases first, says goodbye, and waits longer."""
        machine = self.led()
        self.assertEqual(
            shown(machine.step_back(2.0, now=1012)),
            [
                Hold(()),
                Advertise(0),
                "D (VI) sent 0 priority",
                "(VI) Entering BACKUP STATE",
                Report(State.BACKUP, "sync group G"),
            ],
        )
        self.due(machine, 1017 + SKEW)
        self.assertEqual(machine.step_back(2.0, now=1013), [])
        self.assertIs(machine.master, None)

    def test_hasten(self) -> None:
        """One missed advertisement is enough when another member heard a goodbye."""
        machine = self.machine()
        machine.start(now=1000)
        machine.receive(advert(200), HIGH, now=1000.5)
        for _ in range(2):  # keepalived may say goodbye twice
            self.assertEqual(machine.hasten(now=1000.6), [])
            self.due(machine, 1001.5 + SKEW)
        machine.receive(advert(200), HIGH, now=1001.5)
        self.due(machine, 1004.5 + SKEW)
        machine.hasten(now=1004)
        self.due(machine, 1004)

    def test_hasten_elsewhere(self) -> None:
        """A master, and one that is willing already, are not hastened."""
        for machine in (self.led(), self.willing()):
            due = machine.deadline
            machine.hasten(now=1010.5)
            self.due(machine, due)

    def test_announce_again(self) -> None:
        """A master announces again, in its own way; others do not."""
        machine = self.led(garp=Garp(lower_prio_repeat=3, lower_prio_delay=2))
        self.assertEqual(
            machine.announce_again(now=1010.5), [Announce((VIP, EXTRA), 3)]
        )
        self.assertEqual(self.willing().announce_again(now=1011), [])
        silent = self.led(garp=Garp(lower_prio_repeat=0))
        self.assertEqual(silent.announce_again(now=1011), [])

    def test_owner(self) -> None:
        """An owner with state MASTER is willing at once; after a fault, too."""
        machine = self.machine(priority=255, state="MASTER")
        machine.start(now=1000)
        self.due(machine, 1000)
        machine.judge(255, ("x",), now=1001)
        machine.judge(255, (), now=1002)
        self.assertIs(machine.state, State.BACKUP)
        self.due(machine, 1002)

    def test_bfd(self) -> None:
        """BFD loses the master: the member is bereft, until BFD has it again."""
        machine = self.machine()
        machine.start(now=1000)
        machine.receive(advert(200), HIGH, now=1000.5)
        machine.master_lost(HIGH, 0.01, now=1001)
        self.assertEqual(machine.hasten(now=1001), [])
        self.assertEqual(machine.expire(now=1001.01), [Swayed()])
        self.assertTrue(machine.bereft)
        machine.master_found(HIGH, now=1001.5)
        self.assertEqual((machine.willing, machine.bereft), (False, False))
        self.due(machine, 1003.5 + SKEW)

    def test_bfd_later_than_silence(self) -> None:
        """Who was willing from silence stays so when BFD hears the master."""
        machine = self.machine()
        machine.start(now=1000)
        machine.receive(advert(200), HIGH, now=1000.5)
        machine.expire(now=1004.2)
        machine.master_lost(HIGH, 0.01, now=1011)
        machine.expire(now=1011.1)
        machine.master_found(HIGH, now=1012)
        self.assertTrue(machine.willing)

    def test_new_settings(self) -> None:
        """A member that leaves its group waits its master-down time, alone."""
        machine = self.willing()
        alone = self.machine(group="").settings
        machine.reconfigure(alone, now=1011)
        self.due(machine, 1014 + SKEW)
        machine.expire(now=1015)
        self.assertIs(machine.state, State.MASTER)
        self.assertEqual(machine.source, IPv4Address("10.0.0.5"))
