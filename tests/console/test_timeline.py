"""What has happened, with the time of day."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.console.timeline import Timeline, timeline, value_text
from hanode.facts import Facts


class TimelineTests(SynchronousTestCase):
    """Claims about L{Timeline}."""

    def setUp(self) -> None:
        """A clock that says 100 s at 1,000,000,000.5 s of the day."""
        self.clock = Clock()
        self.clock.advance(100)
        self.facts = Facts(self.clock)
        self.times = Timeline(self.clock.seconds, lambda: 1_000_000_000.5)

    def test_latest(self) -> None:
        """The last ones, oldest first, with when that was."""
        for name in "abc":
            self.facts.set(name, name.upper(), "because")
            self.clock.advance(1)
        self.assertEqual(
            self.times.latest(self.facts, 2),
            [
                {
                    "id": 2,
                    "time": 999999998.5,
                    "fact": "b",
                    "value": "B",
                    "why": "because",
                },
                {
                    "id": 3,
                    "time": 999999999.5,
                    "fact": "c",
                    "value": "C",
                    "why": "because",
                },
            ],
        )
        self.assertEqual(self.times.latest(self.facts, 0), [])

    def test_lines(self) -> None:
        """One line for each, to the millisecond in local time."""
        self.facts.set("vrrp:VI", "MASTER", "no advertisement")
        records = self.times.latest(self.facts, 9)
        head, line = timeline(records).split("\n")
        self.assertEqual(head.split(), ["TIME", "FACT", "VALUE", "WHY"])
        self.assertRegex(
            line, r"^\d\d:\d\d:40\.500  vrrp:VI  MASTER  no advertisement$"
        )

    def test_nothing(self) -> None:
        """Without events there is a word for it."""
        self.assertEqual(timeline([]), "nothing has happened")


class ValueTests(SynchronousTestCase):
    """Claims about L{value_text}."""

    def test_kinds(self) -> None:
        """Every kind of value in few words."""
        for value, text in (
            (None, "-"),
            (3, "3"),
            ([], "none"),
            (["a", 1], "a, 1"),
            ({"up": True, "off": False, "n": None, "name": "eth0"}, "up name=eth0"),
            ("x" * 70, "x" * 57 + "..."),
        ):
            self.assertEqual(value_text(value), text)
