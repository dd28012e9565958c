"""Claims about BFD_CHECK."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

import hanode.checkers
from hanode.checkers.bfd import BfdOptions, bfdChecker
from hanode.config.balance_model import Check, Schedule, Target
from hanode.interfaces import IFactChecker
from hanode.path import Path
from hanode.plugins import find
from hanode.result import Result
from tests.checkers.datagrams import read

PEER = ip_address("192.0.2.2")


def path(state: str, reason: str = "", been_up: bool = True) -> Path:
    """The value of the fact."""
    return Path(PEER, state, reason=reason, been_up=been_up)


class BfdTests(SynchronousTestCase):
    """The words, the fact, and what its value means."""

    def read(self, text: str) -> Any:
        """The options of a block with C{text}, where there is a session C{peer}."""
        return read(bfdChecker.words, text, bfds=frozenset({"peer"}))

    def judge(
        self, value: Path | None, alpha: bool | None = None, server: bool = False
    ) -> Result:
        """What C{value} means; C{server}: the real server's alpha."""
        options = BfdOptions("peer", alpha)
        check = Check("BFD_CHECK", options, Target(PEER), Schedule(alpha=server))
        self.assertEqual(bfdChecker.fact(check), "bfd:peer")
        return bfdChecker.judge(check, value)

    def test_words(self) -> None:
        """It names a session; alpha is its own or the real server's."""
        self.assertEqual(self.read("name peer"), (BfdOptions("peer"), []))
        self.assertEqual(self.read("name peer\nalpha"), (BfdOptions("peer", True), []))
        made = self.read("name peer\nalpha off")
        self.assertEqual(made, (BfdOptions("peer", False), []))

    def test_no_session(self) -> None:
        """Without a session that is there, there is no check, and that is said."""
        made, problems = self.read("alpha")
        self.assertEqual(made, None)
        self.assertEqual(
            problems,
            [
                "1 warning: BFD_CHECK has no name "
                "(the check is skipped; name a bfd_instance)"
            ],
        )
        made, problems = self.read("name other")
        self.assertEqual(made, None)
        self.assertEqual(
            problems,
            [
                "1 warning: BFD_CHECK: there is no bfd_instance other for checkers "
                "(the check is skipped)"
            ],
        )

    def test_up(self) -> None:
        """A session that is Up is success."""
        self.assertEqual(self.judge(path("UP")), Result(True, "session up"))
        self.assertEqual(self.judge(path("UP", been_up=False), True).ok, True)

    def test_lost(self) -> None:
        """One that was Up and is not is failure, with what BFD says."""
        for state in ("ADMIN_DOWN", "DOWN", "INIT"):
            for alpha in (None, True, False):
                got = self.judge(path(state, "detection time expired"), alpha)
                wanted = Result(False, f"session {state}", "detection time expired")
                self.assertEqual(got, wanted)

    def test_not_yet(self) -> None:
        """One that was not Up yet is what alpha says, its own before the server's."""
        for value in (None, path("DOWN", "started", False), path("INIT", "", False)):
            got = [
                self.judge(value, alpha, server).ok
                for alpha in (None, False, True)
                for server in (False, True)
            ]
            self.assertEqual(got, [True, False, True, True, False, False])
            self.assertEqual(self.judge(value).reason, "not up yet")

    def test_found(self) -> None:
        """It is found by its keyword, and keeps the promises of its kind."""
        self.assertIs(find(IFactChecker, hanode.checkers)["BFD_CHECK"], bfdChecker)
        verifyObject(IFactChecker, bfdChecker)
        words = bfdChecker.words
        self.assertEqual((words.connects, words.scheduled), (False, False))
