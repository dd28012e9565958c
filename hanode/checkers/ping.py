"""PING_CHECK: one ICMP or ICMPv6 echo request, one reply (keepalived.conf(5)).

connect_port and bind_port mean nothing here. net.ipv4.ping_group_range is not changed:
where it forbids a datagram socket, a raw one is used.

Reasons: C{reply} is success. Failures: C{timeout}, C{refused}, C{host unreachable},
C{network unreachable}, C{not permitted}, C{flooded} (1000 packets, none of them the
reply), and what the kernel says when the request cannot be sent.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.balance_model import Check
from hanode.config.checker_words import CheckerWords, nothing
from hanode.icmp import ping
from hanode.interfaces import IChecker
from hanode.result import Result


@implementer(IPlugin, IChecker)
class PingChecker:
    """The plug-in."""

    keyword = "PING_CHECK"
    words = CheckerWords(keyword, (), nothing)

    def longest(self, check: Check) -> float:
        """See L{IChecker}."""
        return check.target.timeout

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        """See L{IChecker.probe}."""
        return ping(world.clock, world.random, check.target)


pingChecker = PingChecker()
