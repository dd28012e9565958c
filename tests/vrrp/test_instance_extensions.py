"""Claims about what the machine does beyond the RFC, and about its arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hanode.config.model import Garp
from hanode.vrrp.actions import Advertise, Announce, Hold, Report, State
from hanode.vrrp.instance import Instance
from tests.vrrp.machines import (
    EXTRA,
    HIGH,
    LOW,
    NEW,
    SETTINGS,
    SKEW,
    START,
    VIP,
    InstanceTestCase,
    advert,
    shown,
)

ALL = (VIP, EXTRA)


class ArithmeticTests(InstanceTestCase):
    """Section 6.1: skew and master-down interval."""

    def test_version_2(self) -> None:
        """Version 2: three intervals and (256 - priority) / 256 of a second."""
        wanted = {
            (1, 1.0): 3.99609375,
            (100, 1.0): 3.609375,
            (101, 1.0): 3.60546875,
            (254, 1.0): 3.0078125,
            (255, 1.0): 3.00390625,
            (100, 5.0): 15.609375,
            (100, 255.0): 765.609375,
        }
        for (priority, interval), down in wanted.items():
            machine = self.backup(priority=priority, advert_int=interval)
            self.assertEqual(machine.master_down, down)
            self.due(machine, START + down)

    def test_version_3(self) -> None:
        """Version 3: the skew is a part of the master's interval."""
        wanted = {
            (1, 1.0): 3.99609375,
            (100, 0.1): 0.3609375,
            (100, 0.01): 0.03609375,
            (254, 0.01): 0.030078125,
            (100, 40.95): 147.80390625,
        }
        for (priority, interval), down in wanted.items():
            machine = self.backup(priority=priority, advert_int=interval, version=3)
            self.due(machine, START + down)

    def test_down_timer_adverts(self) -> None:
        """down_timer_adverts says how many intervals are waited for."""
        self.due(self.backup(down_timer_adverts=2), 1002 + SKEW)
        self.due(self.backup(down_timer_adverts=100), 1100 + SKEW)

    def test_better_backup_is_first(self) -> None:
        """After one goodbye the best backup comes first, whoever heard it."""
        waits = []
        for priority in (1, 100, 101, 254):
            machine = self.backup(priority=priority)
            machine.receive(advert(0), HIGH, now=START)
            waits.append((machine.deadline or 0.0) - START)
        self.assertEqual(waits, sorted(waits, reverse=True))
        self.assertEqual(len(set(waits)), 4)


class PreemptDelayTests(InstanceTestCase):
    """preempt_delay: a lower master is borne for a while."""

    def test_whole_story(self) -> None:
        """Borne for the delay, then discarded, then replaced."""
        machine = self.backup(preempt_delay=5.0)
        self.assertEqual(
            shown(machine.receive(advert(50), LOW, now=1001)),
            ["(VI) start preempt delay (5.0)", "(VI) master set to 10.0.0.1"],
        )
        self.due(machine, 1004 + SKEW)
        for now in (1002.0, 1003.0, 1005.999):
            self.assertEqual(machine.receive(advert(50), LOW, now=now), [])
            self.due(machine, now + 3 + SKEW)
        self.assertEqual(
            shown(machine.receive(advert(50), LOW, now=1006)),
            ["D (VI) received lower priority (50) advert from 10.0.0.1 - discarding"],
        )
        self.due(machine, 1008.999 + SKEW)
        machine.expire(now=1009.7)
        self.assertIs(machine.state, State.MASTER)

    def test_cancelled_by_a_better_one(self) -> None:
        """A better master cancels the delay; the next lower one starts it anew."""
        machine = self.backup(preempt_delay=5.0)
        machine.receive(advert(50), LOW, now=1001)
        self.assertEqual(
            shown(machine.receive(advert(200), HIGH, now=1004)),
            [
                "(VI) stop preempt delay",
                "(VI) master changed from 10.0.0.1 to 10.0.0.9",
            ],
        )
        self.assertEqual(
            shown(machine.receive(advert(50), LOW, now=1007)),
            [
                "(VI) start preempt delay (5.0)",
                "(VI) master changed from 10.0.0.9 to 10.0.0.1",
            ],
        )
        machine.receive(advert(50), LOW, now=1011)
        self.due(machine, 1014 + SKEW)

    def test_goodbye_ends_the_wait(self) -> None:
        """When the lower master leaves, nobody waits for the delay."""
        machine = self.backup(preempt_delay=300.0)
        machine.receive(advert(50), LOW, now=1001)
        machine.receive(advert(0), LOW, now=1002)
        self.due(machine, 1002 + SKEW)

    def test_silence_ends_the_wait(self) -> None:
        """When the lower master dies, nobody waits for the delay."""
        machine = self.backup(preempt_delay=300.0)
        machine.receive(advert(50), LOW, now=1001)
        machine.expire(now=1005)
        self.assertIs(machine.state, State.MASTER)

    def test_starts_anew_in_the_next_backup(self) -> None:
        """Each time that we are BACKUP has a delay of its own."""
        machine = self.backup(preempt_delay=5.0)
        machine.receive(advert(50), LOW, now=1001)
        machine.expire(now=1005)
        machine.receive(advert(200), HIGH, now=1006)
        self.assertIn(
            "(VI) start preempt delay (5.0)",
            shown(machine.receive(advert(50), LOW, now=1010)),
        )

    def test_taken_away_by_a_reload(self) -> None:
        """A delay that a reload takes away is not waited for any longer."""
        machine = self.backup(preempt_delay=300.0)
        machine.receive(advert(50), LOW, now=1001)
        machine.reconfigure(SETTINGS, now=1002)
        self.assertEqual(
            shown(machine.receive(advert(50), LOW, now=1003)),
            ["D (VI) received lower priority (50) advert from 10.0.0.1 - discarding"],
        )

    def test_other_settings_leave_it_running(self) -> None:
        """A reload that does not touch the delay does not start it again."""
        machine = self.backup(preempt_delay=5.0)
        machine.receive(advert(50), LOW, now=1001)
        changed = replace(SETTINGS, preempt_delay=5.0, addresses=(NEW,))
        machine.reconfigure(changed, now=1005)
        self.assertIn("discarding", str(machine.receive(advert(50), LOW, now=1006)))


class AnnouncementTests(InstanceTestCase):
    """Gratuitous ARP and unsolicited NA while MASTER."""

    def beats(self, garp: Garp, until: float) -> list[tuple[float, int]]:
        """When and how often a master announces, woken at each deadline."""
        machine = self.master(garp=garp)
        heard: list[tuple[float, int]] = []
        while machine.deadline is not None and machine.deadline <= until:
            now = machine.deadline
            for action in machine.expire(now=now):
                if isinstance(action, Announce):
                    self.assertEqual(action.addresses, ALL)
                    heard.append((round(now - START, 6), action.repeat))
        return heard

    def test_second_batch(self) -> None:
        """The second batch comes once, garp_master_delay after the first."""
        garp = Garp(master_delay=2.5, master_repeat=3)
        self.assertEqual(self.beats(garp, START + 30), [(2.5, 3)])

    def test_no_second_batch(self) -> None:
        """garp_master_delay 0: no second batch."""
        self.assertEqual(self.beats(Garp(master_delay=0), START + 30), [])

    def test_refresh(self) -> None:
        """garp_master_refresh repeats for ever, with its own number of rounds."""
        garp = Garp(master_delay=0, master_refresh=10, master_refresh_repeat=2)
        self.assertEqual(
            self.beats(garp, START + 35), [(10.0, 2), (20.0, 2), (30.0, 2)]
        )

    def test_extra(self) -> None:
        """garp_extra_if announces what is on other interfaces, once an interval."""
        there = replace(EXTRA, device="eth9")
        garp = Garp(0, extra_interval=30, extra_all=True)
        machine = self.master(garp=garp, excluded=(there,))
        later = START + 31
        found = machine.expire(now=later)
        self.assertIn(Announce((there,), 1), found)
        self.assertNotIn(Announce((there,), 1), machine.expire(now=later + 29))
        self.assertIn(Announce((there,), 1), machine.expire(now=later + 30))

    def test_nothing_extra(self) -> None:
        """Without such addresses nothing is announced."""
        machine = self.master(garp=Garp(0, extra_interval=30))
        found = machine.expire(now=START + 31)
        self.assertEqual([a for a in found if isinstance(a, Announce)], [])

    def test_refresh_and_second_batch_together(self) -> None:
        """Both at one time make one batch with the larger number of rounds."""
        garp = Garp(5.0, 4, master_refresh=5.0, master_refresh_repeat=2)
        self.assertEqual(self.beats(garp, START + 10), [(5.0, 4), (10.0, 2)])

    def test_beat_and_batch_in_one_turn(self) -> None:
        """A turn in which both are due advertises first."""
        machine = self.master(garp=Garp(master_delay=1.0))
        self.assertEqual(machine.expire(now=1001), [Advertise(100), Announce(ALL, 5)])

    def test_second_batch_after_a_lower_master(self) -> None:
        """A lower master is answered by a batch now and another one later."""
        garp = Garp(0, lower_prio_delay=0.5, lower_prio_repeat=2)
        machine = self.master(garp=garp)
        actions = machine.receive(advert(50), LOW, now=1000.25)
        self.assertIn(Announce(ALL, 2), actions)
        self.due(machine, 1000.75)
        self.assertEqual(machine.expire(now=1000.75), [Announce(ALL, 2)])
        self.due(machine, 1001.25)

    def test_no_batch_after_a_lower_master(self) -> None:
        """garp_lower_prio_repeat 0: nothing is announced, now or later."""
        machine = self.master(garp=Garp(0, lower_prio_repeat=0))
        actions = machine.receive(advert(50), LOW, now=1000.25)
        self.assertEqual([a for a in actions if isinstance(a, Announce)], [])
        self.due(machine, 1001.25)

    def test_nothing_is_announced_after_leaving(self) -> None:
        """Who is MASTER no more announces no more."""
        garp = Garp(master_refresh=1.0)
        for machine in (self.master(garp=garp), self.master(garp=garp)):
            machine.receive(advert(200), HIGH, now=1000.5)
            self.due(machine, 1003.5 + SKEW)
            self.assertEqual(machine.expire(now=1003), [])


class FaultTests(InstanceTestCase):
    """What the trackers find."""

    def test_fault_in_backup(self) -> None:
        """BACKUP goes to FAULT without a packet and waits for no time."""
        machine = self.backup()
        self.assertEqual(
            shown(machine.judge(100, ("interface eth0 down",), now=1001)),
            [
                "(VI): entering FAULT state (interface eth0 down)",
                Hold(()),
                "(VI) Entering FAULT STATE",
                Report(State.FAULT, "interface eth0 down"),
            ],
        )
        self.due(machine, None)

    def test_fault_in_master(self) -> None:
        """MASTER releases, says goodbye once, and names every fault."""
        machine = self.master()
        self.assertEqual(
            shown(machine.judge(100, ("interface eth1 down", "no source"), now=1001)),
            [
                "(VI): entering FAULT state (interface eth1 down)",
                "(VI): entering FAULT state (no source)",
                Hold(()),
                Advertise(0),
                "D (VI) sent 0 priority",
                "(VI) Entering FAULT STATE",
                Report(State.FAULT, "interface eth1 down, no source"),
            ],
        )
        self.due(machine, None)

    def test_fault_hears_nothing(self) -> None:
        """In FAULT no advertisement and no time changes anything."""
        machine = self.fault()
        for priority in (0, 50, 200):
            self.assertEqual(machine.receive(advert(priority), HIGH, now=1001), [])
        self.assertEqual(machine.expire(now=2000), [])

    def test_one_of_two_faults_cleared(self) -> None:
        """As long as one fault is left the machine stays in FAULT."""
        machine = self.fault()
        self.assertEqual(machine.judge(100, ("no source",), now=1001), [])
        self.assertIs(machine.state, State.FAULT)
        self.assertEqual(machine.faults, ("no source",))

    def test_cleared(self) -> None:
        """All faults cleared: BACKUP with the whole master-down interval."""
        machine = self.fault(state="MASTER")
        self.assertEqual(
            shown(machine.judge(100, (), now=1010)),
            [
                Hold(()),
                "(VI) Entering BACKUP STATE",
                Report(State.BACKUP, "fault cleared"),
            ],
        )
        self.due(machine, 1013 + SKEW)

    def test_cleared_forgets_the_old_master(self) -> None:
        """After FAULT the interval is our own again, and the master unknown."""
        machine = self.backup(version=3)
        machine.receive(advert(200, 0.1, 3), HIGH, now=1001)
        machine.judge(100, ("x",), now=1002)
        machine.judge(100, (), now=1010)
        self.assertIsNone(machine.master)
        self.due(machine, 1013 + SKEW)

    def test_owner_cleared(self) -> None:
        """The owner is MASTER again as soon as its faults are gone."""
        machine = self.fault(priority=255, state="MASTER")
        self.assertEqual(
            machine.judge(255, (), now=1010)[:2], [Advertise(255), Hold(ALL)]
        )
        self.due(machine, 1011)

    def test_stop_in_fault(self) -> None:
        """Stopped in FAULT: nothing is sent."""
        machine = self.fault()
        self.assertEqual(
            shown(machine.stop(now=1001)), [Hold(()), Report(State.STOP, "stop")]
        )

    def test_stop_before_the_start(self) -> None:
        """Stopped in INIT, during the start-up delay, say: nothing is sent."""
        machine = self.machine()
        self.assertEqual(
            shown(machine.stop(now=1001)), [Hold(()), Report(State.STOP, "stop")]
        )

    def test_nothing_after_the_stop(self) -> None:
        """A stopped machine takes notice of faults and does nothing."""
        machine = self.master()
        machine.stop(now=1001)
        self.assertEqual(machine.judge(100, ("x",), now=1002), [])
        self.assertEqual(machine.judge(100, (), now=1003), [])
        self.assertEqual(machine.receive(advert(50), LOW, now=1004), [])
        self.assertEqual(machine.expire(now=1005), [])
        self.assertEqual(machine.reconfigure(SETTINGS, now=1006), [])
        self.due(machine, None)


class LateTimerTests(InstanceTestCase):
    """timer_expired_backup: a master that was held up for long."""

    def late(self, **changes: Any) -> Instance:
        """A master with nopreempt since 1000; others with 200 need 1003.21875."""
        return self.master(preempt=False, timer_expired_backup=200, **changes)

    def test_too_late(self) -> None:
        """Another node may be MASTER: go to BACKUP without an advertisement."""
        self.assertEqual(
            shown(self.late().expire(now=1003.21875)),
            [
                "(VI) timer expired so late that another node may be MASTER",
                Hold(()),
                "(VI) Entering BACKUP STATE",
                Report(State.BACKUP, "timer expired late"),
            ],
        )

    def test_version_3(self) -> None:
        """In version 3 the skew is a part of the interval."""
        machine = self.late(version=3, advert_int=0.1)
        self.assertEqual(machine.expire(now=1000.32), [Advertise(100)])
        machine = self.late(version=3, advert_int=0.1)
        machine.expire(now=1000.33)
        self.assertIs(machine.state, State.BACKUP)

    def test_soon_enough(self) -> None:
        """Nobody can have taken over: advertise."""
        self.assertEqual(self.late().expire(now=1003.21), [Advertise(100)])

    def test_switched_off(self) -> None:
        """Without it, and with preempt, a late master goes on."""
        for changes in ({"timer_expired_backup": 0}, {"preempt": True}):
            machine = self.late()
            machine.settings = replace(machine.settings, **changes)
            self.assertEqual(machine.expire(now=1004.9), [Advertise(100)])

    def test_the_other_was_heard_first(self) -> None:
        """A lower master that is read before the timer fires is followed."""
        machine = self.late()
        machine.receive(advert(50), LOW, now=1004)
        self.assertEqual((machine.state, machine.master), (State.BACKUP, LOW))
        self.due(machine, 1007 + SKEW)


class HeldUpTests(InstanceTestCase):
    """A backup that finds out that it did not run for a while."""

    def follower(self) -> Instance:
        """A backup that heard its master at 1000; silence is over at 1003.61."""
        machine = self.backup()
        machine.receive(advert(200), HIGH, now=START)
        return machine

    def test_listensOnce(self) -> None:
        """An interval late: a living master has one more; then it is dead."""
        machine = self.follower()
        down = machine.master_down
        actions = machine.expire(now=START + down + 1.5)
        self.assertEqual(
            shown(actions), ["(VI) was held up for 1.5 s: listening once more"]
        )
        self.due(machine, START + down + 1.5 + 1 + SKEW)
        machine.expire(now=START + 100)  # late again
        self.assertIs(machine.state, State.MASTER)

    def test_masterLives(self) -> None:
        """Who hears the master again is as patient the next time."""
        machine = self.follower()
        for at in (1010.0, 1020.0):
            machine.expire(now=at)
            machine.receive(advert(200), HIGH, now=at + 0.5)
            self.due(machine, at + 0.5 + machine.master_down)
        self.assertIs(machine.state, State.BACKUP)

    def test_little(self) -> None:
        """Less than an interval late: nothing is waited for."""
        machine = self.follower()
        machine.expire(now=START + machine.master_down + 0.99)
        self.assertIs(machine.state, State.MASTER)

    def test_noMaster(self) -> None:
        """Where no master was heard yet there is none to spare."""
        machine = self.backup()
        machine.expire(now=START + 60)
        self.assertIs(machine.state, State.MASTER)
