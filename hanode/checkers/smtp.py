"""SMTP_CHECK: a mail server greets, takes HELO and says goodbye (keepalived.conf(5)).

Reasons: C{accepted} is success. Failures: those of TCP_CHECK; C{answer timeout},
C{closed without answer}, C{reset}, C{not SMTP}, C{line too long}, C{too many lines},
and C{greeting refused}, C{HELO refused}, C{QUIT refused} for any other code than 220,
250 and 221.

Connecting takes connect_timeout at most, the conversation that long again. There is no
port 25 unless it is written: it is connect_port or that of the real server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config import blocks
from hanode.config.balance_model import Check, Target
from hanode.config.checker_keywords import CONNECT, SCHEDULE
from hanode.config.checker_words import CheckerWords, Surroundings
from hanode.config.draft import Written
from hanode.config.row import Keyword
from hanode.exchange import Ended, Exchange
from hanode.interfaces import IChecker
from hanode.result import Result
from hanode.stream import OURS

HELO = "smtpchecker.keepalived.org"  # keepalived's default
LINE_LIMIT = 8192  # bytes of one reply; RFC 5321, 4.5.3.1.5 has 512 per line
TALK_LIMIT = 65536  # bytes of all replies
_PATH = ("virtual_server", "real_server", "SMTP_CHECK")
_REPLY = re.compile(rb"([2-5]\d\d)(?:([ -]).*)?", re.DOTALL)

#: what we wait for, the code it should have, what we say then ({} is the name)
_STEPS = (
    ("greeting", b"220", "HELO {}\r\n"),
    ("HELO", b"250", "QUIT\r\n"),
    ("QUIT", b"221", ""),
)


@dataclass(frozen=True, slots=True)
class Host:
    """What a further C{host} block says that the checker does not; None for nothing."""

    address: IPv4Address | IPv6Address | None = None
    port: int | None = None
    bind_address: IPv4Address | IPv6Address | None = None
    bind_port: int | None = None
    device: str | None = None
    mark: int | None = None
    timeout: float | None = None

    def applied(self, target: Target) -> Target:
        """The target that this block names."""
        given = {
            field: value
            for field in self.__slots__
            if (value := getattr(self, field)) is not None
        }
        return replace(target, **given)


@dataclass(frozen=True, slots=True)
class SmtpOptions:
    """C{hosts} are asked after the target, one after the other."""

    helo: str = HELO
    hosts: tuple[Host, ...] = ()


#: field of the configuration -> field of L{Host}
_HOST_FIELDS = {
    "connect_ip": "address",
    "connect_port": "port",
    "bindto": "bind_address",
    "bind_port": "bind_port",
    "bind_if": "device",
    "fwmark": "mark",
    "connect_timeout": "timeout",
}
_HOST_ROWS = {row.word: row for row in (*CONNECT, *SCHEDULE)}


def _options(written: Written, around: Surroundings) -> SmtpOptions:
    found = []
    for number, block in enumerate(written.own.get("hosts", ())):
        written.findings.warning(
            block,
            "The SMTP_CHECK host block is deprecated. "
            "Please define additional checkers.",
            "write one SMTP_CHECK for each host",
        )
        own = blocks.settings(
            blocks.body(block, written.findings),
            (*_PATH, "host"),
            written.findings,
            _HOST_ROWS,
        )
        if number == 0:
            written.own.update(own)  # it is the check itself
        else:
            fields = {
                _HOST_FIELDS[word]: own[word] for word in own if word in _HOST_FIELDS
            }
            found.append(Host(**fields))
    return SmtpOptions(written.own.get("helo_name", HELO), tuple(found))


class _Talk(Exchange):
    """Greets one server, and leaves."""

    __slots__ = ("_heard", "_helo", "_line", "_step")

    def __init__(self, clock: Any, target: Target, helo: str, ended: Ended) -> None:
        super().__init__(clock, target, ended)
        self._helo = helo
        self._line = b""
        self._heard = 0  # bytes
        self._step = 0

    def opened(self) -> None:
        """The server speaks first."""

    def received(self, data: bytes) -> None:
        """Lines, and pieces of lines."""
        self._heard += len(data)
        if self._heard > TALK_LIMIT:
            self.finish("too many lines", f"more than {TALK_LIMIT} bytes")
            return
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._reply(line.rstrip(b"\r"))
        if len(self._line) > LINE_LIMIT:
            self.finish("line too long", f"more than {LINE_LIMIT} bytes")

    def _reply(self, line: bytes) -> None:
        if self._step == len(_STEPS):
            return
        what, code, answer = _STEPS[self._step]
        match = _REPLY.fullmatch(line)
        if match is None:
            self.finish("not SMTP", f"instead of an answer: {line[:64]!r}")
            return
        if match[1] != code:
            text = line[:128].decode("ascii", "backslashreplace")
            self.finish(f"{what} refused", text)
            return
        if match[2] == b"-":  # more lines follow: RFC 5321, section 4.2.1
            return
        self._step += 1
        if self._step == len(_STEPS):
            self.finish()
        else:
            text = answer.format(self._helo)
            self.send(text.encode("utf-8", "surrogateescape"))


def _targets(check: Check) -> list[Target]:
    """Everyone who is asked, one after the other."""
    options = check.options
    assert isinstance(options, SmtpOptions)
    target = check.target
    return [target, *(host.applied(target) for host in options.hosts)]


class _Round:
    """Talks to all hosts of one check."""

    def __init__(self, clock: Any, check: Check) -> None:
        options: Any = check.options
        self._clock, self._helo = clock, options.helo
        self._left = _targets(check)
        self._began = clock.seconds()
        self._talk: _Talk | None = None
        self.answer: Deferred[Result] = Deferred(self._cancel)

    def go(self) -> None:
        """Talk to the next one."""
        target = self._left.pop(0)
        self._talk = _Talk(self._clock, target, self._helo, self._ended)
        self._talk.start()

    def _ended(self, reason: str, detail: str) -> None:
        self._talk = None
        if reason:
            self._answer(Result(False, reason, detail, ours=reason in OURS))
        elif self._left:
            self.go()
        else:
            self._answer(Result(True, "accepted"))

    def _answer(self, result: Result) -> None:
        seconds = self._clock.seconds() - self._began
        self.answer.callback(replace(result, seconds=seconds))

    def _cancel(self, _answer: Deferred[Result]) -> None:
        if self._talk is not None:
            self._talk.give_up()
        self._answer(Result(False, "cancelled"))


@implementer(IPlugin, IChecker)
class SmtpChecker:
    """The plug-in."""

    keyword = "SMTP_CHECK"
    words = CheckerWords(
        keyword,
        (
            Keyword("helo_name", "helo_name", "word", default=HELO),
            Keyword("host", "hosts", "blocks", inside=tuple(_HOST_ROWS.values())),
        ),
        _options,
    )

    def longest(self, check: Check) -> float:
        """See L{IChecker}."""
        return 2 * sum(each.timeout for each in _targets(check))

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        """See L{IChecker.probe}; each host may take twice the timeout."""
        talks = _Round(world.clock, check)
        talks.go()
        return talks.answer


smtpChecker = SmtpChecker()
