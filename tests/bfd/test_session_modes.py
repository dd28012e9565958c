"""Claims about the BFD session: demand mode, the passive role, AdminDown."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from hanode.bfd.packet import Diagnostic, State
from hanode.bfd.session import SLOW, Report, Session
from tests.bfd.sessions import (
    FAST,
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
SECOND = 1_000_000
DEMAND = replace(PARAMETERS, demand=SECOND)


class RemoteDemandTests(SessionTestCase):
    """Sections 6.6, 6.8.6, 6.8.7: the neighbour is in demand mode."""

    def quiet(self, **changes: int) -> Session:
        """A session that is Up with a neighbour in demand mode."""
        session = self.up(**changes)
        session.receive(said(UP, demand=True, poll=True), now=START)
        session.receive(said(UP, demand=True), now=START)
        return session

    def test_6_8_6_periodic_packets_cease(self) -> None:
        """With D from the neighbour and both ends Up we fall silent."""
        session = self.quiet()
        self.assertEqual(session.transmit_at, inf)
        self.assertEqual(self.passes(session, 60), [])

    def test_6_8_6_demand_counts_only_while_both_are_up(self) -> None:
        """D does not silence us unless both ends are Up."""
        session = self.up()
        session.receive(said(INIT, demand=True), now=START)
        self.assertTrue(session.transmit_at < inf)
        session = self.init()
        session.receive(said(DOWN, demand=True), now=START)
        self.assertTrue(session.transmit_at < inf)

    def test_6_8_6_periodic_packets_return(self) -> None:
        """Without D they begin again at once (6.8.14)."""
        session = self.quiet()
        session.receive(said(UP), now=START + 5)
        self.assertEqual(session.transmit_at, START + 5)

    def test_6_6_polls_are_answered(self) -> None:
        """Its poll is answered at once, by F and nothing else."""
        session = self.quiet()
        packet = said(UP, demand=True, poll=True)
        actions = session.receive(packet, now=START + 1)
        self.assertEqual([p.final for p in sent(actions)], [True])
        self.assertEqual(session.transmit_at, inf)

    def test_6_8_7_own_poll_goes_out(self) -> None:
        """A poll sequence of ours is sent although the neighbour wants silence."""
        session = self.quiet()
        parameters = replace(PARAMETERS, min_tx=20_000)
        actions = session.reconfigure(parameters, now=START)
        self.assertEqual([p.poll for p in sent(actions)], [True])
        self.assertEqual(len(sent(a for _, a in self.passes(session, 1))) > 19, True)
        session.receive(said(UP, demand=True, final=True), now=START + 1)
        self.assertEqual(session.transmit_at, inf)

    def test_6_6_any_difference_needs_a_poll(self) -> None:
        """In demand mode whatever differs is told by a poll sequence."""
        for change in ({"multiplier": 9}, {"echo_rx": FAST}):
            session = self.quiet()
            parameters = replace(PARAMETERS, **change)
            (packet,) = sent(session.reconfigure(parameters, now=START))
            self.assertTrue(packet.poll)
            session.receive(said(UP, demand=True, final=True), now=START)
            self.assertEqual(session.transmit_at, inf)

    def test_6_8_4_neighbour_in_demand_mode_is_watched(self) -> None:
        """Its own packets still come, and their absence is a failure."""
        session = self.quiet()
        done = self.passes(session, 1, alive=False)
        self.assertEqual([r.died for r in reports(a for _, a in done)], [True])


class LocalDemandTests(SessionTestCase):
    """Sections 6.6 and 6.8.4: we are in demand mode."""

    def demanding(self, **changes: int) -> Session:
        """A session that is Up in demand mode; the neighbour has confirmed it."""
        session = self.init(demand=SECOND, **changes)
        session.receive(said(UP), now=START)
        self.answer(session, START)
        self.assertFalse(session.negotiation.polling)
        return session

    def test_6_8_7_demand_bit_only_when_both_are_up(self) -> None:
        """D is set when we want it and both ends are Up, and only then."""
        session = self.down(demand=SECOND)
        said_by_us = [session.beat[0].control]
        for state in (DOWN, INIT):
            session.receive(said(state), now=START)
            said_by_us.append(session.beat[0].control)
        self.assertEqual([p.demand for p in said_by_us], [False, False, False])
        self.assertIs(session.state, UP)
        session.receive(said(UP), now=START)
        self.assertTrue(session.beat[0].control.demand)
        session.receive(said(INIT), now=START)
        self.assertFalse(session.beat[0].control.demand)

    def test_6_6_poll_with_the_change_of_the_demand_bit(self) -> None:
        """D on and D off begin a poll sequence, and are sent at once."""
        session = self.up()
        (packet,) = sent(session.reconfigure(DEMAND, now=START))
        self.assertEqual((packet.demand, packet.poll), (True, True))
        self.answer(session, START)
        (packet,) = sent(session.reconfigure(PARAMETERS, now=START))
        self.assertEqual((packet.demand, packet.poll), (False, True))

    def test_6_6_poll_when_the_neighbour_comes_up(self) -> None:
        """D follows the neighbour's Up, and has its own poll if one is on already."""
        session = self.init(demand=SECOND)
        session.receive(said(INIT), now=START)
        (packet,) = sent(session.receive(said(UP), now=START))
        self.assertEqual((packet.demand, packet.poll), (True, True))
        session.receive(said(UP, final=True), now=START)
        session.receive(said(UP), now=START)
        self.assertTrue(session.beat[0].control.poll)

    def test_6_6_demand_does_not_affect_the_state(self) -> None:
        """Demand mode goes on and off at any time without a report."""
        session = self.up()
        done = [*session.reconfigure(DEMAND, now=START)]
        done += self.answer(session, START)
        done += session.reconfigure(PARAMETERS, now=START + 0.5)
        done += self.answer(session, START + 0.5)
        self.assertEqual(reports(done), [])

    def test_6_6_silence_is_normal(self) -> None:
        """In demand mode the neighbour may be silent between two polls."""
        session = self.demanding()
        self.assertAlmostEqual(session.detection_time, 0.15)
        done = self.passes(session, 0.99, alive=False)
        self.assertEqual(reports(a for _, a in done), [])

    def test_6_6_poll_each_period(self) -> None:
        """A poll goes out every C{demand} microseconds after the last answer."""
        session = self.demanding()
        for number in range(1, 4):
            done = self.passes(session, 1.06, begin=START + number - 1, alive=False)
            polls = [now for now, a in done if sent([a])[0].poll]
            begin = START + number
            self.assertTrue(begin <= polls[0] <= begin + 0.05 + 1e-9)
            session.receive(said(UP, final=True), now=START + number)

    def test_6_5_demand_poll_rides_on_the_scheduled_packets(self) -> None:
        """A neighbour that takes periodic packets gets no additional ones."""
        session = self.demanding()
        moments = [now for now, a in self.passes(session, 1.14, alive=False)]
        gaps = [b - a for a, b in zip(moments, moments[1:], strict=False)]
        self.assertTrue(session.negotiation.polling)
        self.assertTrue(min(gaps) >= 0.0375 - 1e-9)

    def test_6_8_4_poll_without_an_answer(self) -> None:
        """Our multiplier times our interval after the poll began it is Down, diag 1."""
        session = self.demanding(multiplier=4)
        done = self.passes(session, 2, alive=False)
        polls = [now for now, a in done if sent([a]) and sent([a])[0].poll]
        failed = [(now, a) for now, a in done if isinstance(a, Report)]
        report = Report(DOWN, True, "control detection time expired")
        self.assertEqual([a for _, a in failed], [report])
        self.assertAlmostEqual(failed[0][0], polls[0] + 4 * 0.05)
        self.assertEqual(session.diagnostic, Diagnostic.DETECTION_TIME_EXPIRED)

    def test_6_8_4_poll_of_a_change_is_timed_from_its_first_packet(self) -> None:
        """The first packet with P counts, also when a change has sent it."""
        session = self.demanding()
        session.reconfigure(replace(DEMAND, min_rx=70_000), now=START + 0.5)
        done = self.passes(session, 2, begin=START + 0.5, alive=False)
        failed = [now for now, a in done if isinstance(a, Report)]
        self.assertAlmostEqual(failed[0], START + 0.65)

    def test_6_8_14_end_of_demand_mode(self) -> None:
        """The neighbour is not missed before it confirmed that it must send again."""
        session = self.demanding()
        self.passes(session, 0.9, alive=False)
        session.reconfigure(PARAMETERS, now=START + 0.9)
        done = self.passes(session, 0.14, begin=START + 0.9, alive=False)
        self.assertEqual(reports(a for _, a in done), [])
        session.receive(said(UP, final=True), now=START + 1.04)
        self.passes(session, 0.14, begin=START + 1.04, alive=False)
        self.assertIs(session.state, UP)
        self.passes(session, 0.02, begin=START + 1.18, alive=False)
        self.assertIs(session.state, DOWN)

    def test_6_8_14_end_of_demand_mode_that_nobody_confirms(self) -> None:
        """Without an answer to that poll the session fails like any other poll."""
        session = self.demanding()
        self.passes(session, 0.9, alive=False)
        session.reconfigure(PARAMETERS, now=START + 0.9)
        done = self.passes(session, 1, begin=START + 0.9, alive=False)
        failed = [now for now, a in done if isinstance(a, Report)]
        self.assertAlmostEqual(failed[0], START + 1.05)

    def test_6_8_3_change_in_demand_mode_right_after_a_final(self) -> None:
        """No packet without F comes: the next poll waits our detection time."""
        session = self.demanding()
        session.reconfigure(replace(DEMAND, min_rx=70_000), now=START)
        session.receive(said(UP, final=True), now=START)
        session.reconfigure(replace(DEMAND, min_rx=90_000), now=START)
        self.assertFalse(session.beat[0].control.poll)
        done = self.passes(session, 0.21, alive=False)
        polls = [now for now, a in done if sent([a])[0].poll]
        self.assertTrue(START + 0.15 <= polls[0] <= START + 0.2 + 1e-9)

    def test_another_period(self) -> None:
        """A shorter period counts from the moment that it is configured."""
        session = self.demanding()
        session.reconfigure(replace(DEMAND, demand=100_000), now=START)
        self.assertAlmostEqual(session.deadline or 0, session.transmit_at)
        self.passes(session, 0.16, alive=False)
        self.assertTrue(session.negotiation.polling)

    def test_6_8_7_polls_keep_their_distance(self) -> None:
        """However often polls are wanted, they are not sent faster than packets."""
        session = self.up({"demand": True}, demand=1)
        moments: list[float] = []
        while len(moments) < 200:
            now = session.deadline or 0.0
            if sent(session.expire(now=now)):
                moments.append(now)
                session.receive(said(UP, demand=True, final=True), now=now)
        gaps = [b - a for a, b in zip(moments, moments[1:], strict=False)]
        self.assertTrue(min(gaps) >= 0.0375 - 1e-9)

    def test_6_6_neighbour_that_wants_silence(self) -> None:
        """Required Min RX 0 of the neighbour: no polls, so nothing to miss."""
        session = self.demanding()
        session.receive(said(UP, min_rx=0), now=START)
        self.assertEqual(self.passes(session, 30, alive=False), [])
        self.assertIs(session.state, UP)


class DemandPairTests(SessionTestCase):
    """Demand mode between two sessions."""

    def test_6_6_one_end(self) -> None:
        """Only the end that is not in demand mode is asked to be silent."""
        pair = Pair(DEMAND, PARAMETERS).start().run(5)
        since = pair.now
        pair.run(20)
        self.assertEqual(pair.states(), (UP, UP))
        self.assertTrue(all(p.final for _, p in pair.sent("b", since)))
        self.assertTrue(15 <= len(pair.sent("b", since)) <= 20)
        self.assertTrue(len(pair.sent("a", since)) >= 400)

    def test_6_6_both_ends(self) -> None:
        """Both are silent but for their polls and the answers."""
        pair = Pair(DEMAND, DEMAND).start().run(5)
        since = pair.now
        pair.run(20)
        self.assertEqual(pair.states(), (UP, UP))
        for name in "ab":
            packets = [packet for _, packet in pair.sent(name, since)]
            self.assertTrue(all(p.poll or p.final for p in packets))
            self.assertTrue(35 <= len(packets) <= 42, len(packets))

    def test_6_6_both_ends_lose_the_line(self) -> None:
        """A cut line is noticed by the next poll, at both ends."""
        pair = Pair(DEMAND, DEMAND).start().run(5)
        pair.cut = {"a", "b"}
        since = pair.now
        pair.run(1.3)
        self.assertEqual(pair.states(), (DOWN, DOWN))
        self.assertEqual([r.died for r in pair.reported("a", since)], [True])
        pair.cut.clear()
        self.assertEqual(pair.run(3).states(), (UP, UP))

    def test_6_6_on_and_off_over_a_bad_line(self) -> None:
        """Demand mode is turned on and off at either end without a flap."""
        patient = replace(PARAMETERS, multiplier=12)
        pair = Pair(patient, patient, seed=3, loss=0.1, delay=(0.001, 0.03))
        pair.start().run(8)
        since = pair.now
        for demand in (SECOND, 0, SECOND, 0):
            wanted = replace(patient, demand=demand)
            for name in "ab":
                session = pair.ends[name]
                pair.do(name, session.reconfigure(wanted, now=pair.now))
                pair.run(3.7)
        self.assertEqual(pair.reported("a", since) + pair.reported("b", since), [])


class PassiveTests(SessionTestCase):
    """Sections 6.1 and 6.8.7: the passive role."""

    def test_6_1_passive_never_speaks_first(self) -> None:
        """Without a packet from the neighbour nothing is sent, ever."""
        session = self.fresh(passive=True)
        self.assertEqual(
            list(session.start(now=START)), [Report(DOWN, False, "started")]
        )
        self.assertIsNone(session.deadline)
        self.assertEqual(list(session.disable(now=START))[:-1], [])
        self.assertIsNone(session.deadline)

    def test_6_1_passive_answers(self) -> None:
        """The first packet of the neighbour opens its mouth."""
        session = self.down(passive=True)
        (packet,) = sent(session.receive(said(DOWN, yours=0), now=START))
        self.assertEqual((packet.state, packet.yours), (INIT, THEIRS))

    def test_6_8_7_passive_falls_silent_again(self) -> None:
        """When the neighbour is forgotten, nothing is sent any more."""
        session = self.up(passive=True)
        done = self.passes(session, 60, alive=False)
        self.assertIs(session.state, DOWN)
        self.assertIsNone(session.deadline)
        self.assertTrue(done[-1][0] <= START + 0.15 + 1e-9)
        self.assertTrue(all(p.yours for p in sent(a for _, a in done)))

    def test_6_8_7_passive_says_down_before_it_falls_silent(self) -> None:
        """The loss is told with the last packet that it may send, once."""
        session = self.up(passive=True)
        packets = sent(a for _, a in self.passes(session, 60, alive=False))
        last = [(p.state, p.diagnostic, p.yours) for p in packets if p.state is DOWN]
        self.assertEqual(last, [(DOWN, Diagnostic.DETECTION_TIME_EXPIRED, THEIRS)])

    def test_6_1_active_and_passive(self) -> None:
        """One active end is enough; two passive ones never meet."""
        passive = replace(PARAMETERS, passive=True)
        self.assertEqual(Pair(passive).start().run(3).states(), (UP, UP))
        pair = Pair(passive, passive).start().run(60)
        self.assertEqual((pair.states(), pair.sent("a")), ((DOWN, DOWN), []))

    def test_role_changes(self) -> None:
        """The role may be configured at any time."""
        session = self.down()
        session.reconfigure(replace(PARAMETERS, passive=True), now=START)
        self.assertIsNone(session.deadline)
        session.reconfigure(PARAMETERS, now=START + 9)
        self.assertEqual(session.deadline, START + 9)


class AdminDownTests(SessionTestCase):
    """Section 6.8.16: administrative control."""

    def test_6_8_16_disable(self) -> None:
        """AdminDown with diagnostic 7 is entered, told and reported."""
        session = self.up()
        actions = session.disable(now=START)
        (packet,) = sent(actions)
        self.assertEqual(
            (packet.state, packet.diagnostic, packet.min_tx, packet.yours),
            (ADMIN, Diagnostic.ADMINISTRATIVELY_DOWN, SLOW, THEIRS),
        )
        self.assertEqual(reports(actions), [Report(ADMIN, False, "disabled here")])

    def test_6_8_16_disable_twice(self) -> None:
        """Once is enough."""
        session = self.up()
        session.disable(now=START)
        self.assertEqual(list(session.disable(now=START)), [])

    def test_6_8_16_packets_go_on(self) -> None:
        """AdminDown is told at the slow rate for more than a detection time."""
        session = self.up()
        session.disable(now=START)
        done = self.passes(session, 30)
        self.assertTrue(30 <= len(done) <= 40)
        self.assertEqual({p.state for p in sent(a for _, a in done)}, {ADMIN})

    def test_6_8_16_enable(self) -> None:
        """Enabled again the session is Down, and comes up by the handshake."""
        pair = Pair().start().run(2)
        pair.do("a", pair.a.disable(now=pair.now))
        pair.run(2)
        self.assertEqual(pair.states(), (ADMIN, DOWN))
        self.assertEqual(pair.b.diagnostic, Diagnostic.NEIGHBOUR_SIGNALED_DOWN)
        pair.do("a", pair.a.start(now=pair.now))
        self.assertEqual((pair.a.state, pair.a.diagnostic), (DOWN, 0))
        self.assertEqual(pair.run(2).states(), (UP, UP))

    def test_6_8_16_again_and_again(self) -> None:
        """Both ends may do it in turns, and the session always returns."""
        pair = Pair(seed=7, loss=0.1).start().run(5)
        for _ in range(5):
            for name in "ab":
                session = pair.ends[name]
                pair.do(name, session.disable(now=pair.now))
                pair.run(3)
                self.assertEqual(set(pair.states()), {ADMIN, DOWN})
                pair.do(name, session.start(now=pair.now))
                self.assertEqual(pair.run(5).states(), (UP, UP))

    def test_6_8_16_both_ends(self) -> None:
        """With both in AdminDown neither moves the other."""
        pair = Pair().start().run(2)
        for name in "ab":
            pair.do(name, pair.ends[name].disable(now=pair.now))
        self.assertEqual(pair.run(20).states(), (ADMIN, ADMIN))

    def test_6_8_16_remote_admin_down_repeated(self) -> None:
        """A neighbour in AdminDown holds us in Down, with one report."""
        pair = Pair().start().run(2)
        since = pair.now
        pair.do("b", pair.b.disable(now=pair.now))
        pair.run(20)
        self.assertEqual(
            pair.reported("a", since),
            [Report(DOWN, False, "neighbour administratively down")],
        )

    def test_6_8_16_neighbour_is_forgotten(self) -> None:
        """In AdminDown the neighbour is forgotten after a detection time, too."""
        session = self.up()
        session.disable(now=START)
        self.passes(session, 1, alive=False)
        self.assertEqual(session.remote_discriminator, 0)
        self.assertIs(session.state, ADMIN)
