"""Claims about the monotonic clock."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, time

from twisted.internet.base import DelayedCall
from twisted.trial.unittest import SynchronousTestCase

from hanode.world import make_monotonic


class PlainReactor:
    """The part of Twisted's reactor that keeps the time, with its real calls."""

    def __init__(self, seconds: Callable[[], float] = time) -> None:
        self.seconds = seconds
        self.calls: list[DelayedCall] = []
        self.moved: list[DelayedCall] = []

    def call_later(self, delay: float) -> DelayedCall:
        """As ReactorBase.callLater does it."""
        call = DelayedCall(
            self.seconds() + delay,
            list,
            (),
            {},
            self.calls.remove,
            self.moved.append,
            seconds=self.seconds,
        )
        self.calls.append(call)
        return call

    def getDelayedCalls(self) -> list[DelayedCall]:
        """As L{IReactorTime.getDelayedCalls}."""
        return list(self.calls)


class MonotonicTests(SynchronousTestCase):
    """Timers must not depend on the wall clock."""

    def test_seconds(self) -> None:
        """The reactor counts as time.monotonic does."""
        reactor = PlainReactor()
        make_monotonic(reactor)
        before, now, after = monotonic(), reactor.seconds(), monotonic()
        self.assertTrue(before <= now <= after)

    def test_pending_calls_keep_their_distance(self) -> None:
        """What was due in a minute is due in a minute of the new count."""
        reactor = PlainReactor()
        call = reactor.call_later(60)
        make_monotonic(reactor)
        self.assertApproximates(call.getTime() - monotonic(), 60, 1)
        self.assertEqual(reactor.moved, [call])

    def test_clock_behind_monotonic(self) -> None:
        """The same when the wall clock shows less than the monotonic one."""
        reactor = PlainReactor(lambda: 5.0)
        call = reactor.call_later(60)
        make_monotonic(reactor)
        self.assertApproximates(call.getTime() - monotonic(), 60, 1)

    def test_pending_calls_can_be_reset(self) -> None:
        """A call from before that is reset counts from the new time too."""
        reactor = PlainReactor()
        call = reactor.call_later(60)
        make_monotonic(reactor)
        call.reset(30)
        self.assertApproximates(call.getTime() - monotonic(), 30, 1)

    def test_twice(self) -> None:
        """Doing it twice changes nothing more."""
        reactor = PlainReactor()
        call = reactor.call_later(60)
        make_monotonic(reactor)
        make_monotonic(reactor)
        self.assertApproximates(call.getTime() - monotonic(), 60, 1)
