"""What holds for the BFD session after any sequence of events, on any line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import inf
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.packet import Control, Diagnostic, State
from hanode.bfd.session import SLOW, Action, Echo, Report, Session, Transmit
from hanode.config.bfd_model import BfdParameters
from tests.bfd.sessions import OURS, START, Pair, reports

UP = State.UP
INTERVALS = (1, 3_300, 10_000, 50_000, 300_000, 1_000_000, 7_000_000)
EXTREMES = (0, 1, 10_000, 50_000, 1_000_000, 2**32 - 1)
SEEDS = st.integers(0, 2**32)


def chance_parameters(random: Random) -> BfdParameters:
    """Parameters by chance."""
    pick = random.choice
    return BfdParameters(
        min_tx=pick(INTERVALS[1:]),
        min_rx=pick((0, *INTERVALS)),
        idle_tx=pick(INTERVALS),
        multiplier=pick((1, 2, 3, 5, 255)),
        passive=pick((False, False, True)),
        demand=pick((0, 0, 1, 20_000, 1_000_000)),
        echo_tx=pick((0, 0, 10_000, 1_000_000)),
        echo_rx=pick((0, 50_000)),
    )


def chance_packet(random: Random) -> Control:
    """Anything that a decoder lets through."""
    pick = random.choice
    final = random.random() < 0.3
    return Control(
        state=pick(tuple(State) + (UP, UP)),
        mine=pick((1, 11, 11, 11, 2**32 - 1)),
        yours=pick((0, OURS, OURS)),
        multiplier=pick((1, 3, 3, 255)),
        min_tx=pick(EXTREMES),
        min_rx=pick(EXTREMES),
        min_echo_rx=pick(EXTREMES),
        diagnostic=random.randrange(32),
        poll=not final and random.random() < 0.3,
        final=final,
        demand=random.random() < 0.2,
    )


class Story:
    """Feeds one session with chance events, and checks it after each of them."""

    def __init__(self, test: SynchronousTestCase, random: Random) -> None:
        self.test, self.random = test, random
        self.now = START
        self.session = Session(chance_parameters(random), OURS, Random(1))
        self.state = State.ADMIN_DOWN
        self.transmitted = -1e9
        self.last: Control | None = None  # the packet before, without P
        self.echoed = -1e9

    def step(self) -> None:
        """One event."""
        events = (
            self.hear,
            self.hear,
            self.hear,
            self.repeat,
            self.wait,
            self.wait,
            self.oversleep,
            self.reconfigure,
            self.enable,
            self.disable,
            self.turn_back,
        )
        self.random.choice(events)()

    def hear(self) -> None:
        packet = chance_packet(self.random)
        actions = list(self.session.receive(packet, now=self.now))
        answers = [a for a in actions if isinstance(a, Transmit) and a.control.final]
        answered = packet.poll and self.session.state is not State.ADMIN_DOWN
        self.test.assertEqual(len(answers), 1 if answered else 0)
        self.check(actions)

    def repeat(self) -> None:
        for _ in range(self.random.randrange(5)):
            if self.session.remote is not None:
                self.now += self.random.random() / 20
                self.check(self.session.receive(self.session.remote, now=self.now))

    def wait(self) -> None:
        """Let a few timers come; each of them must make progress."""
        for _ in range(self.random.randrange(6)):
            due = self.session.deadline
            if due is None:
                self.now += 1
                return
            self.now = max(self.now, due)
            actions = list(self.session.expire(now=self.now))
            self.check_rate(actions)
            self.check(actions)
            self.progress(self.now)

    def progress(self, due: float) -> None:
        """At one moment only few things are due, then time goes on."""
        for _ in range(4):
            following = self.session.deadline
            if following is None or following > due:
                return
            self.check(self.session.expire(now=due))
        self.test.fail(f"the deadline stays at {due}")

    def check_rate(self, actions: list[Action]) -> None:
        """Periodic packets and echo packets keep their distance."""
        session = self.session
        if reports(actions):
            return
        for action in actions:
            if isinstance(action, Transmit):
                if replace(action.control, poll=False) != self.last:
                    continue  # what differs is told at once
                least = 0.75e-6 * session.negotiation.tx_in_force
                gap = self.now - self.transmitted
                self.test.assertTrue(gap >= least - 1e-6, (gap, least))
            elif isinstance(action, Echo):
                gap = self.now - self.echoed
                least = 0.75 * session.echo.interval
                self.test.assertTrue(gap >= least - 1e-6, (gap, least))

    def oversleep(self) -> None:
        """An expire that comes late, or early."""
        self.now += self.random.choice((0.0, 0.01, 1.0, 100.0))
        self.check(self.session.expire(now=self.now))
        if self.session.deadline is not None:
            self.progress(self.now)

    def reconfigure(self) -> None:
        parameters = chance_parameters(self.random)
        actions = list(self.session.reconfigure(parameters, now=self.now))
        self.test.assertEqual(reports(actions), [])
        self.check(actions)

    def enable(self) -> None:
        self.check(self.session.start(now=self.now))

    def disable(self) -> None:
        self.check(self.session.disable(now=self.now))

    def turn_back(self) -> None:
        number = self.session.echo.number - self.random.randrange(3)
        self.check(self.session.returned(number, now=self.now))

    def check(self, actions: Iterable[Action]) -> None:
        """What holds after each event."""
        session, test = self.session, self.test
        for action in actions:
            if isinstance(action, Report):
                test.assertIsNot(action.state, self.state)
                test.assertTrue(not action.died or self.state is UP)
                self.state = action.state
            elif isinstance(action, Echo):
                self.echoed = self.now
                test.assertTrue(session.remote and session.remote.min_echo_rx)
                test.assertIs(session.state, UP)
            else:
                self.check_packet(action.control)
                if not action.control.final:
                    self.transmitted = self.now
                    self.last = replace(action.control, poll=False)
        test.assertIs(session.state, self.state)
        test.assertTrue(session.deadline is None or session.deadline < 1e12)

    def check_packet(self, packet: Control) -> None:
        """What holds for each packet."""
        session, test = self.session, self.test
        test.assertFalse(packet.poll and packet.final)
        test.assertIs(packet.state, session.state)
        test.assertEqual(packet.mine, OURS)
        if packet.diagnostic != Diagnostic.DETECTION_TIME_EXPIRED:
            # Who is passive says that, and has forgotten the neighbour with it.
            test.assertEqual(packet.yours, session.remote_discriminator)
        test.assertTrue(packet.state is UP or packet.min_tx >= SLOW)
        test.assertFalse(packet.poll and packet.state is not UP)
        test.assertEqual(packet.demand, session.demand)
        test.assertTrue(packet.yours or not session.parameters.passive)
        if session.interval == inf and not packet.final:
            test.assertNotEqual(replace(packet, poll=False), self.last)


class StoryTests(SynchronousTestCase):
    """One session, anything that can happen to it."""

    @given(SEEDS)
    @settings(max_examples=150, deadline=None)
    def test_any_sequence_of_events(self, seed: int) -> None:
        """Every packet, report and deadline is right after any events."""
        story = Story(self, Random(seed))
        for _ in range(60):
            story.step()

    @given(SEEDS)
    @settings(max_examples=150, deadline=None)
    def test_repeated_packets_may_take_the_short_way(self, seed: int) -> None:
        """While C{steady}, noting the time does the same as C{receive}."""
        random = Random(seed)
        parameters = chance_parameters(random)
        full = Session(parameters, OURS, Random(1))
        quick = Session(parameters, OURS, Random(1))
        packet, now, taken = chance_packet(random), START, 0
        for _ in range(80):
            now += random.choice((0.0, 0.001, 0.04, 1.0))
            event = random.randrange(10)
            if event < 2:
                packet = chance_packet(random)
            if event < 7:
                one = list(full.receive(packet, now=now))
                if quick.steady and packet == quick.remote:
                    quick.heard, other = now, []
                    taken += 1
                else:
                    other = list(quick.receive(packet, now=now))
            elif event == 7:
                parameters = chance_parameters(random)
                one = list(full.reconfigure(parameters, now=now))
                other = list(quick.reconfigure(parameters, now=now))
            elif event == 8:
                one = list(full.start(now=now))
                other = list(quick.start(now=now))
            else:
                one, other = list(full.expire(now=now)), list(quick.expire(now=now))
            self.assertEqual(one, other)
            self.assertEqual(full.deadline, quick.deadline)
            self.assertEqual(full.state, quick.state)

    @given(SEEDS)
    @settings(max_examples=60, deadline=None)
    def test_tick_is_expire(self, seed: int) -> None:
        """C{tick} gives the next deadline, or changes nothing and gives 0."""
        story = Story(self, Random(seed))
        for _ in range(40):
            story.step()
            session = story.session
            due = session.deadline
            if due is None:
                continue
            before = (session.transmit_at, due)
            following = session.tick(due)
            if following:
                self.assertEqual(following, session.deadline)
                story.now = story.transmitted = due
            else:
                self.assertEqual((session.transmit_at, session.deadline), before)


class LineTests(SynchronousTestCase):
    """Two sessions on a line."""

    def parameters(self, random: Random) -> BfdParameters:
        """Parameters with which a session must come up on a bad line."""
        usual = chance_parameters(random)
        return replace(
            usual,
            min_rx=max(usual.min_rx, 10_000),
            min_tx=max(usual.min_tx, 10_000),
            idle_tx=SLOW,
            multiplier=3,
            passive=False,
            demand=0,
            echo_tx=0,
        )

    @given(SEEDS, st.floats(0, 0.3))
    @settings(max_examples=40, deadline=None)
    def test_a_session_comes_up(self, seed: int, loss: float) -> None:
        """From any two states, with up to 30 % loss, both are Up before long."""
        random = Random(seed)
        parameters = self.parameters(random)
        pair = Pair(
            parameters,
            replace(self.parameters(random), passive=random.random() < 0.3),
            seed=seed,
            delay=(0.0001, 0.02),
            loss=0.5,
            twice=0.1,
        )
        for session in pair.ends.values():
            if random.random() < 0.7:
                session.start(now=pair.now)
                for _ in range(3):
                    # What an earlier neighbour said: not a wish for endless silence.
                    packet = replace(
                        chance_packet(random),
                        min_tx=random.choice((10_000, 1_000_000)),
                        min_rx=random.choice((1, 1_000_000)),
                        multiplier=3,
                    )
                    session.receive(packet, now=pair.now)
        for name, session in pair.ends.items():
            pair.do(name, session.disable(now=pair.now))
            pair.do(name, session.start(now=pair.now))
        pair.run(random.random() * 5)
        pair.loss = loss
        end = pair.now + 120
        while pair.states() != (UP, UP) and pair.now < end:
            pair.run(0.5)
        self.assertEqual(pair.states(), (UP, UP))

    @given(SEEDS)
    @settings(max_examples=15, deadline=None)
    def test_a_good_line_never_flaps(self, seed: int) -> None:
        """Without loss, and when packets keep their order, no session goes down.

        An old packet that overtakes a new one brings the old intervals back.
        """
        random = Random(seed)
        extra = {"demand": random.choice((0, 500_000)), "echo_rx": 10_000}
        a = replace(self.parameters(random), **extra)
        b = replace(self.parameters(random), echo_tx=random.choice((0, 70_000)))
        pair = Pair(a, b, seed=seed, delay=(0.001, 0.001), twice=0.05).start()
        pair.run(20)
        self.assertEqual(pair.states(), (UP, UP))
        since = pair.now
        for name, session in pair.ends.items():
            wanted = replace(self.parameters(random), **extra)
            pair.do(name, session.reconfigure(wanted, now=pair.now))
            pair.run(20)
        self.assertEqual(pair.reported("a", since) + pair.reported("b", since), [])

    @given(SEEDS)
    @settings(max_examples=20, deadline=None)
    def test_a_cut_line_is_noticed_in_time(self, seed: int) -> None:
        """After a cut both ends are Down when their detection times have passed."""
        random = Random(seed)
        pair = Pair(self.parameters(random), self.parameters(random), seed=seed)
        pair.start().run(30)
        self.assertEqual(pair.states(), (UP, UP))
        limit = max(pair.a.detection_time, pair.b.detection_time)
        pair.cut = {"a", "b"}
        pair.run(limit + 0.001)
        self.assertEqual(pair.states(), (State.DOWN, State.DOWN))

    def test_the_same_seed_is_the_same_story(self) -> None:
        """A line is deterministic."""

        def log(seed: int) -> list[object]:
            pair = Pair(seed=seed, loss=0.2, twice=0.1, delay=(0.001, 0.1))
            return list(pair.start().run(20).log)

        self.assertEqual(log(5), log(5))
        self.assertNotEqual(log(5), log(6))
