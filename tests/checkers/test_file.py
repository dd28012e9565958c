"""Claims about FILE_CHECK."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

import hanode.checkers
from hanode.checkers.file import FileOptions, fileChecker
from hanode.config.balance_model import Check, Target
from hanode.interfaces import IFactChecker
from hanode.plugins import find
from hanode.result import Result
from tests.checkers.datagrams import read

MOST = 2**31 - 1


class FileTests(SynchronousTestCase):
    """The words, the fact, and what its value means."""

    def read(self, text: str) -> Any:
        """The options of a block with C{text}, where there is a file C{load}."""
        around: dict[str, Any] = {
            "files": frozenset({"load", "other"}),
            "file_weights": {"load": -3},
        }
        return read(fileChecker.words, text, **around)

    def judge(
        self, value: int | None, weight: int = 1, reverse: bool = False
    ) -> Result:
        """What C{value} means."""
        options = FileOptions("load", weight, reverse)
        check = Check("FILE_CHECK", options, Target(ip_address("192.0.2.1")))
        self.assertEqual(fileChecker.fact(check), "file:load")
        return fileChecker.judge(check, value)

    def test_words(self) -> None:
        """The weight is its own, or that of the track_file, or 1."""
        for text, wanted in (
            ("track_file load", FileOptions("load", -3)),
            ("track_file other", FileOptions("other", 1)),
            ("track_file load\nweight 5", FileOptions("load", 5)),
            ("track_file load\nweight -5 reverse", FileOptions("load", -5, True)),
            ("track_file load\nweight 0 noreverse", FileOptions("load", 0)),
        ):
            self.assertEqual(self.read(text), (wanted, []))

    def test_no_file(self) -> None:
        """Without a file that is known there is no check, and that is said."""
        made, problems = self.read("weight 2")
        self.assertEqual(made, None)
        self.assertEqual(
            problems,
            [
                "1 warning: FILE_CHECK has no track_file "
                "(the check is skipped; name a track_file)"
            ],
        )
        made, problems = self.read("track_file nosuch")
        self.assertEqual(made, None)
        self.assertEqual(
            problems,
            [
                "1 warning: FILE_CHECK: there is no track_file nosuch "
                "(the check is skipped)"
            ],
        )

    def test_change(self) -> None:
        """The number times the weight is what the server's weight changes by."""
        for value, weight, reverse, change in (
            (7, 1, False, 7),
            (7, -2, False, -14),
            (-7, 2, True, 14),
            (0, 9, False, 0),
            (MOST, MOST, False, MOST),
        ):
            wanted = Result(True, f"file says {value}", change=change)
            self.assertEqual(self.judge(value, weight, reverse), wanted)

    def test_no_number(self) -> None:
        """No number counts as 0."""
        wanted = Result(True, "no number", change=0)
        self.assertEqual(self.judge(None, 5), wanted)
        self.assertEqual(self.judge(None, 0), wanted)

    def test_too_low(self) -> None:
        """A product of -2**31 or less is failure."""
        self.assertEqual(self.judge(-MOST).ok, True)
        wanted = Result(False, "value too low", "file says -1073741824, times 2")
        self.assertEqual(self.judge(-(2**30), 2), wanted)

    def test_verdict(self) -> None:
        """With weight 0 it is a verdict: 0 is well, unless it is reversed."""
        got = [
            self.judge(value, 0, reverse).ok
            for reverse in (False, True)
            for value in (0, 1, -1)
        ]
        self.assertEqual(got, [True, False, False, False, True, True])
        self.assertEqual(self.judge(1, 0).reason, "file says 1")

    def test_found(self) -> None:
        """It is found by its keyword, and keeps the promises of its kind."""
        self.assertIs(find(IFactChecker, hanode.checkers)["FILE_CHECK"], fileChecker)
        verifyObject(IFactChecker, fileChecker)
        words = fileChecker.words
        self.assertEqual((words.connects, words.scheduled), (False, False))
