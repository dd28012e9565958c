"""Claims about how the members of a group are counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.vrrp.actions import State
from hanode.vrrp.conditions import Condition, Conditions

CONDITIONS = st.builds(
    Condition,
    st.sampled_from(State),
    st.sampled_from(((), ("x",))),
    st.booleans(),
    st.booleans(),
)


class CountTests(SynchronousTestCase):
    @given(st.lists(st.tuples(st.sampled_from("ABC"), CONDITIONS), max_size=20))
    def test_counted_like_new(self, notes: list[tuple[str, Condition]]) -> None:
        """After any notes the counts are those of a new look at all members."""
        noted = Conditions({})
        last: dict[str, Condition] = {}
        for name, condition in notes:
            noted.note(name, condition)
            last[name] = condition
            new = Conditions(last)
            self.assertEqual(noted.members, new.members)
            self.assertEqual(noted.sick.keys(), new.sick.keys())
            self.assertEqual(
                (noted.willing, noted.bereft, noted.masters, noted.common),
                (new.willing, new.bereft, new.masters, new.common),
            )
            self.assertEqual(
                noted.all_willing, all(each.willing for each in last.values())
            )

    def test_who_fell_first(self) -> None:
        """The sick stand in the order in which they fell."""
        sick, well = Condition(State.FAULT, ("x",)), Condition(State.BACKUP)
        conditions = Conditions({"A": well, "B": sick})
        conditions.note("A", sick)
        conditions.note("B", sick)
        self.assertEqual(list(conditions.sick), ["B", "A"])
        conditions.note("B", well)
        self.assertEqual(list(conditions.sick), ["A"])
        self.assertIs(conditions.common, None)
