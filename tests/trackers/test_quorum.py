"""Claims about how many processes are enough, and since when."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.trackers.quorum import Bounds, Quorum


class QuorumTests(SynchronousTestCase):
    """keepalived.conf(5), vrrp_track_process: quorum, quorum_max and the delays."""

    def seen(self, bounds: Bounds, *counts: int) -> list[bool | None]:
        """The verdict after each of these counts, one second apart."""
        quorum = Quorum(bounds)
        found = []
        for now, count in enumerate(counts):
            quorum.expire(now=now)
            quorum.counted(count, now=now)
            found.append(quorum.up)
        return found

    def test_least(self) -> None:
        """From so many on there are enough."""
        self.assertEqual(
            self.seen(Bounds(2), 0, 1, 2, 9, 1), [False, False, True, True, False]
        )

    def test_most(self) -> None:
        """More than so many are too many; 0 means that none may run."""
        self.assertEqual(
            [self.seen(Bounds(1, 2), 2, 3, 1, 0), self.seen(Bounds(0, 0), 0, 1, 0)],
            [[True, False, True, False], [True, False, True]],
        )

    def test_delays(self) -> None:
        """What more bring about waits for fork_delay, what fewer do for the other."""
        bounds = Bounds(1, 2, fork_delay=1.5, terminate_delay=2.5)
        self.assertEqual(
            self.seen(bounds, 0, 1, 1, 1, 0, 0, 0, 0, 1),
            [False, False, False, True, True, True, True, False, False],
        )
        self.assertEqual(
            self.seen(bounds, 2, 3, 3, 3, 2, 2, 2, 2),
            [True, True, True, False, False, False, False, True],
        )

    def test_short(self) -> None:
        """What does not last for its delay never counts."""
        self.assertEqual(
            self.seen(Bounds(1, None, 1.5, 1.5), 1, 0, 1, 0, 1, 0, 1), [True] * 7
        )

    def test_deadline(self) -> None:
        """The deadline is there while something has to last, and only then."""
        quorum = Quorum(Bounds(1, None, 0, 3))
        self.assertEqual((quorum.counted(1, now=0), quorum.deadline), (True, None))
        self.assertEqual((quorum.counted(0, now=5), quorum.deadline), (False, 8))
        self.assertEqual((quorum.counted(0, now=6), quorum.deadline), (False, 8))
        self.assertEqual((quorum.expire(now=7.9), quorum.up), (False, True))
        self.assertEqual((quorum.expire(now=8), quorum.up), (True, False))
        self.assertEqual((quorum.expire(now=9), quorum.deadline), (False, None))
