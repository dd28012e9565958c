"""Claims about the VRRP machine, by the steps of section 6.4.

The numbers of the steps are those of RFC 5798, of which RFC 9568 changes one: a lower
advertisement is answered at once.
"""

from __future__ import annotations

from dataclasses import replace

from hanode.config.model import Garp
from hanode.vrrp.actions import (
    Advertise,
    Announce,
    Hold,
    Outranked,
    Report,
    Reweighed,
    State,
)
from tests.vrrp.machines import (
    EXTRA,
    HIGH,
    LOW,
    OURS,
    SETTINGS,
    SKEW,
    START,
    VIP,
    InstanceTestCase,
    advert,
    shown,
)

TWO_OWNERS = (
    "(VI) CONFIGURATION ERROR: local instance and 10.0.0.9 are both configured as"
    " address owner, please resolve"
)


class InitTests(InstanceTestCase):
    """Section 6.4.1, Initialize."""

    def test_nothing_before_the_start(self) -> None:
        """In INIT a machine has no deadline, hears nothing and does nothing."""
        machine = self.machine()
        self.assertEqual((machine.state, machine.deadline), (State.INIT, None))
        self.assertEqual(machine.receive(advert(50), LOW, now=START), [])
        self.assertEqual(machine.expire(now=START), [])
        self.assertEqual(machine.reconfigure(SETTINGS, now=START), [])

    def test_110_owner(self) -> None:
        """(110) The owner is MASTER at once: advertise, hold, announce, report."""
        machine = self.machine(priority=255, state="MASTER")
        self.assertEqual(
            shown(machine.start(now=START)),
            [
                Advertise(255),
                Hold((VIP, EXTRA)),
                Announce((VIP, EXTRA), 5),
                "(VI) Entering MASTER STATE",
                Report(State.MASTER, "address owner"),
            ],
        )
        self.due(machine, 1001)
        self.assertEqual((machine.master, machine.master_priority), (OURS, 255))

    def test_owner_that_wants_backup(self) -> None:
        """keepalived: priority 255 with state BACKUP waits its master-down time."""
        machine = self.backup(priority=255)
        self.due(machine, 1003 + 1 / 256)

    def test_155_backup(self) -> None:
        """(155) All others become BACKUP and wait the master-down interval."""
        machine = self.machine()
        self.assertEqual(
            shown(machine.start(now=START)),
            [
                Hold(()),
                "(VI) Entering BACKUP STATE (init)",
                Report(State.BACKUP, "init"),
            ],
        )
        self.due(machine, 1003 + SKEW)

    def test_wanted_master_waits_less(self) -> None:
        """keepalived: state MASTER waits one interval and the least skew."""
        machine = self.machine(state="MASTER", advert_int=2.0)
        self.assertEqual(
            shown(machine.start(now=START)),
            [
                Hold(()),
                "(VI) Entering BACKUP STATE (init)",
                Report(State.BACKUP, "init"),
            ],
        )
        self.due(machine, 1002 + 1 / 256)

    def test_wanted_master_version_3(self) -> None:
        """The same in version 3, where the skew is a part of the interval."""
        machine = self.backup(state="MASTER", version=3, advert_int=0.1)
        self.due(machine, 1000.1 + 0.1 / 256)

    def test_start_with_fault(self) -> None:
        """With a fault the machine starts in FAULT and waits for no time."""
        machine = self.machine()
        self.assertEqual(machine.judge(100, ("no link",), now=START), [])
        self.assertEqual(
            shown(machine.start(now=START)),
            [Hold(()), "(VI) Entering FAULT STATE (init)", Report(State.FAULT, "init")],
        )
        self.due(machine, None)

    def test_fault_gone_before_the_start(self) -> None:
        """A fault that is over before the start leaves no mark."""
        machine = self.machine()
        machine.judge(100, ("no link",), now=START)
        self.assertEqual(machine.judge(100, (), now=START), [])
        machine.start(now=START)
        self.assertIs(machine.state, State.BACKUP)


class BackupTests(InstanceTestCase):
    """Section 6.4.2, Backup."""

    def test_345_shutdown(self) -> None:
        """(345) Stopped: nothing is sent, for nobody follows us."""
        machine = self.backup()
        self.assertEqual(
            shown(machine.stop(now=1001)), [Hold(()), Report(State.STOP, "stop")]
        )
        self.due(machine, None)

    def test_master_down_timer(self) -> None:
        """The master-down timer fires: advertise first, then the addresses."""
        machine = self.backup()
        self.assertEqual(machine.expire(now=1003.6), [])
        self.assertEqual(
            shown(machine.expire(now=1003 + SKEW)),
            [
                "D (VI) Receive advertisement timeout",
                Advertise(100),
                Hold((VIP, EXTRA)),
                Announce((VIP, EXTRA), 5),
                "(VI) Entering MASTER STATE",
                Report(State.MASTER, "no advertisement"),
            ],
        )
        self.due(machine, 1004 + SKEW)

    def test_425_priority_zero(self) -> None:
        """(425) The master says goodbye: wait the skew time only."""
        machine = self.backup()
        machine.receive(advert(200), HIGH, now=1001)
        self.assertEqual(
            shown(machine.receive(advert(0), HIGH, now=1001.5)),
            ["(VI) Backup received priority 0 advertisement"],
        )
        self.due(machine, 1001.5 + SKEW)
        self.assertIsNone(machine.master)

    def test_450_higher(self) -> None:
        """(450) A higher master: follow, and wait for its next advertisements."""
        machine = self.backup()
        self.assertEqual(
            shown(machine.receive(advert(200), HIGH, now=1001)),
            ["(VI) master set to 10.0.0.9"],
        )
        self.due(machine, 1004 + SKEW)
        self.assertEqual((machine.master, machine.master_priority), (HIGH, 200))
        self.assertEqual(machine.receive(advert(200), HIGH, now=1002), [])
        self.due(machine, 1005 + SKEW)

    def test_450_equal(self) -> None:
        """(450) An equal master is followed, whichever address is higher."""
        for source in (LOW, HIGH):
            machine = self.backup()
            machine.receive(advert(100), source, now=1001)
            self.due(machine, 1004 + SKEW)
            self.assertEqual(machine.master, source)

    def test_master_changes(self) -> None:
        """Another master than before is followed, and said."""
        machine = self.backup()
        machine.receive(advert(200), HIGH, now=1001)
        self.assertEqual(
            shown(machine.receive(advert(201), LOW, now=1002)),
            ["(VI) master changed from 10.0.0.9 to 10.0.0.1"],
        )
        self.due(machine, 1005 + SKEW)

    def test_470_lower_with_preempt(self) -> None:
        """(470) A lower master is discarded: the timer runs on, and we take over."""
        machine = self.backup()
        self.assertEqual(
            shown(machine.receive(advert(99), HIGH, now=1001)),
            ["D (VI) received lower priority (99) advert from 10.0.0.9 - discarding"],
        )
        self.due(machine, 1003 + SKEW)
        self.assertIsNone(machine.master)

    def test_450_lower_without_preempt(self) -> None:
        """(450) Without preemption a lower master is followed as any other."""
        machine = self.backup(preempt=False)
        self.assertEqual(
            shown(machine.receive(advert(1), LOW, now=1001)),
            ["(VI) master set to 10.0.0.1"],
        )
        self.due(machine, 1004 + SKEW)

    def test_455_interval_of_the_master(self) -> None:
        """(455) Version 3 takes the interval of its master for its own patience."""
        machine = self.backup(version=3)
        self.assertEqual(
            shown(machine.receive(advert(200, 0.5, 3), HIGH, now=1001)),
            [
                "(VI) master set to 10.0.0.9",
                "(VI) advertisement interval updated from 1000ms to 500ms by master",
            ],
        )
        self.due(machine, 1001 + 1.5 + SKEW / 2)

    def test_455_own_interval_as_master(self) -> None:
        """Version 3 goes back to its own interval when it is MASTER itself."""
        machine = self.backup(version=3)
        machine.receive(advert(200, 0.5, 3), HIGH, now=1001)
        machine.expire(now=1005)  # so late that it listens once more
        said = shown(machine.expire(now=1010))
        self.assertIn(
            "(VI) changing advert interval from 500ms to locally configured 1000ms",
            said,
        )
        self.assertIs(machine.state, State.MASTER)
        self.due(machine, 1011)
        self.assertEqual(machine.master_interval, 1.0)

    def test_interval_of_a_discarded_master(self) -> None:
        """Version 3 learns nothing from an advertisement that it discards."""
        machine = self.backup(version=3)
        machine.receive(advert(50, 0.1, 3), LOW, now=1001)
        self.due(machine, 1003 + SKEW)
        self.assertEqual(machine.master_interval, 1.0)


class MasterTests(InstanceTestCase):
    """Section 6.4.3, Active."""

    def test_655_shutdown(self) -> None:
        """(655) Stopped: release, then say goodbye once; report at the end."""
        machine = self.master()
        self.assertEqual(
            shown(machine.stop(now=1001)),
            [
                Hold(()),
                Advertise(0),
                "D (VI) sent 0 priority",
                Report(State.STOP, "stop"),
            ],
        )
        self.due(machine, None)

    def test_advertisement_timer(self) -> None:
        """The advertisement timer fires: advertise, and start it again."""
        machine = self.master()
        self.due(machine, 1001)
        self.assertEqual(machine.expire(now=1000.999999), [])
        self.assertEqual(machine.expire(now=1001), [Advertise(100)])
        self.due(machine, 1002)

    def test_late_turn_does_not_shift_the_beat(self) -> None:
        """An advertisement that is sent late does not make the later ones late."""
        machine = self.master()
        for second in range(1, 5):
            self.due(machine, 1000 + second)
            self.assertEqual(machine.expire(now=1000.3 + second), [Advertise(100)])

    def test_very_late_turn(self) -> None:
        """After a long sleep there is one advertisement, not one per missed beat."""
        machine = self.master(garp=Garp(master_delay=0))
        self.assertEqual(machine.expire(now=1007.5), [Advertise(100)])
        self.due(machine, 1008.5)

    def test_705_priority_zero(self) -> None:
        """(705) Another master says goodbye: advertise at once, start the timer."""
        machine = self.master()
        self.assertEqual(
            shown(machine.receive(advert(0), HIGH, now=1000.25)),
            ["(VI) Master received priority 0 message", Advertise(100)],
        )
        self.due(machine, 1001.25)

    def test_725_higher(self) -> None:
        """(725) A higher master: one last advert, release, no priority 0, follow.

        The last advertisement lets the higher one know that there were two, so that it
        announces its addresses again.
        """
        machine = self.master()
        self.assertEqual(
            shown(machine.receive(advert(101), LOW, now=1000.5)),
            [
                "(VI) Master received advert from 10.0.0.1 with higher priority 101,"
                " ours 100",
                Advertise(100),
                Hold(()),
                "(VI) Entering BACKUP STATE",
                Report(State.BACKUP, "better master"),
            ],
        )
        self.due(machine, 1003.5 + SKEW)
        self.assertEqual((machine.master, machine.master_priority), (LOW, 101))

    def test_735_equal_with_higher_address(self) -> None:
        """(735) Equal priorities: the higher address wins."""
        machine = self.master()
        self.assertEqual(
            shown(machine.receive(advert(100), HIGH, now=1000.5))[0],
            "(VI) Master received advert from 10.0.0.9 with same priority 100 but"
            " higher IP address than ours",
        )
        self.assertIs(machine.state, State.BACKUP)

    def test_equal_with_lower_address(self) -> None:
        """Equal priorities: the lower address is put in its place."""
        machine = self.master()
        actions = machine.receive(advert(100), LOW, now=1000.5)
        self.assertEqual(actions[1:2], [Advertise(100)])
        self.assertIs(machine.state, State.MASTER)

    def test_lower(self) -> None:
        """A lower master: advertise at once, win the neighbours back, tell."""
        machine = self.master()
        self.assertEqual(
            shown(machine.receive(advert(50), HIGH, now=1000.5)),
            [
                "(VI) Received advert from 10.0.0.9 with lower priority 50, ours 100,"
                " forcing new election",
                Advertise(100),
                Announce((VIP, EXTRA), 5),
                Outranked(HIGH),
            ],
        )
        self.due(machine, 1001.5)

    def test_burstOfLower(self) -> None:
        """Lower adverts in a burst get one answer; a tenth of an interval later one."""
        machine = self.master()
        machine.receive(advert(50), HIGH, now=1000.5)
        for late in (0.0, 0.001, 0.099):
            self.assertEqual(machine.receive(advert(50), HIGH, now=1000.5 + late), [])
        self.due(machine, 1001.5)
        actions = machine.receive(advert(50), HIGH, now=1000.6)
        self.assertIn(Outranked(HIGH), actions)
        self.due(machine, 1001.6)

    def test_lower_prio_no_advert(self) -> None:
        """lower_prio_no_advert: the beat is kept, nothing is said to be forced."""
        machine = self.master(lower_prio_no_advert=True)
        self.assertEqual(
            shown(machine.receive(advert(50), HIGH, now=1000.5)),
            [
                "(VI) Received advert from 10.0.0.9 with lower priority 50, ours 100",
                Announce((VIP, EXTRA), 5),
                Outranked(HIGH),
            ],
        )
        self.due(machine, 1001)

    def test_higher_prio_send_advert(self) -> None:
        """higher_prio_send_advert off: a master steps down in silence."""
        machine = self.master(higher_prio_send_advert=False)
        actions = machine.receive(advert(101), LOW, now=1000.5)
        self.assertEqual(actions[1], Hold(()))
        self.assertNotIn(Advertise(100), actions)

    def test_745_interval_of_the_new_master(self) -> None:
        """(745) Version 3 waits by the interval of the master it gives way to."""
        machine = self.master(version=3)
        machine.receive(advert(101, 0.2, 3), LOW, now=1000.5)
        self.due(machine, 1000.5 + 0.6 + SKEW / 5)

    def test_own_address(self) -> None:
        """An advertisement from our own address changes nothing."""
        machine = self.master()
        for priority, what in ((100, "equal priority advert"), (101, "advert")):
            self.assertEqual(
                shown(machine.receive(advert(priority), OURS, now=1000.5)),
                [
                    f"(VI) WARNING - {what} received from remote host with our IP"
                    " address."
                ],
            )
        self.due(machine, 1001)

    def test_without_own_address(self) -> None:
        """As long as our address is unknown only the priority decides."""
        machine = self.master(source=None)
        machine.receive(advert(100), HIGH, now=1000.5)
        self.assertIs(machine.state, State.MASTER)
        machine.receive(advert(101), LOW, now=1000.5)
        self.assertIs(machine.state, State.BACKUP)

    def test_two_owners(self) -> None:
        """Two owners: the higher address is borne once, then it wins."""
        machine = self.master(priority=255, state="MASTER")
        self.assertEqual(
            shown(machine.receive(advert(255), HIGH, now=1000.5)), [TWO_OWNERS]
        )
        self.assertIs(machine.state, State.MASTER)
        self.assertEqual(
            shown(machine.receive(advert(255), HIGH, now=1001.5)),
            [
                "(VI) 10.0.0.9 is still advertising as address owner, please resolve"
                " - reducing our priority",
                "(VI) Master received advert from 10.0.0.9 with higher priority 255,"
                " ours 254",
                Advertise(254),
                Hold(()),
                "(VI) Entering BACKUP STATE",
                Report(State.BACKUP, "better master"),
            ],
        )
        self.assertEqual(machine.judge(255, (), now=1002), [])

    def test_the_other_owner_has_gone(self) -> None:
        """The other owner is silent for 1.2 intervals: our priority is restored."""
        machine = self.master(priority=255, state="MASTER")
        for now in (1000.5, 1001.5, 1002.5):
            machine.receive(advert(255), HIGH, now=now)
        machine.receive(advert(254), HIGH, now=1003)
        self.due(machine, 1003.7)
        self.assertEqual(
            shown(machine.expire(now=1003.7)),
            [
                "(VI) rogue address owner 10.0.0.9 appears to have stopped advertising",
                "(VI) Restoring our priority to 255",
                "(VI) Changing effective priority from 254 to 255",
                Reweighed(),
            ],
        )
        self.due(machine, 1006 + 1 / 256)

    def test_the_weaker_owner(self) -> None:
        """An owner with a lower address is complained of once, and answered."""
        machine = self.master(priority=255, state="MASTER")
        for now, said in ((1000.5, [TWO_OWNERS.replace("9", "1")]), (1001, [])):
            heard = shown(machine.receive(advert(255), LOW, now=now))
            self.assertEqual(heard[:-4], said)
            self.assertEqual(heard[-3:-1], [Advertise(255), Announce((VIP, EXTRA), 5)])
        self.assertIs(machine.state, State.MASTER)
        self.assertEqual(
            shown(machine.expire(now=1002.2))[:1],
            ["(VI) rogue address owner 10.0.0.1 appears to have stopped advertising"],
        )

    def test_the_rival_is_forgotten(self) -> None:
        """In FAULT, and as an owner no more, an instance forgets who else was one."""
        for event in ("fault", "settings"):
            machine = self.master(priority=255, state="MASTER")
            for now in (1000.5, 1001.5):
                machine.receive(advert(255), HIGH, now=now)
            if event == "fault":
                machine.judge(255, ("x",), now=1002)
                self.due(machine, None)
            else:
                lower = replace(machine.settings, priority=100)
                machine.reconfigure(lower, now=1002)
                self.due(machine, 1005 + 1 / 256)
            self.assertEqual(machine.priority, 255)

    def test_owner_ignores_adverts(self) -> None:
        """owner_ignore_adverts: the owner hears nothing; others do."""
        machine = self.master(priority=255, state="MASTER", owner_ignore_adverts=True)
        for priority in (0, 100, 255):
            self.assertEqual(machine.receive(advert(priority), HIGH, now=1000.5), [])
        self.due(machine, 1001)
        machine = self.master(owner_ignore_adverts=True)
        machine.receive(advert(101), HIGH, now=1000.5)
        self.assertIs(machine.state, State.BACKUP)
