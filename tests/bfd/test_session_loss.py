"""Claims about the BFD session: what the loss of Up means, and what does not count."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from random import Random

from hanode.bfd.packet import Diagnostic, State
from hanode.bfd.session import Report, Session
from tests.bfd.sessions import (
    FAST,
    PARAMETERS,
    START,
    THEIRS,
    Pair,
    SessionTestCase,
    reports,
    said,
)

ADMIN, DOWN, INIT, UP = State


class DiedTests(SessionTestCase):
    """RFC 5882, sections 3.2 and 4.2: whether the loss of Up says something."""

    def test_silence(self) -> None:
        """A neighbour that fell silent has died."""
        session = self.up()
        done = self.passes(session, 0.15, alive=False)
        self.assertEqual(
            reports(each for _, each in done),
            [Report(DOWN, True, "control detection time expired")],
        )
        self.assertEqual(session.diagnostic, Diagnostic.DETECTION_TIME_EXPIRED)

    def test_restarted(self) -> None:
        """A neighbour that says Down without a reason began anew: it had died."""
        actions = self.up().receive(said(DOWN, yours=0), now=START)
        self.assertEqual(reports(actions), [Report(DOWN, True, "neighbour restarted")])

    def test_5882_4_2_admin_down_is_no_failure(self) -> None:
        """A neighbour that was disabled lives."""
        actions = self.up().receive(said(ADMIN, diagnostic=7), now=START)
        self.assertEqual(
            reports(actions), [Report(DOWN, False, "neighbour administratively down")]
        )

    def test_neighbour_does_not_hear_us(self) -> None:
        """A neighbour that says Down with a reason lives: it does not hear us."""
        for diagnostic in range(1, 32):
            actions = self.up().receive(said(DOWN, diagnostic=diagnostic), now=START)
            self.assertEqual(
                reports(actions),
                [Report(DOWN, False, "neighbour signaled session down")],
            )

    def test_only_who_was_up_can_die(self) -> None:
        """Silence in Init is no death."""
        session = self.init()
        done = self.passes(session, 1, alive=False)
        self.assertEqual([r.died for r in reports(each for _, each in done)], [False])

    def test_own_wish(self) -> None:
        """A session that we end ourselves has not died."""
        actions = self.up().disable(now=START)
        self.assertEqual(reports(actions), [Report(ADMIN, False, "disabled here")])

    def test_reason_of_up(self) -> None:
        """The reason of Init and Up is the neighbour's state."""
        self.assertEqual(self.init().reason, "neighbour in DOWN")
        self.assertEqual(self.up().reason, "neighbour in UP")

    def test_restart_of_one_end(self) -> None:
        """A restarted end is seen as one, and the session comes up again."""
        pair = Pair().start().run(2)
        since = pair.now
        fresh = Session(PARAMETERS, THEIRS + 1, Random(5))
        pair.ends["b"] = pair.b = fresh
        pair.do("b", fresh.start(now=pair.now))
        pair.run(3)
        self.assertEqual(pair.states(), (UP, UP))
        first = pair.reported("a", since)[0]
        self.assertEqual(first, Report(DOWN, True, "neighbour restarted"))


class PardonTests(SessionTestCase):
    """Nobody is declared dead because we could not listen."""

    def test_silence_counts_from_the_pardon(self) -> None:
        """The detection time begins anew, and ends as always."""
        session = self.up()
        session.pardon(START + 60)
        self.passes(session, 0.149, begin=START + 60, alive=False)
        self.assertIs(session.state, UP)
        self.passes(session, 0.151, begin=START + 60, alive=False)
        self.assertIs(session.state, DOWN)

    def test_polls_and_echo_packets_count_from_the_pardon(self) -> None:
        """The same holds for a poll in demand mode, and for echo packets."""
        session = self.up({"min_echo_rx": 1}, echo_tx=FAST)
        session.expire(now=START)
        demand = replace(PARAMETERS, echo_tx=FAST, demand=1_000_000)
        session.reconfigure(demand, now=START)
        session.pardon(START + 60)
        session.expire(now=START + 60.1)
        self.assertIs(session.state, UP)
        session.expire(now=START + 60.2)
        self.assertIs(session.state, DOWN)

    def test_nothing_to_pardon(self) -> None:
        """What was heard later, or nobody heard at all, stays as it is."""
        session = self.down()
        session.pardon(START + 60)
        self.assertEqual(session.heard, inf)
        session = self.up()
        session.pardon(START - 1)
        self.assertEqual(session.heard, START)
