"""Claims about the echo function (RFC 5880, 6.4, 6.8.5, 6.8.8, 6.8.9, 6.8.13)."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.echo import EchoFunction, decode, encode
from hanode.bfd.packet import Diagnostic, State
from hanode.bfd.session import SLOW, Echo, Report, Session
from tests.bfd.sessions import (
    FAST,
    PARAMETERS,
    START,
    Pair,
    SessionTestCase,
    echoes,
    reports,
    said,
    sent,
)

ADMIN, DOWN, INIT, UP = State
NUMBERS = st.integers(0, 2**32 - 1)
TOKENS = st.integers(0, 2**64 - 1)
ECHO = replace(PARAMETERS, echo_tx=FAST)


class PayloadTests(SynchronousTestCase):
    """What an echo packet contains is ours to say (section 5)."""

    @given(NUMBERS, NUMBERS, TOKENS)
    def test_round_trip(self, discriminator: int, number: int, token: int) -> None:
        """What was encoded is decoded, also with bytes behind it."""
        payload = encode(discriminator, number, token)
        self.assertEqual(decode(payload), (discriminator, number, token))
        self.assertEqual(decode(payload + b"x"), (discriminator, number, token))

    @given(st.binary(max_size=15))
    def test_too_short(self, payload: bytes) -> None:
        """Less than sixteen bytes are none of ours."""
        self.assertIsNone(decode(payload))

    @given(st.binary(min_size=16, max_size=40))
    def test_anything_else(self, payload: bytes) -> None:
        """Any other bytes decode to three numbers, and nothing is raised."""
        self.assertEqual(encode(*(decode(payload) or ())), payload[:16])


class FunctionTests(SynchronousTestCase):
    """The function by itself."""

    def active(self, tx: int = FAST, multiplier: int = 3) -> EchoFunction:
        """One that was permitted at 1000 to send as often as it wants."""
        function = EchoFunction(tx, multiplier, Random(1))
        function.permit(1, START)
        return function

    def test_6_8_9_not_without_permission(self) -> None:
        """Nothing is due until the neighbour permits it, nor after it forbids it."""
        function = EchoFunction(FAST, 3, Random(1))
        self.assertEqual((function.active, function.deadline), (False, inf))
        function.permit(FAST, START)
        self.assertEqual((function.active, function.deadline), (True, START))
        function.sent(START)
        function.permit(0, START)
        self.assertEqual((function.active, function.deadline), (False, inf))
        self.assertEqual((function.interval, function.expiry), (inf, inf))

    def test_not_wanted(self) -> None:
        """With C{tx} 0 a permission changes nothing."""
        function = EchoFunction(0, 3, Random(1))
        function.permit(FAST, START)
        self.assertEqual((function.active, function.deadline), (False, inf))

    def test_6_8_9_interval_is_the_greater_one(self) -> None:
        """Not more often than we want, nor than the neighbour permits."""
        function = self.active()
        self.assertAlmostEqual(function.interval, 0.05)
        function.permit(200_000, START)
        self.assertAlmostEqual(function.interval, 0.2)

    def test_6_8_9_jitter(self) -> None:
        """Gaps lie in 75..100 % of the interval and reach both ends."""
        shares = self.shares(self.active())
        self.assertTrue(0.75 - 1e-6 <= min(shares) < 0.753)
        self.assertTrue(0.997 < max(shares) <= 1 + 1e-6)

    def test_jitter_with_multiplier_one(self) -> None:
        """When none may be lost the gap leaves a tenth for the way."""
        shares = self.shares(self.active(multiplier=1))
        self.assertTrue(0.75 - 1e-6 <= min(shares) < 0.753)
        self.assertTrue(0.897 < max(shares) <= 0.9 + 1e-6)

    def shares(self, function: EchoFunction) -> list[float]:
        """Gaps divided by the interval."""
        found = []
        for _ in range(2000):
            now = function.send_at
            function.sent(now)
            found.append((function.send_at - now) / function.interval)
        return found

    def test_6_8_5_expiry_counts_from_the_first(self) -> None:
        """Without an answer the function fails C{multiplier} intervals later."""
        function = self.active()
        self.assertEqual(function.expiry, inf)
        function.sent(START)
        function.sent(START + 0.05)
        self.assertAlmostEqual(function.expiry, START + 0.15)

    def test_6_8_8_answer_postpones(self) -> None:
        """Each one that comes back counts from its arrival."""
        function = self.active()
        number = function.sent(START)
        function.returned(number, START + 0.02)
        self.assertAlmostEqual(function.expiry, START + 0.17)
        self.assertEqual(function.returned_count, 1)

    def test_6_8_8_old_answers_do_not_count(self) -> None:
        """Older than C{multiplier} packets, or never sent: it does not count."""
        function = self.active()
        for step in range(6):
            number = function.sent(START + step / 1000)
        expiry = function.expiry
        for each in (number - 4, number + 1, 0, 2**32 - 1):
            function.returned(each, START + 0.1)
        self.assertEqual((function.expiry, function.returned_count), (expiry, 0))
        function.returned(number - 3, START + 0.1)
        self.assertEqual(function.returned_count, 1)

    def test_nothing_returns_before_anything_was_sent(self) -> None:
        """An answer counts only when something was sent since the permission."""
        function = self.active()
        function.returned(0, START)
        self.assertEqual((function.expiry, function.returned_count), (inf, 0))

    def test_answer_while_inactive(self) -> None:
        """An answer after the end counts for nothing."""
        function = self.active()
        number = function.sent(START)
        function.permit(0, START)
        function.returned(number, START)
        self.assertEqual((function.deadline, function.returned_count), (inf, 0))

    def test_numbers_wrap(self) -> None:
        """After 2**32 - 1 comes 0, and it counts."""
        function = self.active()
        function.number = 2**32 - 1
        self.assertEqual(function.sent(START), 0)
        function.returned(2**32 - 1, START)
        self.assertEqual(function.returned_count, 1)

    def test_6_8_9_neighbour_wants_less(self) -> None:
        """A greater limit holds for the next packet already."""
        function = self.active()
        function.sent(START)
        function.permit(1_000_000, START + 0.01)
        self.assertTrue(START + 0.75 <= function.send_at <= START + 1)

    def test_6_8_9_neighbour_takes_more(self) -> None:
        """A smaller limit: the next packet is near, and the last answer not missed."""
        function = EchoFunction(FAST, 3, Random(1))
        function.permit(1_000_000, START)
        function.returned(function.sent(START), START + 0.001)
        function.permit(FAST, START + 0.7)
        self.assertEqual(function.send_at, START + 0.7)
        self.assertAlmostEqual(function.expiry, START + 0.85)

    def test_the_same_permission_again(self) -> None:
        """Saying nothing new changes no timer."""
        function = self.active()
        function.sent(START)
        timers = (function.send_at, function.expiry)
        function.permit(1, START + 0.03)
        self.assertEqual((function.send_at, function.expiry), timers)

    def test_6_8_9_off_and_on(self) -> None:
        """Permission withdrawn and given again does not double the rate."""
        function = self.active()
        function.sent(START)
        function.permit(0, START + 0.01)
        function.permit(1, START + 0.02)
        self.assertTrue(function.send_at >= START + 0.0375)
        self.assertEqual(function.expiry, inf)

    def test_smaller_multiplier(self) -> None:
        """A smaller multiplier counts from now: nothing is missed in the past."""
        function = self.active(multiplier=10)
        function.sent(START)
        function.multiplier = 1
        function.permit(1, START + 0.4)
        self.assertAlmostEqual(function.expiry, START + 0.45)


class SessionEchoTests(SessionTestCase):
    """The function within a session."""

    def echoing(self, **changes: Any) -> Session:
        """A session that is Up, settled, and may send echo packets."""
        return self.up({"min_echo_rx": 1}, echo_tx=FAST, **changes)

    def echo_all(self, session: Session, seconds: float) -> list[float]:
        """Send each one back at once; the moments."""
        moments: list[float] = []
        while session.deadline is not None and session.deadline <= START + seconds:
            now = session.deadline
            session.heard = now
            for number in echoes(session.expire(now=now)):
                moments.append(now)
                session.returned(number, now=now)
        return moments

    def test_6_8_9_only_while_up(self) -> None:
        """No echo packet before both ends are Up, and none after."""
        session = self.down(echo_tx=FAST)
        for state in (DOWN, INIT):
            done = session.receive(said(state, min_echo_rx=1), now=START)
            self.assertEqual(echoes(done), [])
            self.assertEqual(session.echo.deadline, inf)
        session.receive(said(UP, min_echo_rx=1), now=START)
        self.assertEqual(session.echo.deadline, START)
        session.receive(said(DOWN, min_echo_rx=1, diagnostic=1), now=START)
        self.assertEqual(session.echo.deadline, inf)

    def test_6_8_9_only_if_permitted(self) -> None:
        """Without Required Min Echo RX of the neighbour none is sent."""
        session = self.up(echo_tx=FAST)
        self.assertEqual(echoes(a for _, a in self.passes(session, 5)), [])

    def test_6_8_6_neighbour_forbids(self) -> None:
        """Required Min Echo RX 0 ends the transmission at once."""
        session = self.echoing()
        session.expire(now=START)
        session.receive(said(UP), now=START)
        self.assertEqual(echoes(a for _, a in self.passes(session, 5)), [])

    def test_6_8_16_disable_ends_it(self) -> None:
        """AdminDown ends the transmission at once."""
        session = self.echoing()
        session.disable(now=START)
        self.assertEqual(echoes(a for _, a in self.passes(session, 5)), [])

    def test_6_8_9_rate(self) -> None:
        """Echo packets go out in 75..100 % of the greater interval."""
        session = self.up({"min_echo_rx": 80_000}, echo_tx=FAST)
        moments = self.echo_all(session, 20)
        gaps = [b - a for a, b in zip(moments, moments[1:], strict=False)]
        self.assertTrue(min(gaps) >= 0.06 - 1e-9 and max(gaps) <= 0.08 + 1e-9)
        self.assertIs(session.state, UP)

    def test_6_8_3_control_packets_are_rare_while_echoing(self) -> None:
        """Required Min RX is one second at least while the function is active."""
        session = self.echoing()
        packet = session.beat[0].control
        self.assertEqual(packet.min_rx, SLOW)
        self.assertEqual(session.detection_time, 3.0)
        slow = self.echoing(min_rx=4_000_000)
        self.assertEqual(slow.beat[0].control.min_rx, 4_000_000)

    def test_6_8_3_required_min_rx_returns(self) -> None:
        """When it ends our own Required Min RX returns, by a poll sequence."""
        session = self.echoing()
        (packet,) = sent(session.receive(said(UP), now=START))
        self.assertEqual((packet.min_rx, packet.poll), (FAST, True))
        self.assertEqual(session.detection_time, 3.0)
        self.answer(session, START)
        self.assertAlmostEqual(session.detection_time, 0.15)

    def test_6_8_5_failure(self) -> None:
        """Echo packets that do not come back: Down with diagnostic 2, and dead."""
        session = self.echoing()
        done = self.passes(session, 1)
        failed = [(now, a) for now, a in done if isinstance(a, Report)]
        report = Report(DOWN, True, "echo packets do not come back")
        self.assertEqual([a for _, a in failed], [report])
        self.assertAlmostEqual(failed[0][0], START + 0.15)
        self.assertEqual(session.diagnostic, Diagnostic.ECHO_FAILED)
        self.assertEqual(len(echoes(a for now, a in done)) in (3, 4), True)

    def test_6_8_5_neighbour_is_told(self) -> None:
        """The neighbour hears the diagnostic at once, and takes it for alive."""
        session = self.echoing()
        done = [a for _, a in self.passes(session, 0.16)]
        packet = next(p for p in sent(done) if p.state is DOWN)
        self.assertEqual(packet.diagnostic, Diagnostic.ECHO_FAILED)
        other = self.up()
        actions = other.receive(replace(packet, mine=0xB), now=START)
        self.assertEqual([r.died for r in reports(actions)], [False])

    def test_6_8_13_on_and_off(self) -> None:
        """The function is turned on and off at any time without a report."""
        session = self.up({"min_echo_rx": 1})
        done = list(session.reconfigure(ECHO, now=START))
        self.assertEqual(session.echo.send_at, START)
        self.assertEqual(echoes(session.expire(now=START)), [1])
        done += session.reconfigure(PARAMETERS, now=START + 0.01)
        self.assertEqual(session.echo.deadline, inf)
        self.assertEqual(reports(done), [])

    def test_6_8_13_looping_back(self) -> None:
        """Whether we send back echo packets is told by Required Min Echo RX."""
        session = self.up()
        for value in (FAST, 0):
            parameters = replace(PARAMETERS, echo_rx=value)
            (packet,) = sent(session.reconfigure(parameters, now=START))
            self.assertEqual((packet.min_echo_rx, packet.poll), (value, False))

    def test_shorter_interval_while_echoing(self) -> None:
        """A shorter interval is no failure of what was sent at the longer one."""
        session = self.up({"min_echo_rx": 1}, echo_tx=2_000_000)
        session.returned(echoes(session.expire(now=START))[0], now=START)
        session.reconfigure(ECHO, now=START + 1)
        session.heard = START + 1
        actions = session.expire(now=START + 1)
        self.assertIn(Echo(2), actions)
        self.assertIs(session.state, UP)

    def test_6_8_5_pair(self) -> None:
        """On a whole line two ends echo for a minute without a flap."""
        parameters = replace(ECHO, echo_rx=20_000)
        pair = Pair(parameters, parameters, seed=2, delay=(0.001, 0.004))
        pair.start().run(60)
        self.assertEqual(pair.states(), (UP, UP))
        for name in "ab":
            self.assertEqual(pair.reported(name, START + 2), [])
        self.assertTrue(pair.a.echo.returned_count > 1100)
        control = [p for now, p in pair.sent("a", START + 5)]
        self.assertTrue(len(control) < 80)

    def test_6_8_5_pair_with_losses(self) -> None:
        """Multiplier times in a row must be lost, not that many in all."""
        parameters = replace(ECHO, echo_rx=20_000, multiplier=8)
        pair = Pair(parameters, parameters, seed=2, loss=0.1).start().run(60)
        for name in "ab":
            self.assertEqual(pair.reported(name, START + 5), [])

    def test_6_8_5_pair_with_multiplier_one(self) -> None:
        """With multiplier 1 and a short way nothing fails."""
        parameters = replace(ECHO, echo_rx=20_000, multiplier=1)
        pair = Pair(parameters, parameters, delay=(0.0001, 0.0005)).start().run(60)
        for name in "ab":
            self.assertEqual(pair.reported(name, START + 5), [])
