"""Claims about the BFD session by sections of RFC 5880: how often packets are sent."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from hanode.bfd.packet import State
from hanode.bfd.session import SLOW
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


class SilenceTests(SessionTestCase):
    """Section 6.8.7: Required Min RX Interval 0 of the neighbour."""

    def test_6_8_7_no_periodic_packets(self) -> None:
        """A neighbour with Required Min RX 0 gets no periodic packets."""
        session = self.up()
        session.receive(said(UP, min_rx=0), now=START)
        self.assertEqual(self.passes(session, 60), [])
        self.assertEqual((session.interval, session.transmit_at), (inf, inf))

    def test_6_8_7_polls_are_answered_in_silence(self) -> None:
        """Its polls are answered all the same, and only they."""
        session = self.up()
        actions = session.receive(said(UP, min_rx=0, poll=True), now=START)
        self.assertEqual([packet.final for packet in sent(actions)], [True])

    def test_6_8_7_changes_are_told_in_silence(self) -> None:
        """What differs is told once; only the periodic packets are unwanted."""
        session = self.up()
        session.receive(said(UP, min_rx=0), now=START)
        (packet,) = sent(change(session, min_tx=20_000))
        self.assertEqual((packet.min_tx, packet.poll), (20_000, True))
        self.assertEqual(self.passes(session, 10), [])
        (packet,) = sent(session.disable(now=START + 10))
        self.assertIs(packet.state, ADMIN)
        self.assertEqual(self.passes(session, 10, begin=START + 10), [])

    def test_6_8_7_held_down_in_silence(self) -> None:
        """A neighbour that holds the session down hears one Init, and no more."""
        for session in (self.down(), self.down(passive=True)):
            packet = said(DOWN, min_rx=0, min_tx=SLOW)
            (answer,) = sent(session.receive(packet, now=START + 1))
            self.assertIs(answer.state, INIT)
            self.assertEqual(self.passes(session, 30, begin=START + 1), [])

    def test_6_8_7_passive_in_silence(self) -> None:
        """A passive end that never spoke says nothing to who wants nothing."""
        session = self.down(passive=True)
        session.receive(said(ADMIN, min_rx=0), now=START + 1)
        self.assertEqual(session.transmit_at, inf)

    def test_6_8_7_one_end_wants_silence(self) -> None:
        """A session comes up, changes, and goes down with such a neighbour."""
        pair = Pair(PARAMETERS, replace(PARAMETERS, min_rx=0)).start().run(3)
        self.assertEqual(pair.states(), (UP, UP))
        since = pair.now
        pair.do("a", pair.a.reconfigure(LAZY, now=pair.now))
        pair.run(3)
        self.assertEqual(pair.b.remote.min_tx if pair.b.remote else 0, 400_000)
        self.assertEqual([p.poll for _, p in pair.sent("a", since)], [True])
        pair.do("a", pair.a.disable(now=pair.now))
        self.assertEqual(pair.run(3).states(), (ADMIN, DOWN))

    def test_6_8_7_return_from_silence(self) -> None:
        """With another Required Min RX packets begin again, at once."""
        session = self.up()
        session.receive(said(UP, min_rx=0), now=START)
        session.receive(said(UP), now=START + 5)
        self.assertEqual(session.transmit_at, START + 5)

    def test_6_8_7_silence_is_still_watched(self) -> None:
        """A neighbour that wants nothing must be heard itself."""
        session = self.up()
        session.receive(said(UP, min_rx=0), now=START)
        done = self.passes(session, 1, alive=False)
        self.assertEqual([r.died for r in reports(a for _, a in done)], [True])


class JitterTests(SessionTestCase):
    """Section 6.8.7: the periodic transmission is jittered packet by packet."""

    PACKETS = 4000

    def test_6_8_7_interval_is_reduced_by_up_to_a_quarter(self) -> None:
        """Gaps lie in 75..100 % of the interval, reach both ends, average 87.5 %."""
        shares = [gap / 0.05 for gap in self.gaps(self.up(), self.PACKETS)]
        self.assertTrue(0.75 - 1e-6 <= min(shares) < 0.752)
        self.assertTrue(0.998 < max(shares) <= 1 + 1e-6)
        self.assertTrue(abs(sum(shares) / self.PACKETS - 0.875) < 0.004)

    def test_6_8_7_multiplier_of_one(self) -> None:
        """With our multiplier 1 gaps lie in 75..90 %, so that none is missed."""
        session = self.up(multiplier=1)
        shares = [gap / 0.05 for gap in self.gaps(session, self.PACKETS)]
        self.assertTrue(0.75 - 1e-6 <= min(shares) < 0.752)
        self.assertTrue(0.898 < max(shares) <= 0.9 + 1e-6)
        self.assertTrue(abs(sum(shares) / self.PACKETS - 0.825) < 0.003)

    def test_6_8_7_multiplier_of_one_is_ours(self) -> None:
        """The neighbour's multiplier does not shorten our jitter."""
        session = self.up({"multiplier": 1})
        self.assertTrue(max(self.gaps(session, 300)) > 0.9 * 0.05)

    def test_6_8_7_each_gap_is_drawn_anew(self) -> None:
        """No two gaps in a row are the same."""
        gaps = self.gaps(self.up(), 100)
        self.assertEqual(len({round(gap, 6) for gap in gaps}) > 90, True)

    def test_6_8_7_slow_rate_is_jittered_too(self) -> None:
        """The jitter applies to the slow rate."""
        gaps = self.gaps(self.down(), 500)
        self.assertTrue(min(gaps) >= 0.75 and max(gaps) <= 1.0)

    def test_6_8_7_interval_is_the_greater_one(self) -> None:
        """Not faster than our Desired Min TX nor than its Required Min RX."""
        for ours, theirs in ((100_000, FAST), (FAST, 100_000)):
            session = self.up({"min_rx": theirs}, min_tx=ours)
            gaps = self.gaps(session, 300)
            self.assertTrue(min(gaps) >= 0.075 - 1e-6 and max(gaps) <= 0.1 + 1e-6)

    def test_6_8_7_hostile_neighbour(self) -> None:
        """Extreme values neither raise nor make us faster than we wish."""
        extremes = (0, 1, 2**32 - 1)
        session = self.up()
        for tx in extremes:
            for rx in extremes[1:]:
                packet = said(UP, min_tx=tx, min_rx=rx, multiplier=255, min_echo_rx=rx)
                session.receive(packet, now=START)
                self.assertTrue(session.interval >= 0.05 - 1e-9)
                self.assertTrue(min(self.gaps(session, 5)) >= 0.0375 - 1e-9)
