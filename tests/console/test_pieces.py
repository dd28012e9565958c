"""JSON in pieces."""

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.scalars import Secret
from hanode.console.pieces import pieces

RECORDS = st.lists(st.dictionaries(st.text(), st.integers() | st.text()), max_size=3)


class PiecesTests(SynchronousTestCase):
    @given(
        st.dictionaries(st.text("ab"), RECORDS), st.dictionaries(st.text("cd"), RECORDS)
    )
    def test_whole(self, lists, rest):
        """Together they are the lists, and what comes behind them."""
        text = "".join(pieces(lists, lambda: rest))
        self.assertEqual(json.loads(text), {**lists, **rest})

    @given(
        st.dictionaries(
            st.text("ab"),
            st.integers() | st.lists(st.integers() | st.text(), max_size=35),
        )
    )
    def test_longLists(self, record):
        """A record with long lists is the same, in parts that are short."""
        found = list(pieces({"records": [record]}))
        self.assertEqual(json.loads("".join(found)), {"records": [record]})
        numbers = [1] * 1000
        longest = max(map(len, pieces({"records": [{"many": numbers}]})))
        self.assertLess(longest, 50)

    def test_one_at_a_time(self):
        """A record is asked for when its turn comes, the rest when all of them are."""
        asked = []

        def records():
            for number in range(3):
                asked.append(number)
                yield {"n": number}

        def rest():
            asked.append("rest")
            return {"end": True}

        found = pieces({"records": records()}, rest)
        seen = [(next(found) + next(found), list(asked)) for _ in range(3)]
        self.assertEqual(
            seen,
            [
                ('{"records": [{"n": 0}', [0]),
                (', {"n": 1}', [0, 1]),
                (', {"n": 2}', [0, 1, 2]),
            ],
        )
        self.assertEqual("".join(found), '], "end": true}')

    def test_plain(self):
        """A secret stays one, and what JSON does not have is null."""
        text = "".join(pieces({"a": [{"k": Secret("opensesame"), "n": float("inf")}]}))
        self.assertEqual(json.loads(text), {"a": [{"k": "***", "n": None}]})
