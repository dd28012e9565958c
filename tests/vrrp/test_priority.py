"""Claims about the effective priority and the faults."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.track_model import NOTHING, Share, Tracked
from hanode.vrrp.priority import Standing, skew_time, standing

SCRIPT = Tracked("script", "chk")
FILE = Tracked("file", "load")


class StandingTests(SynchronousTestCase):
    """keepalived.conf(5), priority: base, and what is tracked."""

    def test_nothing_tracked(self) -> None:
        """Without trackers the base priority stands."""
        self.assertEqual(standing(100, ()), Standing(100))

    def test_sum(self) -> None:
        """All points are added up, and all faults are named in their order."""
        shares = [
            (SCRIPT, Share(20)),
            (SCRIPT, Share(fault="b down")),
            (FILE, Share(-5)),
            (FILE, Share(fault="d down")),
            (FILE, NOTHING),
        ]
        self.assertEqual(standing(100, shares), Standing(115, ("b down", "d down"), ()))

    def test_pending(self) -> None:
        """What is not known yet is named by its kind and its name."""
        shares = [(SCRIPT, Share(pending=True)), (FILE, Share(pending=True))]
        self.assertEqual(
            standing(100, shares), Standing(100, (), ("script chk", "file load"))
        )

    def test_kept_between_1_and_254(self) -> None:
        """Only the sum is kept within 1 and 254, not what it passes through."""
        high, low = (SCRIPT, Share(253)), (FILE, Share(-253))
        self.assertEqual(
            [
                standing(100, [high]),
                standing(100, [low]),
                standing(100, [high, low]),
                standing(200, [low, high]),
            ],
            [Standing(254), Standing(1), Standing(100), Standing(200)],
        )

    def test_owner(self) -> None:
        """An owner stays at 255 whatever is tracked, but it may have faults."""
        shares = [(SCRIPT, Share(-20)), (FILE, Share(fault="file"))]
        self.assertEqual(standing(255, shares), Standing(255, ("file",)))

    def test_nobody_becomes_owner(self) -> None:
        """Trackers make no owner of an instance that is not."""
        self.assertEqual(standing(254, [(SCRIPT, Share(1))]), Standing(254))


class SkewTests(SynchronousTestCase):
    """RFC 9568, section 6.1."""

    def test_skew(self) -> None:
        """The higher the priority, the sooner the take-over."""
        self.assertEqual(
            [skew_time(each, 1.0) for each in (255, 128, 0)], [1 / 256, 0.5, 1.0]
        )
