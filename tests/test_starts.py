"""Programs that start a few at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.starts import Starts


class Slow:
    """Programs that take 2 ms to start."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.started: list[str] = []
        self.running: dict[str, Deferred[str]] = {}
        self.cancelled: list[str] = []

    def run(self, argv: Sequence[str], *_: Any) -> Deferred[str]:
        """Start one."""
        name = argv[0]
        self.clock.rightNow += 0.002
        self.started.append(name)
        done: Deferred[str] = Deferred(lambda _: self.cancelled.append(name))
        self.running[name] = done
        return done


class StartsTests(SynchronousTestCase):
    """Seven programs and a clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.slow = Slow(self.clock)
        self.starts = Starts(self.clock, self.slow)

    def turn(self) -> None:
        """One turn of the reactor: what it adds waits for the next one."""
        calls, self.clock.calls = self.clock.calls, []
        for call in calls:
            call.called = 1
            call.func(*call.args, **call.kw)

    def test_fewAtATime(self) -> None:
        """Three in the first turn, as in the others, in their order."""
        results: list[str] = []
        for name in "abcdefg":
            self.starts.run([name]).addCallback(results.append)
        self.assertEqual(self.slow.started, [*"abc"])
        self.turn()
        self.assertEqual(self.slow.started, [*"abcdef"])
        self.starts.run(["h"])
        self.turn()
        self.assertEqual(self.slow.started, [*"abcdefgh"])
        self.turn()
        self.assertEqual(self.clock.calls, [])
        for name in "geca":
            self.slow.running[name].callback(name)
        self.assertEqual(results, [*"geca"])

    def test_rested(self) -> None:
        """A new turn has time again."""
        for name in "abc":
            self.starts.run([name])
        self.turn()
        self.starts.run(["d"])
        self.assertEqual(self.slow.started, [*"abcd"])

    def test_fails(self) -> None:
        """A program that could not start tells so, whether it waited or not."""
        failures: list[Any] = []
        for name in "abcd":
            self.starts.run([name]).addErrback(failures.append)
        self.turn()
        for name in "ad":
            self.slow.running[name].errback(OSError(name))
        self.assertEqual([str(each.value) for each in failures], ["a", "d"])

    def test_cancelled(self) -> None:
        """One that waits never starts; one that has started is told."""
        done = [self.starts.run([name]) for name in "abcde"]
        for each in done[3:]:
            each.addErrback(lambda failure: failure.trap(CancelledError))
        done[3].cancel()
        self.turn()
        self.assertEqual(self.slow.started, [*"abce"])
        done[4].cancel()
        self.assertEqual(self.slow.cancelled, ["e"])
        self.slow.running["e"].addErrback(lambda failure: None)
