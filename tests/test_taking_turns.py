"""When a turn is over."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode import taking_turns


class AfterTests(SynchronousTestCase):
    """Claims about L{taking_turns.after}."""

    def test_each_turn(self) -> None:
        """Each turn has its own time, from its own beginning."""
        now = [100.0]
        self.patch(taking_turns, "monotonic", lambda: now[0])
        begin = taking_turns.after(0.5)
        seen = []
        for start in (100.0, 200.0):
            now[0] = start
            over = begin()
            for later in (0.0, 0.4, 0.5):
                now[0] = start + later
                seen.append(over())
        self.assertEqual(seen, [False, False, True] * 2)
