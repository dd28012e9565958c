"""Claims about an instance that waits for its release script."""

from __future__ import annotations

from typing import Any

from hanode.config.model import Script
from hanode.config.notify_model import Release as Wait
from hanode.vrrp.actions import (
    Advertise,
    Hold,
    Release,
    Report,
    Reweighed,
    State,
)
from hanode.vrrp.parting import Parting
from tests.vrrp.machines import HIGH, InstanceTestCase, advert, shown

SCRIPT = Wait(Script(("/release",)), 5.0)
GOODBYE = [Hold(()), Advertise(0), "D (VI) sent 0 priority"]
STOPPED = [*GOODBYE, Report(State.STOP, "stop")]


def waiting(reason: str) -> str:
    """The line that says so."""
    return f"(VI) {reason}: waiting for the release script, 5 s at most"


def fault(name: str = "chk") -> list[Any]:
    """What happens when it goes to FAULT."""
    return [
        f"(VI): entering FAULT state ({name})",
        *GOODBYE,
        "(VI) Entering FAULT STATE",
        Report(State.FAULT, name),
    ]


class PartingTests(InstanceTestCase):
    """MASTER since 1010, with a script of at most 5 s."""

    kind = Parting

    def machine(self, **changes: Any) -> Parting:
        """A machine in INIT."""
        machine = super().machine(**{"release": SCRIPT, **changes})
        assert isinstance(machine, Parting)
        return machine

    def master(self, **changes: Any) -> Parting:
        """One that is MASTER."""
        machine = self.machine(**changes)
        machine.start(now=1000)
        machine.expire(now=1010)
        self.assertIs(machine.state, State.MASTER)
        return machine

    def parting(self, **changes: Any) -> Parting:
        """One that has begun to stop at 1010.5."""
        machine = self.master(**changes)
        begun = [waiting("stop"), Release()]
        self.assertEqual(shown(machine.stop(now=1010.5)), begun)
        self.assertTrue(machine.parting)
        return machine

    def test_stop(self) -> None:
        """It stays MASTER and advertises until the script has ended."""
        machine = self.parting()
        self.assertEqual((machine.state, machine.deadline), (State.MASTER, 1011.0))
        self.assertEqual(machine.expire(now=1011), [Advertise(100)])
        self.assertEqual(shown(machine.released(now=1011.2)), STOPPED)
        self.assertEqual((machine.parting, machine.deadline), (False, None))
        self.assertEqual(machine.released(now=1011.3), [])

    def test_limit(self) -> None:
        """When its time is over nobody waits any longer."""
        machine = self.parting()
        for second in range(1011, 1016):
            self.assertIn(Advertise(100), machine.expire(now=second))
        self.assertEqual(machine.deadline, 1015.5)
        text = "(VI) the release script takes too long: not waiting any longer"
        self.assertEqual(shown(machine.expire(now=1015.5)), [text, *STOPPED])

    def test_not_master(self) -> None:
        """Who holds nothing has nothing to wait for."""
        machine = self.machine()
        machine.start(now=1000)
        stopped = [Hold(()), Report(State.STOP, "stop")]
        self.assertEqual(machine.stop(now=1001), stopped)

    def test_without_script(self) -> None:
        """Who has no script does not wait."""
        machine = self.master(release=None)
        self.assertEqual(shown(machine.stop(now=1011)), STOPPED)
        self.assertFalse(machine.parting)

    def test_fault(self) -> None:
        """A tracker's fault waits, too, and may grow meanwhile."""
        machine = self.master()
        begun = machine.judge(100, ("chk",), now=1010.5)
        self.assertEqual(shown(begun), [waiting("chk"), Release()])
        self.assertEqual(machine.judge(100, ("chk",), now=1010.6), [])
        self.assertEqual(machine.state, State.MASTER)
        self.assertEqual(shown(machine.released(now=1011)), fault())
        self.assertEqual(machine.faults, ("chk",))

    def test_priority_meanwhile(self) -> None:
        """The priority follows the trackers all the time."""
        machine = self.master()
        changed = "(VI) Changing effective priority from {} to {}"
        begun = machine.judge(90, ("chk",), now=1010.5)
        wanted = [changed.format(100, 90), Reweighed(), Advertise(90)]
        self.assertEqual(shown(begun), [*wanted, waiting("chk"), Release()])
        wanted = [changed.format(90, 80), Reweighed(), Advertise(80)]
        self.assertEqual(shown(machine.judge(80, ("chk",), now=1010.6)), wanted)

    def test_fault_clears(self) -> None:
        """The service was stopped: the instance begins anew."""
        machine = self.master()
        machine.judge(100, ("chk",), now=1010.5)
        self.assertEqual(machine.judge(100, (), now=1010.6), [])
        self.assertEqual(
            shown(machine.released(now=1011)),
            [
                *GOODBYE,
                "(VI) Entering FAULT STATE",
                Report(State.FAULT, "released"),
                Hold(()),
                "(VI) Entering BACKUP STATE",
                Report(State.BACKUP, "fault cleared"),
            ],
        )

    def test_stop_while_in_fault(self) -> None:
        """Who is on the way to FAULT when the end comes goes to STOP."""
        machine = self.master()
        machine.judge(100, ("chk",), now=1010.5)
        self.assertEqual(machine.stop(now=1010.6), [])
        self.assertEqual(shown(machine.released(now=1011)), STOPPED)

    def test_abrupt(self) -> None:
        """When the interface has gone the addresses go at once, the script beside."""
        machine = self.master()
        machine.abrupt = True
        gone = machine.judge(100, ("eth0 down",), now=1010.5)
        self.assertEqual(shown(gone), [*fault("eth0 down"), Release()])
        self.assertFalse(machine.parting)
        self.assertEqual(machine.released(now=1011), [])

    def test_abrupt_meanwhile(self) -> None:
        """It may go while the script runs: nothing to wait for any more."""
        machine = self.master()
        machine.judge(100, ("chk",), now=1010.5)
        machine.abrupt = True
        gone = machine.judge(100, ("eth0 down",), now=1010.6)
        self.assertEqual(shown(gone), fault("eth0 down"))
        self.assertFalse(machine.parting)

    def test_better_master(self) -> None:
        """Another one is MASTER already: the addresses go, the script runs beside."""
        machine = self.master()
        taken = machine.receive(advert(200), HIGH, now=1010.5)
        self.assertEqual(taken[-2:], [Report(State.BACKUP, "better master"), Release()])
        self.assertEqual(machine.state, State.BACKUP)

    def test_better_master_meanwhile(self) -> None:
        """It goes where it was to go, and the other one hears no goodbye."""
        machine = self.parting()
        taken = machine.receive(advert(200), HIGH, now=1010.6)
        ended = [Report(State.BACKUP, "better master"), Hold(()), STOPPED[-1]]
        self.assertEqual(taken[-3:], ended)
        self.assertNotIn(Advertise(0), taken)
        self.assertFalse(machine.parting)

    def test_better_master_while_in_fault(self) -> None:
        """The same on the way to FAULT; when that is over it is a BACKUP."""
        for faults, state in ((("chk",), State.FAULT), ((), State.BACKUP)):
            machine = self.master()
            machine.judge(100, ("chk",), now=1010.5)
            machine.judge(100, faults, now=1010.6)
            machine.receive(advert(200), HIGH, now=1010.7)
            self.assertEqual((machine.state, machine.parting), (state, False))

    def test_lower_master_meanwhile(self) -> None:
        """A lower one is told off as always."""
        machine = self.parting()
        told = machine.receive(advert(50), HIGH, now=1010.6)
        self.assertIn(Advertise(100), told)
        self.assertTrue(machine.parting)

    def test_group(self) -> None:
        """When the group steps back meanwhile there is nothing to wait for."""
        machine = self.machine(group="G")
        machine.start(now=1000)
        machine.expire(now=1010)
        machine.lead(now=1010)
        machine.stop(now=1010.5)
        back = machine.step_back(0.0, now=1010.6)
        self.assertEqual(back[-1], Report(State.STOP, "stop"))
        self.assertFalse(machine.parting)
