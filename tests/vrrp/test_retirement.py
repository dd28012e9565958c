"""Claims about an instance that an operator sends away."""

from __future__ import annotations

from typing import Any

from hanode.vrrp.actions import Advertise, HandOver, Hold, Report, Reweighed, State
from hanode.vrrp.retirement import ALONE, GONE, RESIGNED, WAITING, Retiring
from tests.vrrp.machines import HIGH, LOW, InstanceTestCase, advert, shown

AWAY = "(VI) sent away by the operator"


class RetiringTests(InstanceTestCase):
    """MASTER since 1010, advertisement interval 1 s."""

    kind = Retiring

    def machine(self, **changes: Any) -> Retiring:
        """A machine in INIT."""
        machine = super().machine(**changes)
        assert isinstance(machine, Retiring)
        return machine

    def retired(self, **changes: Any) -> Retiring:
        """One that is MASTER, and has been sent away at 1010.5."""
        machine = self.machine(**changes)
        machine.start(now=1000)
        machine.expire(now=1010)
        self.assertEqual(machine.retirement, "")
        self.assertEqual(shown(machine.retire(True, now=1010.5)), [AWAY])
        machine.judge(100, (), now=1010.5)
        self.assertEqual((machine.priority, machine.retirement), (1, WAITING))
        return machine

    def resigned(self) -> Retiring:
        """One that nobody has relieved: it has said goodbye."""
        machine = self.retired()
        while machine.retirement == WAITING:
            due = machine.deadline
            assert due is not None
            actions = machine.expire(now=due)
        text = "(VI) nobody preempts: sent 0 priority, serving until one is heard"
        self.assertEqual((due, shown(actions)), (1015.5, [Advertise(0), text]))
        self.assertEqual((machine.state, machine.retirement), (State.MASTER, RESIGNED))
        return machine

    def test_preempted(self) -> None:
        """It advertises priority 1 until a better one is heard, and lets go then."""
        machine = self.retired()
        self.assertEqual(machine.expire(now=1011.5), [Advertise(1)])
        taken = [f"(VI) {LOW} has taken over", HandOver()]
        self.assertEqual(shown(machine.receive(advert(100), LOW, now=1014)), taken)
        self.assertEqual(machine.receive(advert(100), LOW, now=1014.1), [])
        self.assertEqual((machine.state, machine.deadline), (State.MASTER, 1014.2))
        actions = machine.expire(now=1014.2)
        self.assertEqual(actions[0], Hold(()))
        self.assertIn(Report(State.BACKUP, "sent away"), actions)
        self.assertNotIn(Advertise(0), actions)
        self.assertEqual((machine.state, machine.retirement), (State.BACKUP, GONE))

    def test_lower(self) -> None:
        """Who is no better than priority 1 is told off, as ever."""
        machine = self.retired()
        actions = machine.receive(advert(1), LOW, now=1011)
        self.assertIn(Advertise(1), actions)
        machine.receive(advert(100), HIGH, now=1012)
        self.assertEqual(machine.receive(advert(1), LOW, now=1012.1), [])

    def test_linger(self) -> None:
        """While it answers beside the new master it says nothing, taken back or not."""
        machine = self.retired()
        machine.receive(advert(100), LOW, now=1014)
        self.assertEqual(machine.expire(now=1014.1), [])
        back = ["(VI) taken back by the operator"]
        self.assertEqual(shown(machine.retire(False, now=1014.1)), back)
        machine.receive(advert(100), LOW, now=1014.15)
        machine.expire(now=1014.2)
        self.assertIs(machine.state, State.BACKUP)

    def test_resigned(self) -> None:
        """After the goodbye it is silent, and lets go for whoever is heard."""
        machine = self.resigned()
        self.assertEqual(machine.deadline, 1020.5)
        actions = machine.receive(advert(1), LOW, now=1016)
        self.assertEqual(shown(actions), [f"(VI) {LOW} has taken over", HandOver()])
        actions = machine.expire(now=1016.2)
        self.assertNotIn(Advertise(0), actions)
        self.assertEqual((machine.master, machine.retirement), (LOW, GONE))

    def test_goodbyeOfAnother(self) -> None:
        """Somebody else's goodbye relieves nobody, nor does our own echo."""
        machine = self.resigned()
        machine.receive(advert(0), LOW, now=1016)
        machine.receive(advert(1), machine.source, now=1016)
        self.assertIs(machine.state, State.MASTER)

    def test_alone(self) -> None:
        """When nobody takes over it goes on, and says so."""
        machine = self.resigned()
        actions = machine.expire(now=1020.5)
        text = "(VI) nobody takes over: going on as MASTER"
        self.assertEqual(shown(actions), [text, Advertise(1)])
        self.assertEqual(machine.retirement, ALONE)
        self.assertEqual(machine.expire(now=1021.5), [Advertise(1)])
        machine.receive(advert(100), LOW, now=1022)
        machine.expire(now=1022.2)
        self.assertEqual(machine.retirement, GONE)

    def test_takenBack(self) -> None:
        """Taken back it has its own priority again, and advertises at once."""
        machine = self.resigned()
        self.assertEqual(
            shown(machine.retire(False, now=1016)),
            ["(VI) taken back by the operator", Advertise(1)],
        )
        actions = machine.judge(100, (), now=1016)
        self.assertIn(Advertise(100), actions)
        self.assertEqual((machine.retirement, machine.state), ("", State.MASTER))

    def test_twice(self) -> None:
        """The same wish again changes nothing."""
        machine = self.retired()
        self.assertEqual(machine.retire(True, now=1011), [])

    def test_backup(self) -> None:
        """A backup that is sent away follows anybody, and serves when there is none."""
        machine = self.machine()
        machine.start(now=1000)
        machine.receive(advert(50), HIGH, now=1000.1)
        machine.retire(True, now=1000.5)
        self.assertIn(Reweighed(), machine.judge(100, (), now=1000.5))
        self.assertEqual(machine.retirement, GONE)
        self.assertEqual(shown(machine.retire(False, now=1000.6))[1:], [])
        machine.retire(True, now=1000.7)
        due = machine.deadline
        assert due is not None
        machine.expire(now=due)
        self.assertEqual((machine.state, machine.retirement), (State.MASTER, WAITING))

    def test_version3(self) -> None:
        """The new master's interval is adopted."""
        machine = self.machine(version=3, advert_int=0.1)
        machine.start(now=1000)
        machine.expire(now=1010)
        machine.retire(True, now=1010)
        machine.judge(100, (), now=1010)
        while machine.retirement == WAITING:
            due = machine.deadline
            assert due is not None
            machine.expire(now=due)
        machine.receive(advert(10, version=3, interval=0.2), LOW, now=1011)
        machine.expire(now=1011.2)
        self.assertEqual((machine.state, machine.master_interval), (State.BACKUP, 0.2))
