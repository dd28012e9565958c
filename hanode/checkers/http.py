"""HTTP_GET: pages are there and are as they should be (keepalived.conf(5)).

L{hanode.checkers.visit} has the reasons and the limits of time.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.checkers import http_words
from hanode.checkers.visit import Visit, longest
from hanode.config.balance_model import Check
from hanode.interfaces import IChecker
from hanode.result import Result


@implementer(IPlugin, IChecker)
class HttpChecker:
    """The plug-in."""

    keyword = "HTTP_GET"
    words = http_words.words(keyword, secure=False)

    def longest(self, check: Check) -> float:
        """See L{IChecker}."""
        return longest(check)

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        """See L{IChecker.probe}; each url may take twice the timeout."""
        return Visit(world.clock, check).go()


httpChecker = HttpChecker()
