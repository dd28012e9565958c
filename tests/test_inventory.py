"""What the reactor waits for."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from hanode.inventory import inventory


class InventoryTests(SynchronousTestCase):
    def test_lines(self):
        """Timers with their time, descriptors, and each thread with its place."""
        call = reactor.callLater(3600, self.test_lines)
        self.addCleanup(call.cancel)
        lines = list(inventory(reactor))
        timers = [line for line in lines if "InventoryTests.test_lines" in line]
        self.assertEqual(len(timers), 1)
        self.assertRegex(timers[0], r"^  in 3\d{3}\.\d{6} s: ")
        self.assertEqual(
            [line for line in lines if line.endswith(("readers", "writers"))][0],
            f"{len(reactor.getReaders())} readers",
        )
        here = lines[lines.index("thread MainThread") :]
        self.assertTrue(any(" inventory" in line for line in here), here)
