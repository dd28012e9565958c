"""Claims about the BFD session by sections of RFC 5880: intervals, polls, jitter."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from hanode.bfd.packet import Diagnostic, State
from hanode.bfd.session import SLOW, Report, Session
from hanode.config.bfd_model import BfdParameters
from tests.bfd.sessions import (
    FAST,
    PARAMETERS,
    START,
    Pair,
    SessionTestCase,
    change,
    reports,
    said,
    sent,
)

ADMIN, DOWN, INIT, UP = State
QUICK = replace(PARAMETERS, min_tx=10_000, min_rx=10_000)
LAZY = replace(PARAMETERS, min_tx=400_000, min_rx=400_000)


class NegotiationTests(SessionTestCase):
    """Section 6.8.2: both directions are negotiated, each by itself."""

    def test_6_8_2_each_direction_by_itself(self) -> None:
        """Each end transmits at the greater of its wish and the other's limit."""
        a = BfdParameters(min_tx=20_000, min_rx=30_000, multiplier=3)
        b = BfdParameters(min_tx=70_000, min_rx=50_000, multiplier=5)
        pair = Pair(a, b).start().run(5)
        self.assertAlmostEqual(pair.a.interval, 0.05)
        self.assertAlmostEqual(pair.b.interval, 0.07)
        self.assertAlmostEqual(pair.a.expected_interval, 0.07)
        self.assertAlmostEqual(pair.b.expected_interval, 0.05)

    def test_6_8_4_detection_times_differ(self) -> None:
        """Each end detects by the other's multiplier and agreed interval."""
        a = BfdParameters(min_tx=20_000, min_rx=30_000, multiplier=3)
        b = BfdParameters(min_tx=70_000, min_rx=50_000, multiplier=5)
        pair = Pair(a, b).start().run(5)
        self.assertAlmostEqual(pair.a.detection_time, 5 * 0.07)
        self.assertAlmostEqual(pair.b.detection_time, 3 * 0.05)


class SlowTests(SessionTestCase):
    """Section 6.8.3: not faster than one second while not Up."""

    def test_6_8_3_slow_while_not_up(self) -> None:
        """In Down, Init and AdminDown Desired Min TX is one second at least."""
        off = self.up()
        off.disable(now=START)
        for session in (self.down(), self.init(), off):
            self.assertEqual(session.beat[0].control.min_tx, SLOW)
            self.assertEqual(session.interval, 1.0)

    def test_6_8_3_slow_again_after_up(self) -> None:
        """A session that leaves Up transmits at the slow rate from then on."""
        session = self.up()
        session.receive(said(DOWN, diagnostic=1), now=START)
        self.assertEqual(session.interval, 1.0)
        self.assertTrue(all(gap >= 0.75 for gap in self.gaps(session, 20)))

    def test_6_8_3_slow_again_although_the_poll_was_not_answered(self) -> None:
        """A wish for one second, not yet confirmed, is in force when Up is left."""
        session = self.up()
        change(session, min_tx=SLOW)
        self.assertAlmostEqual(session.interval, 0.05)
        session.receive(said(DOWN, diagnostic=1), now=START)
        self.assertEqual(session.interval, 1.0)

    def test_6_8_3_reconfigured_while_down(self) -> None:
        """While Down the slow rate stands whatever is configured."""
        session = self.down()
        change(session, min_tx=5_000, idle_tx=3)
        self.assertEqual(session.interval, 1.0)
        change(session, idle_tx=4_000_000)
        self.assertEqual(session.interval, 4.0)

    def test_6_8_3_fast_when_up(self) -> None:
        """Up begins with the wished interval, in a packet that polls."""
        session = self.init()
        packet = sent(session.receive(said(UP), now=START))[0]
        self.assertEqual((packet.min_tx, packet.poll), (FAST, True))
        self.assertAlmostEqual(session.interval, 0.05)


class ChangeTests(SessionTestCase):
    """Sections 6.8.3, 6.8.10 and 6.8.11: intervals that change while Up."""

    def test_6_8_3_poll_for_min_tx(self) -> None:
        """Another Desired Min TX begins a poll sequence."""
        for value in (10_000, 400_000):
            (packet,) = sent(change(self.up(), min_tx=value))
            self.assertEqual((packet.poll, packet.min_tx), (True, value))

    def test_6_8_3_poll_for_min_rx(self) -> None:
        """Another Required Min RX begins a poll sequence."""
        for value in (10_000, 400_000, 0):
            (packet,) = sent(change(self.up(), min_rx=value))
            self.assertEqual((packet.poll, packet.min_rx), (True, value))

    def test_6_8_3_no_poll_for_nothing(self) -> None:
        """The same parameters again say nothing and change no timer."""
        session = self.up()
        due = session.deadline
        self.assertEqual(change(session), [])
        self.assertEqual(session.deadline, due)

    def test_6_8_3_state_is_not_affected(self) -> None:
        """Intervals change in both directions without a flap, with losses too."""
        for seed in range(5):
            pair = Pair(seed=seed, loss=0.05).start().run(5)
            since = pair.now
            for parameters in (QUICK, LAZY, PARAMETERS, LAZY, QUICK):
                wanted = replace(parameters, multiplier=9)
                for name, session in pair.ends.items():
                    pair.do(name, session.reconfigure(wanted, now=pair.now))
                pair.run(8)
                self.assertAlmostEqual(pair.a.interval, wanted.min_tx / 1e6)
                self.assertAlmostEqual(pair.b.detection_time, 9 * wanted.min_tx / 1e6)
            self.assertEqual(pair.reported("a", since) + pair.reported("b", since), [])

    def test_6_8_3_state_is_not_affected_on_a_line_that_reorders(self) -> None:
        """Nor with late, doubled and overtaking packets, of both polls and answers."""
        patient = replace(PARAMETERS, multiplier=19)
        line = {"loss": 0.05, "twice": 0.2}
        for seed in range(4):
            pair = Pair(patient, patient, seed=seed, delay=(0.001, 0.12), **line)
            pair.start().run(8)
            since = pair.now
            for interval in (10_000, 400_000, 50_000):
                wanted = replace(patient, min_tx=interval, min_rx=interval)
                for name, session in pair.ends.items():
                    pair.do(name, session.reconfigure(wanted, now=pair.now))
                    pair.run(0.05)
                pair.run(10)
                self.assertAlmostEqual(pair.a.interval, interval / 1e6)
            self.assertEqual(pair.reported("a", since) + pair.reported("b", since), [])

    def test_6_8_3_slower_transmission_waits_for_the_final(self) -> None:
        """A greater Desired Min TX is announced, and used only after the final."""
        session = self.up()
        change(session, min_tx=400_000)
        self.assertEqual(session.beat[0].control.min_tx, 400_000)
        self.assertAlmostEqual(session.interval, 0.05)
        self.assertTrue(max(self.gaps(session, 50)) <= 0.05 + 1e-9)
        now = session.transmit_at
        session.receive(said(UP, final=True), now=now)
        self.assertAlmostEqual(session.interval, 0.4)

    def test_6_8_3_quicker_transmission_is_immediate(self) -> None:
        """A smaller Desired Min TX is used at once."""
        session = self.up()
        change(session, min_tx=60_000)
        session.receive(said(UP, min_rx=1), now=START)
        change(session, min_tx=20_000)
        self.assertAlmostEqual(session.interval, 0.02)

    def test_6_8_3_quicker_detection_waits_for_the_final(self) -> None:
        """A smaller Required Min RX is announced; detection keeps the old one."""
        session = self.up({"min_tx": 1_000})
        self.assertAlmostEqual(session.detection_time, 0.15)
        change(session, min_rx=10_000)
        self.assertEqual(session.beat[0].control.min_rx, 10_000)
        self.assertAlmostEqual(session.detection_time, 0.15)
        session.receive(said(UP, min_tx=1_000), now=START)
        self.assertAlmostEqual(session.detection_time, 0.15)
        session.receive(said(UP, min_tx=1_000, final=True), now=START)
        self.assertAlmostEqual(session.detection_time, 0.03)

    def test_6_8_3_more_patience_is_immediate(self) -> None:
        """A greater Required Min RX lengthens the detection time at once."""
        session = self.up()
        change(session, min_rx=400_000)
        self.assertAlmostEqual(session.detection_time, 1.2)

    def test_6_8_3_asking_for_silence_is_patience_without_end(self) -> None:
        """Required Min RX 0: the neighbour may fall silent before its final comes."""
        session = self.up()
        change(session, min_rx=0)
        self.assertEqual(session.detection_time, inf)
        self.passes(session, 10, alive=False)
        self.assertIs(session.state, UP)

    def test_6_8_3_end_of_silence_waits_for_the_final(self) -> None:
        """Required Min RX from 0 to some: who was silent is not missed at once."""
        session = self.up(min_rx=0)
        self.passes(session, 10, alive=False)
        change(session, now=START + 10, min_rx=FAST)
        self.assertEqual(session.detection_time, inf)
        self.passes(session, 1, begin=START + 10, alive=False)
        self.assertIs(session.state, UP)
        self.answer(session, START + 11)
        self.assertAlmostEqual(session.detection_time, 0.15)

    def test_6_8_3_neighbour_wants_more(self) -> None:
        """A smaller Required Min RX of the neighbour is honoured immediately."""
        session = self.up({"min_rx": 1_000_000}, min_tx=FAST)
        moment = session.transmit_at
        self.assertTrue(moment >= START + 0.75)
        session.receive(said(UP), now=START + 0.01)
        self.assertTrue(START + 0.01 <= session.transmit_at <= START + 0.05)

    def test_6_8_3_neighbour_wants_more_and_it_is_late(self) -> None:
        """When the new interval has passed already, the packet is due now."""
        session = self.up({"min_rx": 1_000_000}, min_tx=FAST)
        session.receive(said(UP), now=START + 0.2)
        self.assertEqual(session.transmit_at, START + 0.2)

    def test_6_8_3_neighbour_wants_less(self) -> None:
        """A greater Required Min RX of the neighbour counts from the last packet."""
        session = self.up()
        session.receive(said(UP, min_rx=SLOW), now=START + 0.01)
        self.assertTrue(START + 0.75 <= session.transmit_at <= START + 1.0)

    def test_6_8_12_multiplier_needs_no_poll(self) -> None:
        """Another multiplier is told with the next packet, without a poll."""
        (packet,) = sent(change(self.up(), multiplier=9))
        self.assertEqual((packet.multiplier, packet.poll), (9, False))

    def test_6_8_12_multiplier_of_the_neighbour(self) -> None:
        """The neighbour's multiplier counts at once."""
        session = self.up()
        session.receive(said(UP, multiplier=255), now=START)
        self.assertAlmostEqual(session.detection_time, 255 * 0.05)


class PollTests(SessionTestCase):
    """Sections 6.5 and 6.8.3: one poll sequence at a time."""

    def test_6_5_poll_goes_on_until_the_final(self) -> None:
        """Every packet polls until the final comes, and none after it."""
        session = self.polling()
        for _ in range(5):
            session.heard = session.transmit_at
            self.assertTrue(sent(session.expire(now=session.transmit_at))[0].poll)
        session.receive(said(UP, final=True), now=session.transmit_at)
        self.assertFalse(sent(session.expire(now=session.transmit_at))[0].poll)

    def test_6_5_poll_rides_on_the_scheduled_packets(self) -> None:
        """While it polls a session sends as many packets as otherwise."""
        polling = self.gaps(self.polling(), 200)
        self.assertTrue(min(polling) >= 0.75 * 0.05 - 1e-9)

    def test_6_8_3_change_during_a_poll(self) -> None:
        """What changes during a poll needs a poll of its own."""
        session = self.up({"min_tx": 1_000})
        change(session, min_rx=20_000)
        change(session, min_rx=10_000)
        session.receive(said(UP, min_tx=1_000, final=True), now=START)
        self.assertAlmostEqual(session.detection_time, 0.15)
        self.answer_twice(session)
        self.assertAlmostEqual(session.detection_time, 0.03)

    def answer_twice(self, session: Session) -> None:
        """A packet without F, that begins the next poll, and its final."""
        session.receive(said(UP, min_tx=1_000), now=START)
        self.assertTrue(session.negotiation.polling)
        session.receive(said(UP, min_tx=1_000, final=True), now=START)
        self.assertFalse(session.negotiation.polling)

    def test_6_8_3_next_poll_waits_for_a_packet_without_final(self) -> None:
        """A second answer to the first poll does not end the second one.

        The third choice of section 6.8.3: a packet with F clear is received between
        the end of one poll sequence and the beginning of the next.
        """
        session = self.up()
        change(session, min_tx=100_000)
        change(session, min_tx=400_000)
        session.receive(said(UP, final=True), now=START)
        self.assertFalse(session.beat[0].control.poll)
        session.receive(said(UP, final=True), now=START)
        self.assertAlmostEqual(session.interval, 0.05)
        session.receive(said(UP), now=START)
        self.assertTrue(session.beat[0].control.poll)
        session.receive(said(UP, final=True), now=START)
        self.assertAlmostEqual(session.interval, 0.4)

    def test_6_8_3_change_right_after_a_final(self) -> None:
        """A change right after a final is told at once, and polled for later."""
        session = self.up()
        change(session, min_tx=100_000)
        session.receive(said(UP, final=True), now=START)
        (packet,) = sent(change(session, min_tx=400_000))
        self.assertEqual((packet.poll, packet.min_tx), (False, 400_000))
        session.receive(said(UP, final=True), now=START)
        self.assertAlmostEqual(session.interval, 0.1)
        self.answer(session, START)
        self.assertAlmostEqual(session.interval, 0.1)
        self.answer(session, START)
        self.assertAlmostEqual(session.interval, 0.4)

    def test_6_8_3_next_poll_without_any_packet(self) -> None:
        """A neighbour that was asked for silence: the next poll waits some time.

        The second choice of section 6.8.3. Three of our intervals are that time.
        """
        session = self.up(min_rx=0)
        change(session, min_tx=100_000)
        session.receive(said(UP, final=True), now=START)
        change(session, min_tx=400_000)
        done = self.passes(session, 1.0, alive=False)
        first = next(now for now, each in done if sent([each])[0].poll)
        self.assertTrue(START + 0.3 <= first <= START + 0.4)
        session.receive(said(UP, final=True), now=START + 1)
        self.assertAlmostEqual(session.interval, 0.4)

    def test_6_5_poll_ends_with_up(self) -> None:
        """A session that leaves Up polls no more."""
        session = self.polling()
        (packet,) = sent(session.receive(said(DOWN, diagnostic=1), now=START))
        self.assertFalse(packet.poll)

    def test_6_5_both_poll_at_once(self) -> None:
        """Both ends poll at the same time, and both polls end."""
        pair = Pair().start().run(1)
        for name, session in pair.ends.items():
            pair.do(name, session.reconfigure(LAZY, now=pair.now))
        pair.run(0.5)
        self.assertFalse(pair.a.negotiation.polling or pair.b.negotiation.polling)
        self.assertAlmostEqual(pair.a.interval, 0.4)
        self.assertAlmostEqual(pair.b.interval, 0.4)


class DetectionTests(SessionTestCase):
    """Section 6.8.4, asynchronous mode."""

    def test_6_8_4_down_after_the_detection_time(self) -> None:
        """Silence for the detection time in Up is Down with diagnostic 1."""
        session = self.up({"multiplier": 4, "min_tx": 90_000})
        self.passes(session, 0.3599, alive=False)
        self.assertIs(session.state, UP)
        self.passes(session, 0.3601, alive=False)
        self.assertIs(session.state, DOWN)

    def test_6_8_4_exactly_then(self) -> None:
        """It happens at the detection time: not earlier, not later."""
        session = self.up({"multiplier": 4, "min_tx": 90_000})
        done = self.passes(session, 1, alive=False)
        moment, report = next((t, a) for t, a in done if isinstance(a, Report))
        self.assertAlmostEqual(moment, START + 0.36)
        self.assertIs(report.state, DOWN)
        self.assertEqual(session.diagnostic, Diagnostic.DETECTION_TIME_EXPIRED)

    def test_6_8_4_a_packet_in_time(self) -> None:
        """What was heard before the timer came counts, without another call."""
        session = self.up()
        session.heard = START + 0.149
        session.expire(now=START + 0.15)
        self.assertIs(session.state, UP)

    def test_6_8_4_late_expire(self) -> None:
        """An expire that comes late does all that is due in one go."""
        session = self.up()
        actions = session.expire(now=START + 60)
        self.assertEqual([r.state for r in reports(actions)], [DOWN])
        self.assertEqual(len(sent(actions)), 1)
        self.assertTrue((session.deadline or 0) > START + 60)

    def test_early_expire(self) -> None:
        """An expire that comes early does nothing."""
        session = self.up()
        self.assertEqual(list(session.expire(now=START)), [])

    def test_6_8_18_neighbour_that_is_gone_is_asked_at_our_rate(self) -> None:
        """After a detection time of silence its Required Min RX is forgotten."""
        session = self.up({"min_rx": 30_000_000})
        self.passes(session, 0.15, alive=False)
        self.assertIs(session.state, DOWN)
        self.assertEqual(session.interval, 1.0)

    def test_6_8_18_held_down_neighbour_is_obeyed(self) -> None:
        """A neighbour that is Down still says how rarely it wants packets."""
        session = self.down()
        session.receive(said(DOWN, min_rx=30_000_000, min_tx=SLOW), now=START)
        self.assertEqual(session.interval, 30.0)
