"""Claims about the board of facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.facts import EVENTS_KEPT, Fact, Facts


class FactsTests(SynchronousTestCase):
    """What is set, told, forgotten and remembered."""

    def setUp(self) -> None:
        """A board, and a list of what the watchers were told."""
        self.clock = Clock()
        self.facts = Facts(self.clock)
        self.told: list[tuple[str, Any]] = []

    def remember(self, name: str, value: Any) -> None:
        """A watcher that only remembers."""
        self.told.append((name, value))

    def test_unknown_fact_has_default(self) -> None:
        """A fact that nobody set has the value that the caller names, else None."""
        self.assertEqual(
            [self.facts.get("a"), self.facts.get("a", 7), self.facts.snapshot()],
            [None, 7, {}],
        )

    def test_join_is_told_now(self) -> None:
        """Who joins is told the present value before watch() returns."""
        self.facts.set("a", 1)
        self.facts.watch("a", self.remember)
        self.assertEqual(self.told, [("a", 1)])

    def test_join_before_anything_is_known(self) -> None:
        """Who watches an unknown fact is told nothing until it is set."""
        self.facts.watch("a", self.remember)
        self.assertEqual(self.told, [])
        self.facts.set("a", None)
        self.assertEqual(self.told, [("a", None)])

    def test_equal_is_silent(self) -> None:
        """Setting an equal value tells nobody and counts as no change."""
        self.facts.watch("a", self.remember)
        self.facts.set("a", (1, 2), "first")
        self.clock.advance(1)
        self.facts.set("a", (1, 2), "second")
        self.assertEqual(self.told, [("a", (1, 2))])
        self.assertEqual(
            self.facts.snapshot(), {"a": Fact("a", (1, 2), 0.0, 0, "first")}
        )

    def test_since_changes_and_why(self) -> None:
        """Each fact keeps since when it holds, how often it changed and why."""
        self.facts.set("a", 1, "start")
        self.clock.advance(2.5)
        self.facts.set("a", 2, "it moved")
        self.assertEqual(self.facts.snapshot(), {"a": Fact("a", 2, 2.5, 1, "it moved")})

    def test_events_are_bounded(self) -> None:
        """The event log keeps the last changes in order, and no more than those."""
        for value in range(EVENTS_KEPT + 5):
            self.facts.set("a", value)
        self.assertEqual(
            [fact.value for fact in self.facts.events],
            list(range(5, EVENTS_KEPT + 5)),
        )

    def test_snapshot_is_a_copy(self) -> None:
        """Changing a snapshot leaves the board alone."""
        self.facts.set("a", 1)
        self.facts.snapshot().clear()
        self.assertEqual(self.facts.get("a"), 1)

    def test_nested_sets_wait_their_turn(self) -> None:
        """A change made by a watcher reaches nobody before the first one did."""

        def answer(name: str, value: Any) -> None:
            self.told.append(("answering", value))
            if value < 3:
                self.facts.set("a", value + 1)

        self.facts.watch("a", answer)
        self.facts.watch("a", self.remember)
        self.facts.set("a", 1)
        self.assertEqual(
            self.told,
            [
                ("answering", 1),
                ("a", 1),
                ("answering", 2),
                ("a", 2),
                ("answering", 3),
                ("a", 3),
            ],
        )

    def test_nested_sets_keep_their_order(self) -> None:
        """Changes of several facts are delivered first in, first out."""

        def both(name: str, value: Any) -> None:
            self.facts.set("b", 1)
            self.facts.set("c", 1)
            self.facts.set("b", 2)

        self.facts.watch("a", both)
        for name in "abc":
            self.facts.watch(name, self.remember)
        self.facts.set("a", 0)
        self.assertEqual(self.told, [("a", 0), ("b", 1), ("c", 1), ("b", 2)])

    def test_set_while_joining_waits_its_turn(self) -> None:
        """A watcher that sets its own fact while joining is not entered twice."""
        self.facts.set("a", 1)
        depth: list[str] = []

        def answer(name: str, value: Any) -> None:
            depth.append(f"in {value}")
            self.facts.set("a", 2)
            depth.append(f"out {value}")

        self.facts.watch("a", answer)
        self.assertEqual(depth, ["in 1", "out 1", "in 2", "out 2"])

    def test_join_during_delivery_is_not_told_the_past(self) -> None:
        """Who joins while changes are waiting is told the newest value, once."""

        def change_and_join(name: str, value: Any) -> None:
            self.facts.set("b", 1)
            self.facts.set("b", 2)
            self.facts.watch("b", self.remember)

        self.facts.watch("a", change_and_join)
        self.facts.set("a", 0)
        self.assertEqual(self.told, [("b", 2)])

    def test_failing_watcher_is_logged(self) -> None:
        """A watcher that fails is logged, and the others are told all the same."""

        def fail(name: str, value: Any) -> None:
            raise ZeroDivisionError

        self.facts.watch("a", fail)
        self.facts.watch("a", self.remember)
        self.facts.set("a", 1)
        self.facts.set("a", 2)
        self.assertEqual(self.told, [("a", 1), ("a", 2)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_failing_at_joining(self) -> None:
        """A watcher that fails at joining goes on watching."""
        self.facts.set("a", 1)

        def fail(name: str, value: Any) -> None:
            self.told.append((name, value))
            raise ZeroDivisionError

        self.facts.watch("a", fail)
        self.facts.set("a", 2)
        self.assertEqual(self.told, [("a", 1), ("a", 2)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_unwatch_twice(self) -> None:
        """Ending one watch twice ends no other watch, not even of the same callable."""
        first = self.facts.watch("a", self.remember)
        self.facts.watch("a", self.remember)
        first()
        first()
        self.facts.set("a", 1)
        self.assertEqual(self.told, [("a", 1)])

    def test_unwatch_during_delivery(self) -> None:
        """Once a watch has ended its watcher is not called, not even this time."""
        ends: list[Callable[[], None]] = []

        def end_the_other(name: str, value: Any) -> None:
            ends[0]()

        self.facts.watch("a", end_the_other)
        ends.append(self.facts.watch("a", self.remember))
        self.facts.set("a", 1)
        self.assertEqual(self.told, [])

    def test_unwatch_itself_during_delivery(self) -> None:
        """A watcher that ends its own watch costs no other watcher its turn."""
        ends: list[Callable[[], None]] = []

        def once(name: str, value: Any) -> None:
            self.told.append(("once", value))
            ends[0]()

        ends.append(self.facts.watch("a", once))
        self.facts.watch("a", self.remember)
        self.facts.set("a", 1)
        self.facts.set("a", 2)
        self.assertEqual(self.told, [("once", 1), ("a", 1), ("a", 2)])

    def test_forget(self) -> None:
        """A forgotten fact is unknown; set again, it is new and counted from 0."""
        self.facts.watch("a", self.remember)
        self.facts.set("a", 1)
        self.facts.forget("a")
        self.facts.forget("a")
        self.assertEqual((self.facts.get("a"), self.facts.snapshot()), (None, {}))
        self.clock.advance(1)
        self.facts.set("a", 1, "back")
        self.assertEqual(self.facts.snapshot(), {"a": Fact("a", 1, 1.0, 0, "back")})
        self.assertEqual(self.told, [("a", 1), ("a", 1)])

    def test_watch_kind(self) -> None:
        """Who watches a kind is told of all its facts, present and future ones."""
        self.facts.set("a:1", 1)
        self.facts.set("b:1", 1)
        end = self.facts.watch_kind("a:", self.remember)
        self.facts.set("a:2", 2)
        self.facts.set("b:2", 2)
        self.facts.set("a:1", 3)
        end()
        end()
        self.facts.set("a:1", 4)
        self.assertEqual(self.told, [("a:1", 1), ("a:2", 2), ("a:1", 3)])

    def test_watch_kind_during_delivery(self) -> None:
        """A kind that is watched from inside a watcher is told in its turn."""

        def join(name: str, value: Any) -> None:
            self.facts.watch_kind("b", self.remember)

        self.facts.set("b", 1)
        self.facts.watch("a", join)
        self.facts.set("a", 1)
        self.facts.set("b", 2)
        self.assertEqual(self.told, [("b", 1), ("b", 2)])
