"""What the checks of one real server make of it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.drain import Drain
from hanode.lvs import MOST_WEIGHT
from hanode.result import Result
from hanode.serving import RealServing
from tests.balance.servers import ILL, WELL, health, real, standing


def opinion(weight: int | None = None, change: int | None = None) -> Result:
    return Result(True, "success", weight=weight, change=change)


class States(SynchronousTestCase):
    def test_noChecks(self) -> None:
        """Without checks it is up."""
        self.assertEqual(
            standing(real(1, 3), now=5.0).state(),
            RealServing(True, 3, "no checks", 5.0),
        )

    def test_assumptions(self) -> None:
        """Before any result it is what its checks are assumed to be."""
        up, down = standing(real(1), health()), standing(real(1), health(up=False))
        self.assertEqual(
            (up.up, up.reason), (True, "assumed up before the first check")
        )
        self.assertEqual(
            (down.up, down.reason), (False, "waiting for the first success")
        )
        self.assertEqual((up.undecided, down.undecided), (False, True))

    def test_allChecks(self) -> None:
        """It is healthy when every check is up."""
        one, other = health(), health()
        server = standing(real(1), one, other)
        self.assertTrue(server.healthy)
        other.record(ILL, now=1.0)
        self.assertFalse(server.healthy)

    def test_decided(self) -> None:
        """One failure decides, whatever other checks are still waited for."""
        one, other = health(up=False), health(up=False)
        server = standing(real(1), one, other)
        one.record(WELL, now=1.0)
        self.assertTrue(server.undecided)
        other.record(ILL, now=1.0)
        self.assertFalse(server.undecided)

    def test_cause(self) -> None:
        """The cause is the first check that is to blame, or to thank."""
        one, other = health(), health()
        server = standing(real(1), one, other)
        self.assertEqual(server.cause(), "assumed up before the first check")
        one.record(WELL, now=1.0)
        self.assertEqual(server.cause(), "success")
        other.record(ILL, now=1.0)
        server.up = False
        self.assertEqual(server.cause(), "refused: by the peer")


class Weights(SynchronousTestCase):
    def weight(self, configured: int, *opinions: Result) -> int:
        healths = []
        for each in opinions:
            one = health()
            one.record(each, now=0.0)
            healths.append(one)
        return standing(real(1, configured), *healths).weight

    def test_opinions(self) -> None:
        """One weight has its way, several add up, changes are added."""
        self.assertEqual(self.weight(5), 5)
        self.assertEqual(self.weight(5, opinion(7)), 7)
        self.assertEqual(self.weight(5, opinion(7), opinion(2)), 4)
        self.assertEqual(self.weight(5, opinion(7), opinion(change=-1)), 6)

    def test_bounds(self) -> None:
        """A negative sum is 0, and no weight is more than the kernel can bear."""
        self.assertEqual(self.weight(5, opinion(change=-9)), 0)
        self.assertEqual(self.weight(5, opinion(change=MOST_WEIGHT)), MOST_WEIGHT)

    def test_counts(self) -> None:
        """It adds to the quorum while it is up and not being drained."""
        server = standing(real(1, 4))
        self.assertEqual(server.counts, 4)
        server.drain = Drain(0.0, now=0.0)
        self.assertEqual((server.counts, server.state().drain), (0, "draining"))
        down = standing(real(1, 4), health(up=False))
        self.assertEqual(down.counts, 0)
