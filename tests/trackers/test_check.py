"""Claims about checkers as trackers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import Check
from hanode.config.track_model import NOTHING, Description, Share, Tracked
from hanode.facts import Facts
from hanode.trackers.check import checkTracker
from tests.balance.checkers import Prober, world
from tests.balance.servers import ILL, WELL, check


class CheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = world()
        self.clock: Any = self.world.clock
        self.facts = Facts(self.clock)
        self.prober = Prober()
        checkers = {"TCP_CHECK": self.prober}
        self.checks = checkTracker.make(self.world, self.facts, checkers)
        self.addCleanup(self.checks.close)
        schedule = replace(check(1).schedule, delay_loop=1.0, warmup=0.0, retry=1)
        self.web = replace(check(1), schedule=schedule)

    def expect(self, **checks: Check) -> None:
        self.checks.expect(
            {
                name: Description("check", name, options=options)
                for name, options in checks.items()
            }
        )

    def value(self, name: str) -> Any:
        return self.facts.get(f"check:{name}", "unknown")

    def test_first(self) -> None:
        """The first probe is made at once, and its result is the state, good or bad."""
        for result, state in ((WELL, True), (ILL, False)):
            self.expect(a=self.web)
            self.assertEqual(self.value("a"), "unknown")
            self.clock.advance(0)
            with capturedLogs() as logs:
                self.prober.answer(result)
            self.assertEqual(self.value("a"), state)
            what = "succeeded" if state else "failed"
            why = (
                f"{result.reason} ({result.detail})" if result.detail else result.reason
            )
            self.assertEqual(
                [formatEvent(each) for each in logs],
                [f"track_check a {what}: {why}"],
            )
            self.expect()
            self.assertEqual(self.value("a"), "unknown")

    def test_retries(self) -> None:
        """Once well, it fails after its retries, and is well after one success."""
        self.expect(a=self.web)
        self.clock.advance(0)
        seen = []
        for result in (WELL, ILL, ILL, WELL):
            self.prober.answer(result)
            seen.append(self.value("a"))
            self.clock.pump([0.5] * 4)
        self.assertEqual(seen, [True, True, False, True])

    def test_shared(self) -> None:
        """Equal checks under two names are made once; who joins later knows at once."""
        self.expect(a=self.web)
        self.clock.advance(0)
        self.prober.answer(WELL)
        self.expect(a=self.web, b=self.web)
        self.assertEqual(self.value("b"), True)
        self.clock.advance(1)
        self.assertEqual(len(self.prober.asked), 1)
        self.expect(b=self.web)
        self.prober.answer(WELL)
        self.assertEqual((self.value("a"), self.value("b")), ("unknown", True))

    def test_changed(self) -> None:
        """A changed check keeps its state until its first result."""
        self.expect(a=self.web)
        self.clock.advance(0)
        self.prober.answer(ILL)
        self.expect(a=replace(self.web, target=check(2).target))
        self.assertEqual(self.value("a"), False)
        self.clock.advance(0)
        self.prober.answer(WELL)
        self.assertEqual(self.value("a"), True)

    def test_close(self) -> None:
        """Closed, it leaves nothing running."""
        self.expect(a=self.web)
        self.clock.advance(0)
        self.checks.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_weigh(self) -> None:
        """Without weight it is waited for, and its failure is a fault."""
        tracked = Tracked("check", "a")
        self.assertEqual(
            [checkTracker.weigh(tracked, value) for value in (None, True, False)],
            [Share(pending=True), NOTHING, Share(fault="check a failed")],
        )
        self.assertEqual(
            checkTracker.weigh(Tracked("check", "a", 0, True), True),
            Share(fault="check a succeeds"),
        )
