"""Claims about the delay before all instances begin."""

from __future__ import annotations

from types import SimpleNamespace

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import GlobalDefs
from hanode.vrrp.delay import Delay


class DelayTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.said = []
        globalLogPublisher.addObserver(self.hear)
        self.addCleanup(globalLogPublisher.removeObserver, self.hear)

    def hear(self, event):
        """What is logged."""
        if event.get("log_namespace") == "hanode.vrrp.delay.Delay":
            self.said.append(event["log_format"].format(**event))

    def delay(self, uptime=0.0, **defs):
        """A delay on a machine that has been up for so long."""
        world = SimpleNamespace(clock=self.clock, uptime=lambda: uptime)
        return Delay(world, GlobalDefs(**defs))

    def test_which_counts(self):
        """The longer one of both, counted from now; none when it is over."""
        for uptime, defs, wanted in (
            (0, {}, 0),
            (0, {"startup_delay": 5.0}, 5),
            (10, {"delay_after_boot": 12.5}, 2.5),
            (10, {"delay_after_boot": 9.0}, 0),
            (10, {"delay_after_boot": 12.0, "startup_delay": 5.0}, 5),
            (10, {"delay_after_boot": 20.0, "startup_delay": 5.0}, 10),
        ):
            self.assertEqual(self.delay(uptime, **defs).seconds, wanted)

    def test_lines(self):
        """It says that it waits, and when that is over."""
        self.delay(startup_delay=2.5).start()
        self.clock.advance(2.4)
        self.assertEqual(self.said, ["Delaying startup for 2.5 seconds"])
        self.clock.advance(0.2)
        self.assertEqual(self.said[1:], ["Delayed start completed"])

    def test_no_lines(self):
        """Without a delay it says nothing; after the end of the node, no more."""
        self.delay().start()
        waiting = self.delay(startup_delay=2.5)
        waiting.stop()
        waiting.start()
        waiting.stop()
        self.clock.advance(5)
        self.assertEqual(self.said, ["Delaying startup for 2.5 seconds"])
