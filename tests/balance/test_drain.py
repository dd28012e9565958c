"""How long a real server keeps its connections."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.drain import Drain


class DrainTests(SynchronousTestCase):
    def test_gone(self) -> None:
        """It is done when no connection is left, and that is told once."""
        drain = Drain(60.0, now=0.0)
        self.assertFalse(drain.counted(3, now=1.0))
        self.assertEqual(str(drain), "draining")
        self.assertTrue(drain.counted(0, now=2.0))
        self.assertEqual(str(drain), "drained")
        self.assertFalse(drain.counted(0, now=3.0))

    def test_limit(self) -> None:
        """It is done when the time is up, whatever is left or not known."""
        for connections in (3, None):
            drain = Drain(60.0, now=10.0)
            self.assertFalse(drain.counted(connections, now=69.9))
            self.assertTrue(drain.counted(connections, now=70.0))

    def test_noLimit(self) -> None:
        """With a limit of 0 it takes as long as it takes."""
        drain = Drain(0.0, now=0.0)
        self.assertFalse(drain.counted(1, now=1e9))
        self.assertFalse(drain.counted(None, now=1e9))
        self.assertTrue(drain.counted(0, now=1e9))
