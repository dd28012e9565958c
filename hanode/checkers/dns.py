"""DNS_CHECK: one query over UDP (keepalived.conf(5); RFC 1035).

The server is well when it answers with our identifier, the QR bit and rcode 0. What
does not match is skipped until connect_timeout. The port is that of the real server
unless connect_port names another; there is no second try over TCP.

C{answer} is hanode's own word: alone, there must be a record of the type asked for;
with values, each must be among these records. For A and AAAA a value is an address, for
NS, CNAME, MX and SOA the (first) name in the record, for TXT its text.

Reasons: C{answer} is success; its detail says C{truncated} when TC is set. Failures:
C{timeout}, C{rcode N (NAME)}, C{no such record} (nothing of this type), C{wrong
answer} (a value is missing), C{truncated answer} (so is a value, perhaps because of
TC), C{garbled answer}, C{refused}, C{host unreachable}, C{network unreachable},
C{not permitted}, C{flooded} (1000 datagrams that do not match), and what the kernel
says when the query cannot be sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config.balance_model import Check
from hanode.config.checker_words import CheckerWords, Surroundings
from hanode.config.draft import Written
from hanode.config.probe_entries import RECORD_TYPES
from hanode.config.row import Keyword
from hanode.config.values import address_of
from hanode.interfaces import IChecker
from hanode.probe import TIMEOUT, ask, failed, open_udp
from hanode.result import Result

HEADER = 12  # bytes
QR, TC = 0x80, 0x02  # bits of the third byte
#: bytes of an answer that is looked into: we do not offer EDNS, so that 512 are right
LARGEST = 1232
RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
ADDRESSES = {"A": 4, "AAAA": 6}
NAMES = ("NS", "CNAME", "MX", "SOA")

ROWS = (
    Keyword("type", "type", "record type", default="SOA"),
    Keyword("name", "name", "domain", default="."),
    Keyword("answer", "answer", "texts", only_hanode=True),
)


@dataclass(frozen=True)
class DnsOptions:
    """C{answer}: None to look at the rcode only, () for any record, else values."""

    name: str = ""  # "" is the root
    type: str = "SOA"
    answer: frozenset[str] | None = None


def options(written: Written, around: Surroundings) -> DnsOptions:
    """The options that the block names; a value that cannot be is left out."""
    own = written.own
    kind = own.get("type", "SOA")
    if "answer" not in own:
        return DnsOptions(own.get("name", ""), kind, None)
    values = set()
    for text in own["answer"]:
        value = _normal(kind, text)
        if value is None:
            written.warning(
                f"answer {text} cannot be one to a query for {kind}", "ignored"
            )
        else:
            values.add(value)
    return DnsOptions(own.get("name", ""), kind, frozenset(values))


def _normal(kind: str, text: str) -> str | None:
    """C{text} as it is compared; None when no record of this type has such a value."""
    if kind in ADDRESSES:
        address = address_of(text)
        fits = address is not None and address.version == ADDRESSES[kind]
        return str(address) if fits else None
    if kind in NAMES:
        return text.removesuffix(".").lower()
    return text if kind == "TXT" else None


class Answer:
    """What the server may answer: a L{hanode.probe.Listener}."""

    def __init__(self, options: DnsOptions, identifier: bytes) -> None:
        self._options, self._identifier = options, identifier
        self._strays = 0

    def heard(self, data: bytes) -> Result | None:
        """See L{hanode.probe.Listener.heard}."""
        if len(data) < HEADER or data[:2] != self._identifier or not data[2] & QR:
            self._strays += 1
            return None
        rcode = data[3] & 15
        if rcode:
            name = f" ({RCODES[rcode]})" if rcode < len(RCODES) else ""
            return Result(False, f"rcode {rcode}{name}")
        truncated = bool(data[2] & TC)
        if self._options.answer is not None:
            return self._compared(data, self._options.answer, truncated)
        return Result(True, "answer", "truncated" if truncated else "")

    def silence(self) -> Result:
        """See L{hanode.probe.Listener.silence}."""
        strays = f"{self._strays} datagrams did not match" if self._strays else ""
        return Result(False, TIMEOUT, strays)

    def concerns(self, packet: bytes) -> bool:
        """See L{hanode.probe.Listener.concerns}: a connected socket has only ours."""
        return True

    def _compared(self, data: bytes, wanted: frozenset[str], cut: bool) -> Result:
        if len(data) > LARGEST:
            return Result(False, "garbled answer", f"{len(data)} bytes")
        try:
            found = records(data, self._options.type)
        except Exception as error:  # whatever the decoder stumbles over
            name = type(error).__name__
            return Result(False, "garbled answer", f"{name}: {error}")
        told = ", ".join(sorted(found)) or "nothing"
        if found and wanted <= found:
            return Result(True, "answer", told)
        if cut:
            return Result(False, "truncated answer", told)
        if not found:
            return Result(False, "no such record", f"no {self._options.type} record")
        missing = ", ".join(sorted(wanted - found))
        return Result(False, "wrong answer", f"{told} and not {missing}")


def records(data: bytes, kind: str) -> frozenset[str]:
    """The values of all records of this type in the answer section.

    Raises what the decoder raises: EOFError, ValueError and others.
    """
    from twisted.names.dns import Message  # costs 0.1 s, which few need

    message = Message()
    message.fromStr(data)
    promised = int.from_bytes(data[6:8], "big")
    if len(message.answers) < promised and not message.trunc:  # the decoder is silent
        raise EOFError(f"{len(message.answers)} of {promised} records")
    read = _READ.get(kind, repr)
    number = RECORD_TYPES[kind]
    return frozenset(
        read(each.payload) for each in message.answers if each.type == number
    )


def _name(name: Any) -> str:
    text: str = name.name.decode("ascii", "backslashreplace")
    return text.removesuffix(".").lower()


_READ: dict[str, Callable[[Any], str]] = {
    "A": lambda record: str(ip_address(record.address)),
    "AAAA": lambda record: str(ip_address(record.address)),
    "NS": lambda record: _name(record.name),
    "CNAME": lambda record: _name(record.name),
    "MX": lambda record: _name(record.name),
    "SOA": lambda record: _name(record.mname),
    "TXT": lambda record: b"".join(record.data).decode("utf-8", "backslashreplace"),
}


@lru_cache(maxsize=1024)
def query(name: str, kind: str) -> bytes:
    """A recursive query behind its identifier; it never changes, so it is kept."""
    from twisted.names.dns import Message

    message = Message(id=0, recDes=1)
    message.addQuery(name.encode(), RECORD_TYPES[kind])
    encoded: bytes = message.toStr()
    return encoded[2:]


@implementer(IPlugin, IChecker)
class DnsChecker:
    """The plug-in."""

    keyword = "DNS_CHECK"
    words = CheckerWords(keyword, ROWS, options, retry=3, delay_before_retry=None)

    def longest(self, check: Check) -> float:
        """See L{IChecker}."""
        return check.target.timeout

    def probe(self, world: Any, check: Check) -> Deferred[Result]:
        """See L{IChecker.probe}."""
        options: Any = check.options
        identifier = world.random.randbytes(2)
        packet = identifier + query(options.name, options.type)
        try:
            opened = open_udp(check.target)
        except OSError as error:
            return succeed(failed(error))
        answer = Answer(options, identifier)
        return ask(world.clock, opened, packet, check.target.timeout, answer)


dnsChecker = DnsChecker()
