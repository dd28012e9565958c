"""Claims about the machine of a sync group."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.vrrp.actions import Say, State
from hanode.vrrp.conditions import Condition, Conditions
from hanode.vrrp.group import Announced, Bind, Group, Lead, StepBack
from tests.vrrp.machines import shown

INIT, BACKUP, MASTER = (
    Condition(each) for each in (State.INIT, State.BACKUP, State.MASTER)
)
FAULT = Condition(State.FAULT)
WILLING = Condition(State.BACKUP, willing=True)
FOLLOWS = Condition(State.BACKUP, follows=True)
SICK = Condition(State.FAULT, ("interface eth0 down",))
BEREFT = Condition(State.BACKUP, willing=True, bereft=True)
SYNCING = "VRRP_Group(G) Syncing instances to {} state"


class GroupTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.group = Group("G")

    def weigh(self, **members: Condition) -> list[Any]:
        """What the group says about these members."""
        return shown(self.group.weigh(Conditions(members)))

    def begun(self, **members: Condition) -> None:
        """The group has begun with these members."""
        self.group.begin(Conditions(members))

    def masters(self) -> None:
        """A and B are MASTER."""
        self.begun(A=INIT, B=INIT)
        self.weigh(A=WILLING, B=WILLING)
        self.weigh(A=MASTER, B=MASTER)
        self.assertIs(self.group.state, State.MASTER)

    def test_begin(self) -> None:
        """A group without faults begins in BACKUP, before its members do."""
        self.assertEqual(
            shown(self.group.begin(Conditions({"A": INIT, "B": INIT}))),
            [Announced(State.BACKUP, "init")],
        )
        self.assertEqual(self.weigh(A=BACKUP, B=INIT), [])
        self.assertEqual(self.weigh(A=BACKUP, B=BACKUP), [])

    def test_begin_with_a_fault(self) -> None:
        """With a fault all begin in FAULT, and it is said whose fault it is."""
        begun = replace(SICK, state=State.INIT)
        self.assertEqual(
            shown(self.group.begin(Conditions({"A": INIT, "B": begun}))),
            [
                SYNCING.format("FAULT"),
                Bind("A", ("sync group G: B",)),
                Announced(State.FAULT, "B: interface eth0 down"),
            ],
        )

    def test_all_must_be_willing(self) -> None:
        """One that could be MASTER waits for the other one; then both are at once."""
        self.begun(A=INIT, B=INIT)
        self.assertEqual(self.weigh(A=WILLING, B=FOLLOWS), [])
        self.assertEqual(self.weigh(A=WILLING, B=BACKUP), [])
        self.assertEqual(
            self.weigh(A=WILLING, B=WILLING),
            [SYNCING.format("MASTER"), Lead("A"), Lead("B")],
        )
        self.assertEqual(self.weigh(A=WILLING, B=MASTER), [])  # A has not heard yet
        self.assertEqual(
            self.weigh(A=MASTER, B=MASTER),
            [Announced(State.MASTER, "all members can")],
        )
        self.assertEqual(self.weigh(A=MASTER, B=MASTER), [])

    def test_bfd_draws_the_others_along(self) -> None:
        """Who lost its master by BFD takes along who only does not know it yet."""
        for other in (FOLLOWS, BACKUP, WILLING):
            self.group = Group("G")
            self.begun(A=INIT, B=INIT)
            self.assertEqual(self.weigh(A=BEREFT, B=other)[1:], [Lead("A"), Lead("B")])

    def test_bfd_vouches(self) -> None:
        """A member whose own master lives, says BFD, is not drawn along."""
        alive = replace(FOLLOWS, assured=True)
        self.begun(A=INIT, B=INIT)
        self.assertEqual(self.weigh(A=BEREFT, B=alive), [])

    def test_one_falls(self) -> None:
        """One fault of its own puts all others in FAULT, until it has gone."""
        self.masters()
        self.assertEqual(
            self.weigh(A=SICK, B=MASTER),
            [SYNCING.format("FAULT"), Bind("B", ("sync group G: A",))],
        )
        self.assertEqual(
            self.weigh(A=SICK, B=FAULT),
            [Announced(State.FAULT, "A: interface eth0 down")],
        )
        self.assertEqual(self.weigh(A=SICK, B=SICK), [Bind("A", ("sync group G: B",))])
        self.assertEqual(self.weigh(A=FAULT, B=SICK), [Bind("B", ())])
        self.assertEqual(
            self.weigh(A=FAULT, B=FAULT), [SYNCING.format("BACKUP"), Bind("A", ())]
        )
        self.assertEqual(
            self.weigh(A=BACKUP, B=BACKUP), [Announced(State.BACKUP, "faults cleared")]
        )

    def test_a_better_master(self) -> None:
        """One that met a better master pulls the others; the later one waits longer."""
        for place, wait in (("A", 0.0), ("B", 2.0)):
            self.group = Group("G")
            self.masters()
            members = {"A": MASTER, "B": replace(MASTER, interval=2.0)}
            members[place] = FOLLOWS
            other = "B" if place == "A" else "A"
            if place == "B":
                members["A"] = replace(MASTER, interval=2.0)
            self.assertEqual(
                self.weigh(**members), [SYNCING.format("BACKUP"), StepBack(other, wait)]
            )
            members[other] = BACKUP
            self.assertEqual(
                self.weigh(**members),
                [Announced(State.BACKUP, f"{place} is not master")],
            )

    def test_a_member_on_its_way(self) -> None:
        """A member that was called and is not MASTER yet is called back, too."""
        self.begun(A=INIT, B=INIT)
        self.weigh(A=WILLING, B=WILLING)
        self.weigh(A=MASTER, B=WILLING)
        self.assertEqual(
            self.weigh(A=FOLLOWS, B=WILLING),
            [SYNCING.format("BACKUP"), StepBack("B", 0.0)],
        )

    def test_all_have_gone(self) -> None:
        """When no member is MASTER any more nobody is to be told."""
        self.masters()
        self.assertEqual(
            self.weigh(A=FOLLOWS, B=FOLLOWS),
            [Announced(State.BACKUP, "A is not master")],
        )

    def test_joining(self) -> None:
        """Who joins a master group is MASTER when it is willing; the others stay."""
        self.masters()
        self.assertEqual(self.weigh(A=MASTER, B=MASTER, C=BACKUP), [])
        self.assertEqual(
            self.weigh(A=MASTER, B=MASTER, C=WILLING),
            [SYNCING.format("MASTER"), Lead("C")],
        )

    def test_joining_and_following(self) -> None:
        """Who joins a master group and has a better master pulls the others."""
        self.masters()
        self.assertEqual(
            self.weigh(A=MASTER, B=MASTER, C=FOLLOWS),
            [SYNCING.format("BACKUP"), StepBack("A", 2.0), StepBack("B", 2.0)],
        )

    def test_forget(self) -> None:
        """A member that begins anew is like one that joins."""
        self.masters()
        self.group.forget("B")
        self.assertEqual(self.weigh(A=MASTER, B=BACKUP), [])

    def test_alone(self) -> None:
        """A group of one works."""
        self.begun(A=INIT)
        self.assertEqual(self.weigh(A=WILLING)[1:], [Lead("A")])
        self.weigh(A=MASTER)
        self.assertEqual(
            self.weigh(A=SICK), [Announced(State.FAULT, "A: interface eth0 down")]
        )


class Members:
    """Members that do what the group says, some at once and some a little later."""

    def __init__(self, names: str) -> None:
        self.now = dict.fromkeys(names, BACKUP)
        self.bound = dict.fromkeys(names, False)
        self.group = Group("G")
        self.pulls: list[str] = []

    def settle(self) -> None:
        """Obey until the group has nothing to say; that comes to an end."""
        for _ in range(10):
            orders = self.group.weigh(Conditions(self.now))
            for order in orders:
                self.obey(order)
            if not [order for order in orders if not isinstance(order, Say)]:
                return
        raise AssertionError("the group does not come to rest")

    def obey(self, order: Any) -> None:
        """One order, as L{hanode.vrrp.member} obeys it."""
        if isinstance(order, Bind):
            self.bound[order.member] = bool(order.faults)
            self.judge(order.member, self.now[order.member].faults)
        elif isinstance(order, Lead) and self.is_in(order.member, State.BACKUP):
            self.now[order.member] = MASTER
            self.pulls.append("up")
        elif isinstance(order, StepBack) and self.is_in(order.member, State.MASTER):
            self.now[order.member] = BACKUP
            self.pulls.append("down")

    def is_in(self, name: str, state: State) -> bool:
        """Whether a member is in that state."""
        return self.now[name].state is state

    def judge(self, name: str, faults: tuple[str, ...]) -> None:
        """These are the member's own faults now."""
        if faults or self.bound[name]:
            self.now[name] = Condition(State.FAULT, faults)
        elif self.is_in(name, State.FAULT):
            self.now[name] = BACKUP

    def happen(self, name: str, what: str) -> None:
        """Something happens to one member."""
        if what in ("sick", "well"):
            self.judge(name, ("x",) if what == "sick" else ())
        elif self.is_in(name, State.BACKUP):
            new = {"silence": WILLING, "heard": FOLLOWS, "bfd": BEREFT}
            self.now[name] = new.get(what, self.now[name])
        elif what == "heard" and self.is_in(name, State.MASTER):
            self.now[name] = FOLLOWS


EVENTS = st.tuples(
    st.sampled_from("ABC"),
    st.sampled_from(("sick", "well", "silence", "heard", "bfd")),
)


class OrderTests(SynchronousTestCase):
    @given(st.lists(EVENTS, max_size=40))
    @settings(max_examples=300, deadline=None)
    def test_always_of_one_mind(self, events: list[tuple[str, str]]) -> None:
        """After any event all members are in one state, and nobody was sent both ways.

        That is the group's state; it is MASTER only when no member has a fault.
        """
        members = Members("ABC")
        members.settle()
        for name, what in events:
            members.pulls.clear()
            members.happen(name, what)
            members.settle()
            states = {each.state for each in members.now.values()}
            self.assertEqual(states, {members.group.state})
            self.assertLessEqual(len(set(members.pulls)), 1)
            sick = any(each.faults for each in members.now.values())
            self.assertEqual(sick, members.group.state is State.FAULT)
