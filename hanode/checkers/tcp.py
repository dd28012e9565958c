"""TCP_CHECK: a connection can be made (keepalived.conf(5)).

It is closed at once. Reasons: C{connected} is success. Failures: C{refused},
C{connect timeout}, C{reset}, C{host unreachable}, C{network unreachable}, C{no route},
C{network down}; before connecting C{address not available}, C{address in use}, C{no
such interface}, C{not permitted}; and, where this machine is to blame, C{too many open
files}, C{out of memory}, C{no free port}. It takes connect_timeout at most.
"""

from __future__ import annotations

from socket import SocketType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.balance_model import Check, Target
from hanode.config.checker_words import CheckerWords, nothing
from hanode.interfaces import IChecker
from hanode.result import Result
from hanode.stream import OURS, Attempt

CANCELLED = "cancelled"


class _Touch(Attempt):
    """Connects and closes."""

    __slots__ = ("_began", "answer")

    closing = True

    def __init__(self, clock: Any, target: Target) -> None:
        super().__init__(clock, target)
        self._began = clock.seconds()
        self.answer: Deferred[Result] | None = Deferred(self._cancel)

    def reached(self, connected: SocketType) -> None:
        """The server works."""
        connected.close()
        self._answer(True, "connected", "", False)

    def failed(self, reason: str, detail: str) -> None:
        """The server does not."""
        self._answer(False, reason, detail, reason in OURS)

    def _answer(self, ok: bool, reason: str, detail: str, ours: bool) -> None:
        answer, self.answer = self.answer, None  # or the two would hold each other
        if answer is not None:
            seconds = self._reactor.seconds() - self._began
            answer.callback(Result(ok, reason, detail, None, None, seconds, ours))

    def _cancel(self, _answer: Deferred[Result]) -> None:
        self.give_up()
        self._answer(False, CANCELLED, "", False)


@implementer(IPlugin, IChecker)
class TcpChecker:
    """The plug-in."""

    keyword = "TCP_CHECK"
    words = CheckerWords(keyword, (), nothing)

    def longest(self, check: Check) -> float:
        """See L{IChecker}."""
        return check.target.timeout

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        """See L{IChecker.probe}."""
        touch = _Touch(world.clock, check.target)
        answer = touch.answer
        assert answer is not None
        touch.start()
        return answer


tcpChecker = TcpChecker()
