"""One round of HTTP_GET or SSL_GET: all urls, one after the other.

keepalived gets one url in each delay_loop; here a round is over when all are good, or
with the first that is not. So a page that breaks is noticed in the next round.

Reasons: C{all good} is success. Failures: those of TCP_CHECK; C{answer timeout} (the
answer was not complete in time), C{closed without answer}, C{closed in header},
C{reset}, C{not HTTP}, C{header too long}, C{bad chunk}, C{wrong status}, C{wrong
digest}, C{regex not found}, C{regex found}, C{regex too costly}, C{regex failed}. With
TLS also C{TLS timeout}, C{closed in TLS handshake}, C{TLS error}, C{certificate not
trusted}, C{wrong certificate name}, C{bad TLS settings}.

Connecting to each url takes connect_timeout at most, the TLS handshake included; the
whole answer, however it drips, that long again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from hanode.checkers.fetch import Fetch
from hanode.checkers.http_words import HttpOptions
from hanode.config.balance_model import Check
from hanode.result import Result
from hanode.stream import OURS

if TYPE_CHECKING:
    from hanode.tls import Client

#: makes TLS for the url of this number; raises ValueError when that cannot be
Secure = Callable[[int], "Client"]


def longest(check: Check) -> float:
    """How many seconds a round takes at most: each url twice the timeout."""
    options = check.options
    assert isinstance(options, HttpOptions)
    return 2 * check.target.timeout * len(options.urls)


class Visit:
    """Gets all urls. C{answer} fires with a L{Result}; cancelling it is safe."""

    __slots__ = ("_began", "_check", "_clock", "_fetch", "_index", "_secure", "answer")

    def __init__(self, clock: Any, check: Check, secure: Secure | None = None) -> None:
        self._clock, self._check, self._secure = clock, check, secure
        self._began = clock.seconds()
        self._index = 0
        self._fetch: Fetch | None = None
        self.answer: Deferred[Result] | None = Deferred(self._cancel)

    def go(self) -> Deferred[Result]:
        """Begin."""
        answer = self.answer
        assert answer is not None
        self._next()
        return answer

    def _next(self) -> None:
        options = self._check.options
        assert isinstance(options, HttpOptions)
        tls = None
        if self._secure is not None:
            try:
                tls = self._secure(self._index)
            except ValueError as error:
                self._answer(False, "bad TLS settings", str(error))
                return
        url = options.urls[self._index]
        target = self._check.target
        fetch = Fetch(self._clock, target, options, url, self._fetched, tls)
        self._fetch = fetch
        fetch.start()

    def _fetched(self, reason: str, detail: str) -> None:
        self._fetch = None
        if reason:
            self._answer(False, reason, detail)
            return
        self._index += 1
        if self._index < len(self._check.options.urls):  # type: ignore[attr-defined]
            self._next()
        else:
            self._answer(True, "all good", detail)

    def _answer(self, ok: bool, reason: str, detail: str) -> None:
        answer, self.answer = self.answer, None
        if answer is not None:
            seconds = self._clock.seconds() - self._began
            ours = not ok and reason in OURS
            answer.callback(Result(ok, reason, detail, None, None, seconds, ours))

    def _cancel(self, _answer: Deferred[Result]) -> None:
        fetch, self._fetch = self._fetch, None
        if fetch is not None:
            fetch.give_up()
        self._answer(False, "cancelled", "")
