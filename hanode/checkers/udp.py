"""UDP_CHECK: send a datagram; an ICMP error is failure (keepalived.conf(5)).

Without require_reply it is a success when nothing says the contrary within
connect_timeout, which should be 4 seconds and more: so long may it take until ARP
has found out that a host is not there. With it, a reply must come, and be as wanted.
The lengths are looked at whether or not require_reply has a pattern; those that the
configuration names count for a reply that nobody required, too.

Reasons: C{reply} and C{no error} are success. Failures: C{timeout} (no reply),
C{refused}, C{host unreachable}, C{network unreachable}, C{not permitted},
C{reply too short}, C{reply too long}, C{reply differs}, and what the kernel says when
the datagram cannot be sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.balance_model import Check
from hanode.config.checker_words import CheckerWords, Surroundings
from hanode.config.draft import Written
from hanode.config.probe_entries import Pattern
from hanode.config.row import Keyword
from hanode.interfaces import IChecker
from hanode.probe import LONGEST, TIMEOUT, ask, failed, open_udp
from hanode.result import Result

RANDOM_LENGTH = 32  # bytes of a payload that nobody chose
DEFAULT_MOST = 255  # bytes, max_reply_length
SHOWN = 16  # bytes of a reply in the log

ROWS = (
    Keyword("payload", "payload", "payload"),
    Keyword("require_reply", "reply", "reply"),
    Keyword("min_reply_length", "least", "integer", "bytes", high=LONGEST, default=0),
    Keyword(
        "max_reply_length",
        "most",
        "integer",
        "bytes",
        high=LONGEST,
        default=DEFAULT_MOST,
    ),
)


@dataclass(frozen=True)
class UdpOptions:
    """C{payload}: None for random bytes. C{reply}: None when none is required."""

    payload: bytes | None = None
    reply: Pattern | None = None
    least: int = 0
    most: int = DEFAULT_MOST


def options(written: Written, around: Surroundings) -> UdpOptions:
    """The options that the block names."""
    own = written.own
    reply = own.get("reply")
    least = own.get("least", 0)
    most = own.get("most", LONGEST if reply is None else DEFAULT_MOST)
    if most < least:
        written.warning(
            f"max_reply_length {most} is less than min_reply_length {least}",
            "no reply can be right",
        )
    return UdpOptions(own.get("payload"), reply, least, most)


class Reply:
    """What the server may answer: a L{hanode.probe.Listener}."""

    def __init__(self, options: UdpOptions) -> None:
        self._options = options

    def heard(self, data: bytes) -> Result:
        """See L{hanode.probe.Listener.heard}."""
        options = self._options
        if len(data) < options.least:
            detail = f"{len(data)} bytes, at least {options.least} wanted"
            return Result(False, "reply too short", detail)
        if len(data) > options.most:
            detail = f"{len(data)} bytes, at most {options.most} wanted"
            return Result(False, "reply too long", detail)
        if options.reply is not None and not options.reply.matches(data):
            more = "..." if len(data) > SHOWN else ""
            return Result(False, "reply differs", data[:SHOWN].hex(" ") + more)
        return Result(True, "reply")

    def silence(self) -> Result:
        """See L{hanode.probe.Listener.silence}."""
        if self._options.reply is None:
            return Result(True, "no error")
        return Result(False, TIMEOUT, "no reply")

    def concerns(self, packet: bytes) -> bool:
        """See L{hanode.probe.Listener.concerns}: a connected socket has only ours."""
        return True


@implementer(IPlugin, IChecker)
class UdpChecker:
    """The plug-in."""

    keyword = "UDP_CHECK"
    words = CheckerWords(keyword, ROWS, options)

    def longest(self, check: Check) -> float:
        """See L{IChecker}."""
        return check.target.timeout

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        """See L{IChecker.probe}."""
        options: Any = check.options
        payload = options.payload
        if payload is None:
            payload = world.random.randbytes(RANDOM_LENGTH)
        try:
            opened = open_udp(check.target)
        except OSError as error:
            return succeed(failed(error))
        timeout = check.target.timeout
        return ask(world.clock, opened, payload, timeout, Reply(options))


udpChecker = UdpChecker()
