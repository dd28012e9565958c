"""Claims about what one tracked object does to an instance."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.scalars import Script
from hanode.config.track_model import (
    NOTHING,
    Description,
    Share,
    Tracked,
    by_state,
)
from tests.config.test_tracking import Options


class ByStateTests(SynchronousTestCase):
    """keepalived.conf(5), track_script: weight and reverse."""

    def shares(self, weight: int, reverse: bool = False) -> list[Share]:
        """While it is well, and while it is not."""
        tracked = Tracked("script", "chk", weight, reverse)
        return [by_state(tracked, up) for up in (True, False)]

    def test_unweighted(self) -> None:
        """Weight 0: down is a fault, up is nothing; reversed it is the other way."""
        self.assertEqual(
            [self.shares(0), self.shares(0, True)],
            [
                [NOTHING, Share(fault="script chk down")],
                [Share(fault="script chk up"), NOTHING],
            ],
        )

    def test_own_words(self) -> None:
        """A kind may have its own words for the fault."""
        tracked = Tracked("script", "chk")
        self.assertEqual(by_state(tracked, False, "broken"), Share(fault="broken"))

    def test_positive(self) -> None:
        """A positive weight counts while it is up; reversed it is taken off then."""
        self.assertEqual(
            [self.shares(20), self.shares(20, True)],
            [[Share(20), NOTHING], [Share(-20), NOTHING]],
        )

    def test_negative(self) -> None:
        """A negative weight counts while it is down; reversed it is added then."""
        self.assertEqual(
            [self.shares(-20), self.shares(-20, True)],
            [[NOTHING, Share(-20)], [NOTHING, Share(20)]],
        )

    def test_unknown(self) -> None:
        """What is not known yet is waited for if it could be a fault; else nothing."""
        self.assertEqual(
            [
                by_state(Tracked("script", "chk", weight), None)
                for weight in (0, 20, -20)
            ],
            [Share(pending=True), NOTHING, NOTHING],
        )


class NameTests(SynchronousTestCase):
    def test_fact(self) -> None:
        """The fact is named by the kind and the name, people read it with a blank."""
        tracked = Tracked("bfd", "peer", 10)
        self.assertEqual((tracked.fact, str(tracked)), ("bfd:peer", "bfd peer"))

    def test_script(self) -> None:
        """The command of what runs one, None for what does not."""
        script = Script(("/bin/true",))
        self.assertEqual(
            [
                Description("script", "a", options=Options(script)).script,
                Description("script", "a", options=Options("x")).script,
                Description("script", "a").script,
            ],
            [script, None, None],
        )
