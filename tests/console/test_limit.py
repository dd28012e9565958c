"""Code that takes too long is ended."""

from __future__ import annotations

import signal
from time import monotonic, sleep

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.limit import TookTooLong, limited

FILE = "<typed>"


def typed(source: str, **names: object) -> None:
    """Run C{source} as the prompt would."""
    with limited(FILE, 0.01):
        exec(compile(source, FILE, "exec"), names)


class LimitTests(SynchronousTestCase):
    """Claims about L{limited}."""

    def test_loop(self) -> None:
        """An endless loop ends, with what the time was."""
        problem = self.assertRaises(TookTooLong, typed, "while True: pass")
        self.assertEqual(str(problem), "ended after 10 ms: the node has other work")

    def test_waiting(self) -> None:
        """So does code that waits in the kernel, and what the typed code calls."""
        began = monotonic()
        self.assertRaises(TookTooLong, typed, "wait(30)", wait=sleep)
        self.assertRaises(TookTooLong, typed, "g()", g=lambda: sleep(30))
        self.assertLess(monotonic() - began, 5)

    def test_stubborn(self) -> None:
        """Code that catches everything is told until it gives in."""
        source = """
for _ in range(3):
    try:
        while True: pass
    except BaseException:
        pass
while True: pass
"""
        self.assertRaises(TookTooLong, typed, source)

    def test_others(self) -> None:
        """What the body does beside the typed code takes the time that it takes."""
        with limited(FILE, 0.005):
            began = monotonic()
            while monotonic() < began + 0.03:
                continue

    def test_restored(self) -> None:
        """Afterwards the alarm is what it was, and off."""
        before = signal.getsignal(signal.SIGALRM)
        typed("pass")
        self.assertRaises(TookTooLong, typed, "while True: pass")
        self.assertEqual(signal.getsignal(signal.SIGALRM), before)
        self.assertEqual(signal.getitimer(signal.ITIMER_REAL), (0.0, 0.0))
