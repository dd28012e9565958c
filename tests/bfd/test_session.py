"""Claims about the BFD session by sections of RFC 5880: state, reception, contents."""

from __future__ import annotations

from itertools import product

from hanode.bfd.packet import Control, Diagnostic, State
from hanode.bfd.session import SLOW, Report, Session, Transmit
from tests.bfd.sessions import (
    FAST,
    OURS,
    PARAMETERS,
    START,
    THEIRS,
    Pair,
    SessionTestCase,
    reports,
    said,
    sent,
)

ADMIN, DOWN, INIT, UP = State


class VariableTests(SessionTestCase):
    """Section 6.8.1: state variables at birth, and when they are forgotten."""

    def test_6_8_1_state_begins_as_down(self) -> None:
        """bfd.SessionState is Down from the start on, and the first packet says so."""
        session = self.fresh()
        actions = session.start(now=START)
        packet = Control(DOWN, OURS, 0, 3, SLOW, FAST)
        self.assertEqual(actions, [Transmit(packet), Report(DOWN, False, "started")])

    def test_6_8_1_remote_state_begins_as_down(self) -> None:
        """bfd.RemoteSessionState is Down before anything was heard."""
        self.assertIs(self.down().remote_state, DOWN)

    def test_6_8_1_local_discriminator_is_in_each_packet(self) -> None:
        """bfd.LocalDiscr is what the session was given, and is in every packet."""
        pair = Pair().start().run(3)
        self.assertEqual({packet.mine for _, packet in pair.sent("a")}, {OURS})

    def test_6_8_1_remote_discriminator_begins_as_zero(self) -> None:
        """bfd.RemoteDiscr is 0 until a packet was heard."""
        self.assertEqual(self.down().remote_discriminator, 0)

    def test_6_8_1_remote_discriminator_is_forgotten_after_a_detection_time(
        self,
    ) -> None:
        """bfd.RemoteDiscr becomes 0 when a detection time passes in silence."""
        session = self.up()
        self.assertEqual(session.remote_discriminator, THEIRS)
        before = START + session.detection_time - 1e-4
        self.passes(session, before - START, alive=False)
        self.assertEqual(session.remote_discriminator, THEIRS)
        done = self.passes(session, 1e-3, begin=before, alive=False)
        self.assertEqual(session.remote_discriminator, 0)
        self.assertEqual(sent(each for _, each in done)[0].yours, 0)

    def test_6_8_1_remote_discriminator_is_kept_while_down(self) -> None:
        """A session that went Down keeps bfd.RemoteDiscr for a detection time."""
        session = self.up()
        session.receive(said(DOWN, min_tx=SLOW, diagnostic=1), now=START)
        self.assertIs(session.state, DOWN)
        self.assertEqual(session.detection_time, 3.0)
        self.passes(session, 2.999, alive=False)
        self.assertEqual(session.remote_discriminator, THEIRS)
        self.passes(session, 3.0, alive=False)
        self.assertEqual(session.remote_discriminator, 0)

    def test_6_8_1_silence_while_down_is_no_change_of_state(self) -> None:
        """Forgetting a neighbour while Down reports nothing, and is told at once."""
        session = self.up()
        session.receive(said(DOWN, min_tx=SLOW, diagnostic=1), now=START)
        session.transmit_at = START + 100  # so that only the silence is due
        actions = session.expire(now=START + 3)
        self.assertEqual([packet.yours for packet in sent(actions)], [0])
        self.assertEqual(reports(actions), [])
        self.assertEqual(session.diagnostic, Diagnostic.NEIGHBOUR_SIGNALED_DOWN)

    def test_6_8_1_diagnostic_begins_as_none(self) -> None:
        """bfd.LocalDiag is 0 at birth."""
        self.assertEqual(self.down().diagnostic, Diagnostic.NONE)

    def test_6_8_1_desired_min_tx_begins_slow(self) -> None:
        """bfd.DesiredMinTxInterval begins with at least one second."""
        self.assertEqual(self.down().negotiation.tx, SLOW)
        self.assertEqual(self.down(idle_tx=10).negotiation.tx, SLOW)
        self.assertEqual(self.down(idle_tx=5_000_000).negotiation.tx, 5_000_000)
        self.assertEqual(self.down(min_tx=2_000_000).negotiation.tx, 2_000_000)

    def test_6_8_1_remote_min_rx_begins_as_one(self) -> None:
        """Before anything was heard, the neighbour's wish slows nothing down."""
        self.assertEqual(self.down().interval, 1.0)

    def test_6_8_1_remote_demand_begins_as_zero(self) -> None:
        """Before anything was heard the session sends periodic packets."""
        session = self.down()
        self.assertEqual(len(self.passes(session, 10)), 11)

    def test_nothing_before_the_start(self) -> None:
        """A session that was not started has no deadline and says nothing."""
        session = self.fresh()
        self.assertEqual((session.state, session.deadline), (ADMIN, None))
        self.assertEqual(session.reason, "not started")
        self.assertEqual(list(session.expire(now=START)), [])
        self.assertEqual(list(session.reconfigure(PARAMETERS, now=START)), [])
        self.assertEqual(list(session.receive(said(DOWN), now=START)), [])
        self.assertEqual(session.transmit_at, float("inf"))

    def test_start_twice(self) -> None:
        """A session that runs is not started again."""
        self.assertEqual(list(self.up().start(now=START)), [])


class StateMachineTests(SessionTestCase):
    """Sections 6.2 and 6.8.6: which states follow which."""

    #: (our state, received state) -> (our new state, our diagnostic)
    TABLE = {
        (DOWN, ADMIN): (DOWN, 0),
        (DOWN, DOWN): (INIT, 0),
        (DOWN, INIT): (UP, 0),
        (DOWN, UP): (DOWN, 0),
        (INIT, ADMIN): (DOWN, 3),
        (INIT, DOWN): (INIT, 0),
        (INIT, INIT): (UP, 0),
        (INIT, UP): (UP, 0),
        (UP, ADMIN): (DOWN, 3),
        (UP, DOWN): (DOWN, 3),
        (UP, INIT): (UP, 0),
        (UP, UP): (UP, 0),
        (ADMIN, ADMIN): (ADMIN, 7),
        (ADMIN, DOWN): (ADMIN, 7),
        (ADMIN, INIT): (ADMIN, 7),
        (ADMIN, UP): (ADMIN, 7),
    }

    def in_state(self, state: State) -> Session:
        """A session in this state."""
        session = {DOWN: self.down, INIT: self.init, UP: self.up, ADMIN: self.up}[
            state
        ]()
        if state is ADMIN:
            session.disable(now=START)
        return session

    def test_6_8_6_state_table(self) -> None:
        """Each received state in each of our states leads where section 6.8.6 says."""
        found = {}
        for ours, theirs in product(State, State):
            session = self.in_state(ours)
            session.receive(said(theirs), now=START)
            found[ours, theirs] = (session.state, session.diagnostic)
        self.assertEqual(found, self.TABLE)

    def test_6_2_each_change_is_reported_once(self) -> None:
        """A new state is told to the neighbour at once, and reported once."""
        for (ours, theirs), (following, _) in self.TABLE.items():
            session = self.in_state(ours)
            actions = session.receive(said(theirs), now=START)
            changed = following is not ours
            told = [report.state for report in reports(actions)]
            self.assertEqual(told, [following] if changed else [], (ours, theirs))
            if changed:
                self.assertEqual([p.state for p in sent(actions)], [following])

    def test_6_2_three_way_handshake(self) -> None:
        """Two sessions come up by Down, Init, Up; Up is never entered from one end."""
        pair = Pair().start().run(0.01)
        self.assertEqual(pair.states(), (UP, UP))
        for name in "ab":
            states = [report.state for report in pair.reported(name)]
            self.assertIn(states, [[DOWN, INIT, UP], [DOWN, UP]])

    def test_6_2_down_until_the_neighbour_knows(self) -> None:
        """Up needs Init or Up from the neighbour: a one-way line ends in Init."""
        pair = Pair()
        pair.cut.add("a")
        pair.start().run(10)
        self.assertEqual(pair.states(), (INIT, DOWN))

    def test_6_2_init_falls_back(self) -> None:
        """Init without another packet is Down after a detection time, diagnostic 1."""
        session = self.init({"min_tx": SLOW})
        done = self.passes(session, 3.0, alive=False)
        self.assertEqual(
            reports(each for _, each in done),
            [Report(DOWN, False, "control detection time expired")],
        )
        self.assertEqual(session.diagnostic, Diagnostic.DETECTION_TIME_EXPIRED)

    def test_6_2_down_is_seen_before_up_again(self) -> None:
        """After a failure of one direction both ends pass through Down."""
        pair = Pair().start().run(2)
        pair.cut.add("a")
        since = pair.now
        pair.run(1)
        self.assertEqual(pair.states(), (DOWN, DOWN))
        self.assertEqual(
            pair.reported("b", since),
            [Report(DOWN, True, "control detection time expired")],
        )
        self.assertEqual(
            [report.state for report in pair.reported("a", since)], [DOWN, INIT][:1]
        )
        pair.cut.clear()
        pair.run(3)
        self.assertEqual(pair.states(), (UP, UP))


class ReceptionTests(SessionTestCase):
    """Section 6.8.6 for packets that were not discarded before."""

    def test_6_8_6_remote_variables_are_set(self) -> None:
        """Discriminator, state, demand, Required Min RX are those of the packet."""
        session = self.up()
        packet = said(UP, mine=77, demand=True, min_rx=123_000, diagnostic=5)
        session.receive(packet, now=START)
        self.assertEqual(session.remote_discriminator, 77)
        self.assertIs(session.remote_state, UP)
        self.assertIs(session.remote, packet)
        self.assertAlmostEqual(session.interval, 0.123)
        self.assertEqual(session.remote_diagnostic, 5)

    def test_6_8_6_final_ends_the_poll(self) -> None:
        """A packet with F ends the poll sequence that we are sending."""
        session = self.polling()
        self.assertTrue(session.beat[0].control.poll)
        session.receive(said(UP, final=True), now=START)
        self.assertFalse(session.beat[0].control.poll)

    def test_6_8_6_no_final_no_end(self) -> None:
        """A packet without F leaves the poll sequence alone."""
        session = self.polling()
        session.receive(said(UP), now=START)
        self.assertTrue(session.beat[0].control.poll)

    def test_6_8_6_final_without_a_poll(self) -> None:
        """F without a poll of ours is a packet like any other."""
        session = self.up()
        self.assertEqual(list(session.receive(said(UP, final=True), now=START)), [])
        self.assertIs(session.state, UP)

    def test_6_8_6_transmit_interval_is_updated(self) -> None:
        """The transmit interval follows Required Min RX of each packet."""
        session = self.up()
        self.assertAlmostEqual(session.interval, 0.05)
        session.receive(said(UP, min_rx=200_000), now=START)
        self.assertAlmostEqual(session.interval, 0.2)

    def test_6_8_6_detection_time_is_updated(self) -> None:
        """The detection time follows multiplier and Desired Min TX of each packet."""
        session = self.up()
        session.receive(said(UP, min_tx=100_000, multiplier=7), now=START + 0.1)
        session.transmit_at = START + 100
        self.assertAlmostEqual(session.deadline or 0, START + 0.1 + 0.7)

    def test_6_8_6_admin_down_session_discards(self) -> None:
        """In AdminDown nothing changes the state, and a poll is not answered."""
        session = self.up()
        session.disable(now=START)
        for state in State:
            packet = said(state, poll=True)
            self.assertEqual(list(session.receive(packet, now=START)), [])
            self.assertIs(session.state, ADMIN)

    def test_6_8_6_admin_down_session_tells_a_new_discriminator(self) -> None:
        """In AdminDown the answer to another discriminator is sent, not only noted."""
        session = self.up()
        session.disable(now=START)
        actions = session.receive(said(DOWN, mine=99), now=START + 0.5)
        self.assertEqual([packet.yours for packet in sent(actions)], [99])

    def test_6_8_6_poll_is_answered_in_each_state(self) -> None:
        """P is answered at once with F, whatever the state is (6.5, 6.8.7)."""
        for session in (self.down(), self.init(), self.polling(), self.up()):
            for state in State:
                packet = said(state, poll=True)
                first = sent(session.receive(packet, now=START))[0]
                self.assertEqual((first.poll, first.final), (False, True))
                self.assertIs(first.state, session.state)

    def test_6_8_6_received_for_the_detection_time(self) -> None:
        """Each packet that was not discarded restarts the detection time."""
        session = self.up()
        for moment in (1000.1, 1000.2, 1000.3):
            session.receive(said(UP), now=moment)
            self.assertEqual(session.heard, moment)

    def test_6_3_neighbour_may_change_its_discriminator(self) -> None:
        """Another My Discriminator is told back at once and leaves the state alone."""
        session = self.up()
        actions = session.receive(said(UP, mine=99), now=START)
        self.assertEqual([packet.yours for packet in sent(actions)], [99])
        self.assertEqual(reports(actions), [])

    def test_6_8_6_unknown_diagnostic(self) -> None:
        """A diagnostic that we have no name for is kept as a number."""
        session = self.up()
        session.receive(said(DOWN, diagnostic=31), now=START)
        self.assertEqual(session.remote_diagnostic, 31)


class ContentTests(SessionTestCase):
    """Section 6.8.7: what stands in a packet."""

    def test_6_8_7_contents_while_up(self) -> None:
        """Each field of a settled packet is what section 6.8.7 says."""
        session = self.up(echo_rx=7_000)
        packet = sent(session.expire(now=session.transmit_at))
        expected = Control(UP, OURS, THEIRS, 3, FAST, FAST, 7_000)
        self.assertEqual(packet, [expected])

    def test_6_8_7_contents_while_polling(self) -> None:
        """P is set while a poll sequence is sent."""
        session = self.polling()
        packet = sent(session.expire(now=session.transmit_at))
        self.assertEqual(packet, [Control(UP, OURS, THEIRS, 3, FAST, FAST, poll=True)])

    def test_6_5_poll_and_final_are_never_together(self) -> None:
        """Polled while we poll: the answer has F and not P, and our poll goes on."""
        session = self.polling()
        (answer,) = sent(session.receive(said(UP, poll=True), now=START))
        self.assertEqual((answer.poll, answer.final), (False, True))
        (following,) = sent(session.expire(now=session.transmit_at))
        self.assertEqual((following.poll, following.final), (True, False))

    def test_6_8_7_final_ignores_the_transmit_timer(self) -> None:
        """The answer to a poll comes at once and leaves the next packet where it is."""
        session = self.up()
        due = session.transmit_at
        session.receive(said(UP, poll=True), now=START + 0.001)
        self.assertEqual(session.transmit_at, due)

    def test_6_8_3_new_values_ride_on_the_final(self) -> None:
        """Values that changed with the packet that polls are in its answer."""
        session = self.init()
        first = sent(session.receive(said(UP, poll=True), now=START))[0]
        self.assertEqual((first.final, first.min_tx), (True, FAST))

    def test_6_8_7_difference_is_told_at_once(self) -> None:
        """A packet that differs is sent before the next one is due."""
        session = self.up()
        moment = session.transmit_at - 0.01
        actions = session.reconfigure(self.fresh(echo_rx=FAST).parameters, now=moment)
        self.assertEqual([packet.min_echo_rx for packet in sent(actions)], [FAST])

    def test_6_8_7_control_plane_independent_is_clear(self) -> None:
        """C stays 0: this process is the control plane."""
        pair = Pair().start().run(2)
        self.assertEqual({p.independent for _, p in pair.sent("a")}, {False})

    def test_beat_is_one_object(self) -> None:
        """As long as nothing changes, C{expire} gives the same tuple."""
        session = self.up()
        beats = set()
        for _ in range(10):
            session.heard = session.transmit_at
            beats.add(id(session.expire(now=session.transmit_at)))
        self.assertEqual(beats, {id(session.beat)})

    def test_steady(self) -> None:
        """Only while both ends are Up, after a packet without P and F."""
        self.assertFalse(self.down().steady)
        self.assertFalse(self.init().steady)
        session = self.up()
        self.assertTrue(session.steady)
        for packet in (said(UP, poll=True), said(UP, final=True), said(INIT)):
            session.receive(packet, now=START)
            self.assertFalse(session.steady)
