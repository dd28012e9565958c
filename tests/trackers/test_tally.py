"""rise and fall."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.trackers.tally import Tally


def verdicts(tally: Tally, results: str) -> str:
    """The verdict after each of C{results}: + success or up, - failure or down."""
    shown = ""
    for each in results:
        tally.record(each == "+")
        shown += {True: "+", False: "-", None: "?"}[tally.up]
    return shown


class TallyTests(SynchronousTestCase):
    """keepalived.conf(5), vrrp_script: rise and fall."""

    def test_first_counts_at_once(self) -> None:
        """Whatever rise and fall are, the first result is the first verdict."""
        self.assertEqual(
            [verdicts(Tally(3, 3), each) for each in ("+", "-")], ["+", "-"]
        )

    def test_rows(self) -> None:
        """Later so many in a row are needed; one that agrees begins the row anew."""
        self.assertEqual(
            verdicts(Tally(2, 3), "+--+---+-++-"),
            "+++++" + "+-" + "--" + "-++",
        )

    def test_init_fail(self) -> None:
        """Assumed to have failed, it needs all its successes from the start."""
        self.assertEqual(verdicts(Tally(2, 1, assumed=False), "-+-++-"), "----+-")

    def test_reload(self) -> None:
        """Assumed to be well, the first failure counts at once."""
        self.assertEqual(verdicts(Tally(1, 3, assumed=True), "-"), "-")
        self.assertEqual(verdicts(Tally(1, 3, assumed=True), "+--"), "+++")

    def test_adopt(self) -> None:
        """Other numbers, the same verdict: nothing counts twice as the first."""
        old, new = Tally(1, 1), Tally(1, 3)
        self.assertEqual(verdicts(old, "+"), "+")
        new.adopt(old)
        self.assertEqual(verdicts(new, "---"), "++-")

    @given(st.integers(1, 4), st.integers(1, 4), st.text("+-", min_size=1, max_size=40))
    def test_any(self, rise: int, fall: int, results: str) -> None:
        """A verdict changes exactly with the last of a full row against it."""
        shown = verdicts(Tally(rise, fall), results)
        self.assertEqual(shown[0], results[0])
        for at in range(1, len(results)):
            before, now = shown[at - 1], shown[at]
            needed = fall if before == "+" else rise
            row = results[1 : at + 1][-needed:]
            against = "-" if before == "+" else "+"
            if now != before:
                self.assertEqual(row, against * needed)
            elif results[at] == against and len(row) == needed:
                self.assertIn(before, row + shown[at - needed + 1 : at])
