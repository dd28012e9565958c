"""What holds for the machine after any sequence of events."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address, Garp, VrrpInstance
from hanode.vrrp.actions import Action, Advertise, Hold, Report, State
from hanode.vrrp.instance import Instance
from tests.vrrp.machines import (
    EXTRA,
    HIGH,
    LOW,
    NEW,
    OURS,
    SETTINGS,
    VIP,
    advert,
    shown,
)

IDLE = (State.INIT, State.FAULT, State.STOP)
PRIORITIES = (1, 50, 99, 100, 101, 200, 254, 255)
GARPS = (Garp(), Garp(0, 1), Garp(0.5, 2, 0.7, 3), Garp(lower_prio_repeat=0))
ADDRESSES = ((VIP,), (VIP, NEW), (), (NEW, VIP))


class Story:
    """Feeds one machine with chance events, and checks it after each of them."""

    def __init__(self, test: SynchronousTestCase, random: Random) -> None:
        self.test, self.random = test, random
        self.now = 1000.0
        self.machine = Instance(self.settings(random.choice((2, 3))))
        self.held: tuple[Address, ...] = ()
        self.reported = State.INIT

    def settings(self, version: int) -> VrrpInstance:
        """Settings by chance; the version never changes."""
        pick = self.random.choice
        return replace(
            SETTINGS,
            version=version,
            advert_int=pick((1.0, 2.0) if version == 2 else (0.01, 0.1, 1.0, 40.95)),
            priority=pick(PRIORITIES),
            state=pick(("MASTER", "BACKUP")),
            addresses=pick(ADDRESSES),
            excluded=pick(((), (EXTRA,))),
            garp=pick(GARPS),
            preempt=pick((True, True, False)),
            preempt_delay=pick((0.0, 0.0, 3.0)),
            lower_prio_no_advert=pick((True, False)),
            higher_prio_send_advert=pick((True, False)),
            owner_ignore_adverts=pick((True, False)),
            source=pick((OURS, OURS, None)),
        )

    def run(self, steps: int) -> None:
        """Start somewhere in the first steps, and go on."""
        for step in range(steps):
            self.now += self.random.choice((0.0, 0.001, 0.1, 1.0, 5.0))
            if step == 3:
                self.feed(self.machine.start)
            self.random.choice(
                (self.hear, self.hear, self.wait, self.wait, self.rare)
            )()

    def hear(self) -> None:
        """An advertisement."""
        pick = self.random.choice
        version = self.machine.settings.version
        interval = pick((0.01, 1.0, 10.0)) if version == 3 else 1.0
        heard = advert(pick((0, *PRIORITIES)), interval, version)
        self.feed(self.machine.receive, heard, pick((LOW, OURS, HIGH)))

    def wait(self) -> None:
        """The deadline, kept, missed, or too early."""
        due = self.machine.deadline
        if due is not None:
            late = self.random.choice((0.0, 0.0, 0.0001, 3.0, -0.001))
            self.now = max(self.now, due + late)
        self.feed(self.machine.expire)

    def rare(self) -> None:
        """A verdict, new settings, and at times the end."""
        chance, machine = self.random.random(), self.machine
        if chance < 0.6:
            faults = self.random.choice(((), (), ("x",), ("x", "y")))
            self.feed(machine.judge, self.random.choice(PRIORITIES), faults)
        elif chance < 0.97:
            self.feed(machine.reconfigure, self.settings(machine.settings.version))
        elif machine.state is not State.INIT:
            self.feed(machine.stop)

    def feed(self, event: Any, *args: Any) -> None:
        """Give the event, and check everything that must hold after it."""
        before, machine, test = self.machine.state, self.machine, self.test
        actions = event(*args, now=self.now)
        shown(actions)  # every line can be written
        for action in actions:
            test.assertIsInstance(action, Action)
        for hold in (a for a in actions if isinstance(a, Hold)):
            self.held = hold.addresses
        for report in (a for a in actions if isinstance(a, Report)):
            self.reported = report.state
        self.check_state()
        self.check_goodbye(before, actions)
        due = machine.deadline
        if event == machine.expire and due is not None:
            # Else the reactor would spin.
            test.assertGreater(due, self.now)

    def check_state(self) -> None:
        """Addresses, report and deadline belong to the state."""
        machine, test = self.machine, self.test
        wanted = machine.settings.all_addresses
        test.assertEqual(self.held, wanted if machine.state is State.MASTER else ())
        test.assertIs(self.reported, machine.state)
        test.assertEqual(machine.deadline is None, machine.state in IDLE)

    def check_goodbye(self, before: State, actions: list[Any]) -> None:
        """Priority 0 is sent exactly once, by whom it is due, after the release."""
        zeros = [n for n, a in enumerate(actions) if a == Advertise(0)]
        left = before is State.MASTER and self.machine.state in IDLE
        self.test.assertEqual(len(zeros), int(left))
        if left:
            self.test.assertIn(Hold(()), actions[: zeros[0]])
        sent = [a.priority for a in actions if isinstance(a, Advertise)]
        if self.machine.state is State.MASTER:
            self.test.assertEqual(set(sent) - {self.machine.priority}, set())


class PropertyTests(SynchronousTestCase):
    """No sequence of events leads astray."""

    def test_seeded_stories(self) -> None:
        """Two thousand stories of sixty events each keep every rule."""
        seen = set()
        for seed in range(2000):
            story = Story(self, Random(seed))
            try:
                story.run(60)
            except Exception as problem:
                raise AssertionError(f"seed {seed}") from problem
            seen.add(story.machine.state)
        self.assertEqual(seen, {State.BACKUP, State.MASTER, State.FAULT, State.STOP})

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=50, deadline=None)
    def test_any_story(self, random: Random) -> None:
        """The same, with chances that shrink to the shortest story that fails."""
        Story(self, random).run(30)
