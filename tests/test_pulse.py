"""How promptly the reactor comes round."""

from __future__ import annotations

import gc
import signal
import sys
from time import monotonic
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode import pulse
from hanode.pulse import ASLEEP, BEAT, BOUNDS, Distribution, Pulse, culprit


class Reactor(Clock):
    """A clock that runs at once."""

    def callWhenRunning(self, function: Any, *args: Any) -> None:
        """It runs."""
        function(*args)


class DistributionTests(SynchronousTestCase):
    """Claims about L{Distribution}."""

    def test_counts(self) -> None:
        """Counts up to each bound, a bound included, and whatever is beyond."""
        seen = Distribution()
        for seconds in (0.0005, 0.001, 0.2, 9.0):
            seen.note(seconds)
        found = seen.describe()
        self.assertEqual(
            [count for _, count in found["buckets"]],
            [2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4],
        )
        self.assertEqual([bound for bound, _ in found["buckets"]], [*BOUNDS, None])
        self.assertEqual((found["count"], found["worst"]), (4, 9.0))
        self.assertAlmostEqual(found["sum"], 9.2015)


class PulseTests(SynchronousTestCase):
    """Claims about L{Pulse}."""

    def setUp(self) -> None:
        """A pulse that beats on a clock, and what is logged."""
        self.reactor = Reactor()
        self.alarm = signal.getsignal(signal.SIGALRM)
        self.pulse = Pulse(self.reactor)
        self.logged: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)
        self.pulse.startService()
        self.addCleanup(lambda: self.pulse.running and self.pulse.stopService())

    def said(self) -> list[str]:
        """The pulse's lines."""
        return [
            each["log_format"].format(**each)
            for each in self.logged
            if "pulse" in each["log_namespace"]
        ]

    def test_prompt(self) -> None:
        """A reactor that comes in time has no lag."""
        self.reactor.pump([BEAT] * 5)
        found = self.pulse.describe()
        self.assertEqual((found["lag"]["count"], found["stalls"]), (5, 0))
        self.assertEqual(self.said(), [])

    def test_stall(self) -> None:
        """A stall is counted and told, a longer one at once, others now and then."""
        for late in (0.2, 0.15, 0.3):
            self.reactor.advance(BEAT + late)
        self.reactor.advance(BEAT + 9.8)
        found = self.pulse.describe()
        self.assertEqual(found["stalls"], 4)
        self.assertEqual(
            [each.partition(" s by")[0] for each in self.said()],
            [f"Everything was held up for {n:.3f}" for n in (0.2, 0.3, 9.8)],
        )
        self.reactor.advance(BEAT + 0.2)
        self.assertEqual(len(self.said()), 3)

    def test_culprit(self) -> None:
        """Who runs when the alarm goes off is named."""
        self.patch(pulse, "BEAT", 0.001)
        self.patch(pulse, "STALL", 0.005)
        self.reactor.advance(BEAT)
        self.busy()
        self.reactor.advance(0.5)
        self.assertIn("(PulseTests.busy)", self.pulse.held_by)
        self.assertIn("(PulseTests.busy)", self.said()[-1])

    def busy(self) -> None:
        """Hold up everything for a moment."""
        until = monotonic() + 0.05
        while monotonic() < until:
            continue

    def test_collections(self) -> None:
        """Garbage collections are timed."""
        before = self.pulse.describe()["garbage_collections"]["count"]
        gc.collect()
        after = self.pulse.describe()["garbage_collections"]["count"]
        self.assertEqual(after - before, 1)

    def test_stop(self) -> None:
        """Afterwards nothing is left: no call, no alarm, nothing that counts."""
        self.pulse.stopService()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(signal.getsignal(signal.SIGALRM), self.alarm)
        self.assertEqual(signal.getitimer(signal.ITIMER_REAL), (0.0, 0.0))
        self.assertNotIn(self.pulse._collected, gc.callbacks)

    def test_stoppedEarly(self) -> None:
        """A stop before the reactor runs is a stop."""
        waiting: list[Any] = []
        self.patch(self.reactor, "callWhenRunning", waiting.append)
        early = Pulse(self.reactor)
        early.startService()
        early.stopService()
        calls = len(self.reactor.getDelayedCalls())
        waiting[0]()
        self.assertEqual(len(self.reactor.getDelayedCalls()), calls)


class CulpritTests(SynchronousTestCase):
    """Claims about L{culprit}."""

    def test_asleep(self) -> None:
        """Where nothing runs, nothing is to blame."""
        self.assertEqual(culprit(None), ASLEEP)
        code = compile("found = frame()", f"/x/{pulse.POLLING}", "exec")
        names: dict[str, Any] = {"frame": sys._getframe}
        exec(code, names)
        self.assertEqual(culprit(names["found"]), ASLEEP)

    def test_ours(self) -> None:
        """The innermost line of ours, and what it has called."""
        names: dict[str, Any] = {"frame": sys._getframe}
        exec(compile("def f(): return frame()", "/lib/x/json.py", "exec"), names)
        exec(compile("def g(): return f()", "/opt/hanode/vrrp/a.py", "exec"), names)
        self.assertEqual(
            culprit(names["g"]()), "hanode/vrrp/a.py:1 (g), in lib/x/json.py:1 (f)"
        )
        exec(compile("def h(): return frame()", "/opt/hanode/b.py", "exec"), names)
        self.assertEqual(culprit(names["h"]()), "opt/hanode/b.py:1 (h)")

    def test_others(self) -> None:
        """Without a line of ours the innermost one."""
        names: dict[str, Any] = {"frame": sys._getframe}
        exec(compile("def f(): return frame()", "/lib/x/json.py", "exec"), names)
        found = names["f"]()
        while found.f_back is not None and "/hanode/" not in found.f_code.co_filename:
            found = found.f_back
        if (
            "/hanode/" not in found.f_code.co_filename
        ):  # unless we live in such a folder
            self.assertEqual(culprit(names["f"]()), "lib/x/json.py:1 (f)")
