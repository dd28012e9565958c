"""Claims about the effective priority and the faults."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import TrackedBfd, TrackedInterface, VrrpInstance
from hanode.vrrp.priority import Standing, standing


class StandingTests(SynchronousTestCase):
    """keepalived.conf(5), track_interface."""

    def standing(
        self, up: set[str], *tracked: TrackedInterface, priority: int = 100
    ) -> Standing:
        """The verdict while exactly the interfaces in C{up} are up."""
        settings = VrrpInstance(
            "VI", 51, "eth0", 4, priority=priority, track_interfaces=tracked
        )
        return standing(settings, up.__contains__, frozenset[str]().__contains__)

    def test_nothing_tracked(self) -> None:
        """Without trackers the base priority stands."""
        self.assertEqual(self.standing(set()), Standing(100))

    def test_unweighted(self) -> None:
        """Weight 0: down is a fault, up is nothing."""
        tracked = TrackedInterface("a")
        self.assertEqual(self.standing({"a"}, tracked), Standing(100))
        self.assertEqual(
            self.standing(set(), tracked), Standing(100, ("interface a down",))
        )

    def test_unweighted_reverse(self) -> None:
        """Weight 0 reverse: up is a fault, down is nothing."""
        tracked = TrackedInterface("a", 0, True)
        self.assertEqual(
            self.standing({"a"}, tracked), Standing(100, ("interface a up",))
        )
        self.assertEqual(self.standing(set(), tracked), Standing(100))

    def test_positive_weight(self) -> None:
        """A positive weight counts while the interface is up."""
        tracked = TrackedInterface("a", 20)
        self.assertEqual(self.standing({"a"}, tracked), Standing(120))
        self.assertEqual(self.standing(set(), tracked), Standing(100))

    def test_negative_weight(self) -> None:
        """A negative weight counts while the interface is down."""
        tracked = TrackedInterface("a", -20)
        self.assertEqual(self.standing({"a"}, tracked), Standing(100))
        self.assertEqual(self.standing(set(), tracked), Standing(80))

    def test_positive_weight_reverse(self) -> None:
        """reverse turns the sign round: a positive weight is taken off while up."""
        tracked = TrackedInterface("a", 20, True)
        self.assertEqual(self.standing({"a"}, tracked), Standing(80))
        self.assertEqual(self.standing(set(), tracked), Standing(100))

    def test_negative_weight_reverse(self) -> None:
        """reverse turns the sign round: a negative weight is added while down."""
        tracked = TrackedInterface("a", -20, True)
        self.assertEqual(self.standing({"a"}, tracked), Standing(100))
        self.assertEqual(self.standing(set(), tracked), Standing(120))

    def test_sum(self) -> None:
        """All weights are added up, and all faults are named in their order."""
        tracked = (
            TrackedInterface("a", 20),
            TrackedInterface("b"),
            TrackedInterface("c", -5),
            TrackedInterface("d"),
            TrackedInterface("e", 7),
        )
        self.assertEqual(
            self.standing({"a"}, *tracked),
            Standing(115, ("interface b down", "interface d down")),
        )

    def test_kept_between_1_and_254(self) -> None:
        """Only the sum is kept within 1 and 254, not what it passes through."""
        high, low = TrackedInterface("a", 253), TrackedInterface("b", -253)
        self.assertEqual(self.standing({"a", "b"}, high), Standing(254))
        self.assertEqual(self.standing(set(), low), Standing(1))
        self.assertEqual(self.standing({"a"}, high, low), Standing(100))
        self.assertEqual(self.standing({"a"}, low, high, priority=200), Standing(200))

    def test_owner(self) -> None:
        """An owner stays at 255 whatever is tracked, but it may have faults."""
        tracked = (TrackedInterface("a", -20), TrackedInterface("b"))
        self.assertEqual(
            self.standing(set(), *tracked, priority=255),
            Standing(255, ("interface b down",)),
        )


class BfdTests(SynchronousTestCase):
    """keepalived.conf(5), track_bfd."""

    def standing(
        self, up: set[str], *tracked: TrackedBfd, priority: int = 100
    ) -> Standing:
        """The verdict while exactly the BFD sessions in C{up} are up."""
        settings = VrrpInstance(
            "VI",
            51,
            "eth0",
            4,
            priority=priority,
            track_interfaces=(TrackedInterface("a", 7), TrackedInterface("b")),
            track_bfds=tracked,
        )
        return standing(settings, {"b"}.__contains__, up.__contains__)

    def test_unweighted(self) -> None:
        """Weight 0: not Up is a fault; a session is no interface of the same name."""
        tracked = (TrackedBfd("a"), TrackedBfd("b"), TrackedBfd("c", 0, True))
        self.assertEqual(
            [self.standing(up, *tracked) for up in ({"a", "b"}, {"c"})],
            [Standing(100), Standing(100, ("bfd a down", "bfd b down", "bfd c up"))],
        )

    def test_weighted(self) -> None:
        """Weights are those of interfaces: their sum is kept within 1 and 254."""
        tracked = (TrackedBfd("x", 20), TrackedBfd("y", -30), TrackedBfd("z", 5, True))
        self.assertEqual(
            [
                self.standing({"x", "y", "z"}, *tracked),
                self.standing(set(), *tracked),
                self.standing({"x", "y"}, *tracked, priority=250),
                self.standing(set(), *tracked, priority=255),
            ],
            [Standing(115), Standing(70), Standing(254), Standing(255)],
        )
