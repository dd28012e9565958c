"""Claims about the trackers of one node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Model, VrrpInstance
from hanode.config.track_model import NOTHING, Description, Share, Tracked
from hanode.config.tracker_words import TrackerWords
from hanode.facts import Facts
from hanode.tracking import Tracking


class Observed:
    """Notes what is expected of it."""

    def __init__(self) -> None:
        self.expected: list[list[str]] = []
        self.closed = False

    def expect(self, described: Mapping[str, Description]) -> None:
        self.expected.append(list(described))

    def close(self) -> None:
        self.closed = True


class Plugin:
    """A tracker whose facts are points of priority."""

    def __init__(self, kind: str, untracked: bool = False) -> None:
        self.keyword = f"track_{kind}"
        self.words = TrackerWords(self.keyword, kind, kind, untracked=untracked)
        self.made = Observed()

    def make(self, world: Any, facts: Facts, checkers: Any) -> Observed:
        self.given = (world, facts, checkers)
        return self.made

    def weigh(self, tracked: Tracked, value: Any) -> Share:
        return Share(value)


class Broken(Plugin):
    """One that fails wherever it can."""

    def make(self, world: Any, facts: Facts, checkers: Any) -> Observed:
        raise ValueError("make")

    def weigh(self, tracked: Tracked, value: Any) -> Share:
        raise ValueError("weigh")


class Failing(Observed):
    """What was made fails later."""

    def expect(self, described: Mapping[str, Description]) -> None:
        raise ValueError("expect")

    def close(self) -> None:
        raise ValueError("close")


def model(*track: Tracked) -> Model:
    """Two of each kind are described, C{track} are tracked."""
    return Model(
        instances={"VI": VrrpInstance("VI", 1, "eth0", 4, track=track)},
        trackers={
            kind: {name: Description(kind, name) for name in ("a", "b")}
            for kind in ("one", "two")
        },
    )


class TrackingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.one, self.two = Plugin("one"), Plugin("two", untracked=True)
        self.broken, self.failing = Broken("broken"), Plugin("failing")
        self.failing.made = Failing()
        plugins: Any = {
            each.keyword: each
            for each in (self.broken, self.failing, self.one, self.two)
        }
        facts: Any = "facts"
        self.tracking = Tracking(plugins, "world", facts, {"TCP_CHECK": 1})

    def test_made(self) -> None:
        """Each is made once, of the world, the facts and the checkers."""
        self.assertEqual(self.one.given, ("world", "facts", {"TCP_CHECK": 1}))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_only_tracked(self) -> None:
        """Only what an instance tracks is expected, unless the kind wants all."""
        self.tracking.expect(model(Tracked("one", "b"), Tracked("three", "b")))
        self.tracking.expect(model())
        self.assertEqual(
            (self.one.made.expected, self.two.made.expected),
            ([["b"], []], [["a", "b"], ["a", "b"]]),
        )
        self.flushLoggedErrors(ValueError)

    def test_describe(self) -> None:
        """Who can say more than the facts is asked; of others there is nothing."""
        described = {"a": {"running": True}}
        self.one.made.describe = lambda: described  # type: ignore[attr-defined]
        kinds = ("one", "two", "broken", "three")
        self.assertEqual(
            [self.tracking.describe(kind) for kind in kinds], [described, {}, {}, {}]
        )
        self.flushLoggedErrors(ValueError)

    def test_weigh(self) -> None:
        """The kind decides; what nobody can weigh weighs nothing."""
        kinds = ("one", "broken", "three")
        self.assertEqual(
            [self.tracking.weigh(Tracked(kind, "a"), 7) for kind in kinds],
            [Share(7), NOTHING, NOTHING],
        )
        self.flushLoggedErrors(ValueError)

    def test_failing(self) -> None:
        """One that fails does not keep the others from their work."""
        self.tracking.expect(model())
        self.tracking.close()
        self.assertTrue(self.one.made.closed and self.two.made.closed)
        errors = [str(each.value) for each in self.flushLoggedErrors(ValueError)]
        self.assertEqual(errors, ["make", "expect", "close"])
